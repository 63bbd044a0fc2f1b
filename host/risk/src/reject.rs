//! Why an intent was refused, and how often.

use core::fmt;

/// Declares [`Reject`] with its list, names and texts, so that none can be left out of one.
macro_rules! rejects {
    ($($(#[doc = $doc:literal])+ $variant:ident, $name:literal, $text:literal;)+) => {
        /// Why an intent was refused. Each has one counter in [`RiskCounters`].
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Reject {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reject {
            /// Every reason, in the order of [`RiskCounters::rejects`].
            pub const ALL: [Reject; [$($name),+].len()] = [$(Reject::$variant),+];

            /// The name in counters and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Reject::$variant => $name,)+
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Reject::$variant => $text,)+
                }
            }
        }
    };
}

rejects! {
    /// The kill switch was pulled.
    Killed, "killed", "the kill switch is on";
    /// The breaker tripped; see [`crate::Risk::tripped`].
    Tripped, "tripped", "the breaker has tripped";
    /// No limits were bound to the instrument.
    UnknownInstrument, "unknown_instrument", "the instrument has no limits";
    /// The instrument is on the restricted list.
    Restricted, "restricted", "the instrument is on the restricted list";
    /// The order to replace or cancel is not open.
    UnknownOrder, "unknown_order", "the order is not open";
    /// The order to replace is already being replaced.
    PendingReplace, "pending_replace", "a replace of the order is under way";
    /// The order to replace or cancel is already being cancelled.
    PendingCancel, "pending_cancel", "a cancel of the order is under way";
    /// The number is not above every one used so far (OUCH 5.0 "UserRefNum").
    UserRefUsed, "user_ref_used", "the user reference was used before";
    /// No trading state has been received.
    StateUnknown, "state_unknown", "the trading state is unknown";
    /// Trading is halted.
    Halted, "halted", "trading is halted";
    /// Trading is paused.
    Paused, "paused", "trading is paused";
    /// Only quotations are allowed.
    QuotationOnly, "quotation_only", "the instrument is in its quotation-only period";
    /// The book may be wrong.
    StaleBook, "stale_book", "the book is stale";
    /// The best bid is not below the best ask.
    CrossedBook, "crossed_book", "the book is locked or crossed";
    /// There is neither a two-sided book nor a last trade to measure a price from.
    NoReference, "no_reference", "there is no reference price";
    /// Zero shares.
    ZeroQty, "zero_qty", "the quantity is zero";
    /// More shares than one order may have.
    OrderQty, "order_qty", "the order has too many shares";
    /// More money than one order may have.
    OrderNotional, "order_notional", "the order's notional is too large";
    /// The price is zero or negative.
    PriceNotPositive, "price_not_positive", "the price is not positive";
    /// The price is not a whole cent at or above a dollar (Reg NMS rule 612).
    PriceTick, "price_tick", "the price is not on a tick";
    /// The price is too far from the reference price.
    PriceCollar, "price_collar", "the price is outside the collar";
    /// The price is outside the limit-up limit-down bands.
    PriceBands, "price_bands", "the price is outside the LULD bands";
    /// An equal order was approved within the window.
    Duplicate, "duplicate", "an equal order was just approved";
    /// It could trade with an open order of ours.
    SelfMatch, "self_match", "the order could match our own";
    /// A short sale of shares that were not located (Reg SHO rule 203(b)).
    NoLocate, "no_locate", "not enough located shares to sell short";
    /// A short sale not above the best bid under a price test (Reg SHO rule 201).
    ShortRestricted, "short_restricted", "a restricted short sale must be above the best bid";
    /// The instrument has as many open orders as it may.
    InstrumentOrders, "instrument_orders", "too many open orders in the instrument";
    /// The account has as many open orders as it may.
    AccountOrders, "account_orders", "too many open orders";
    /// The worst-case position would be too large.
    Position, "position", "the position could exceed its limit";
    /// The worst-case gross exposure of the instrument would be too large.
    InstrumentGross, "instrument_gross", "the instrument's gross exposure could exceed its limit";
    /// The worst-case net exposure of the instrument would be too large.
    InstrumentNet, "instrument_net", "the instrument's net exposure could exceed its limit";
    /// The worst-case gross exposure of the account would be too large.
    AccountGross, "account_gross", "the account's gross exposure could exceed its limit";
    /// The worst-case net exposure of the account would be too large.
    AccountNet, "account_net", "the account's net exposure could exceed its limit";
    /// The worst case would use more cash than the account's credit.
    Credit, "credit", "the orders could use more than the credit";
    /// Orders in the instrument come too fast.
    InstrumentRate, "instrument_rate", "the instrument's order rate is exceeded";
    /// Orders to the venue come too fast.
    VenueRate, "venue_rate", "the venue's order rate is exceeded";
    /// Too many messages for the fills in the instrument.
    InstrumentRatio, "instrument_ratio", "too many messages for the instrument's fills";
    /// Too many messages for the fills at the venue.
    VenueRatio, "venue_ratio", "too many messages for the venue's fills";
}

/// What risk has done so far; all only grow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RiskCounters {
    /// Intents refused, in the order of [`Reject::ALL`].
    pub rejects: [u64; Reject::ALL.len()],
    /// Orders approved, cancels among them.
    pub approved: u64,
    /// Approved orders given back unsent.
    pub withdrawn: u64,
    /// Messages about orders that risk never approved and took over (recovery after a restart).
    pub adopted: u64,
    /// Messages about orders that were already dead.
    pub late: u64,
    /// Messages that found no room in a bounded table or had an impossible price or size; each
    /// trips the breaker.
    pub unaccounted: u64,
    /// Times the breaker tripped or was killed.
    pub trips: u64,
}

impl RiskCounters {
    /// How often `reject` was the answer.
    pub const fn of(&self, reject: Reject) -> u64 {
        self.rejects[reject as usize]
    }

    /// All refused intents.
    pub fn rejected(&self) -> u64 {
        self.rejects.iter().sum()
    }
}

impl Default for RiskCounters {
    fn default() -> RiskCounters {
        RiskCounters {
            rejects: [0; Reject::ALL.len()],
            approved: 0,
            withdrawn: 0,
            adopted: 0,
            late: 0,
            unaccounted: 0,
            trips: 0,
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl core::error::Error for Reject {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_counters_and_names_differ() {
        for (at, reject) in Reject::ALL.iter().enumerate() {
            assert_eq!(*reject as usize, at);
            assert!(Reject::ALL[..at].iter().all(|other| other.name() != reject.name()));
        }
    }
}
