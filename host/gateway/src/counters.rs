//! What the gateway counts.

/// Counts since the gateway was made. Only the first group grows in a quiet, healthy session.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct GatewayCounters {
    /// Orders, replaces and cancels encoded.
    pub sent: u64,
    /// Sequenced messages taken.
    pub sequenced: u64,
    /// Heartbeats of the venue.
    pub heartbeats: u64,
    /// Logins accepted.
    pub logins: u64,
    /// Acks handed out.
    pub acks: u64,
    /// System events and answers to requests that this gateway does not send.
    pub other_messages: u64,
    /// Text packets for a human.
    pub debug_packets: u64,

    /// Orders found out from the venue's answers alone: after a restart, each of the day.
    pub adopted: u64,
    /// Orders that never reached the venue.
    pub not_received: u64,
    /// Orders taken for never received that the venue answered after all.
    pub revived: u64,
    /// Sequenced messages that were already taken before a reconnect.
    pub duplicates: u64,

    /// Packets that are not SoupBinTCP, passed over.
    pub malformed_packets: u64,
    /// Messages that are not OUCH; each still takes its sequence number.
    pub malformed_messages: u64,
    /// Packets that do not belong into the session's state.
    pub unexpected_packets: u64,
    /// Messages about orders that are not known, or no longer.
    pub unknown_ref: u64,
    /// Of those, executions: the position is not what the venue says.
    pub unknown_executions: u64,
    /// Messages about dead orders. An execution among them still moves the position.
    pub late: u64,
    /// Messages that do not fit the state of their order, and quantities beyond what is open.
    pub inconsistent: u64,
    /// Broken trades and corrections of executions that are not remembered.
    pub unknown_match: u64,
    /// Orders of symbols that no instrument has.
    pub unknown_symbol: u64,
    /// Orders of the venue's that found the table full.
    pub table_full: u64,
}
