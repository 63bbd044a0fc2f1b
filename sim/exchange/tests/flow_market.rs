//! The background flow in the engine: what market it makes.

use std::collections::BTreeMap;
use tercel_exchange::flow::{Flow, FlowConfig, FlowError, SymbolFlow};
use tercel_exchange::matching::{
    AccountId, Command, CrossKind, Event, Listing, MarketRead, Matching, NewOrder, Owner,
    SelfMatch, Terms,
};
use tercel_types::{InstrumentId, Nanos, Price, Qty, Side, Symbol, TradingState, UserRef};

const SYMBOLS: u16 = 20;
const SECOND: u64 = 1_000_000_000;
const OPEN: u64 = 34_200 * SECOND;

fn config(seed: u64) -> FlowConfig {
    let symbols = (1..=SYMBOLS)
        .map(|n| SymbolFlow::new(InstrumentId(n), Price(i64::from(n) * 250_000 + 5_050)))
        .collect();
    FlowConfig { start: Nanos(OPEN), ..FlowConfig::new(seed, symbols) }
}

fn engine(config: &FlowConfig, state: TradingState) -> Matching {
    let mut engine = Matching::new(100_000);
    for symbol in &config.symbols {
        assert!(engine.list(&Listing {
            instrument: symbol.instrument,
            symbol: Symbol::new(&format!("T{}", symbol.instrument.0)).expect("a symbol"),
            increment: symbol.increment,
            reference: symbol.initial_price,
            state,
        }));
    }
    engine
}

/// Runs the flow until a time; each command and its events go to `each`.
fn run(
    flow: &mut Flow,
    engine: &mut Matching,
    until: u64,
    mut each: impl FnMut(&mut Matching, Nanos, &Command, &[Event]),
) {
    let mut events = Vec::new();
    let mut last = Nanos(0);
    while let Some((time, command)) = flow.next(Nanos(until), engine) {
        assert!(time >= last && time <= Nanos(until));
        last = time;
        events.clear();
        engine.apply(&command, &mut events);
        each(engine, time, &command, &events);
    }
    assert!(flow.next_time() > Nanos(until));
}

#[test]
fn the_market_is_tight_deep_and_bounded() {
    let config = config(1);
    let mut engine = engine(&config, TradingState::Trading);
    let mut flow = Flow::new(config.clone()).expect("a flow");
    let (mut commands, mut trades, mut hidden, mut rejected) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut spreads: BTreeMap<i64, u64> = BTreeMap::new();
    let mut levels = 0_usize;
    run(&mut flow, &mut engine, OPEN + 20 * SECOND, |engine, time, _, events| {
        commands += 1;
        for event in events {
            match event {
                Event::Executed(x) => {
                    trades += 1;
                    hidden += u64::from(x.maker.terms.hidden);
                }
                Event::Rejected { .. } => rejected += 1,
                _ => {}
            }
        }
        if time.0 < OPEN + SECOND || commands % 50 != 0 {
            return;
        }
        for symbol in &config.symbols {
            let touch = |side| engine.touch(symbol.instrument, side);
            let spread = match (touch(Side::Buy), touch(Side::Sell)) {
                (Some(bid), Some(ask)) => (ask.0 - bid.0) / 100,
                _ => i64::MAX,
            };
            *spreads.entry(spread).or_default() += 1;
            levels += engine.levels(symbol.instrument, Side::Buy).count();
            let orders = engine.orders_of(AccountId::BACKGROUND, symbol.instrument).len();
            assert!(orders as u32 <= 2 * symbol.orders, "{orders}");
        }
    });
    let total: u64 = spreads.values().sum();
    let tight: u64 = spreads.range(1..=5).map(|(_, count)| count).sum();
    println!("{commands} commands, {trades} trades, {hidden} hidden; spreads {spreads:?}");
    println!("bid levels {}", levels as f64 / total as f64);
    assert!((90_000..115_000).contains(&commands), "{commands}");
    assert!(trades > commands / 12 && hidden > 0, "{trades} {hidden}");
    assert!(rejected == 0, "{rejected}");
    assert!(tight * 100 >= total * 98, "{spreads:?}");
    assert!(spreads.keys().all(|spread| *spread < 30), "{spreads:?}");
    assert!((7.0..25.0).contains(&(levels as f64 / total as f64)), "{levels} {total}");
    for symbol in &config.symbols {
        let value = flow.value(symbol.instrument).expect("a value");
        let bid = engine.touch(symbol.instrument, Side::Buy).expect("a bid").0 as f64;
        let limit = 0.005 * value + 500.0;
        assert!((bid - value).abs() < limit, "{bid} {value}");
    }
}

#[test]
fn same_seed_same_commands() {
    let commands = |seed| {
        let config = config(seed);
        let mut engine = engine(&config, TradingState::Trading);
        let mut flow = Flow::new(config).expect("a flow");
        let mut all = Vec::new();
        run(&mut flow, &mut engine, OPEN + SECOND, |_, time, command, _| {
            all.push((time, *command))
        });
        all
    };
    let first = commands(5);
    assert!(first == commands(5));
    assert!(first != commands(6));
}

/// Joins the touch on both sides of one symbol and counts the shares it gets.
struct Maker {
    instrument: InstrumentId,
    last: u32,
    quotes: [Option<(Owner, Price)>; 2],
    filled: [u64; 2],
}

impl Maker {
    fn quote(&mut self, engine: &mut Matching) {
        let mut events = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            let Some(touch) = engine.touch(self.instrument, side) else { continue };
            let quote = &mut self.quotes[side.index()];
            if let Some((owner, price)) = *quote {
                if price == touch && engine.find(owner).is_some() {
                    continue;
                }
                engine.apply(&Command::Cancel { owner }, &mut events);
            }
            self.last += 1;
            let owner = Owner { account: AccountId(9), user_ref: UserRef(self.last) };
            let self_match = SelfMatch::CancelNewest;
            let terms = Terms { post_only: true, self_match, ..Terms::limit(touch, Qty(100)) };
            let new = NewOrder { instrument: self.instrument, owner, side, terms };
            engine.apply(&Command::Enter(new), &mut events);
            *quote = Some((owner, touch));
        }
    }
}

#[test]
fn a_maker_at_the_touch_trades_on_both_sides() {
    let config = config(3);
    let mut engine = engine(&config, TradingState::Trading);
    let mut flow = Flow::new(config).expect("a flow");
    let instrument = InstrumentId(3);
    let mut maker = Maker { instrument, last: 0, quotes: [None; 2], filled: [0; 2] };
    let mut next_quote = OPEN + SECOND / 10;
    run(&mut flow, &mut engine, OPEN + 5 * SECOND, |engine, time, _, events| {
        for event in events {
            if let Event::Executed(x) = event
                && x.maker.account() == AccountId(9)
            {
                maker.filled[x.maker.side.index()] += u64::from(x.qty.0);
            }
        }
        if time.0 >= next_quote {
            next_quote = time.0 + SECOND / 100;
            maker.quote(engine);
        }
    });
    println!("bought {}, sold {}", maker.filled[0], maker.filled[1]);
    assert!(maker.filled.iter().all(|filled| *filled >= 500), "{:?}", maker.filled);
}

#[test]
fn a_halt_gathers_orders_for_the_cross() {
    let config = config(4);
    let mut engine = engine(&config, TradingState::QuotationOnly);
    let mut flow = Flow::new(config).expect("a flow");
    run(&mut flow, &mut engine, OPEN + 2 * SECOND, |_, _, _, events| {
        assert!(!events.iter().any(|event| matches!(event, Event::Executed(_))));
    });
    let mut crossed = 0;
    for instrument in (1..=SYMBOLS).map(InstrumentId) {
        let indicative = engine.indicative(instrument, CrossKind::Opening).expect("listed");
        let mut events = Vec::new();
        engine.apply(&Command::Cross { instrument, kind: CrossKind::Opening }, &mut events);
        let shares = events.iter().find_map(|event| match event {
            Event::Crossed { price, qty, .. } => Some((*price, *qty)),
            _ => None,
        });
        assert_eq!(shares, Some((indicative.near, indicative.paired)));
        crossed += u64::from(indicative.paired > 0);
        assert_eq!(engine.state(instrument), TradingState::Trading);
    }
    assert_eq!(crossed, u64::from(SYMBOLS));
}

#[test]
fn nothing_happens_without_a_trading_state() {
    let config = config(4);
    let mut engine = engine(&config, TradingState::Unknown);
    let mut flow = Flow::new(config.clone()).expect("a flow");
    let mut commands = 0;
    run(&mut flow, &mut engine, OPEN + SECOND, |_, _, _, _| commands += 1);
    assert_eq!(commands, 0);
    let bad = |change: fn(&mut FlowConfig)| {
        let mut config = config.clone();
        change(&mut config);
        Flow::new(config).err()
    };
    assert_eq!(bad(|c| c.symbols.clear()), Some(FlowError::NoSymbols));
    assert_eq!(bad(|c| c.rate = f64::NAN), Some(FlowError::Rate));
    assert_eq!(bad(|c| c.branching = 1.0), Some(FlowError::Branching));
    let zero = Some(FlowError::Symbol(InstrumentId(2)));
    assert_eq!(bad(|c| c.symbols[1].initial_price = Price(0)), zero);
}
