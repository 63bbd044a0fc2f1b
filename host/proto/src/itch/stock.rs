//! System event and stock related messages (§4.1, §4.2).

use super::message;
use zerocopy::big_endian::{U32, U64};

message! {
    /// System Event, §4.1: the phases of the day.
    SystemEvent = b'S' {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of
        /// market hours, `E` end of system hours, `C` end of messages.
        event: u8,
    }
}

message! {
    /// Stock Directory, §4.2.1: an instrument and its locate code for the day.
    StockDirectory = b'R' {
        /// Symbol.
        stock: [u8; 8],
        /// Listing market: `Q`, `G`, `S` Nasdaq's tiers; `N` NYSE, `A` NYSE American, `P` NYSE
        /// Arca, `Z` BATS, `V` IEX.
        market_category: u8,
        /// Financial status of the issuer; `N` normal.
        financial_status: u8,
        /// Shares in a round lot.
        round_lot: U32,
        /// `Y`: only round lots are accepted.
        round_lots_only: u8,
        /// Issue classification; `C` common stock.
        classification: u8,
        /// Issue sub-type.
        sub_type: [u8; 2],
        /// `P` live, `T` test instrument.
        authenticity: u8,
        /// `Y`: on the Reg SHO threshold list (rule 203(b)(3)).
        short_sale_threshold: u8,
        /// `Y`: set up for an initial public offering.
        ipo: u8,
        /// Limit-up limit-down reference price tier, `1` or `2`.
        luld_tier: u8,
        /// `Y`: an exchange-traded product.
        etp: u8,
        /// Leverage of the exchange-traded product; zero where it has none.
        etp_leverage: U32,
        /// `Y`: moves against its index.
        inverse: u8,
    }
}

message! {
    /// Stock Trading Action, §4.2.2: the trading state of an instrument.
    TradingAction = b'H' {
        /// Symbol.
        stock: [u8; 8],
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        state: u8,
        /// Reserved.
        reserved: u8,
        /// Reason code.
        reason: [u8; 4],
    }
}

message! {
    /// Reg SHO Short Sale Price Test Restricted Indicator, §4.2.3.
    RegSho = b'Y' {
        /// Symbol.
        stock: [u8; 8],
        /// `0` no restriction, `1` in force because of a fall today, `2` still in force from
        /// yesterday.
        action: u8,
    }
}

message! {
    /// Market Participant Position, §4.2.4.
    ParticipantPosition = b'L' {
        /// Market participant.
        mpid: [u8; 4],
        /// Symbol.
        stock: [u8; 8],
        /// `Y`: primary market maker.
        primary: u8,
        /// Mode: `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        mode: u8,
        /// State: `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        state: u8,
    }
}

message! {
    /// Market-Wide Circuit Breaker Decline Level, §4.2.5.1. These prices have eight implied
    /// decimals.
    MwcbDecline = b'V' {
        /// Level 1.
        level1: U64,
        /// Level 2.
        level2: U64,
        /// Level 3.
        level3: U64,
    }
}

message! {
    /// Market-Wide Circuit Breaker Status, §4.2.5.2.
    MwcbStatus = b'W' {
        /// Level breached: `1`, `2` or `3`.
        level: u8,
    }
}

message! {
    /// IPO Quoting Period Update, §4.2.6.
    IpoQuoting = b'K' {
        /// Symbol.
        stock: [u8; 8],
        /// When quotation is to be released, in seconds since midnight.
        release_time: U32,
        /// `A` anticipated, `C` cancelled or postponed.
        qualifier: u8,
        /// Price of the offering.
        price: U32,
    }
}

message! {
    /// Limit Up – Limit Down Auction Collar, §4.2.7.
    LuldCollar = b'J' {
        /// Symbol.
        stock: [u8; 8],
        /// Reference price of the collar.
        reference: U32,
        /// Upper price.
        upper: U32,
        /// Lower price.
        lower: U32,
        /// How often the collar has been extended.
        extension: U32,
    }
}

message! {
    /// Operational Halt, §4.2.8: one market only.
    OperationalHalt = b'h' {
        /// Symbol.
        stock: [u8; 8],
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        market: u8,
        /// `H` halted, `T` halt lifted.
        action: u8,
    }
}
