//! What accounts ask for: OUCH messages in, commands to the engine or refusals out.
//!
//! The rules are those of OUCH 5.0. A number below the account's next one is ignored, so that a
//! client may send again what it does not know to have arrived (§1.4). So is whatever concerns an
//! order that is gone, because the answer to what ended it is on its way. A replace with terms that
//! cannot be takes its original out of the book (§2.2).
//!
//! Not offered: pegs, reserves, routing, retail orders, times in force other than day and
//! immediate, more than one channel of numbers in an account; such orders are rejected with the
//! code for it. Crosses take no time here, so nothing is ever pending for one.

use tercel_proto::ouch::inbound::{
    CancelOrder, DisableOrderEntry, EnableOrderEntry, EnterOrder, MassCancel, ModifyOrder,
    ReplaceOrder,
};
use tercel_proto::ouch::outbound::{
    AccountQueryResponse, DisableOrderEntryResponse, EnableOrderEntryResponse, MassCancelResponse,
    OrderModified,
};
use tercel_proto::ouch::reason::{cancel, reject};
use tercel_proto::ouch::{Appendage, Appendages, Inbound, MARKET_PRICE, Outbound, letter, side};
use tercel_types::{Nanos, Price, Qty, Side, Symbol, UserRef};
use zerocopy::big_endian::{U32, U64};

use super::Venue;
use crate::accounts::{Account, Entry, account_id};
use crate::matching::{
    Command, Lifetime, NewOrder, Order, Owner, PRICE_MAX, QTY_MAX, RejectReason, SelfMatch, Terms,
};

/// The other price that marks a market order in OUCH 5.0 §1.2: 200,000 dollars.
const MARKET_PRICE_OLD: u64 = 2_000_000_000;

/// Optional fields that mean something here.
#[derive(Clone, Copy, Default)]
struct Options {
    qty_min: Option<Qty>,
    post_only: Option<bool>,
    self_match: Option<SelfMatch>,
    mark: Option<u8>,
}

impl Venue {
    /// Takes one message of an account.
    pub(super) fn on_message(&mut self, index: usize, bytes: &[u8], now: Nanos) {
        let Some(account) = self.accounts.at(index) else { return };
        account.counters.messages += 1;
        let Ok(message) = Inbound::parse(bytes) else {
            account.counters.malformed += 1;
            return;
        };
        let done = match message {
            Inbound::EnterOrder(order, options) => self.enter(index, order, options, now),
            Inbound::ReplaceOrder(order, options) => self.replace(index, order, options, now),
            Inbound::CancelOrder(order, _) => self.cancel(index, order, now),
            Inbound::ModifyOrder(order, _) => self.modify(index, order, now),
            Inbound::MassCancel(request, options) => self.mass_cancel(index, request, options, now),
            Inbound::DisableOrderEntry(request, _) => self.disable(index, request, now),
            Inbound::EnableOrderEntry(request, _) => self.enable(index, request, now),
            Inbound::AccountQuery(..) => self.query(index, now),
        };
        if done.is_none()
            && let Some(account) = self.accounts.at(index)
        {
            account.counters.ignored += 1;
        }
    }

    /// `None` from this and the others: ignored.
    fn enter(
        &mut self,
        index: usize,
        order: &EnterOrder,
        options: Appendages<'_>,
        now: Nanos,
    ) -> Option<()> {
        let user_ref = UserRef(order.user_ref.get());
        let account = self.accounts.at(index)?;
        if !account.claim(user_ref) {
            return None;
        }
        let owner = Owner { account: account_id(index), user_ref };
        let symbol = Symbol(order.symbol);
        let checked = match self.instruments.get(&symbol) {
            Some(&instrument) if account.may_trade(symbol) => {
                entry_of(account, order, options).map(|entry| Entry { instrument, ..entry })
            }
            _ => Err(reject::INVALID_SYMBOL),
        };
        match checked {
            Err(code) => self.reject(index, user_ref, code, order.client_order_id, now),
            Ok(entry) => {
                account.entries.insert(user_ref, entry);
                let Entry { instrument, terms, mark, .. } = entry;
                let side = side_of(mark).unwrap_or(Side::Sell);
                let order = NewOrder { instrument, owner, side, terms };
                self.apply(&Command::Enter(order), now);
            }
        }
        Some(())
    }

    fn replace(
        &mut self,
        index: usize,
        order: &ReplaceOrder,
        options: Appendages<'_>,
        now: Nanos,
    ) -> Option<()> {
        let user_ref = UserRef(order.user_ref.get());
        let original = UserRef(order.original.get());
        let (owner, live) = self.live(index, original)?;
        let account = self.accounts.at(index)?;
        if u64::from(user_ref.0) < account.next_user_ref {
            return None;
        }
        let old = *account.entries.get(&original)?;
        if account.disabled {
            account.claim(user_ref);
            let code = reject::FIRM_NOT_AUTHORIZED;
            self.reject(index, user_ref, code, order.client_order_id, now);
            return Some(());
        }
        let Ok(entry) = replaced_entry(account, &old, &live, order, options) else {
            self.cancel_for(owner, cancel::SYSTEM, now);
            return Some(());
        };
        account.entries.insert(user_ref, entry);
        self.refused = None;
        self.apply(&Command::Replace { original: owner, user_ref, terms: entry.terms }, now);
        match self.refused.take() {
            Some(reason) if terms_are_wrong(reason) => self.cancel_for(owner, cancel::SYSTEM, now),
            refused => {
                self.accounts.at(index)?.claim(user_ref);
                if let Some(reason) = refused {
                    let code = reject_code(reason);
                    self.reject(index, user_ref, code, order.client_order_id, now);
                }
            }
        }
        Some(())
    }

    fn cancel(&mut self, index: usize, order: &CancelOrder, now: Nanos) -> Option<()> {
        let (owner, live) = self.live(index, UserRef(order.user_ref.get()))?;
        let qty = open_wanted(order.quantity.get(), &live);
        if qty >= live.open {
            return None;
        }
        self.apply(&Command::Reduce { owner, qty }, now);
        Some(())
    }

    fn modify(&mut self, index: usize, order: &ModifyOrder, now: Nanos) -> Option<()> {
        let user_ref = UserRef(order.user_ref.get());
        let (owner, live) = self.live(index, user_ref)?;
        let entry = self.accounts.at(index)?.entries.get_mut(&user_ref)?;
        let qty = open_wanted(order.quantity.get(), &live);
        // Only a sale changes its mark, and only to another sale's (§2.4).
        if side_of(order.side)? != live.side || qty > live.open || qty == Qty::ZERO {
            return None;
        }
        entry.mark = order.side;
        if qty < live.open {
            self.modifying = true;
            self.apply(&Command::Reduce { owner, qty }, now);
            self.modifying = false;
        }
        let modified = OrderModified {
            kind: OrderModified::KIND,
            timestamp: timestamp(now),
            user_ref: order.user_ref,
            side: order.side,
            quantity: U32::new(qty.0),
        };
        self.tell(index, Outbound::OrderModified(&modified, Appendages::ABSENT));
        Some(())
    }

    fn mass_cancel(
        &mut self,
        index: usize,
        request: &MassCancel,
        options: Appendages<'_>,
        now: Nanos,
    ) -> Option<()> {
        self.firm_request(index, request.user_ref, request.firm, now)?.then_some(())?;
        let response = MassCancelResponse {
            kind: MassCancelResponse::KIND,
            timestamp: timestamp(now),
            user_ref: request.user_ref,
            firm: request.firm,
            symbol: request.symbol,
        };
        self.tell(index, Outbound::MassCancelResponse(&response, Appendages::EMPTY));
        let wanted_side = options.iter().find_map(|option| match option {
            Appendage::Side(mark) => side_of(mark),
            _ => None,
        });
        let everything = request.symbol.trim_ascii().is_empty();
        let instrument = self.instruments.get(&Symbol(request.symbol)).copied();
        let owners: Vec<Owner> = self
            .matching
            .account_orders(account_id(index))
            .filter(|order| everything || Some(order.instrument) == instrument)
            .filter(|order| wanted_side.is_none_or(|side| order.side == side))
            .map(|order| order.owner)
            .collect();
        for owner in owners {
            self.apply(&Command::Cancel { owner }, now);
        }
        Some(())
    }

    fn disable(&mut self, index: usize, request: &DisableOrderEntry, now: Nanos) -> Option<()> {
        self.firm_request(index, request.user_ref, request.firm, now)?.then_some(())?;
        self.accounts.at(index)?.disabled = true;
        let response = DisableOrderEntryResponse {
            kind: DisableOrderEntryResponse::KIND,
            timestamp: timestamp(now),
            user_ref: request.user_ref,
            firm: request.firm,
        };
        self.tell(index, Outbound::DisableOrderEntryResponse(&response, Appendages::EMPTY));
        Some(())
    }

    fn enable(&mut self, index: usize, request: &EnableOrderEntry, now: Nanos) -> Option<()> {
        self.firm_request(index, request.user_ref, request.firm, now)?.then_some(())?;
        self.accounts.at(index)?.disabled = false;
        let response = EnableOrderEntryResponse {
            kind: EnableOrderEntryResponse::KIND,
            timestamp: timestamp(now),
            user_ref: request.user_ref,
            firm: request.firm,
        };
        self.tell(index, Outbound::EnableOrderEntryResponse(&response, Appendages::EMPTY));
        Some(())
    }

    fn query(&mut self, index: usize, now: Nanos) -> Option<()> {
        let response = AccountQueryResponse {
            kind: AccountQueryResponse::KIND,
            timestamp: timestamp(now),
            next_user_ref: U32::new(self.accounts.at(index)?.next_user_ref()),
        };
        self.tell(index, Outbound::AccountQueryResponse(&response, Appendages::ABSENT));
        Some(())
    }

    /// Uses up the number of a request about a firm. `Some(false)`: rejected, because it is
    /// another's firm.
    fn firm_request(
        &mut self,
        index: usize,
        user_ref: U32,
        firm: [u8; 4],
        now: Nanos,
    ) -> Option<bool> {
        let account = self.accounts.at(index)?;
        let user_ref = UserRef(user_ref.get());
        if !account.claim(user_ref) {
            return None;
        }
        let allowed = is_firm(account, firm);
        if !allowed {
            self.reject(index, user_ref, reject::FIRM_NOT_AUTHORIZED, [b' '; 14], now);
        }
        Some(allowed)
    }

    /// An open order of the account.
    fn live(&self, index: usize, user_ref: UserRef) -> Option<(Owner, Order)> {
        let owner = Owner { account: account_id(index), user_ref };
        self.matching.find(owner).map(|order| (owner, *order))
    }
}

/// Whether a replace that the engine refused for this reason takes its original out of the book.
fn terms_are_wrong(reason: RejectReason) -> bool {
    match reason {
        RejectReason::ZeroQty
        | RejectReason::QtyTooLarge
        | RejectReason::Price
        | RejectReason::Increment
        | RejectReason::MinimumQty
        | RejectReason::Terms => true,
        RejectReason::TooLate
        | RejectReason::NotOpen
        | RejectReason::Full
        | RejectReason::UserRefInUse
        | RejectReason::UnknownInstrument
        | RejectReason::UnknownOrder => false,
    }
}

/// The engine's reasons as OUCH codes.
pub(super) fn reject_code(reason: RejectReason) -> u16 {
    match reason {
        RejectReason::UnknownInstrument => reject::INVALID_SYMBOL,
        RejectReason::UnknownOrder | RejectReason::UserRefInUse | RejectReason::Terms => {
            reject::OTHER
        }
        RejectReason::ZeroQty | RejectReason::QtyTooLarge => reject::INVALID_QUANTITY,
        RejectReason::Price | RejectReason::Increment => reject::INVALID_PRICE,
        RejectReason::MinimumQty => reject::INVALID_MIN_QTY,
        RejectReason::TooLate => reject::INVALID_CROSS_ORDER,
        RejectReason::NotOpen => reject::DESTINATION_CLOSED,
        RejectReason::Full => reject::PROCESSING_ERROR,
    }
}

/// Side of a side letter.
fn side_of(mark: u8) -> Option<Side> {
    match mark {
        side::BUY => Some(Side::Buy),
        side::SELL | side::SELL_SHORT | side::SELL_SHORT_EXEMPT => Some(Side::Sell),
        _ => None,
    }
}

/// Time of an OUCH message.
pub(super) fn timestamp(now: Nanos) -> U64 {
    U64::new(super::time_of_day(now).0)
}

/// Open shares that make an order's chain as large as `quantity`, which counts executed shares too;
/// zero is none.
fn open_wanted(quantity: u32, live: &Order) -> Qty {
    let open = u64::from(quantity).saturating_sub(live.executed);
    Qty(u32::try_from(open).unwrap_or(u32::MAX))
}

/// Blank means the account's own.
fn is_firm(account: &Account, firm: [u8; 4]) -> bool {
    firm.trim_ascii().is_empty() || firm.eq_ignore_ascii_case(&account.config.firm)
}

/// Checks all of an order that does not need its instrument; that field is filled in by the caller.
fn entry_of(
    account: &Account,
    order: &EnterOrder,
    appendages: Appendages<'_>,
) -> Result<Entry, u16> {
    if account.disabled {
        return Err(reject::FIRM_NOT_AUTHORIZED);
    }
    side_of(order.side).ok_or(reject::INVALID_SIDE)?;
    let options = options_of(account, appendages)?;
    let sweep = [letter::SWEEP_ELIGIBLE, letter::SWEEP_NOT_ELIGIBLE];
    if !b"APRO".contains(&order.capacity) || !sweep.contains(&order.sweep) {
        return Err(reject::OTHER);
    }
    let lifetime = match order.cross {
        b'O' => Lifetime::OnOpen,
        b'C' => Lifetime::OnClose,
        letter::CROSS_CONTINUOUS | b'H' => lifetime_of(order.time_in_force)?,
        _ => return Err(reject::INVALID_CROSS_ORDER),
    };
    let terms = Terms {
        price: limit_of(order.price.get())?,
        qty: qty_of(u64::from(order.quantity.get()))?,
        lifetime,
        post_only: options.post_only.unwrap_or(false),
        hidden: hidden_of(order.display)?,
        qty_min: options.qty_min.unwrap_or(Qty::ZERO),
        self_match: options.self_match.unwrap_or(account.config.self_match),
    };
    Ok(Entry {
        instrument: Default::default(),
        terms,
        mark: order.side,
        time_in_force: order.time_in_force,
        display: order.display,
        capacity: order.capacity,
        sweep: order.sweep,
        cross: order.cross,
        client_order_id: order.client_order_id,
    })
}

/// The entry of a replacement; options that the replace does not name stay as they were.
fn replaced_entry(
    account: &Account,
    old: &Entry,
    live: &Order,
    order: &ReplaceOrder,
    appendages: Appendages<'_>,
) -> Result<Entry, u16> {
    let options = options_of(account, appendages)?;
    let mark = options.mark.unwrap_or(old.mark);
    if side_of(mark) != Some(live.side) {
        return Err(reject::INVALID_SIDE);
    }
    // The whole liability may be that of several orders of the chain, what is to be open of one
    // only.
    let open = u64::from(order.quantity.get()).saturating_sub(live.executed);
    let lifetime = match old.terms.lifetime {
        Lifetime::OnOpen | Lifetime::OnClose => old.terms.lifetime,
        Lifetime::Day | Lifetime::Immediate => lifetime_of(order.time_in_force)?,
    };
    let terms = Terms {
        price: limit_of(order.price.get())?,
        qty: qty_of(open)?,
        lifetime,
        post_only: options.post_only.unwrap_or(old.terms.post_only),
        hidden: hidden_of(order.display)?,
        qty_min: options.qty_min.unwrap_or(Qty::ZERO),
        self_match: options.self_match.unwrap_or(old.terms.self_match),
    };
    Ok(Entry {
        terms,
        mark,
        time_in_force: order.time_in_force,
        display: order.display,
        sweep: order.sweep,
        client_order_id: order.client_order_id,
        ..*old
    })
}

fn lifetime_of(time_in_force: u8) -> Result<Lifetime, u16> {
    match time_in_force {
        // There is one session a day here, so extended hours are the day.
        letter::TIF_DAY | b'5' => Ok(Lifetime::Day),
        letter::TIF_IOC => Ok(Lifetime::Immediate),
        _ => Err(reject::OTHER),
    }
}

fn hidden_of(display: u8) -> Result<bool, u16> {
    match display {
        letter::DISPLAY_VISIBLE | letter::DISPLAY_ATTRIBUTABLE => Ok(false),
        letter::DISPLAY_HIDDEN => Ok(true),
        _ => Err(reject::INVALID_DISPLAY),
    }
}

/// The limit in a price field; `None` is a market order.
fn limit_of(price: u64) -> Result<Option<Price>, u16> {
    if price == MARKET_PRICE || price == MARKET_PRICE_OLD {
        return Ok(None);
    }
    match i64::try_from(price).map(Price) {
        Ok(limit) if limit.0 > 0 && limit <= PRICE_MAX => Ok(Some(limit)),
        _ => Err(reject::INVALID_PRICE),
    }
}

fn qty_of(shares: u64) -> Result<Qty, u16> {
    match u32::try_from(shares).map(Qty) {
        Ok(qty) if qty > Qty::ZERO && qty <= QTY_MAX => Ok(qty),
        _ => Err(reject::INVALID_QUANTITY),
    }
}

fn options_of(account: &Account, appendages: Appendages<'_>) -> Result<Options, u16> {
    let mut options = Options::default();
    for appendage in appendages {
        match appendage {
            Appendage::Firm(firm) if !is_firm(account, firm) => {
                return Err(reject::FIRM_NOT_AUTHORIZED);
            }
            Appendage::MinQty(shares) => options.qty_min = Some(Qty(shares)),
            Appendage::MaxFloor(shares) if shares > 0 => return Err(reject::INVALID_MAX_FLOOR),
            Appendage::PriceType(kind) if kind != b'L' => return Err(reject::PEGGING_NOT_ALLOWED),
            Appendage::PegOffset(_)
            | Appendage::DiscretionPrice(_)
            | Appendage::DiscretionPegOffset(_) => return Err(reject::PEGGING_NOT_ALLOWED),
            Appendage::PostOnly(wanted) => options.post_only = Some(wanted == letter::POST_ONLY),
            Appendage::Route(_) => return Err(reject::ROUTING_NOT_ALLOWED),
            Appendage::HandleInst(kind) if kind != b' ' => return Err(reject::OTHER),
            Appendage::CustomerType(b'R') => return Err(reject::RETAIL_NOT_ALLOWED),
            Appendage::UserRefIdx(channel) if channel != 0 => return Err(reject::OTHER),
            Appendage::Side(mark) => options.mark = Some(mark),
            Appendage::AiqStrategy(strategy) => {
                options.self_match = Some(self_match_of(account, strategy)?);
            }
            // Nothing that would change how the order trades.
            _ => {}
        }
    }
    Ok(options)
}

/// The strategies at the level of the firm that only cancel (OUCH 5.0, equity trader update
/// 2023-8).
fn self_match_of(account: &Account, strategy: u8) -> Result<SelfMatch, u16> {
    match strategy {
        b'N' => Ok(SelfMatch::Allow),
        b'*' => Ok(account.config.self_match),
        b'O' => Ok(SelfMatch::CancelOldest),
        b'W' => Ok(SelfMatch::CancelNewest),
        _ => Err(reject::INVALID_AIQ),
    }
}
