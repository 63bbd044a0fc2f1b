//! The table of discrete actions.
//!
//! In the manifest, `actions` has for the head `action_<n>` its n-th entry: an array of offset and
//! skew in ticks, or the text `flatten`. Without heads of that name it is empty.

use super::error::ArtifactError;
use super::json::{self, Object};
use core::fmt::Write;
use tinyjson::JsonValue;

/// Name of a head that is an action's score, before its number.
pub const HEAD_ACTION: &str = "action_";

/// Most actions.
pub const ACTIONS_MAX: usize = 256;

/// Largest offset or skew, ticks.
const TICKS_MAX: f32 = 1e4;

/// What one discrete action does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Action {
    /// Quotes on both sides: the bid `offset` − `skew` ticks below the mid price, the ask `offset`
    /// + `skew` ticks above it. A skew above zero lifts both.
    Quote {
        /// Half of what lies between the quotes, ticks.
        offset: f32,
        /// How far their centre lies above the mid price, ticks.
        skew: f32,
    },
    /// Only what reduces the position, as near as the configured range allows; nothing without one.
    Flatten,
}

impl Action {
    /// Its numbers are in range.
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Action::Quote { offset, skew } => {
                [offset, skew].into_iter().all(|ticks| ticks.abs() <= TICKS_MAX)
            }
            Action::Flatten => true,
        }
    }
}

pub(super) fn parse(root: &Object<'_>) -> Result<Vec<Action>, ArtifactError> {
    let what = "actions";
    let values = root.array(what)?;
    if values.len() > ACTIONS_MAX {
        return Err(root.invalid(what));
    }
    let action = |value: &JsonValue| {
        let action = match value {
            JsonValue::String(text) if text == "flatten" => Some(Action::Flatten),
            JsonValue::Array(pair) => match pair.as_slice() {
                [offset, skew] => json::number(offset)
                    .zip(json::number(skew))
                    .map(|(offset, skew)| Action::Quote { offset, skew }),
                _ => None,
            },
            _ => None,
        };
        action.filter(Action::is_valid).ok_or(root.invalid(what))
    };
    values.iter().map(action).collect()
}

pub(super) fn encode(actions: &[Action]) -> String {
    let mut out = String::from("[");
    for (at, action) in actions.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a string does not fail; doubles are read back to the same bits.
        let _ = match action {
            Action::Quote { offset, skew } => {
                write!(out, "{comma}[{}, {}]", f64::from(*offset), f64::from(*skew))
            }
            Action::Flatten => write!(out, "{comma}\"flatten\""),
        };
    }
    out.push(']');
    out
}
