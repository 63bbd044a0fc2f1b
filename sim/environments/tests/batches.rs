//! Any cut of the lanes gives the same bits, episodes end as they should, and what a batch earns on
//! average is what its exam says exactly.

use tercel_environments::{
    ActionSpace, Actions, EnvError, Environment, NAMES, Outcome, Random, Settings, exam, make,
    make_part, make_threads, settings_of,
};

/// Actions for every lane out of a generator of their own.
fn drawn(space: &ActionSpace, lanes: usize, random: &mut [Random]) -> (Vec<u32>, Vec<f32>) {
    let (mut discrete, mut continuous) = (Vec::new(), Vec::new());
    for random in random.iter_mut().take(lanes) {
        match space {
            ActionSpace::Discrete(n) => discrete.push(random.below(*n)),
            ActionSpace::Continuous(bounds) => continuous.extend(
                bounds.iter().map(|(least, most)| least + (most - least) * random.uniform()),
            ),
        }
    }
    (discrete, continuous)
}

/// Everything that some steps of a batch give, of the lanes in their order.
fn history(environment: &mut dyn Environment, first: usize, steps: usize) -> Vec<Vec<u32>> {
    let (lanes, width) = (environment.lanes(), environment.spec().observation);
    let mut random: Vec<Random> =
        (0..lanes).map(|lane| Random::new(5, (first + lane) as u32, 77)).collect();
    let mut outcome = Outcome::new(environment);
    environment.reset(11, &mut outcome);
    let mut all = vec![Vec::new(); lanes];
    for _ in 0..steps {
        let (discrete, continuous) = drawn(&environment.spec().actions, lanes, &mut random);
        let actions = match environment.spec().actions {
            ActionSpace::Discrete(_) => Actions::Discrete(&discrete),
            ActionSpace::Continuous(_) => Actions::Continuous(&continuous),
        };
        environment.step(actions, &mut outcome);
        for (lane, all) in all.iter_mut().enumerate() {
            let row = lane * width..(lane + 1) * width;
            all.push(outcome.reward[lane].to_bits());
            all.push(u32::from(outcome.terminated[lane]) + 2 * u32::from(outcome.truncated[lane]));
            all.extend(outcome.observation[row.clone()].iter().map(|x| x.to_bits()));
            all.extend(outcome.last[row].iter().map(|x| x.to_bits()));
        }
    }
    all
}

#[test]
fn every_cut_gives_the_same_bits() {
    for name in NAMES {
        let settings = Settings::new();
        let one = history(&mut *make(name, &settings, 203).expect("allowed"), 0, 150);
        for threads in [1, 2, 3, 7] {
            let mut cut = make_threads(name, &settings, 203, threads).expect("allowed");
            assert_eq!(history(&mut *cut, 0, 150), one, "{name} on {threads} threads");
        }
        for (first, lanes) in [(0, 1), (1, 64), (65, 138), (202, 1)] {
            let mut part = make_part(name, &settings, first, lanes).expect("allowed");
            let part = history(&mut *part, first, 150);
            assert_eq!(part[..], one[first..first + lanes], "{name} from {first}");
        }
    }
}

#[test]
fn another_seed_is_another_day_and_a_reset_the_same() {
    let mut batch = make("mm2", &Settings::new(), 8).expect("allowed");
    let mut outcome = Outcome::new(&*batch);
    let mut total = |seed| {
        batch.reset(seed, &mut outcome);
        let mut sum = 0.0;
        for _ in 0..100 {
            batch.step(Actions::Continuous(&[1.0, 0.0].repeat(8)), &mut outcome);
            sum += outcome.reward.iter().sum::<f32>();
        }
        sum
    };
    let (first, other, again) = (total(1), total(2), total(1));
    assert_ne!(first, other);
    assert_eq!(first, again);
}

#[test]
fn an_end_of_time_terminates_and_a_cut_truncates() {
    let ends = |name: &str, settings: &Settings, steps: usize| {
        let mut batch = make(name, settings, 3).expect("allowed");
        let mut outcome = Outcome::new(&*batch);
        batch.reset(4, &mut outcome);
        let first = outcome.observation.clone();
        let width = match &batch.spec().actions {
            ActionSpace::Continuous(bounds) => bounds.len(),
            ActionSpace::Discrete(_) => 0,
        };
        let (zeros, none) = (vec![0.0; 3 * width], vec![0; 3]);
        for _ in 0..steps {
            assert!(outcome.terminated.iter().chain(&outcome.truncated).all(|ended| !ended));
            let continuous = width > 0;
            let actions =
                if continuous { Actions::Continuous(&zeros) } else { Actions::Discrete(&none) };
            batch.step(actions, &mut outcome);
        }
        (outcome, first)
    };
    let (mm2, first) = ends("mm2", &Settings::new().with("spread", 0.0), 100);
    assert_eq!((mm2.terminated, mm2.truncated), (vec![true; 3], vec![false; 3]));
    assert_eq!(mm2.observation, first);
    assert!(mm2.last.chunks(2).all(|last| last[0] == 0.0));
    let (ex1, _) = ends("ex1", &Settings::new(), 5);
    assert_eq!((ex1.terminated, ex1.truncated), (vec![true; 3], vec![false; 3]));
    assert_eq!(ex1.last, [0.0; 6]);
    let (sa1, _) = ends("sa1", &Settings::new().with("steps", 9.0), 9);
    assert_eq!((sa1.terminated, sa1.truncated), (vec![false; 3], vec![true; 3]));
    let back = Settings::new().with("slip", 0.0).with("steps", 6.0);
    let (chain, _) = ends("chain", &back, 6);
    assert_eq!((chain.terminated, chain.truncated), (vec![false; 3], vec![true; 3]));
}

#[test]
fn without_chance_fills_come_when_they_are_due() {
    let settings = Settings::new().with("fills", 0.0).with("noise", 0.0).with("spread", 0.0);
    let mut batch = make("mm2", &settings, 1).expect("allowed");
    let mut outcome = Outcome::new(&*batch);
    batch.reset(1, &mut outcome);
    let mut fills = Vec::new();
    // The bid at the mid fills with probability 0.1 a step; the ask is as far as it can be.
    for step in 1..=31 {
        batch.step(Actions::Continuous(&[3.0, 3.0]), &mut outcome);
        if outcome.observation[1] * 4.0 > fills.len() as f32 {
            fills.push(step);
        }
    }
    assert_eq!(fills.len(), 3, "{fills:?}");
    assert!(fills.iter().zip([10, 20, 30]).all(|(step, due)| step - due <= 1), "{fills:?}");
}

/// The mean of what episodes earn under a policy of observations, and its standard error.
fn earned(
    name: &str,
    settings: &Settings,
    of: impl Fn(f64) -> f64,
    policy: impl Fn(&[f32]) -> Vec<f32>,
) -> (f64, f64) {
    let lanes = 4_096;
    let mut batch = make_threads(name, settings, lanes, 2).expect("allowed");
    let mut outcome = Outcome::new(&*batch);
    batch.reset(123, &mut outcome);
    let mut sums = vec![0.0; lanes];
    let mut episodes = vec![None; lanes];
    while episodes.iter().any(Option::is_none) {
        let width = batch.spec().observation;
        let actions: Vec<f32> = outcome.observation.chunks(width).flat_map(&policy).collect();
        batch.step(Actions::Continuous(&actions), &mut outcome);
        for lane in 0..lanes {
            sums[lane] += f64::from(outcome.reward[lane]);
            if outcome.terminated[lane] && episodes[lane].is_none() {
                episodes[lane] = Some(of(sums[lane]));
            }
        }
    }
    let values: Vec<f64> = episodes.into_iter().flatten().collect();
    let mean = values.iter().sum::<f64>() / lanes as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / lanes as f64;
    (mean, (variance / lanes as f64).sqrt())
}

#[test]
fn mm2_earns_what_its_exam_says() {
    let settings = Settings::new();
    let policy = |seen: &[f32]| vec![1.1, (-1.2 * seen[1]).clamp(-3.0, 3.0)];
    let score = exam("mm2", &settings)
        .expect("allowed")
        .run(&mut |rows, _| rows.chunks(2).flat_map(policy).collect());
    assert!(score.g > 0.9 && score.g < 1.0, "{score:?}");
    let (mean, error) = earned("mm2", &settings, |sum| sum, policy);
    assert!((mean - score.value).abs() < 4.0 * error, "{mean} ± {error}, {score:?}");
}

#[test]
fn mm1_earns_what_its_exam_says() {
    // The shorter the steps, the nearer to the 200 times of the exam.
    let settings = Settings::new().with("hold", 0.005);
    let policy = |seen: &[f32]| vec![0.67, (-0.5 * seen[1]).clamp(-2.0, 2.0)];
    let score = exam("mm1", &settings)
        .expect("allowed")
        .run(&mut |rows, _| rows.chunks(2).flat_map(policy).collect());
    assert!(score.value > 63.5 && score.value < score.optimum, "{score:?}");
    // exp(−γW), with the exam's value taken off so that its mean is 1.
    let of = |sum: f64| (-0.1 * (sum - score.value)).exp();
    let (mean, error) = earned("mm1", &settings, of, policy);
    assert!((mean - 1.0).abs() < 4.0 * error, "{mean} ± {error}, {score:?}");
}

/// A constant quote has no regard for risk, and the formula that has is worth more.
#[test]
fn a_quote_without_skew_is_below_the_baseline() {
    let exam = exam("mm1", &Settings::new()).expect("allowed");
    let mut none = |_: &[f32], rows| [0.67, 0.0].repeat(rows);
    let score = exam.run(&mut none);
    assert!(score.value < score.baseline, "{score:?}");
}

#[test]
fn what_cannot_be_is_named() {
    let says = |result: Result<_, EnvError>| match result {
        Ok(_) => panic!("made"),
        Err(error) => error.to_string(),
    };
    let made = |name, key, value| says(make(name, &Settings::new().with(key, value), 1).map(drop));
    assert!(made("mm3", "x", 1.0).contains("no environment `mm3`, only mm1, mm2"));
    assert!(made("mm2", "lamda", 3.0).contains("no setting `lamda` (is 3), only lambda, kappa"));
    let range = made("mm2", "phi", -1.0);
    assert_eq!(range, "mm2: `phi` is -1, must be a number from 0 to 100");
    assert!(made("mm2", "phi", f64::NAN).contains("`phi` is NaN"));
    assert!(made("mm2", "steps", 1.5).contains("must be a whole number from 1 to 10000"));
    assert!(made("mm2", "spread", 20.0).contains("begins with more than `limit`"));
    assert!(made("mm2", "lambda", 500.0).contains("probability, above 1"));
    assert!(says(make("ex1", &Settings::new(), 0).map(drop)).contains("lanes: 0"));
    let late = exam("mm1", &Settings::new().with("latency", 1.0));
    assert!(says(late.map(drop)).contains("the optimum is known for"));
    for name in NAMES {
        for setting in settings_of(name).expect("known") {
            assert!((setting.least..=setting.most).contains(&setting.default), "{setting:?}");
        }
    }
}

#[test]
#[should_panic(expected = "mm2: actions are")]
fn actions_of_another_kind_are_refused() {
    let mut batch = make("mm2", &Settings::new(), 1).expect("allowed");
    let mut outcome = Outcome::new(&*batch);
    batch.reset(1, &mut outcome);
    batch.step(Actions::Discrete(&[0]), &mut outcome);
}
