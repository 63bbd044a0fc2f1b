//! The background participants.
//!
//! Each draws from a stream of its own of [`tercel_environments::Random`], by its place in the
//! session, so that adding one changes nobody else's numbers.

mod background;
mod fundamental;
mod hawkes;
mod maker;
mod momentum;
mod zero_intelligence;

pub use background::Background;
pub use fundamental::{Fundamental, FundamentalConfig};
pub use hawkes::{BranchingError, Hawkes, HawkesConfig, KINDS};
pub use maker::{Maker, MakerConfig};
pub use momentum::{Momentum, MomentumConfig};
pub use zero_intelligence::{ZeroIntelligence, ZeroIntelligenceConfig};

use super::INSTRUMENT;
use tercel_environments::Random;
use tercel_exchange::matching::{MarketRead, Matching};
use tercel_types::{Nanos, Price, Side};

/// First stream of the agents' numbers.
const STREAM: u32 = 0x6167_0000;

/// The numbers of the agent at a place in its session.
fn numbers(seed: u64, agent: usize) -> Random {
    Random::new(seed, agent as u32, STREAM)
}

/// An exponential wait at `rate` a second.
#[inline]
fn wait(random: &mut Random, rate: f64) -> Nanos {
    // A wait of more than a day is a day: rates of nearly nothing must not overflow the clock.
    Nanos((f64::from(random.exponential()) / rate * 1e9).min(8.64e13) as u64)
}

/// Best bid and ask; where a side is empty, a cent off the other or off the last price.
#[inline]
fn touch(market: &Matching) -> [Price; 2] {
    let of = |side| market.touch(INSTRUMENT, side);
    let cent = Price::CENT.0;
    let last = || market.reference(INSTRUMENT).unwrap_or_default().0;
    match (of(Side::Buy), of(Side::Sell)) {
        (Some(bid), Some(ask)) => [bid, ask],
        (Some(bid), None) => [bid, Price(bid.0 + cent)],
        (None, Some(ask)) => [Price(ask.0 - cent), ask],
        (None, None) => [Price(last() - cent), Price(last() + cent)],
    }
}

/// A side at even chances.
#[inline]
fn side(bits: u32) -> Side {
    if bits & 1 == 0 { Side::Buy } else { Side::Sell }
}
