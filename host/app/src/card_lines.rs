//! Lines through a feed card: its records, its liveness, its filter, and its return.

use crate::lines::Lines;
use std::collections::BTreeMap;
use tercel_abi::EventRecord;
use tercel_fpga::{AnyCard, CardAddress, CardConfig, CardCounters, CardError, CardFault};
use tercel_proto::feed::Feed;
use tercel_types::Nanos;

/// Time between two looks at whether the card lives.
const LOOK: Nanos = Nanos::from_millis(5);
/// Time between two looks at its counters, which tell whether its lines live.
const HEAR: Nanos = Nanos::from_millis(400);
/// Wait before a card that failed is tried again.
const RETRY: Nanos = Nanos::from_millis(200);

/// A card that brings the lines.
pub(crate) struct CardLines {
    address: CardAddress,
    config: CardConfig,
    /// The configuration names the session; else it is the one that is on.
    session_fixed: bool,
    card: Option<AnyCard>,
    /// What was heard on the lines, as a count of packets, and whether it has moved.
    packets: u64,
    hearing: Hearing,
    /// Stock locates that the filter shall pass; `None` passes all.
    filter: Option<Vec<u16>>,
    look_at: Nanos,
    hear_at: Nanos,
    retry_at: Nanos,
    losses: u64,
    fault: Option<CardFault>,
    counters: CardCounters,
    trouble: String,
}

/// Packets that the card counted have to be looked for in its ring before the feed may be called
/// alive: a gap may wait there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hearing {
    Silent,
    Counted,
    Drained,
}

impl CardLines {
    /// Finds the card and starts it.
    pub(crate) fn open(
        config: CardConfig,
        address: CardAddress,
        now: Nanos,
    ) -> Result<CardLines, CardError> {
        let mut lines = CardLines {
            address,
            session_fixed: config.session.is_some(),
            config,
            card: None,
            packets: 0,
            hearing: Hearing::Silent,
            filter: None,
            look_at: now,
            hear_at: now,
            retry_at: now,
            losses: 0,
            fault: None,
            counters: CardCounters::ZERO,
            trouble: String::new(),
        };
        lines.card = Some(AnyCard::open(&lines.address)?);
        Ok(lines)
    }

    /// Starts the card at the number that the feed expects next.
    fn start(&mut self, feed: &mut Feed, now: Nanos) -> Result<(), CardError> {
        if self.card.is_none() {
            self.card = Some(AnyCard::open(&self.address)?);
        }
        let Some(card) = &mut self.card else { return Ok(()) };
        self.config.next_seq = feed.next_seq().0;
        card.start(&self.config, now)?;
        if let Some(locates) = &self.filter {
            card.set_filter(locates.iter().copied());
        }
        feed.on_card_start();
        self.packets = 0;
        self.hearing = Hearing::Silent;
        self.trouble.clear();
        Ok(())
    }

    fn start_or_retry(&mut self, feed: &mut Feed, now: Nanos) {
        if let Err(error) = self.start(feed, now) {
            self.trouble = error.to_string();
            self.card = None;
            self.retry_at = now + RETRY;
        }
    }

    #[cold]
    fn lose(
        &mut self,
        fault: CardFault,
        feed: &mut Feed,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        self.losses += 1;
        self.trouble = format!("the card at {}: {fault}", self.address);
        eprintln!("{}; trading stops until it is back", self.trouble);
        self.card = None;
        self.retry_at = now + RETRY;
        feed.on_card_lost(now, out);
    }

    fn look(&mut self, feed: &mut Feed, now: Nanos) -> Result<(), CardFault> {
        let Some(card) = &mut self.card else { return Ok(()) };
        card.check(now)?;
        if now < self.hear_at {
            return Ok(());
        }
        self.hear_at = now + HEAR;
        let seen = (0..2).find_map(|line| card.seen_session(line));
        if let Some(session) = seen.filter(|_| !self.session_fixed)
            && self.config.session != Some(session)
        {
            self.config.session = Some(session);
            self.start_or_retry(feed, now);
            return Ok(());
        }
        self.counters = card.counters()?;
        let packets = self.counters.packets();
        if packets != self.packets && self.hearing == Hearing::Silent {
            self.hearing = Hearing::Counted;
        }
        self.packets = packets;
        Ok(())
    }
}

impl Lines for CardLines {
    #[inline]
    fn poll(
        &mut self,
        max: usize,
        feed: &mut Feed,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        let Some(card) = self.card.as_mut().filter(|card| card.is_running()) else { return };
        match card.poll(max, |record| feed.on_card_record(record, now, out)) {
            Ok(count) if count < max && self.hearing == Hearing::Counted => {
                self.hearing = Hearing::Drained;
            }
            Ok(_) => {}
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn housekeep(&mut self, feed: &mut Feed, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        if let Some(fault) = self.fault.take() {
            return self.lose(fault, feed, now, out);
        }
        let running = self.card.as_ref().is_some_and(AnyCard::is_running);
        if !running {
            if now >= self.retry_at {
                self.start_or_retry(feed, now);
            }
            return;
        }
        if self.hearing == Hearing::Drained
            && let Some(session) = self.config.session
        {
            self.hearing = Hearing::Silent;
            feed.on_card_heard(session, now, out);
        }
        if now >= self.look_at {
            self.look_at = now + LOOK;
            if let Err(fault) = self.look(feed, now) {
                self.lose(fault, feed, now, out);
            }
        }
    }

    fn set_instruments(&mut self, locates: &[u16]) {
        if let Some(card) = &mut self.card {
            card.set_filter(locates.iter().copied());
        }
        self.filter = Some(locates.to_vec());
    }

    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        self.counters.report(|name, value| {
            counters.insert(format!("card_{name}"), value);
        });
        counters.insert("card_losses".into(), self.losses);
    }

    fn failure(&self) -> Option<String> {
        None
    }

    fn detail(&self) -> String {
        self.trouble.clone()
    }
}
