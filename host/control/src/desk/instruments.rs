//! The instruments, by number and by symbol.

use crate::desk::word_name;
use crate::view;
use std::collections::{BTreeMap, HashMap};
use tercel_engine::tape::{Holding, Paused};
use tercel_types::Symbol;

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) view: view::Instrument,
    pub(crate) limits: Option<view::InstrumentLimits>,
}

#[derive(Default, Debug)]
pub(crate) struct Instruments {
    rows: HashMap<u16, Row>,
    symbols: BTreeMap<String, u16>,
}

impl Instruments {
    /// The row of a number; one that the directory has not named is called by its number.
    pub(crate) fn row(&mut self, locate: u16) -> &mut Row {
        let symbols = &mut self.symbols;
        self.rows.entry(locate).or_insert_with(|| {
            let symbol = format!("#{locate}");
            symbols.insert(symbol.clone(), locate);
            let state = "unknown".into();
            let view = view::Instrument { symbol, locate, state, ..view::Instrument::default() };
            Row { view, limits: None }
        })
    }

    pub(crate) fn name(&mut self, locate: u16, symbol: Symbol) {
        let symbol = symbol.to_string();
        let before = std::mem::replace(&mut self.row(locate).view.symbol, symbol.clone());
        if self.symbols.get(&before) == Some(&locate) {
            self.symbols.remove(&before);
        }
        self.symbols.insert(symbol, locate);
    }

    pub(crate) fn hold(&mut self, holding: &Holding) {
        let view = &mut self.row(holding.instrument.0).view;
        view.state = word_name(holding.state).into();
        view.paused = holding.paused;
        (view.bid_e4, view.bid_qty) = (holding.bid.0, holding.bid_qty);
        (view.ask_e4, view.ask_qty) = (holding.ask.0, holding.ask_qty);
        view.last_e4 = holding.last_trade.0;
        view.position = holding.position;
        (view.mark_e4, view.value_e4) = (holding.mark.0, holding.value.0);
        (view.realised_e4, view.unrealised_e4) = (holding.realised.0, holding.unrealised.0);
        (view.gross_e4, view.net_e4) = (holding.gross.0, holding.net.0);
        view.open_orders = holding.open_orders;
    }

    pub(crate) fn pause(&mut self, paused: &Paused) {
        if !paused.all {
            self.row(paused.instrument.0).view.paused = paused.paused;
        } else if !paused.paused {
            // To quote everything again ends the pauses of single instruments, too.
            self.rows.values_mut().for_each(|row| row.view.paused = false);
        }
    }

    pub(crate) fn by_symbol(&self) -> impl Iterator<Item = &Row> {
        self.symbols.values().filter_map(|locate| self.rows.get(locate))
    }

    pub(crate) fn find(&self, symbol: &str) -> Option<&Row> {
        self.rows.get(self.symbols.get(symbol)?)
    }

    pub(crate) fn symbol(&self, locate: u16) -> String {
        self.rows.get(&locate).map_or_else(|| format!("#{locate}"), |row| row.view.symbol.clone())
    }
}
