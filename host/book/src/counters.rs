//! One number for each thing that can be odd about a record.

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// How often each thing has happened since the books were made. An anomaly is counted where
        /// it is found and has the effect that is written at its counter, never another.
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct BookCounters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl BookCounters {
            /// Name and value of each, in the order of the fields.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Records applied, of whatever kind.
    records,
    /// Kind codes that this version does not know. Ignored.
    unknown_kinds,
    /// Executions, cancels, deletes and replaces of an order that is not on the book. Ignored; a
    /// replace makes the instrument incomplete, because its new order is one that the book lacks.
    unknown_orders,
    /// Adds and replacements whose reference is on the book already. The order that is there stays,
    /// the other is ignored.
    duplicate_orders,
    /// Adds, replacements, executions, cancels and hidden trades of no shares. Ignored; the order
    /// that is replaced goes.
    zero_quantities,
    /// Executions of more shares than the order had. Cut to what it had; the order goes.
    over_executions,
    /// Cancels of more shares than the order had. The order goes.
    over_cancels,
    /// Records of an order that name another instrument than the order's. The order's counts.
    instrument_mismatches,
    /// Records of an order that name another side than the order's. The order's counts.
    side_mismatches,
    /// Adds without a side. Refused; the instrument is incomplete.
    bad_sides,
    /// Orders, trades and bands whose price is not in 1..=2^32 - 1, which is all that the wire can
    /// carry. Refused; an order makes the instrument incomplete.
    bad_prices,
    /// Orders of more than 2^32 - 1 shares. Refused; the instrument is incomplete.
    bad_quantities,
    /// Letters of a state that the specification does not have. The state is then the one that
    /// trades least.
    bad_codes,
    /// Orders refused for want of space for orders. The instrument is incomplete.
    orders_refused,
    /// Orders refused for want of space for another price level. The instrument is incomplete.
    levels_refused,
    /// Records of an instrument beyond `instruments_max`. Ignored.
    instruments_refused,
    /// Symbols that cannot be looked up, because too many before them hash alike.
    symbols_refused,
    /// Watches refused for want of space.
    watches_refused,
    /// Trades declared void. The book does not change.
    trades_broken,
    /// Directory records that gave a number another symbol than it had.
    symbols_changed,
    /// Times that every order was forgotten.
    clears,
    /// Times that a ladder's window moved.
    recentres,
    /// Orders whose slot was taken and that went to the pool of sparse references.
    sparse_orders,
}
