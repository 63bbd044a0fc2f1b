use super::*;
use crate::draw::Draw;
use crate::normal::quantile;

/// What a generated market is like.
#[derive(Clone, Copy)]
struct Kind {
    /// Volatility comes in bursts.
    bursts: bool,
    /// Trades follow the sign of the one before with this probability.
    follows: f64,
    /// Move of the mid in the direction of a trade.
    impact: f64,
    spread: f64,
}

const PLAIN: Kind = Kind { bursts: false, follows: 0.5, impact: 0.0, spread: 0.02 };

fn uniform(draw: &mut Draw) -> f64 {
    (draw.below(1 << 30) as f64 + 0.5) / f64::from(1 << 30)
}

fn market(seed: u64, kind: Kind) -> Vec<Tick> {
    let mut draw = Draw::new(seed);
    let (mut time, mut mid, mut sign, mut level) = (0, 100.0_f64, 1.0, 1.0_f64);
    (0..40_000)
        .map(|_| {
            time += 1 + (-1e8 * uniform(&mut draw).ln()) as u64;
            if kind.bursts && draw.below(400) == 0 {
                level = if level > 2.0 { 0.5 } else { 4.0 };
            }
            mid *= (1e-5 * level * quantile(uniform(&mut draw))).exp();
            let mut traded = 0.0;
            if draw.below(4) == 0 {
                sign = if uniform(&mut draw) < kind.follows { sign } else { -sign };
                traded = sign * (1.0 + draw.below(9) as f64);
                mid *= (kind.impact * sign).exp();
            }
            let spread = kind.spread * (1.0 + uniform(&mut draw));
            let depth = 100.0 * (1.0 + uniform(&mut draw));
            Tick { time, mid, spread, depth, traded }
        })
        .collect()
}

fn facts(seed: u64, kind: Kind) -> Facts {
    Facts::of(&market(seed, kind), Measure::default()).expect("ticks")
}

#[test]
fn a_random_walk_has_none_of_them() {
    let facts = facts(1, PLAIN);
    assert!(facts.memory.iter().all(|x| x.abs() < 0.08), "{:?}", facts.memory);
    assert!(facts.clustering.iter().all(|x| x.abs() < 0.08), "{:?}", facts.clustering);
    assert!(facts.signs.iter().all(|x| x.abs() < 0.05), "{:?}", facts.signs);
    assert!((facts.kurtosis - 3.0).abs() < 0.6, "{}", facts.kurtosis);
    assert!((facts.gaps.variation - 1.0).abs() < 0.03, "{}", facts.gaps.variation);
    assert!((facts.spread.median() - 3.0).abs() < 0.2, "{}", facts.spread.median());
    assert!((facts.depth.mean - 150.0).abs() < 1.0);
    // Ten ticks of 1e-5 in an interval.
    assert!((facts.volatility / (0.1 * 10.0_f64.sqrt()) - 1.0).abs() < 0.1, "{}", facts.volatility);
    assert!(facts.tail.expect("enough") > 4.0);
}

#[test]
fn bursts_memory_and_impact_are_seen() {
    let kind = Kind { bursts: true, follows: 0.8, impact: 2e-5, ..PLAIN };
    let facts = facts(2, kind);
    assert!(facts.clustering[0] > 0.2 && facts.clustering[9] > 0.05, "{:?}", facts.clustering);
    assert!(facts.kurtosis > 3.5, "{}", facts.kurtosis);
    // 0.8 − 0.2 for each lag.
    assert!((facts.signs[0] - 0.6).abs() < 0.05 && (facts.signs[1] - 0.36).abs() < 0.06);
    assert!(facts.impact[0] > 0.05 && facts.impact[5] > facts.impact[0], "{:?}", facts.impact);
}

#[test]
fn like_markets_are_near_and_unlike_ones_are_not() {
    let plain = facts(3, PLAIN);
    let again = facts(4, PLAIN);
    for Distance { fact, distance, .. } in plain.distances(&again) {
        assert!(distance < 0.25, "{fact}: {distance}");
    }
    for Distance { fact, distance, .. } in plain.distances(&plain) {
        assert_eq!(distance, 0.0, "{fact}");
    }
    let kind = Kind { bursts: true, follows: 0.8, impact: 2e-5, spread: 0.05 };
    let far = plain.distances(&facts(5, kind));
    let apart = |name: &str| far.iter().find(|one| one.fact == name).expect(name).distance;
    for name in ["spread", "volatility", "memory of signs", "clustering of volatility", "impact"] {
        assert!(apart(name) > 0.06, "{name}: {}", apart(name));
    }
    assert!(apart("depth") < 0.1 && apart("gaps") < 0.1);
}

/// Pareto's law of exponent 3.
#[test]
fn the_tail_is_that_of_the_law() {
    let mut draw = Draw::new(6);
    let law: Vec<f64> = (0..50_000).map(|_| uniform(&mut draw).powf(-1.0 / 3.0)).collect();
    let tail = hill(&law, 0.05).expect("enough");
    assert!((tail - 3.0).abs() < 0.2, "{tail}");
    assert_eq!(hill(&law[..100], 0.05), None);
}

#[test]
fn what_cannot_be_is_named() {
    let ticks = market(7, PLAIN);
    let of = |ticks: &[Tick]| Facts::of(ticks, Measure::default());
    assert!(of(&ticks[..10]).is_err());
    let mut broken = ticks.clone();
    broken[70].mid = f64::NAN;
    assert!(matches!(of(&broken), Err(ValidationError::NotFinite { at: 70, .. })));
    broken[70].mid = 0.0;
    assert!(of(&broken).is_err());
    broken = ticks.clone();
    broken.swap(5, 6);
    assert!(of(&broken).is_err());
    let long = Measure { interval: u64::MAX, ..Measure::default() };
    assert!(Facts::of(&ticks, long).is_err());
    let quiet: Vec<Tick> =
        ticks.iter().map(|tick| Tick { mid: 1.0, traded: 0.0, ..*tick }).collect();
    let quiet = of(&quiet).expect("ticks");
    assert_eq!((quiet.volatility, quiet.tail, quiet.trades), (0.0, None, 0));
    assert!(quiet.distances(&of(&ticks).expect("ticks")).iter().all(|d| d.distance.is_finite()));
}
