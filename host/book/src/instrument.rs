//! What the books know of an instrument and of the market besides orders.

use tercel_types::{Bands, Nanos, Price, Symbol, TradingState};

/// One instrument. Letters are as on the wire, zero before the first message that carries them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Instrument {
    /// Its symbol; blank until a directory record has given it.
    pub symbol: Symbol,
    /// Shares in a round lot, zero before the directory record.
    pub round_lot: u32,
    /// Listing market and its tier (ITCH 5.0 §4.2.1 "Market Category").
    pub market_category: u8,
    /// Financial status indicator; `N` is normal.
    pub financial_status: u8,
    /// `Y`: round lots only.
    pub round_lots_only: u8,
    /// Issue classification.
    pub issue_classification: u8,
    /// Issue sub-type, two letters.
    pub issue_sub_type: [u8; 2],
    /// `P`: a live instrument, `T`: a test one.
    pub authenticity: u8,
    /// `Y`: on the list of Reg SHO rule 203(b)(3).
    pub short_sale_threshold: u8,
    /// `Y`: set up for an initial public offering.
    pub ipo_flag: u8,
    /// Limit-up limit-down tier, `1` or `2`.
    pub luld_tier: u8,
    /// Leverage factor of an exchange-traded product.
    pub leverage: u32,
    /// An inverse exchange-traded product.
    pub inverse: bool,
    /// Trading state of the instrument across markets.
    pub state: TradingState,
    /// Why, four letters (ITCH 5.0 appendix B).
    pub reason: [u8; 4],
    /// Short sale price test.
    pub reg_sho: RegSho,
    /// A short sale price test is in force.
    pub short_restricted: bool,
    /// This market's own service for the instrument is interrupted.
    pub operational_halt: bool,
    /// Collar of the reopening auction; taken away when trading resumes.
    pub bands: Option<Bands>,
    /// Price of the last trade that counts for the tape, zero before the first.
    pub last_trade: Price,
    /// Shares traded that count for the tape.
    pub volume: u64,
    /// Quotation of an initial public offering.
    pub ipo: Option<Ipo>,
    /// The last imbalance message.
    pub imbalance: Option<Imbalance>,
    /// Price discovery of a direct listing.
    pub direct_listing: Option<DirectListing>,
    /// Retail price improvement: `B`, `S`, `A` both, `N` none.
    pub retail_interest: u8,
    /// An order that the venue shows is missing here: there was no space for it, or it could not be
    /// understood. The book is stale until it is cleared.
    pub incomplete: bool,
    /// Some record other than of a resting order has named this instrument.
    pub(crate) seen: bool,
    /// Markets whose service is interrupted, a bit each.
    pub(crate) halted_markets: u8,
}

/// Short sale price test, Reg SHO rule 201 (ITCH 5.0 §4.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum RegSho {
    /// Not said yet.
    #[default]
    Unknown,
    /// `0`: none.
    None,
    /// `1`: in force since a drop of today.
    Today,
    /// `2`: in force.
    InForce,
}

/// Quotation of an initial public offering (ITCH 5.0 §4.2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ipo {
    /// When quoting is to begin, since midnight.
    pub release: Nanos,
    /// `A`: anticipated, `C`: cancelled or postponed.
    pub qualifier: u8,
    /// Offering price.
    pub price: Price,
}

/// Net order imbalance before a cross (ITCH 5.0 §4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imbalance {
    /// Shares that would trade at the reference price.
    pub paired: u64,
    /// Shares that would not.
    pub imbalance: u64,
    /// `B`, `S`, `N` none, `O` too few orders, `P` paused.
    pub direction: u8,
    /// Price at which the imbalance was computed.
    pub reference: Price,
    /// Where cross orders alone would clear.
    pub far: Price,
    /// Where cross and book orders would clear.
    pub near: Price,
    /// `O` opening, `C` closing, `H` halt or IPO, `A` extended.
    pub cross_type: u8,
    /// Price variation indicator.
    pub variation: u8,
}

/// Price discovery of a direct listing (ITCH 5.0 §4.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectListing {
    /// `Y`: may be released.
    pub eligible: u8,
    /// Lowest price allowed.
    pub minimum: Price,
    /// Highest price allowed.
    pub maximum: Price,
    /// Where it would open now.
    pub near: Price,
    /// When that was computed.
    pub near_time: Nanos,
    /// Lower end of the auction collar.
    pub lower_collar: Price,
    /// Upper end of the auction collar.
    pub upper_collar: Price,
}

/// What holds for the whole market.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Market {
    /// Where the day stands.
    pub phase: MarketPhase,
    /// Levels 1, 2 and 3 of the market-wide circuit breaker, in 1/100,000,000 dollar; zero before
    /// they are sent.
    pub mwcb_levels: [u64; 3],
    /// The highest level breached today.
    pub mwcb_breached: Option<u8>,
}

/// Where the day stands (ITCH 5.0 §4.1 system events).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum MarketPhase {
    /// No event yet.
    #[default]
    Unknown,
    /// `O`: start of messages.
    StartOfMessages,
    /// `S`: start of system hours.
    StartOfSystem,
    /// `Q`: start of market hours.
    StartOfMarket,
    /// `M`: end of market hours.
    EndOfMarket,
    /// `E`: end of system hours.
    EndOfSystem,
    /// `C`: end of messages.
    EndOfMessages,
}
