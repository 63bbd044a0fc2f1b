//! MM-1: the market maker of Avellaneda and Stoikov, "High-frequency trading in a limit order book"
//! (Quantitative Finance 8, 2008), with bounded inventory as in Guéant, Lehalle and
//! Fernandez-Tapia, "Dealing with the inventory risk" (Mathematics and Financial Economics 7,
//! 2013).
//!
//! The mid is a Brownian motion of σ; a quote at distance δ is filled at the rate A·exp(−kδ). Time
//! is continuous and a step is an event: it ends with the first fill, or after `hold` units of
//! time, or at T, whichever comes first. So the inventory is that of the observation for the whole
//! step, and a policy that is asked at every fill loses by steps only that its clock stands still
//! for `hold`.
//!
//! The reward is δ of the fill plus q·(movement of the mid) in the step, with the inventory q
//! before the fill, in units of price: its sum is terminal wealth. With `risk` 1, ½γσ²q² for each
//! unit of time is taken off: a policy that knows only expected sums of rewards then comes near the
//! optimum of exponential utility (whose worth over a short time is mean less γ/2 × variance). With
//! `noise` 0 the mid stands still, which changes no expected value.
//!
//! The observation is (time left as a share of T, q/10). With `latency` 1 the quotes in force are
//! those decided a step before, and are observed as third and fourth number; an episode begins with
//! the widest. With `fills` 0 a side fills when its summed rate reaches 1, without chance, and what
//! is missing on either side is observed last.

pub(crate) mod exam;
mod step;

use crate::arithmetic::ln;
use crate::quotes::Quotes;
use crate::settings::{number, whole};
use crate::{EnvError, Setting, Settings};

pub(crate) use step::Mm1;

/// Its name.
pub(crate) const NAME: &str = "mm1";

/// What can be set.
pub(crate) const SETTINGS: &[Setting] = &[
    number("gamma", 0.1, [0.001, 10.0], "risk aversion, per unit of price"),
    number("sigma", 2.0, [0.0, 100.0], "standard deviation of the mid in a unit of time, price"),
    number("a", 140.0, [0.1, 10_000.0], "fills of a quote at the mid in a unit of time"),
    number("k", 1.5, [0.01, 100.0], "decay of the fill rate with distance, per price"),
    number("horizon", 1.0, [0.001, 1_000.0], "T, units of time"),
    number("hold", 0.01, [0.000_1, 1.0], "longest step, as a share of T"),
    whole("limit", 30.0, [1.0, 200.0], "largest inventory either way"),
    whole("start", 0.0, [-200.0, 200.0], "middle of the inventories that an episode begins with"),
    whole("spread", 0.0, [0.0, 200.0], "how far from it, evenly, an episode may begin"),
    whole("discrete", 0.0, [0.0, 1.0], "1: one of 17 pairs of half-spread and skew"),
    whole("risk", 0.0, [0.0, 1.0], "1: the reward is less ½γσ²q² for each unit of time"),
    whole("fills", 1.0, [0.0, 1.0], "0: without chance, 1: by chance"),
    whole("latency", 0.0, [0.0, 1.0], "steps until quotes are in force"),
    whole("noise", 1.0, [0.0, 1.0], "0: the mid stands still"),
];

/// What an inventory is divided by in an observation.
pub(crate) const INVENTORY: f32 = 10.0;

/// The model in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) gamma: f64,
    pub(crate) sigma: f64,
    pub(crate) a: f64,
    pub(crate) k: f64,
    pub(crate) horizon: f64,
    /// Longest step, units of time.
    pub(crate) hold: f64,
    /// Largest inventory either way.
    pub(crate) limit: i32,
    /// Middle of the inventories that an episode begins with, the least, and how many.
    pub(crate) start: (i32, i32, u32),
    pub(crate) quotes: Quotes,
    pub(crate) risk: bool,
    pub(crate) chance: bool,
    pub(crate) latency: bool,
    pub(crate) noise: bool,
}

impl Model {
    pub(crate) fn new(settings: &Settings) -> Result<Model, EnvError> {
        let checked = settings.check(NAME, SETTINGS)?;
        let get = |key| checked.get(key);
        let (limit, start, spread) = (get("limit"), get("start"), get("spread"));
        let (gamma, k) = (get("gamma"), get("k"));
        if start.abs() + spread > limit {
            let what = "an episode begins with more than `limit`";
            return Err(EnvError::Together { environment: NAME, what });
        }
        let scale = 1.5 / k;
        let quotes = if checked.on("discrete") {
            // What the model quotes without inventory.
            let half = ln((1.0 + gamma / k) as f32) / gamma as f32;
            Quotes::discrete(1.04 * half, 0.0, (0.1 * scale) as f32)
        } else {
            Quotes::continuous((2.0 * scale) as f32, (2.0 * scale) as f32)
        };
        Ok(Model {
            gamma,
            sigma: get("sigma"),
            a: get("a"),
            k,
            horizon: get("horizon"),
            hold: get("hold") * get("horizon"),
            limit: limit as i32,
            start: (start as i32, (start - spread) as i32, 2 * spread as u32 + 1),
            quotes,
            risk: checked.on("risk"),
            chance: checked.on("fills"),
            latency: checked.on("latency"),
            noise: checked.on("noise"),
        })
    }

    /// What a unit of time is of the whole.
    pub(crate) fn share(&self) -> f32 {
        1.0 / self.horizon as f32
    }

    /// Numbers of an observation.
    pub(crate) fn width(&self) -> usize {
        2 + if self.latency { 2 } else { 0 } + if self.chance { 0 } else { 2 }
    }
}
