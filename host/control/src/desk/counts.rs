//! How often what was on the tape.

use crate::desk::word_name;
use std::collections::BTreeMap;
use tercel_engine::tape::{AnswerKind, Answered, Intended, Why};

/// Codes of rejections that are told apart; the rest is counted under `other`.
const CODES_MAX: usize = 128;

/// Counts since the start.
#[derive(Clone, Default, Debug)]
pub struct Counts {
    /// Entries applied.
    pub entries: u64,
    /// Entries that could not be read.
    pub unknown: u64,
    /// Entries for which the tape had no room.
    pub lost: u64,
    /// Bytes that came in on the order session.
    pub received_bytes: u64,
    intents: BTreeMap<(&'static str, &'static str), u64>,
    refused: BTreeMap<&'static str, u64>,
    unsent: BTreeMap<&'static str, u64>,
    answers: BTreeMap<&'static str, u64>,
    rejected: BTreeMap<u16, u64>,
    rejected_other: u64,
}

impl Counts {
    pub(crate) fn intended(&mut self, intended: &Intended) {
        let Intended { action, fate, why, .. } = *intended;
        *self.intents.entry((word_name(action), word_name(fate))).or_default() += 1;
        match why {
            Why::None => {}
            Why::Risk(_) => *self.refused.entry(word_name(why)).or_default() += 1,
            Why::Encode(_) | Why::PortFull => *self.unsent.entry(word_name(why)).or_default() += 1,
        }
    }

    pub(crate) fn answered(&mut self, said: &Answered) {
        *self.answers.entry(word_name(said.what)).or_default() += 1;
        if said.what == AnswerKind::Rejected {
            if self.rejected.len() < CODES_MAX || self.rejected.contains_key(&said.reason) {
                *self.rejected.entry(said.reason).or_default() += 1;
            } else {
                self.rejected_other += 1;
            }
        }
    }

    /// Intents by action and fate.
    pub fn intents(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.intents.iter().map(|((action, fate), count)| (*action, *fate, *count))
    }

    /// Intents that risk refused, by reason.
    pub fn refused(&self) -> BTreeMap<String, u64> {
        self.refused.iter().map(|(why, count)| ((*why).into(), *count)).collect()
    }

    /// Approved orders that could not be sent, by reason.
    pub fn unsent(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.unsent.iter().map(|(why, count)| (*why, *count))
    }

    /// The venue's answers, by kind.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.answers.iter().map(|(kind, count)| (*kind, *count))
    }

    /// The venue's rejections, by their code in OUCH 5.0.
    pub fn rejected(&self) -> impl Iterator<Item = (String, u64)> {
        let other = (self.rejected_other > 0).then(|| ("other".into(), self.rejected_other));
        self.rejected.iter().map(|(code, count)| (code.to_string(), *count)).chain(other)
    }
}
