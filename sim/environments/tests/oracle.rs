//! Every batch equals a naive scalar program of the same model, bit by bit.

mod naive;

use naive::{Lane, Step};
use proptest::prelude::*;
use tercel_environments::{ActionSpace, Actions, Outcome, Settings, make_part};

/// Steps a batch beside its naive lanes, with actions that go beyond their bounds.
fn equal(name: &str, settings: &Settings, first: usize, lanes: usize, seed: u64, steps: usize) {
    let mut batch = make_part(name, settings, first, lanes).expect("allowed");
    let mut outcome = Outcome::new(&*batch);
    batch.reset(seed, &mut outcome);
    let mut naive: Vec<Lane> =
        (0..lanes).map(|lane| Lane::new(name, settings, seed, (first + lane) as u32)).collect();
    let width = batch.spec().observation;
    let row = |all: &[f32], lane: usize| all[lane * width..(lane + 1) * width].to_vec();
    for (lane, naive) in naive.iter().enumerate() {
        assert_eq!(row(&outcome.observation, lane), naive.observation(), "{name} at first");
    }
    let mut state = seed | 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    for step in 0..steps {
        let (mut continuous, mut discrete) = (Vec::new(), Vec::new());
        let actions = match &batch.spec().actions {
            ActionSpace::Continuous(bounds) => {
                for _ in 0..lanes {
                    for (least, most) in bounds {
                        let odd = draw();
                        let inside = least + (most - least) * (1.4 * draw() - 0.2);
                        continuous.push(if odd < 0.01 { f32::NAN } else { inside });
                    }
                }
                Actions::Continuous(&continuous)
            }
            ActionSpace::Discrete(n) => {
                let most = *n as f32 * 1.1;
                discrete.extend((0..lanes).map(|_| (most * draw()) as u32));
                Actions::Discrete(&discrete)
            }
        };
        batch.step(actions, &mut outcome);
        for (lane, naive) in naive.iter_mut().enumerate() {
            let action = match actions {
                Actions::Continuous(all) => {
                    let each = all.len() / lanes;
                    all[lane * each..(lane + 1) * each].to_vec()
                }
                Actions::Discrete(all) => vec![all[lane] as f32],
            };
            let Step { reward, terminated, truncated, last } = naive.step(&action);
            assert_eq!(outcome.reward[lane].to_bits(), reward.to_bits(), "{name} {step} {lane}");
            assert!(reward.is_finite());
            assert_eq!(outcome.terminated[lane], terminated, "{name} {step} {lane}");
            assert_eq!(outcome.truncated[lane], truncated, "{name} {step} {lane}");
            assert_eq!(row(&outcome.observation, lane), naive.observation(), "{name} {step}");
            if terminated || truncated {
                assert_eq!(row(&outcome.last, lane), last, "{name} {step} {lane}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn mm1(
        seed in any::<u64>(),
        (first, lanes) in (0..1_000_usize, 1..150_usize),
        flags in 0..32_u32,
        (start, spread) in (-3..4_i32, 0..4_u32),
    ) {
        let settings = flags_of(flags, ["discrete", "risk", "fills", "latency", "noise"])
            .with("start", f64::from(start))
            .with("spread", f64::from(spread))
            .with("limit", 7.0)
            .with("gamma", 0.3)
            .with("hold", 0.05);
        equal("mm1", &settings, first, lanes, seed, 120);
    }

    #[test]
    fn mm2(
        seed in any::<u64>(),
        (first, lanes) in (0..1_000_usize, 1..150_usize),
        flags in 0..16_u32,
        spread in 0..5_u32,
    ) {
        let settings = flags_of(flags, ["discrete", "fills", "latency", "noise"])
            .with("steps", 40.0)
            .with("limit", 5.0)
            .with("spread", f64::from(spread));
        equal("mm2", &settings, first, lanes, seed, 90);
    }

    #[test]
    fn ex1(seed in any::<u64>(), lanes in 1..150_usize, flags in 0..2_u32) {
        equal("ex1", &flags_of(flags, ["noise"]), 3, lanes, seed, 22);
    }

    #[test]
    fn sa1(seed in any::<u64>(), lanes in 1..150_usize, spread in 0.0..3.0_f64) {
        let settings = Settings::new().with("steps", 30.0).with("spread", spread);
        equal("sa1", &settings, 5, lanes, seed, 70);
    }

    #[test]
    fn tables(seed in any::<u64>(), lanes in 1..150_usize, grid in any::<bool>()) {
        let settings = Settings::new().with("steps", 17.0);
        equal(if grid { "grid" } else { "chain" }, &settings, 9, lanes, seed, 50);
    }
}

fn flags_of<const N: usize>(flags: u32, keys: [&str; N]) -> Settings {
    let mut settings = Settings::new();
    for (at, key) in keys.into_iter().enumerate() {
        settings.set(key, f64::from(flags >> at & 1));
    }
    settings
}
