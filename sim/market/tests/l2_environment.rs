//! The environment as a learner sees it.

use tercel_environments::{ActionSpace, Actions, Environment, Outcome, Settings};
use tercel_market::l2::{INSTRUMENT, L2, NAMES, config, make, make_threads, settings_of};
use tercel_policy::{FEATURE_COUNT, FEATURE_NAMES};

fn settings() -> Settings {
    Settings::new().with("steps", 25.0).with("step_ms", 50.0)
}

/// Runs some steps with actions that depend on lane and step alone; everything that came out.
fn play(environment: &mut dyn Environment, seed: u64, steps: usize) -> Vec<u32> {
    let lanes = environment.lanes();
    let mut outcome = Outcome::new(environment);
    environment.reset(seed, &mut outcome);
    let mut all = Vec::new();
    for step in 0..steps {
        let numbers: Vec<f32> =
            (0..2 * lanes).map(|at| ((at * 7 + step * 3) % 11) as f32 * 0.3 - 0.8).collect();
        let choices: Vec<u32> = (0..lanes).map(|at| ((at + step) % 26) as u32).collect();
        match environment.spec().actions {
            ActionSpace::Discrete(_) => {
                environment.step(Actions::Discrete(&choices), &mut outcome);
            }
            ActionSpace::Continuous(_) => {
                environment.step(Actions::Continuous(&numbers), &mut outcome);
            }
        }
        all.extend(outcome.observation.iter().chain(&outcome.reward).map(|x| x.to_bits()));
        all.extend(
            outcome.truncated.iter().chain(&outcome.terminated).map(|over| u32::from(*over)),
        );
    }
    all
}

#[test]
fn the_same_bits_on_one_thread_and_on_two() {
    for name in NAMES {
        let mut one = make_threads(name, &settings(), 5, 1).unwrap();
        let mut two = make_threads(name, &settings(), 5, 2).unwrap();
        let whole = play(&mut *one, 42, 60);
        assert!(whole == play(&mut *two, 42, 60), "{name}");
        assert!(whole == play(&mut *one, 42, 60), "{name}: not the same after a reset");
        assert!(whole != play(&mut *one, 43, 60), "{name}: the seed says nothing");
    }
}

#[test]
fn a_lane_does_not_depend_on_the_others() {
    let mut few = make("demo", &settings(), 2).unwrap();
    let mut many = make("demo", &settings(), 4).unwrap();
    let (mut one, mut other) = (Outcome::new(&*few), Outcome::new(&*many));
    few.reset(5, &mut one);
    many.reset(5, &mut other);
    for _ in 0..40 {
        few.step(Actions::Continuous(&[0.5; 4]), &mut one);
        many.step(Actions::Continuous(&[0.5; 8]), &mut other);
        assert_eq!(one.observation, other.observation[..2 * FEATURE_COUNT]);
        assert_eq!(one.reward, other.reward[..2]);
    }
}

#[test]
fn every_control_steps_and_every_number_is_one() {
    for control in 0..3 {
        let settings = settings().with("control", f64::from(control)).with("shaping_s", 10.0);
        let mut environment = make("demo", &settings, 4).unwrap();
        let numbers = play(&mut *environment, 1, 30);
        assert!(numbers.iter().all(|bits| f32::from_bits(*bits).is_finite()));
    }
}

#[test]
fn an_action_that_is_not_a_number_quotes_nothing() {
    let mut environment = make("demo", &settings(), 1).unwrap();
    let mut outcome = Outcome::new(&*environment);
    environment.reset(3, &mut outcome);
    let working = FEATURE_NAMES.iter().position(|name| *name == "bid_working").unwrap();
    environment.step(Actions::Continuous(&[0.5, 0.5]), &mut outcome);
    environment.step(Actions::Continuous(&[0.5, 0.5]), &mut outcome);
    assert_eq!(outcome.observation[working], 1.0);
    for _ in 0..3 {
        environment.step(Actions::Continuous(&[f32::NAN, 0.5]), &mut outcome);
    }
    assert_eq!(outcome.observation[working..working + 2], [0.0, 0.0]);
}

#[test]
fn rewards_are_the_change_of_worth_less_what_risk_costs() {
    let settings = settings().with("steps", 1e6).with("fee_added_mils", -2.0);
    let config = config("demo", &settings).unwrap();
    let phi = config.scenario.phi(0);
    let mut environment = L2::new("demo", config, 0, 1).unwrap();
    let mut outcome = Outcome::new(&environment);
    environment.reset(9, &mut outcome);
    let mut sum = 0.0;
    for step in 0..400 {
        let skew = if step % 80 < 40 { 0.4 } else { -0.4 };
        environment.step(Actions::Continuous(&[0.5 + skew, 0.5 - skew]), &mut outcome);
        sum += f64::from(outcome.reward[0]);
    }
    let session = environment.session(0);
    let account = session.trader(0).account();
    let top = session.books().top(INSTRUMENT);
    let mid_x2 = top.bid.price.0 + top.ask.price.0;
    // The books are 50 µs behind the venue: at the most a tick of what is held.
    let slack = account.position.abs() as f64 * 0.02 + 1e-3;
    let expected = account.value(mid_x2) - phi * account.squares;
    assert!((sum - expected).abs() < slack, "{sum} {expected}");
    assert!(account.fills > 5 && account.taken == 0 && account.fees.0 < 0);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused = |key: &str, value: f64| {
        let settings = Settings::new().with(key, value);
        make("demo", &settings, 1).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused("step_ms", f64::NAN).contains("step_ms"));
    assert!(refused("stepms", 1.0).contains("no setting `stepms`"));
    assert!(refused("steps", 1.5).contains("whole number"));
    assert!(refused("offset_least", 50.0).contains("below offset_most"));
    assert!(make("nowhere", &Settings::new(), 1).is_err());
    assert!(make("demo", &Settings::new(), 0).is_err());
    for setting in settings_of("demo").unwrap() {
        assert!((setting.least..=setting.most).contains(&setting.default), "{}", setting.key);
    }
}
