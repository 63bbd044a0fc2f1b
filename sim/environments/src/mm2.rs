//! MM-2: the market maker of Cartea, Jaimungal and Penalva, "Algorithmic and High-Frequency
//! Trading" (2015), section 10.2, on a grid of time.
//!
//! In each of `steps` steps of Δt = T/steps, in this order:
//!
//! 1. Bid and ask are quoted, δᵇ and δᵃ from the mid.
//! 2. A market order comes to each side with probability λΔt, independently, and fills the quote
//!    with probability exp(−κδ); a side that would take the inventory beyond its limit has no
//!    fills. The gain is δ for each fill.
//! 3. The mid moves by σ√Δt·Z: gain q·σ√Δt·Z, with the inventory q after the fills.
//! 4. The running penalty is φq²Δt, and after the last step the one of the end is αq².
//!
//! The reward is gain less penalties, in units of price, so its sum is terminal wealth marked to
//! the mid, less penalties. The observation is (time left as a share of T, q/4). With `latency` 1
//! the quotes in force are those of the step before, and are observed as third and fourth number;
//! an episode begins with the widest. With `fills` 0 a side fills whenever its summed probability
//! reaches 1, without chance, and the sums are observed last. With `noise` 0 the mid stands still,
//! which changes no expected value.

pub(crate) mod exam;
mod step;

use crate::quotes::Quotes;
use crate::settings::{Checked, number, whole};
use crate::{EnvError, Setting, Settings};

pub(crate) use step::Mm2;

/// Its name.
pub(crate) const NAME: &str = "mm2";

/// What can be set.
pub(crate) const SETTINGS: &[Setting] = &[
    number("lambda", 10.0, [0.1, 1_000.0], "market orders of a side in a unit of time"),
    number("kappa", 1.0, [0.01, 100.0], "decay of the fill probability with distance, per price"),
    number("sigma", 0.1, [0.0, 100.0], "standard deviation of the mid in a unit of time, price"),
    number("phi", 0.5, [0.0, 100.0], "running penalty on q², price per unit of time"),
    number("alpha", 0.001, [0.0, 100.0], "penalty on q² at the end, price"),
    number("horizon", 1.0, [0.001, 1_000.0], "T, units of time"),
    whole("steps", 100.0, [1.0, 10_000.0], "steps of an episode"),
    whole("limit", 12.0, [1.0, 100.0], "largest inventory either way"),
    whole("start", 0.0, [-100.0, 100.0], "middle of the inventories that an episode begins with"),
    whole("spread", 4.0, [0.0, 100.0], "how far from it, evenly, an episode may begin"),
    whole("discrete", 0.0, [0.0, 1.0], "1: one of 17 pairs of half-spread and skew"),
    whole("fills", 1.0, [0.0, 1.0], "0: without chance, 1: by chance"),
    whole("latency", 0.0, [0.0, 1.0], "steps until quotes are in force"),
    whole("noise", 1.0, [0.0, 1.0], "0: the mid stands still"),
];

/// The model in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Probability of a market order on a side in a step, λΔt.
    pub(crate) arrival: f64,
    /// Decay of fills with distance.
    pub(crate) kappa: f64,
    /// Movement of the mid in a step.
    pub(crate) sigma: f64,
    /// Penalty on q² in a step, φΔt.
    pub(crate) running: f64,
    /// Penalty on q² at the end.
    pub(crate) terminal: f64,
    pub(crate) steps: u32,
    /// Largest inventory either way.
    pub(crate) limit: i32,
    /// Inventories that an episode begins with, and how many from there on.
    pub(crate) start: (i32, u32),
    pub(crate) quotes: Quotes,
    pub(crate) chance: bool,
    pub(crate) latency: bool,
    pub(crate) noise: bool,
}

impl Model {
    pub(crate) fn new(settings: &Settings) -> Result<Model, EnvError> {
        let checked: Checked<'_> = settings.check(NAME, SETTINGS)?;
        let get = |key| checked.get(key);
        let step = get("horizon") / get("steps");
        let (limit, start, spread) = (get("limit"), get("start"), get("spread"));
        let together = |what| Err(EnvError::Together { environment: NAME, what });
        if start.abs() + spread > limit {
            return together("an episode begins with more than `limit`");
        }
        if get("lambda") * step > 1.0 {
            return together("`lambda` × `horizon` / `steps` is a probability, above 1");
        }
        let scale = (1.0 / get("kappa")) as f32;
        let quotes = if checked.on("discrete") {
            // With the settings of the literature the best policy over these pairs has a score of
            // 0.994.
            Quotes::discrete(1.1 * scale, 0.12 / scale, 0.2 * scale)
        } else {
            Quotes::continuous(3.0 * scale, 3.0 * scale)
        };
        Ok(Model {
            arrival: get("lambda") * step,
            kappa: get("kappa"),
            sigma: get("sigma") * step.sqrt(),
            running: get("phi") * step,
            terminal: get("alpha"),
            steps: checked.count("steps"),
            limit: limit as i32,
            start: ((start - spread) as i32, 2 * spread as u32 + 1),
            quotes,
            chance: checked.on("fills"),
            latency: checked.on("latency"),
            noise: checked.on("noise"),
        })
    }

    /// Numbers of an observation.
    pub(crate) fn width(&self) -> usize {
        2 + if self.latency { 2 } else { 0 } + if self.chance { 0 } else { 2 }
    }
}

/// What an inventory is divided by in an observation.
pub(crate) const INVENTORY: f32 = 4.0;
