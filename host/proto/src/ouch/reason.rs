//! Codes of why the venue cancelled or refused.

/// Reasons of Order Canceled (OUCH 5.0 Appendix B). New letters may come at any time.
pub mod cancel {
    /// The client asked.
    pub const USER: u8 = b'U';
    /// Immediate-or-cancel, and nothing left to match.
    pub const IMMEDIATE: u8 = b'I';
    /// Time in force ran out.
    pub const TIMEOUT: u8 = b'T';
    /// The venue's supervisory terminal.
    pub const SUPERVISORY: u8 = b'S';
    /// A regulatory restriction.
    pub const REGULATORY: u8 = b'D';
    /// Would have traded with oneself.
    pub const SELF_MATCH: u8 = b'Q';
    /// The venue's system.
    pub const SYSTEM: u8 = b'Z';
    /// The cross was cancelled.
    pub const CROSS: u8 = b'C';
    /// Cannot be executed within the market collars.
    pub const COLLAR: u8 = b'K';
    /// The symbol is halted.
    pub const HALTED: u8 = b'H';
    /// Open protection.
    pub const OPEN_PROTECTION: u8 = b'X';
    /// The venue is closed.
    pub const CLOSED: u8 = b'E';
    /// Post-only, and the price would have to slide for Reg NMS.
    pub const POST_ONLY_NMS: u8 = b'F';
    /// Post-only, and the other side is displayed at the price.
    pub const POST_ONLY_CONTRA: u8 = b'G';
}

/// Reasons of Rejected (OUCH 5.0 Appendix C). New codes may come at any time.
pub mod reject {
    /// Quote unavailable.
    pub const QUOTE_UNAVAILABLE: u16 = 0x0001;
    /// Destination closed.
    pub const DESTINATION_CLOSED: u16 = 0x0002;
    /// Invalid display.
    pub const INVALID_DISPLAY: u16 = 0x0003;
    /// Invalid max floor.
    pub const INVALID_MAX_FLOOR: u16 = 0x0004;
    /// Invalid peg type.
    pub const INVALID_PEG_TYPE: u16 = 0x0005;
    /// Fat finger.
    pub const FAT_FINGER: u16 = 0x0006;
    /// Halted.
    pub const HALTED: u16 = 0x0007;
    /// Intermarket sweep not allowed.
    pub const SWEEP_NOT_ALLOWED: u16 = 0x0008;
    /// Invalid side.
    pub const INVALID_SIDE: u16 = 0x0009;
    /// Processing error.
    pub const PROCESSING_ERROR: u16 = 0x000a;
    /// Cancel pending.
    pub const CANCEL_PENDING: u16 = 0x000b;
    /// Firm not authorized.
    pub const FIRM_NOT_AUTHORIZED: u16 = 0x000c;
    /// Invalid minimum quantity.
    pub const INVALID_MIN_QTY: u16 = 0x000d;
    /// No closing reference price.
    pub const NO_CLOSING_REFERENCE_PRICE: u16 = 0x000e;
    /// Other.
    pub const OTHER: u16 = 0x000f;
    /// Cancel not allowed.
    pub const CANCEL_NOT_ALLOWED: u16 = 0x0010;
    /// Pegging not allowed.
    pub const PEGGING_NOT_ALLOWED: u16 = 0x0011;
    /// Crossed market.
    pub const CROSSED_MARKET: u16 = 0x0012;
    /// Invalid quantity.
    pub const INVALID_QUANTITY: u16 = 0x0013;
    /// Invalid cross order.
    pub const INVALID_CROSS_ORDER: u16 = 0x0014;
    /// Replace not allowed.
    pub const REPLACE_NOT_ALLOWED: u16 = 0x0015;
    /// Routing not allowed.
    pub const ROUTING_NOT_ALLOWED: u16 = 0x0016;
    /// Invalid symbol.
    pub const INVALID_SYMBOL: u16 = 0x0017;
    /// Test.
    pub const TEST: u16 = 0x0018;
    /// Late limit-on-close order too aggressive.
    pub const LATE_LOC_TOO_AGGRESSIVE: u16 = 0x0019;
    /// Retail not allowed.
    pub const RETAIL_NOT_ALLOWED: u16 = 0x001a;
    /// Invalid midpoint post-only price.
    pub const INVALID_MIDPOINT_POST_ONLY_PRICE: u16 = 0x001b;
    /// Invalid destination.
    pub const INVALID_DESTINATION: u16 = 0x001c;
    /// Invalid price.
    pub const INVALID_PRICE: u16 = 0x001d;
    /// Shares exceed the threshold.
    pub const SHARES_EXCEED_THRESHOLD: u16 = 0x001e;
    /// Exceeds the largest notional value allowed.
    pub const NOTIONAL_EXCEEDED: u16 = 0x001f;
    /// Risk: aggregate exposure exceeded.
    pub const RISK_AGGREGATE_EXPOSURE: u16 = 0x0020;
    /// Risk: market impact.
    pub const RISK_MARKET_IMPACT: u16 = 0x0021;
    /// Risk: restricted stock.
    pub const RISK_RESTRICTED_STOCK: u16 = 0x0022;
    /// Risk: short sale restricted.
    pub const RISK_SHORT_SALE_RESTRICTED: u16 = 0x0023;
    /// Risk: intermarket sweep not allowed.
    pub const RISK_SWEEP_NOT_ALLOWED: u16 = 0x0024;
    /// Risk: exceeds the limit on average daily volume.
    pub const RISK_DAILY_VOLUME: u16 = 0x0025;
    /// Risk: fat finger.
    pub const RISK_FAT_FINGER: u16 = 0x0026;
    /// Risk: a locate is required.
    pub const RISK_LOCATE_REQUIRED: u16 = 0x0027;
    /// Risk: message rate of the symbol.
    pub const RISK_SYMBOL_MESSAGE_RATE: u16 = 0x0028;
    /// Risk: message rate of the port.
    pub const RISK_PORT_MESSAGE_RATE: u16 = 0x0029;
    /// Risk: rate of duplicate messages.
    pub const RISK_DUPLICATE_MESSAGE_RATE: u16 = 0x002a;
    /// Risk: short sale not allowed.
    pub const RISK_SHORT_SALE_NOT_ALLOWED: u16 = 0x002b;
    /// Risk: market order not allowed.
    pub const RISK_MARKET_ORDER_NOT_ALLOWED: u16 = 0x002c;
    /// Risk: pre-market not allowed.
    pub const RISK_PRE_MARKET_NOT_ALLOWED: u16 = 0x002d;
    /// Risk: post-market not allowed.
    pub const RISK_POST_MARKET_NOT_ALLOWED: u16 = 0x002e;
    /// Risk: short sale exempt not allowed.
    pub const RISK_SHORT_EXEMPT_NOT_ALLOWED: u16 = 0x002f;
    /// Risk: notional value of one order exceeded.
    pub const RISK_ORDER_NOTIONAL: u16 = 0x0030;
    /// Risk: quantity exceeded.
    pub const RISK_QUANTITY: u16 = 0x0031;
    /// Reg SHO state not available.
    pub const REG_SHO_STATE_NOT_AVAILABLE: u16 = 0x0032;
    /// Invalid self-match prevention strategy.
    pub const INVALID_AIQ: u16 = 0x0040;
}
