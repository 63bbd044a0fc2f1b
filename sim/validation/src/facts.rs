//! Stylised facts of a market, and how far two markets are apart in them: Cont, "Empirical
//! properties of asset returns" (Quantitative Finance 1, 2001); Bouchaud, Farmer and Lillo, "How
//! markets slowly digest changes in supply and demand" (2009), for the signs of trades and their
//! impact.

use crate::error::{Result, ValidationError, argument};
use crate::sample::{Moments, correlation, mean, percentile};

/// A quote, with what was traded since the one before.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tick {
    /// Nanoseconds, not falling.
    pub time: u64,
    /// Mid, above 0.
    pub mid: f64,
    /// Ask less bid, in units of price.
    pub spread: f64,
    /// Mean of the sizes at best bid and ask.
    pub depth: f64,
    /// Size traded, positive where the buyer came to the seller; 0 for none.
    pub traded: f64,
}

/// How facts are measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measure {
    /// Interval of returns, nanoseconds.
    pub interval: u64,
    /// Lags of autocorrelations, in intervals or trades.
    pub lags: usize,
    /// Share of the largest returns that the tail is measured on.
    pub tail: f64,
}

impl Default for Measure {
    fn default() -> Measure {
        Measure { interval: 1_000_000_000, lags: 20, tail: 0.05 }
    }
}

/// How numbers are spread.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Distribution {
    /// Mean.
    pub mean: f64,
    /// Standard deviation over the mean, 0 where the mean is: 1 for exponential gaps.
    pub variation: f64,
    /// The percentiles 0 to 100.
    pub percentiles: Vec<f64>,
}

/// What a market is like.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Facts {
    /// Quotes and trades.
    pub ticks: usize,
    /// Trades.
    pub trades: usize,
    /// Spread, hundredths of a percent of the mid.
    pub spread: Distribution,
    /// Depth, in units of size.
    pub depth: Distribution,
    /// Time between ticks, nanoseconds.
    pub gaps: Distribution,
    /// Standard deviation of the returns of an interval, hundredths of a percent.
    pub volatility: f64,
    /// Fourth standardised moment of the returns, 3 for normal ones.
    pub kurtosis: f64,
    /// Exponent of the tail of absolute returns (Hill 1975): about 3 for stocks. `None` with too
    /// few returns.
    pub tail: Option<f64>,
    /// Autocorrelation of returns, by lag from 1 on: near zero.
    pub memory: Vec<f64>,
    /// Autocorrelation of absolute returns: above zero and slow to fall.
    pub clustering: Vec<f64>,
    /// Autocorrelation of the signs of trades: above zero and slow to fall.
    pub signs: Vec<f64>,
    /// Mean move of the mid in the direction of a trade, 1 to `lags` trades later, hundredths of a
    /// percent.
    pub impact: Vec<f64>,
}

/// How far two markets are apart in one fact.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Distance {
    /// The fact.
    pub fact: &'static str,
    /// A figure of the one, for people to read.
    pub one: f64,
    /// The same of the other.
    pub other: f64,
    /// 0 where they are alike; about 1 where they have little to do with each other.
    pub distance: f64,
}

/// Fewest ticks.
const TICKS_MIN: usize = 50;

/// Fewest returns in a tail.
const TAIL_MIN: usize = 10;

/// Hundredths of a percent.
const POINTS: f64 = 1e4;

impl Distribution {
    fn of(mut numbers: Vec<f64>) -> Distribution {
        numbers.sort_by(f64::total_cmp);
        let mean = mean(&numbers);
        let deviation = Moments::of(&numbers).map_or(0.0, |moments| moments.deviation);
        let variation = if mean == 0.0 { 0.0 } else { deviation / mean };
        let at = |share: u32| percentile(&numbers, f64::from(share) / 100.0);
        Distribution { mean, variation, percentiles: (0..=100).map(at).collect() }
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.percentiles[50]
    }

    /// Mean distance of the percentiles 1 to 99 (Wasserstein's without the ends), over the mean of
    /// what both have between their percentiles 10 and 90.
    fn distance(&self, other: &Distribution) -> f64 {
        let pairs = self.percentiles[1..100].iter().zip(&other.percentiles[1..100]);
        let apart = pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / 99.0;
        let width = |of: &Distribution| of.percentiles[90] - of.percentiles[10];
        let scale = 0.5 * (width(self) + width(other));
        let level = 0.5 * (self.median().abs() + other.median().abs());
        relative(apart, if scale > 0.0 { scale } else { level })
    }
}

/// `apart` over `scale`; nothing apart is 0 whatever the scale.
fn relative(apart: f64, scale: f64) -> f64 {
    if apart == 0.0 { 0.0 } else { apart / scale.max(f64::MIN_POSITIVE) }
}

impl Facts {
    /// Of the ticks of one instrument. Volatility and what follows from it leave intervals out that
    /// reach beyond the ticks.
    pub fn of(ticks: &[Tick], measure: Measure) -> Result<Facts> {
        let Measure { interval, lags, tail } = measure;
        argument("interval", interval as f64, interval > 0, "above 0 ns")?;
        argument("lags", lags as f64, (1..=10_000).contains(&lags), "from 1 to 10000")?;
        argument("tail", tail, tail > 0.0 && tail <= 0.5, "above 0 and at most 0.5")?;
        sound(ticks)?;
        let returns = returns(ticks, interval);
        let least = lags + 2;
        if returns.len() < least {
            let what = "intervals between the first and the last tick";
            return Err(ValidationError::TooFew { what, count: returns.len(), least });
        }
        let moments = Moments::of(&returns)?;
        let absolute: Vec<f64> = returns.iter().map(|x| x.abs()).collect();
        let trades: Vec<(f64, f64)> = ticks
            .iter()
            .filter(|tick| tick.traded != 0.0)
            .map(|tick| (tick.traded.signum(), tick.mid))
            .collect();
        let signs: Vec<f64> = trades.iter().map(|(sign, _)| *sign).collect();
        let spread = |tick: &Tick| tick.spread / tick.mid * POINTS;
        let gap = |pair: &[Tick]| (pair[1].time - pair[0].time) as f64;
        Ok(Facts {
            ticks: ticks.len(),
            trades: trades.len(),
            spread: Distribution::of(ticks.iter().map(spread).collect()),
            depth: Distribution::of(ticks.iter().map(|tick| tick.depth).collect()),
            gaps: Distribution::of(ticks.windows(2).map(gap).collect()),
            volatility: moments.deviation,
            kurtosis: moments.kurtosis,
            tail: hill(&absolute, tail),
            memory: autocorrelation(&returns, lags),
            clustering: autocorrelation(&absolute, lags),
            signs: autocorrelation(&signs, lags),
            impact: impact(&trades, lags),
        })
    }

    /// How far another market is from this one, fact by fact.
    pub fn distances(&self, other: &Facts) -> Vec<Distance> {
        let spread = |fact, a: &Distribution, b: &Distribution| Distance {
            fact,
            one: a.median(),
            other: b.median(),
            distance: a.distance(b),
        };
        // Figures above zero: one e-fold apart is 1.
        let ratio = |fact, one: f64, other: f64| {
            let distance =
                if one == other { 0.0 } else { (one.max(1e-12) / other.max(1e-12)).ln().abs() };
            Distance { fact, one, other, distance }
        };
        // Correlations: their largest distance is 2.
        let curve = |fact, a: &[f64], b: &[f64]| {
            let squares: Vec<f64> = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).collect();
            let (one, other) = (mean(a), mean(b));
            Distance { fact, one, other, distance: mean(&squares).sqrt() }
        };
        let mut all = vec![
            spread("spread", &self.spread, &other.spread),
            spread("depth", &self.depth, &other.depth),
            spread("gaps", &self.gaps, &other.gaps),
            ratio("variation of gaps", self.gaps.variation, other.gaps.variation),
            ratio("volatility", self.volatility, other.volatility),
            ratio("kurtosis", self.kurtosis, other.kurtosis),
            curve("memory of returns", &self.memory, &other.memory),
            curve("clustering of volatility", &self.clustering, &other.clustering),
            curve("memory of signs", &self.signs, &other.signs),
        ];
        if let (Some(one), Some(other)) = (self.tail, other.tail) {
            all.push(ratio("tail", one, other));
        }
        let half = 0.25 * (self.spread.median() + other.spread.median());
        let moved = curve("impact", &self.impact, &other.impact);
        // In half-spreads, which is what an impact takes back from who was traded with.
        all.push(Distance { distance: relative(moved.distance, half), ..moved });
        all
    }
}

/// Refuses too few ticks, and those that no market has.
fn sound(ticks: &[Tick]) -> Result<()> {
    if ticks.len() < TICKS_MIN {
        let count = ticks.len();
        return Err(ValidationError::TooFew { what: "ticks", count, least: TICKS_MIN });
    }
    for (at, tick) in ticks.iter().enumerate() {
        let Tick { mid, spread, depth, traded, .. } = *tick;
        if ![mid, spread, depth, traded].iter().all(|x| x.is_finite()) {
            return Err(ValidationError::NotFinite { what: "ticks", at });
        }
        argument("mid", mid, mid > 0.0, "above 0")?;
        let rising = at == 0 || ticks[at - 1].time <= tick.time;
        argument("place of a tick out of order", at as f64, rising, "rising in time")?;
    }
    Ok(())
}

/// Logarithmic returns of whole intervals, hundredths of a percent: the mid at each boundary is
/// that of the last tick before it.
fn returns(ticks: &[Tick], interval: u64) -> Vec<f64> {
    let (first, last) = (ticks[0].time, ticks[ticks.len() - 1].time);
    let (mut at, mut before, mut returns) = (0, ticks[0].mid, Vec::new());
    let mut boundary = first;
    while let Some(next) = boundary.checked_add(interval).filter(|next| *next <= last) {
        while ticks.get(at + 1).is_some_and(|tick| tick.time <= next) {
            at += 1;
        }
        returns.push((ticks[at].mid / before).ln() * POINTS);
        before = ticks[at].mid;
        boundary = next;
    }
    returns
}

/// Autocorrelation by lag from 1 on; 0 where there are too few numbers.
fn autocorrelation(numbers: &[f64], lags: usize) -> Vec<f64> {
    let one = |lag: usize| match numbers.len().checked_sub(lag) {
        Some(left) if left >= 2 => correlation(&numbers[..left], &numbers[lag..]),
        _ => 0.0,
    };
    (1..=lags).map(one).collect()
}

/// Hill's estimator on the largest share of absolute numbers.
fn hill(absolute: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = absolute.iter().copied().filter(|x| *x > 0.0).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let count = (absolute.len() as f64 * share) as usize;
    if count < TAIL_MIN || sorted.len() <= count {
        return None;
    }
    let threshold = sorted[count];
    let sum: f64 = sorted[..count].iter().map(|x| (x / threshold).ln()).sum();
    (sum > 0.0).then(|| count as f64 / sum)
}

/// Mean signed move of the mid from a trade to one so many trades later.
fn impact(trades: &[(f64, f64)], lags: usize) -> Vec<f64> {
    let one = |lag: usize| {
        let pairs = trades.iter().zip(trades.get(lag..).unwrap_or(&[]));
        let moves: Vec<f64> =
            pairs.map(|((sign, mid), (_, later))| sign * (later / mid).ln() * POINTS).collect();
        mean(&moves)
    };
    (1..=lags).map(one).collect()
}

#[cfg(test)]
mod tests;
