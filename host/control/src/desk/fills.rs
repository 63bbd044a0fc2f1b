//! Executions: the last ones, and exact totals of all.

use crate::desk::{Page, Slice, word_name};
use crate::view;
use std::collections::VecDeque;
use tercel_engine::tape::Answered;
use tercel_types::Side;

/// Fills that are kept.
pub const FILLS_MAX: usize = 100_000;

/// Sums over every execution that was not taken back.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Totals {
    /// Executions told, those taken back later among them.
    pub executions: u64,
    /// Executions taken back.
    pub broken: u64,
    /// Shares bought.
    pub bought_qty: i64,
    /// Shares sold.
    pub sold_qty: i64,
    /// Money paid for those bought, in units of 1/10,000 dollar.
    pub bought_e4: i128,
    /// Money received for those sold.
    pub sold_e4: i128,
}

impl Totals {
    fn count(&mut self, said: &Answered, sign: i64) {
        let qty = i64::from(said.qty.0) * sign;
        let money = i128::from(qty) * i128::from(said.execution_price.0);
        let (shares, sum) = match said.side {
            Side::Buy => (&mut self.bought_qty, &mut self.bought_e4),
            Side::Sell => (&mut self.sold_qty, &mut self.sold_e4),
        };
        *shares = shares.saturating_add(qty);
        *sum = sum.saturating_add(money);
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) instrument: u16,
    side: Side,
    broken: bool,
    user_ref: u32,
    qty: u32,
    liquidity: u16,
    match_number: u64,
    price: i64,
    position: i64,
    time: u64,
}

impl Row {
    pub(crate) fn view(&self, symbol: String) -> view::Fill {
        let flag = char::from_u32(self.liquidity.into()).filter(|flag| *flag != '\0');
        view::Fill {
            match_number: self.match_number,
            user_ref: self.user_ref,
            symbol,
            side: word_name(self.side).into(),
            price_e4: self.price,
            qty: self.qty,
            liquidity: flag.map(String::from).unwrap_or_default(),
            position: self.position,
            time_ns: self.time,
            broken: self.broken,
        }
    }
}

/// The fills.
#[derive(Debug)]
pub(crate) struct Fills {
    kept: VecDeque<Row>,
    kept_max: usize,
    /// How many came before those that are kept.
    before: u64,
    totals: Totals,
}

impl Fills {
    pub(crate) fn new(kept_max: usize) -> Fills {
        Fills { kept: VecDeque::new(), kept_max, before: 0, totals: Totals::default() }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn executed(&mut self, at: u64, said: &Answered) {
        self.totals.executions += 1;
        self.totals.count(said, 1);
        if self.kept.len() == self.kept_max {
            self.kept.pop_front();
            self.before += 1;
        }
        self.kept.push_back(Row {
            instrument: said.instrument.0,
            side: said.side,
            broken: false,
            user_ref: said.user_ref.0,
            qty: said.qty.0,
            liquidity: said.liquidity,
            match_number: said.match_number.0,
            price: said.execution_price.0,
            position: said.position,
            time: at,
        });
    }

    pub(crate) fn broken(&mut self, said: &Answered) {
        self.totals.broken += 1;
        self.totals.count(said, -1);
        let wanted = (said.user_ref.0, said.match_number.0);
        let found = self
            .kept
            .iter_mut()
            .rev()
            .find(|row| !row.broken && (row.user_ref, row.match_number) == wanted);
        if let Some(row) = found {
            row.broken = true;
        }
    }

    /// The newest, newest first.
    pub(crate) fn latest(&self, max: usize) -> impl Iterator<Item = &Row> {
        self.kept.iter().rev().take(max)
    }

    /// Those that `wanted` lets through, as they came in. The place of a page is the number of a
    /// fill, from 1 on.
    pub(crate) fn page<T>(
        &self,
        page: Page,
        mut wanted: impl FnMut(&Row) -> Option<T>,
    ) -> Slice<T> {
        let first = usize::try_from(page.after.saturating_sub(self.before)).unwrap_or(usize::MAX);
        let mut slice = Slice { items: Vec::new(), next: None };
        let mut last = 0;
        for (number, row) in (self.before + 1..).zip(&self.kept).skip(first) {
            let Some(item) = wanted(row).filter(|_| page.limit > 0) else { continue };
            if slice.items.len() >= page.limit {
                slice.next = Some(last);
                break;
            }
            last = number;
            slice.items.push(item);
        }
        slice
    }
}
