//! What has happened lately in one instrument: sums that forget, brought up to date at each event
//! in constant time.
//!
//! All sums of one horizon share one half-life and one clock, so that an event costs two
//! evaluations of 2^−x, some twenty multiplications, and nothing that depends on the history. 28
//! words, four cache lines an instrument.
//!
//! While the book cannot be measured (stale, one-sided, locked or crossed) time passes and nothing
//! is added; the first touch after that is a new beginning, never a move from the last touch
//! before.

use super::decay::Decay;
use super::depth::Touch;
use super::{FAST, SLOW, Seen};
use tercel_abi::Kind;
use tercel_book::{Change, Effect, Trade, TradeKind};
use tercel_types::{Nanos, Side};

/// Shares that are left of a trade when nothing of it counts any more: of a million, 50 half-lives
/// later. The ratio of two sums stays what it was however small they become, and would speak of a
/// trade of the day before.
const FORGOTTEN: f64 = 1e-9;

/// Sums kept for both horizons.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Sums {
    /// Order-flow imbalance, shares.
    pub(crate) ofi: f64,
    /// Shares traded, those bought less those sold by the aggressor.
    pub(crate) signed: f64,
    /// Shares traded.
    pub(crate) volume: f64,
    /// Moves of the mid price, units of 1/10,000 dollar.
    pub(crate) drift: f64,
    /// Squared moves of the mid price, units².
    pub(crate) variance: f64,
}

/// A mean over time, of a value that holds between events.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Mean {
    sum: f64,
    weight: f64,
}

/// The state of one instrument.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Flow {
    at: Nanos,
    touch: Option<Touch>,
    pub(crate) fast: Sums,
    pub(crate) slow: Sums,
    /// Trades, fast.
    pub(crate) trades: f64,
    /// Orders added, by side, fast.
    pub(crate) adds: [f64; 2],
    /// Orders cut or deleted, by side, fast.
    pub(crate) cancels: [f64; 2],
    /// Shares at the touch, mean of both sides, slow.
    depth: Mean,
    /// Ask less bid, units of 1/10,000 dollar, slow.
    spread: Mean,
    last_trade: Option<Nanos>,
    last_move: Option<Nanos>,
}

impl Flow {
    /// Takes in one event of the instrument; `seen` is the book after it.
    #[inline]
    pub(crate) fn observe(&mut self, kind: Option<Kind>, change: &Change, seen: &Seen, now: Nanos) {
        self.advance(now);
        if !seen.stale {
            if let Some(trade) = &change.trade {
                self.trade(trade);
            }
            self.count(kind, change.effect);
        }
        if let (Some(before), Some(after)) = (self.touch, seen.touch) {
            self.quote(&before, &after);
        }
        self.touch = seen.touch;
    }

    /// The feed itself has spoken; `seen` is what is left of the book.
    pub(crate) fn interrupt(&mut self, seen: &Seen, now: Nanos) {
        self.advance(now);
        self.touch = seen.touch;
    }

    /// No time has passed since the last event.
    #[inline]
    pub(crate) fn is_current(&self, now: Nanos) -> bool {
        now <= self.at
    }

    /// The state as of `now`, nothing having happened since the last event.
    #[inline]
    pub(crate) fn as_of(&self, now: Nanos) -> Flow {
        let mut flow = *self;
        flow.advance(now);
        flow
    }

    /// Realised volatility at the slow horizon as of `now`, without the rest of the state.
    #[inline]
    pub(crate) fn volatility_slow_as_of(&self, now: Nanos) -> f64 {
        let mut slow = Sums { variance: self.slow.variance, ..Sums::default() };
        if !self.is_current(now) {
            Decay::over(now.since(self.at), SLOW).apply(&mut slow.variance);
        }
        slow.volatility(SLOW)
    }

    /// Mean shares at the touch, at least one.
    #[inline]
    pub(crate) fn mean_depth(&self) -> f64 {
        let current = self.touch.map_or(0.0, |touch| (touch.bid_qty + touch.ask_qty) * 0.5);
        self.depth.value(current).max(1.0)
    }

    /// Mean spread, units of 1/10,000 dollar.
    #[inline]
    pub(crate) fn mean_spread(&self) -> f64 {
        self.spread.value(self.touch.map_or(0.0, |touch| (touch.ask - touch.bid) as f64))
    }

    /// Realised volatility at the slow horizon, units of 1/10,000 dollar per √s.
    #[inline]
    pub(crate) fn volatility_slow(&self) -> f64 {
        self.slow.volatility(SLOW)
    }

    /// Realised volatility at the fast horizon, units of 1/10,000 dollar per √s.
    #[inline]
    pub(crate) fn volatility_fast(&self) -> f64 {
        self.fast.volatility(FAST)
    }

    /// When the last trade was.
    #[inline]
    pub(crate) fn last_trade(&self) -> Option<Nanos> {
        self.last_trade
    }

    /// When the mid price last moved.
    #[inline]
    pub(crate) fn last_move(&self) -> Option<Nanos> {
        self.last_move
    }

    /// Lets time pass. A clock that steps back stands still.
    #[inline]
    fn advance(&mut self, now: Nanos) {
        let elapsed = now.since(self.at);
        if elapsed.0 == 0 {
            return;
        }
        self.at = now;
        let [fast, slow] = Decay::over_both(elapsed, [FAST, SLOW]);
        self.fast.decay(fast);
        self.slow.decay(slow);
        fast.apply(&mut self.trades);
        for side in 0..2 {
            fast.apply(&mut self.adds[side]);
            fast.apply(&mut self.cancels[side]);
        }
        let held = self.touch.map(|touch| {
            let depth = (touch.bid_qty + touch.ask_qty) * 0.5;
            (depth, (touch.ask - touch.bid) as f64)
        });
        self.depth.advance(slow, held.map(|(depth, _)| depth));
        self.spread.advance(slow, held.map(|(_, spread)| spread));
    }

    #[inline]
    fn trade(&mut self, trade: &Trade) {
        if trade.kind == TradeKind::Cross || !trade.printable {
            return;
        }
        let qty = trade.qty as f64;
        let sign = match trade.aggressor {
            Some(side) => side.sign() as f64,
            None => self.quote_rule(trade.price.0),
        };
        for sums in [&mut self.fast, &mut self.slow] {
            sums.signed += sign * qty;
            sums.volume += qty;
        }
        self.trades += 1.0;
        self.last_trade = Some(self.at);
    }

    /// Lee and Ready, "Inferring trade direction from intraday data", 1991: above the mid price it
    /// was a buy.
    #[inline]
    fn quote_rule(&self, price: i64) -> f64 {
        let Some(touch) = &self.touch else { return 0.0 };
        match price.saturating_mul(2).cmp(&touch.mid_x2()) {
            core::cmp::Ordering::Greater => 1.0,
            core::cmp::Ordering::Less => -1.0,
            core::cmp::Ordering::Equal => 0.0,
        }
    }

    #[inline]
    fn count(&mut self, kind: Option<Kind>, effect: Effect) {
        let Effect::Book { side, .. } = effect else { return };
        let side = Side::index(side);
        match kind {
            Some(Kind::Add | Kind::AddAttributed) => self.adds[side] += 1.0,
            Some(Kind::Canceled | Kind::Deleted) => self.cancels[side] += 1.0,
            Some(Kind::Replaced) => {
                self.adds[side] += 1.0;
                self.cancels[side] += 1.0;
            }
            _ => {}
        }
    }

    /// Order-flow imbalance of one event (Cont, Kukanov and Stoikov 2014, the e_n of section 2) and
    /// the move.
    #[inline]
    fn quote(&mut self, before: &Touch, after: &Touch) {
        let mut e = 0.0;
        if after.bid >= before.bid {
            e += after.bid_qty;
        }
        if after.bid <= before.bid {
            e -= before.bid_qty;
        }
        if after.ask <= before.ask {
            e -= after.ask_qty;
        }
        if after.ask >= before.ask {
            e += before.ask_qty;
        }
        let moved = (after.mid_x2() - before.mid_x2()) as f64 * 0.5;
        for sums in [&mut self.fast, &mut self.slow] {
            sums.ofi += e;
            sums.drift += moved;
            sums.variance += moved * moved;
        }
        if moved != 0.0 {
            self.last_move = Some(self.at);
        }
    }
}

impl Sums {
    #[inline]
    fn decay(&mut self, decay: Decay) {
        decay.apply(&mut self.ofi);
        decay.apply(&mut self.signed);
        decay.apply(&mut self.volume);
        decay.apply(&mut self.drift);
        decay.apply(&mut self.variance);
    }

    /// Realised volatility at their half-life, units of 1/10,000 dollar per √s.
    #[inline]
    fn volatility(&self, half_life: f64) -> f64 {
        (self.variance * super::per_second(half_life)).sqrt()
    }

    /// Signed over unsigned volume, −1 to 1; zero without a trade that is remembered.
    #[inline]
    pub(crate) fn imbalance(&self) -> f64 {
        if self.volume > FORGOTTEN { (self.signed / self.volume).clamp(-1.0, 1.0) } else { 0.0 }
    }
}

impl Mean {
    #[inline]
    fn advance(&mut self, decay: Decay, held: Option<f64>) {
        decay.apply(&mut self.sum);
        decay.apply(&mut self.weight);
        if let Some(value) = held {
            self.sum += value * decay.gain;
            self.weight += decay.gain;
        }
    }

    /// The mean, or `current` before any time has passed.
    #[inline]
    fn value(&self, current: f64) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { current }
    }
}
