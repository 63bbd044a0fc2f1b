//! What a run leaves behind: every fill, the equity curve, the mid prices, the orders sent.
//!
//! All amounts are integers, so that whoever splits a profit into parts gets the same sum back.
//! Money of a trade is price × quantity in the instrument's own units, see [`Contract`]; only at
//! the very end does somebody divide by [`Contract::per_dollar`].

use tercel_types::{InstrumentId, Nanos, Price, Qty, Side, Symbol, UserRef};

/// What one instrument's numbers mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contract {
    /// Its number in the events and in the books.
    pub instrument: InstrumentId,
    /// Its name.
    pub symbol: Symbol,
    /// Price increment, in units of [`Price`].
    pub tick: Price,
    /// Units of [`Price`] in one unit of the quote currency. 10,000 for shares. The host's grid has
    /// steps of a cent, 100 units; a market with other steps is put on it, one of its ticks a cent,
    /// so that the host quotes on the market's own grid: 1,000 where the tick is 0.10.
    pub price_units: i64,
    /// Units of [`Qty`] in one share, coin or future: 1 for shares, 1,000 for the BTCUSDT perpetual
    /// (lots of 0.001), 100,000 for BTCUSDT spot.
    pub lots: u32,
    /// What one share, coin or future moves by when its price moves by one: 50 for the E-mini S&P
    /// 500, 1 for nearly all else.
    pub multiplier: u32,
}

/// One execution of one of our orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// The instrument.
    pub instrument: InstrumentId,
    /// When it traded, exchange time.
    pub time: Nanos,
    /// Our side.
    pub side: Side,
    /// At what price.
    pub price: Price,
    /// How much, in the contract's lots.
    pub qty: Qty,
    /// What it cost in 1/1,000,000 of the quote currency; negative is a rebate.
    pub fee: i64,
    /// Twice the mid price of the market right before, in 1/10,000: best bid plus best ask of the
    /// others' orders. Of a resting order it is the one before anything of that instant happened, a
    /// whole sweep through several levels; of one that took, the one it met. Where one side was
    /// empty it is twice the last mid; zero before the first.
    pub mid_x2: i64,
    /// The best price of the other side when the order arrived, for an order that took: what it
    /// paid beyond that is its own impact. A resting order's own price otherwise.
    pub touch: Price,
    /// It rested and was hit.
    pub maker: bool,
    /// Quantity that stood before it at its price when it went to the book.
    pub queue_ahead: u64,
    /// When the order went to the book (or arrived, if it took), exchange time.
    pub entered: Nanos,
    /// Our number of the order.
    pub user_ref: UserRef,
}

/// The account and the market at one instant, once an interval and at the end of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Exchange time.
    pub time: Nanos,
    /// Twice the mid price, as in [`Fill::mid_x2`].
    pub mid_x2: i64,
    /// Best bid; zero where the side is empty.
    pub bid: Price,
    /// Best ask; zero where the side is empty.
    pub ask: Price,
    /// Lots held in this instrument; negative is short.
    pub position: i64,
    /// Received less paid for trades of this instrument, price × quantity in the contract's units,
    /// without fees.
    pub cash: i128,
    /// Fees so far, 1/1,000,000 of the quote currency.
    pub fees: i64,
}

/// The mid price from an instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mid {
    /// Exchange time.
    pub time: Nanos,
    /// Twice the mid price, 1/10,000.
    pub mid_x2: i64,
}

/// What an order message asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// A new order.
    Enter,
    /// Another in the place of [`Sent::original`].
    Replace,
    /// Take [`Sent::original`] out.
    Cancel,
}

/// One order message as it left the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// The instrument.
    pub instrument: InstrumentId,
    /// When it left, the host's clock.
    pub time: Nanos,
    /// What it asked for.
    pub request: Request,
    /// Our side.
    pub side: Side,
    /// Limit; zero for a cancel.
    pub price: Price,
    /// Quantity; zero for a cancel.
    pub qty: Qty,
    /// The new order's number; of a cancel the one to go.
    pub user_ref: UserRef,
    /// The order that is replaced or cancelled, else 0.
    pub original: UserRef,
}

/// What became of the orders.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OrderStatistics {
    /// Entries sent.
    pub entered: u64,
    /// Replaces sent.
    pub replaced: u64,
    /// Cancels sent.
    pub canceled: u64,
    /// Intents that risk refused.
    pub refused: u64,
    /// Entries and replaces that the market refused: post-only that would have taken, halts, prices
    /// off the grid.
    pub rejected: u64,
    /// Cancels and replaces that came too late: the order was gone.
    pub too_late: u64,
    /// Orders that went to the book.
    pub rested: u64,
    /// Orders that were executed in whole.
    pub filled: u64,
    /// Orders that ended with some of them executed, but not all.
    pub partly_filled: u64,
    /// Lots that rested.
    pub lots_rested: u64,
    /// Lots executed against resting orders of ours.
    pub lots_made: u64,
    /// Lots that our orders took.
    pub lots_taken: u64,
    /// Sum over the rested orders of what stood before them.
    pub queue_ahead: u128,
    /// Sum over the fills of resting orders of the time since they rested, ns.
    pub queue_wait: u128,
    /// Sum over ended resting orders of the time they rested, ns.
    pub lifetime: u128,
}

/// All that a run leaves behind.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Ledger {
    /// The instruments, in the order of their numbers.
    pub contracts: Vec<Contract>,
    /// Every fill, in the order of time.
    pub fills: Vec<Fill>,
    /// The equity curve: every interval, for each instrument, and at the end.
    pub samples: Vec<Sample>,
    /// Mid prices of each contract, one entry a change, in the order of time.
    pub mids: Vec<Vec<Mid>>,
    /// Every order message, in the order of time.
    pub sent: Vec<Sent>,
    /// What became of the orders.
    pub orders: OrderStatistics,
    /// Records replayed.
    pub events: u64,
    /// Times the policy was asked.
    pub decisions: u64,
    /// First and last exchange time of the data.
    pub span: (Nanos, Nanos),
}

impl Contract {
    /// Shares in cents.
    pub const fn stock(instrument: InstrumentId, symbol: Symbol) -> Contract {
        let (tick, price_units) = (Price::CENT, Price::PER_DOLLAR);
        Contract { instrument, symbol, tick, price_units, lots: 1, multiplier: 1 }
    }

    /// Price × quantity of one dollar (or unit of the quote currency). The multiplier divides it
    /// in every contract that a reader makes.
    pub const fn per_dollar(&self) -> i64 {
        self.price_units * self.lots as i64 / self.multiplier as i64
    }

    /// A price in dollars.
    pub fn price(&self, price: Price) -> f64 {
        price.0 as f64 / self.price_units as f64
    }

    /// Dollars of a price × quantity.
    pub fn dollars(&self, amount: i128) -> f64 {
        amount as f64 / self.per_dollar() as f64
    }
}

impl Fill {
    /// Price × quantity in the contract's units: what a buy paid or a sale brought.
    pub fn notional(&self) -> i128 {
        i128::from(self.price.0) * i128::from(self.qty.0)
    }

    /// Twice the mid price before it, or twice its own price where no mid was known yet.
    pub const fn mid_or_price_x2(&self) -> i64 {
        if self.mid_x2 == 0 { 2 * self.price.0 } else { self.mid_x2 }
    }
}

impl Sample {
    /// Twice the profit before fees, price × quantity in the contract's units.
    pub fn profit_x2(&self) -> i128 {
        2 * self.cash + i128::from(self.position) * i128::from(self.mid_x2)
    }
}

impl Ledger {
    /// A ledger of these instruments, nothing written yet.
    pub fn new(contracts: Vec<Contract>) -> Ledger {
        Ledger { mids: vec![Vec::new(); contracts.len()], contracts, ..Ledger::default() }
    }

    /// Place of an instrument in [`Ledger::contracts`] and [`Ledger::mids`].
    pub fn place(&self, instrument: InstrumentId) -> Option<usize> {
        self.contracts.iter().position(|contract| contract.instrument == instrument)
    }

    /// The last sample of an instrument: the account at the end.
    pub fn last(&self, instrument: InstrumentId) -> Option<&Sample> {
        self.samples.iter().rev().find(|sample| sample.instrument == instrument)
    }

    /// Twice the mid price in force at `time`, `None` before the first.
    pub fn mid_x2_at(&self, place: usize, time: Nanos) -> Option<i64> {
        let mids = self.mids.get(place)?;
        let after = mids.partition_point(|mid| mid.time <= time);
        Some(mids.get(after.checked_sub(1)?)?.mid_x2)
    }
}
