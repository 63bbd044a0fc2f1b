//! Environments of simulated markets by name, in the shape of `tercel_environments::make`.

use super::environment::{Control, L2, L2Config};
use super::scenario::{Latencies, Scenario};
use tercel_environments::{EnvError, Part, Setting, Settings, Threads};
use tercel_exchange::Fees;
use tercel_types::{Money, Nanos, Qty};

/// Every environment of this crate by its name.
pub const NAMES: &[&str] = &["demo", "zero-intelligence", "agents"];

const fn number(
    key: &'static str,
    default: f64,
    [least, most]: [f64; 2],
    about: &'static str,
) -> Setting {
    Setting { key, default, least, most, whole: false, about }
}

const fn whole(
    key: &'static str,
    default: f64,
    [least, most]: [f64; 2],
    about: &'static str,
) -> Setting {
    Setting { key, default, least, most, whole: true, about }
}

/// What can be set of every one of them.
#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    whole("control", 0.0, [0.0, 2.0], "0: bid, ask offsets, 1: half-spread, skew, 2: discrete"),
    number("offset_least", 0.0, [-100.0, 100.0], "least distance of a quote from the mid, ticks"),
    number("offset_most", 5.0, [0.0, 1e4], "largest distance of a quote from the mid, ticks"),
    number("step_ms", 100.0, [0.1, 60_000.0], "time of one step, milliseconds"),
    whole("steps", 600.0, [1.0, 1e6], "steps of an episode"),
    number("warm_up_s", 1.0, [0.0, 3_600.0], "longest time before the first step, seconds"),
    number("risk_aversion", 0.01, [0.0, 1e3], "gamma, 1/$: phi is gamma/2 times the variance"),
    number("shaping_s", 0.0, [0.0, 3_600.0], "tau of the shaping, seconds"),
    number("discount", 1.0, [0.0, 1.0], "discount of the shaping"),
    number("reward_scale", 1.0, [1e-9, 1e9], "rewards are dollars times this"),
    whole("per_risk", 0.0, [0.0, 1.0], "1: rewards in units of each instrument's own risk"),
    whole("control_variate", 0.0, [0.0, 1.0], "1: rewards without what the value's moves earn"),
    whole("curriculum", 0.0, [0.0, 1e6], "episodes until the market is as dangerous as it is"),
    number("feed_us", 50.0, [0.0, 1e6], "venue to books, microseconds"),
    number("order_us", 50.0, [0.0, 1e6], "order to engine, microseconds"),
    number("answer_us", 50.0, [0.0, 1e6], "engine to order session, microseconds"),
    number("fee_added_mils", 0.0, [-100.0, 100.0], "fee of a share that rested, 1/1000 dollar"),
    number("fee_removed_mils", 0.0, [-100.0, 100.0], "fee of a share that took, 1/1000 dollar"),
    number("rate", 100.0, [1.0, 1e6], "arrivals of the background a second and instrument"),
    whole("order_qty", 100.0, [1.0, 1e4], "shares of a quote"),
    whole("position_max", 1_000.0, [1.0, 1e6], "shares long or short at most"),
];

/// Most lanes of one environment: a session takes 0.8 megabytes.
const LANES_MAX: usize = 1 << 14;

/// Most threads.
const THREADS_MAX: usize = 256;

/// Makes `lanes` copies of an environment that step together.
///
/// # Errors
/// [`EnvError`] if there is no such environment, or a setting is not allowed.
pub fn make(name: &str, settings: &Settings, lanes: usize) -> Result<Part, EnvError> {
    make_part(name, settings, 0, lanes)
}

/// As [`make`], with the lanes cut over threads. The numbers are the same.
///
/// # Errors
/// As [`make`].
pub fn make_threads(
    name: &str,
    settings: &Settings,
    lanes: usize,
    threads: usize,
) -> Result<Part, EnvError> {
    count("threads", threads, THREADS_MAX)?;
    if threads == 1 {
        return make(name, settings, lanes);
    }
    count("lanes", lanes, LANES_MAX)?;
    let part = |first, lanes| make_part(name, settings, first, lanes);
    Ok(Box::new(Threads::new(part, lanes, threads)?))
}

/// As [`make`], for the lanes from `first` on of a larger batch.
fn make_part(
    name: &str,
    settings: &Settings,
    first: usize,
    lanes: usize,
) -> Result<Part, EnvError> {
    count("lanes", lanes, LANES_MAX)?;
    let environment = known(name)?;
    let made = L2::new(environment, config(name, settings)?, first, lanes);
    let what = "the market cannot be made of these settings";
    Ok(Box::new(made.map_err(|_| EnvError::Together { environment, what })?))
}

/// What can be set of an environment.
///
/// # Errors
/// [`EnvError::Unknown`].
pub fn settings_of(name: &str) -> Result<&'static [Setting], EnvError> {
    known(name).map(|_| SETTINGS)
}

/// The configuration that settings stand for.
///
/// # Errors
/// As [`make`].
pub fn config(name: &str, settings: &Settings) -> Result<L2Config, EnvError> {
    let mut scenario = match name {
        "zero-intelligence" => Scenario::zero_intelligence(),
        "agents" => Scenario::agents(),
        _ => Scenario::demo(),
    };
    let environment = known(name)?;
    check(environment, settings)?;
    let get = |key: &str| {
        let set = settings.iter().find(|(known, _)| *known == key).map(|(_, value)| value);
        let default = SETTINGS.iter().find(|one| one.key == key).map(|one| one.default);
        set.or(default).unwrap_or(0.0)
    };
    let micros = |key| Nanos((get(key) * 1e3) as u64);
    let mils = |key| Money((get(key) * 10.0).round() as i64);
    scenario.rate = get("rate");
    scenario.latencies = Latencies {
        feed: micros("feed_us"),
        order: micros("order_us"),
        answer: micros("answer_us"),
    };
    scenario.fees =
        Fees { added: mils("fee_added_mils"), removed: mils("fee_removed_mils"), cross: Money(0) };
    scenario.objective.risk_aversion = get("risk_aversion");
    scenario.quote.order_qty = Qty(get("order_qty") as u32);
    scenario.quote.position_max = get("position_max") as i64;
    let offsets = (get("offset_least") as f32, get("offset_most") as f32);
    if offsets.0 >= offsets.1 {
        let what = "offset_least must be below offset_most";
        return Err(EnvError::Together { environment, what });
    }
    Ok(L2Config {
        scenario,
        control: match get("control") {
            0.0 => Control::Offsets,
            1.0 => Control::SpreadSkew,
            _ => Control::Discrete,
        },
        offsets,
        step: Nanos((get("step_ms") * 1e6) as u64),
        steps: get("steps") as u32,
        warm_up: Nanos((get("warm_up_s") * 1e9) as u64),
        shaping: get("shaping_s"),
        discount: get("discount"),
        reward_scale: get("reward_scale"),
        per_risk: get("per_risk") != 0.0,
        control_variate: get("control_variate") != 0.0,
        curriculum: get("curriculum") as u32,
    })
}

fn known(name: &str) -> Result<&'static str, EnvError> {
    let found = NAMES.iter().find(|known| **known == name).copied();
    found.ok_or_else(|| EnvError::Unknown { name: name.to_owned(), known: NAMES.to_vec() })
}

fn count(what: &'static str, value: usize, most: usize) -> Result<(), EnvError> {
    let allowed = (1..=most).contains(&value);
    if allowed { Ok(()) } else { Err(EnvError::Count { what, value, most }) }
}

fn check(environment: &'static str, settings: &Settings) -> Result<(), EnvError> {
    for (key, value) in settings.iter() {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
            let allowed = SETTINGS.iter().map(|setting| setting.key).collect();
            return Err(EnvError::Key { environment, key: key.to_owned(), value, allowed });
        };
        let Setting { key, least, most, whole, .. } = *setting;
        if !(least..=most).contains(&value) || (whole && value.fract() != 0.0) {
            let kind = if whole { "a whole number" } else { "a number" };
            return Err(EnvError::Range { environment, key, value, kind, least, most });
        }
    }
    Ok(())
}
