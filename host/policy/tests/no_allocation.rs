//! Nothing allocates once an instrument has its slot, whatever the strategy.

mod market;

use market::{Draw, ID, Market, SYMBOL, opening};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_book::{Books, Limits};
use tercel_policy::artifact::{Heads, Normalisation, Provenance};
use tercel_policy::hybrid::HybridWeights;
use tercel_policy::lstm::LstmFloats;
use tercel_policy::mlp::Dense;
use tercel_policy::{
    Artifact, AvellanedaStoikov, FixedSpread, Glft, InstrumentPolicy, Learned, Policy,
    PolicyConfig, QuoteRules, StrategyConfig, Volatility,
};
use tercel_types::{
    InstrumentId, Intent, Nanos, OrderRef, Own, Price, Qty, Side, UserRef, WorkingOrder,
    WorkingState,
};

/// The system's allocator, which counts for the thread that asks.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn strategies() -> Vec<StrategyConfig> {
    let volatility = Volatility::Realised { min: 0.001, max: 1.0 };
    let learned = |artifact: Artifact| {
        StrategyConfig::Mlp(Box::new(Learned {
            artifact,
            offset_min_ticks: 0.5,
            offset_max_ticks: 20.0,
        }))
    };
    let floats = Artifact::untrained(&[64, 64], 1).unwrap();
    let int8 = floats.quantise(&[[0.5; 40], [-0.5; 40]]).unwrap();
    let (none, identity) = (Provenance::default, Normalisation::identity);
    let weights = HybridWeights::random(2, 1);
    let hybrid = Artifact::hybrid(weights, identity(), Heads::distances(), none()).unwrap();
    let dense = |inputs, outputs| Dense {
        inputs,
        weights: (0..inputs * outputs).map(|at| (at % 7) as f32 / 30.0 - 0.1).collect(),
        bias: vec![0.1; outputs],
    };
    let cells = vec![[dense(40, 64), dense(16, 64)], [dense(16, 128), dense(32, 128)]];
    let weights = LstmFloats { cells, heads: dense(32, 2) }.quantise(10.0).unwrap();
    let lstm = Artifact::lstm(weights, identity(), Heads::distances(), none()).unwrap();
    vec![
        StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 1.0, skew_ticks: 1.0 }),
        StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
            gamma: 0.1,
            k: 100.0,
            horizon_s: 60.0,
            volatility,
        }),
        StrategyConfig::Glft(Glft { gamma: 0.1, k: 100.0, a: 1.0, volatility }),
        learned(floats),
        learned(int8),
        learned(hybrid),
        learned(lstm),
    ]
}

/// Does what an intent says, at once.
fn obey(own: &mut Own, intent: &Intent, now: Nanos) {
    let working = |side: Side, price: Price, open: Qty| WorkingOrder {
        user_ref: UserRef(side as u32),
        order_ref: OrderRef(0),
        side,
        price,
        open,
        entered: now,
        state: WorkingState::Live,
    };
    for (side, slot) in [(Side::Buy, &mut own.bid), (Side::Sell, &mut own.ask)] {
        match *intent {
            Intent::Enter(order) if order.side == side => {
                *slot = Some(working(side, order.price, order.qty));
            }
            Intent::Replace { original, price, qty } if original.0 == side as u32 => {
                *slot = Some(working(side, price, qty));
            }
            Intent::Cancel { original } if original.0 == side as u32 => *slot = None,
            _ => {}
        }
    }
}

#[test]
fn neither_an_event_nor_a_decision_allocates() {
    for strategy in strategies() {
        let quote = QuoteRules { requote_interval: Nanos(0), ..QuoteRules::default() };
        let instruments = vec![InstrumentPolicy::new(SYMBOL)];
        let mut policy = Policy::new(PolicyConfig { instruments, strategy, quote }).unwrap();
        let limits = Limits { orders_max: 8_192, levels_max: 8_192, ..Limits::default() };
        let mut books = Books::new(&limits).unwrap();
        let mut market = Market::default();
        let mut records = opening().to_vec();
        for at in 0..4_000u32 {
            let bits = at.wrapping_mul(2_654_435_761) ^ (at << 7);
            // Prices of a market whose sides do not meet, see `Market::step`; and no gaps.
            let apart = |x: u32| (x % 5_000 * 11 + 2 + x % 9) as u16;
            let (op, a, b) = ((bits >> 24) as u8 % 240, apart(bits >> 8), apart(bits));
            records.extend(market.step(&Draw { op, a, b, wait: 0 }).map(|(record, _)| record));
        }
        let mut own = Own::default();
        let mut intents = 0;
        assert!(policy.add_instrument(ID));
        assert!(!policy.add_instrument(InstrumentId(9)), "one slot only");
        let before = ALLOCATIONS.get();
        for (at, record) in records.iter().enumerate() {
            let now = Nanos(1_000_000 * at as u64);
            let change = books.apply(record);
            policy.on_event(record, &change, &books, now);
            for intent in policy.decide(ID, &books, &own, now).iter() {
                intents += 1;
                obey(&mut own, intent, now);
            }
            if at % 3 > 0 {
                policy.prepare();
            }
            // The bid is executed.
            if at % 8 == 0 {
                own = Own { position: at as i64 % 5 * 100, bid: None, ..own };
            }
        }
        assert_eq!(ALLOCATIONS.get(), before);
        assert!(intents > 100, "{intents} intents: the walk must reach the quoter");
    }
}
