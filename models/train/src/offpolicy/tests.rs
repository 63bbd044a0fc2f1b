//! What all algorithms of this folder have to do, on problems that take seconds.

use super::config::{DdpgConfig, DqnConfig, MemoryConfig, NetworkConfig, SacConfig};
use super::exploration::{DqnExploration, Fading};
use crate::algorithm::{Algorithm, Start};
use crate::checkpoint::Checkpoint;
use crate::learner::{Learner, largest};
use crate::parameters::numbers;
use tch::{Device, Tensor};
use tercel_environments::{Environment, Settings, exam, make, tabular};

/// Environment and learner of a run of so many rounds.
fn begin(
    name: &str,
    settings: &Settings,
    lanes: usize,
    rounds: u64,
    algorithm: &dyn Algorithm,
) -> (Box<dyn Environment + Send>, Box<dyn Learner + Send>) {
    // Such small work on several threads is mostly their waiting for each other.
    tch::set_num_threads(1);
    algorithm.check().unwrap();
    let environment = make(name, settings, lanes).unwrap();
    let spec = environment.spec().clone();
    let start = Start { spec: &spec, lanes, seed: 1, rounds, device: Device::Cpu };
    let learner = algorithm.learner(&start).unwrap();
    (environment, learner)
}

fn small(hidden: usize, rate: f64) -> NetworkConfig {
    NetworkConfig { hidden: vec![hidden], rate, ..NetworkConfig::default() }
}

/// Every algorithm, small, with the environment that it is tried in.
fn all() -> Vec<(&'static str, Settings, Box<dyn Algorithm>)> {
    let memory = MemoryConfig {
        capacity: 300,
        warmup: 64,
        steps: 12,
        updates: 8,
        batch: 16,
        returns: 3,
        discount: 0.9,
        ..MemoryConfig::default()
    };
    let net = small(8, 1e-3);
    let mut dqn = DqnConfig { network: net.clone(), ..DqnConfig::default() };
    dqn.memory = MemoryConfig { prioritised: true, ..memory.clone() };
    let plain = DqnConfig { soft: 0.0, period: 3, dueling: false, double: false, ..dqn.clone() };
    let ddpg = DdpgConfig {
        memory: memory.clone(),
        actor: net.clone(),
        critic: net.clone(),
        ..DdpgConfig::default()
    };
    let td3 = DdpgConfig {
        twin: true,
        delay: 2,
        smoothing: 0.2,
        actor_smoothing: 0.2,
        average: 0.1,
        ..ddpg.clone()
    };
    let mut sac = SacConfig { actor: net.clone(), critic: net, ..SacConfig::default() };
    sac.memory = MemoryConfig { discount: 1.0, potential: vec![0.0, -1.0], ..memory };
    let averse = SacConfig { aversion: 0.5, twin: false, ..sac.clone() };
    let discrete = Settings::new().with("discrete", 1.0);
    vec![
        ("mm2", discrete.clone(), Box::new(dqn)),
        ("mm2", discrete, Box::new(plain)),
        ("sa1", Settings::new(), Box::new(ddpg)),
        ("mm1", Settings::new(), Box::new(td3)),
        ("ex1", Settings::new(), Box::new(sac)),
        ("mm1", Settings::new(), Box::new(averse)),
    ]
}

fn chapter(learner: &mut dyn Learner, environment: &mut dyn Environment, number: u64) {
    learner.begin(environment, 100 + number).unwrap();
    for _ in 0..3 {
        let round = learner.round(environment).unwrap();
        assert!(round.steps > 0 && round.scalars.iter().all(|(_, figure)| figure.is_finite()));
    }
}

fn saved(learner: &dyn Learner) -> Checkpoint {
    let mut checkpoint = Checkpoint::new("");
    learner.save(&mut checkpoint).unwrap();
    checkpoint
}

#[test]
fn goes_on_from_a_checkpoint_to_the_bit() {
    for (name, settings, algorithm) in all() {
        let (mut environment, mut straight) = begin(name, &settings, 8, 20, &*algorithm);
        chapter(&mut *straight, &mut *environment, 0);
        let bytes = saved(&*straight).encode().unwrap();
        chapter(&mut *straight, &mut *environment, 1);

        let (mut environment, mut resumed) = begin(name, &settings, 8, 20, &*algorithm);
        resumed.load(&Checkpoint::parse(&bytes).unwrap()).unwrap();
        assert_eq!(saved(&*resumed).encode().unwrap(), bytes, "{name}");
        chapter(&mut *resumed, &mut *environment, 1);
        assert!(
            saved(&*resumed).encode().unwrap() == saved(&*straight).encode().unwrap(),
            "{name}"
        );
    }
}

#[test]
fn plain_numbers_are_what_is_served() {
    for (name, settings, algorithm) in all() {
        let (mut environment, mut learner) = begin(name, &settings, 8, 20, &*algorithm);
        chapter(&mut *learner, &mut *environment, 0);
        let width = environment.spec().observation;
        let rows: Vec<f32> = (0..width * 9).map(|at| (at as f32 * 0.7).sin()).collect();
        let given = numbers(&learner.act(&Tensor::from_slice(&rows).view([-1, width as i64])));
        let view = learner.policy();
        let plain = rows.chunks_exact(width).flat_map(|row| match view.choose(row) {
            crate::learner::Choice::Continuous(action) => action,
            crate::learner::Choice::Discrete(_) => view.outputs(row),
        });
        let plain: Vec<f32> = plain.collect();
        assert_eq!(plain.len(), given.len());
        for (plain, given) in plain.iter().zip(&given) {
            assert!((plain - given).abs() < 1e-4 * (1.0 + given.abs()), "{name}");
        }
    }
}

/// The best policy, to the last bit of its worth, where one action in ten slips. Its values, not
/// those of the policy that explored, to a tenth: what is rarely tried is an average over few.
#[test]
fn dqn_is_exact_on_small_problems() {
    for (name, prioritised) in [("chain", true), ("grid", false)] {
        let settings = Settings::new().with("steps", 30.0).with("slip", 0.1);
        let exact = tabular(name, &settings).unwrap();
        let config = DqnConfig {
            memory: MemoryConfig {
                capacity: 100_000,
                warmup: 4_096,
                steps: 20,
                updates: 20,
                batch: 128,
                returns: 1,
                discount: exact.discount,
                normalise: false,
                prioritised,
                beta: 1.0,
                ..MemoryConfig::default()
            },
            network: small(64, 5e-3),
            // The pit is more than 1 away from what was thought: a loss that grows only linearly
            // there would learn something between mean and median.
            huber: 10.0,
            soft: 0.02,
            average: 0.01,
            explore: DqnExploration { first: 1.0, last: 0.8, until: 0.3 },
            ..DqnConfig::default()
        };
        let rounds = 120;
        let (mut environment, mut learner) = begin(name, &settings, 64, rounds, &config);
        learner.begin(&mut *environment, 1).unwrap();
        for _ in 0..rounds {
            learner.round(&mut *environment).unwrap();
        }
        let rows: Vec<f32> = (0..exact.states).flat_map(|at| exact.observation(at)).collect();
        let rows = Tensor::from_slice(&rows).view([-1, exact.states as i64]);
        let values = numbers(&learner.act(&rows));
        let best = exact.best();
        let policy: Vec<usize> =
            values.chunks_exact(exact.actions).map(|row| largest(row) as usize).collect();
        let (worth, optimum) = (exact.worth(&policy)[0], best[..exact.actions].iter());
        let optimum = optimum.copied().fold(f64::MIN, f64::max);
        assert!((worth - optimum).abs() < 1e-9, "{name}: {worth}, not {optimum}: {policy:?}");
        let reached = |state: usize| {
            let ends = |branch: &tercel_environments::Branch| branch.next == state && !branch.ends;
            state == 0 || exact.branches.iter().flatten().any(ends)
        };
        for state in (0..exact.states).filter(|state| reached(*state)) {
            let row = state * exact.actions..(state + 1) * exact.actions;
            for (learned, exact) in values[row.clone()].iter().zip(&best[row]) {
                let apart = (f64::from(*learned) - exact).abs();
                assert!(apart < 0.1, "{name}: state {state}: {learned}, not {exact}");
            }
        }
    }
}

#[test]
fn actor_critics_sell_a_block_at_nearly_the_least_cost() {
    let memory = MemoryConfig {
        capacity: 50_000,
        warmup: 3_200,
        steps: 50,
        updates: 50,
        batch: 128,
        discount: 1.0,
        potential: vec![0.0, -1.3],
        ..MemoryConfig::default()
    };
    let net = NetworkConfig { hidden: vec![32, 32], rate: 3e-3, ..NetworkConfig::default() };
    let ddpg = DdpgConfig {
        memory: memory.clone(),
        actor: net.clone(),
        critic: net.clone(),
        noise: Fading { first: 0.6, last: 0.3 },
        soft: 0.05,
        average: 0.01,
        ..DdpgConfig::default()
    };
    let sac = SacConfig {
        memory,
        actor: net.clone(),
        critic: net,
        twin: false,
        temperature: 0.01,
        entropy: Fading { first: -0.5, last: -2.5 },
        soft: 0.05,
        average: 0.01,
        ..SacConfig::default()
    };
    let exam = exam("ex1", &Settings::new()).unwrap();
    for algorithm in [&ddpg as &dyn Algorithm, &sac] {
        let rounds = 20;
        let (mut environment, mut learner) = begin("ex1", &Settings::new(), 64, rounds, algorithm);
        learner.begin(&mut *environment, 1).unwrap();
        for _ in 0..rounds {
            learner.round(&mut *environment).unwrap();
        }
        let view = learner.policy();
        let score = exam.run(&mut |rows, count| view.answer(rows, count));
        assert!(score.value > 1.03 * score.optimum, "{}: {score:?}", learner.name());
    }
}

#[test]
fn stops_where_numbers_are_not_finite() {
    for (name, settings, algorithm) in all() {
        let (mut environment, mut learner) = begin(name, &settings, 8, 20, &*algorithm);
        chapter(&mut *learner, &mut *environment, 0);
        let mut broken = saved(&*learner);
        let at = if name == "mm2" { "network" } else { "critic" };
        let mut weights = broken.f32(at).unwrap();
        weights[3] = f32::NAN;
        broken.put_f32(at, &weights);
        let error = learner.load(&broken).unwrap_err().to_string();
        assert!(error.contains("not finite"), "{error}");
    }
    let mut config = SacConfig::default();
    (config.memory.scale, config.memory.centre) = (1e12, 1e12);
    config.memory.warmup = 256;
    let (mut environment, mut learner) = begin("sa1", &Settings::new(), 64, 50, &config);
    learner.begin(&mut *environment, 1).unwrap();
    let mut rounds = (0..50).map(|_| learner.round(&mut *environment));
    let error = rounds.find_map(Result::err).map(|error| error.to_string());
    let error = error.expect("squares of such rewards are infinite in f32");
    assert!(error.contains("too large"), "{error}");
}

#[test]
fn says_which_value_is_not_allowed() {
    type Change = fn(&mut SacConfig);
    let changes: [(&str, Change); 7] = [
        ("memory.batch", |config| config.memory.batch = 0),
        ("memory.warmup", |config| config.memory.warmup = 1),
        ("memory.prioritised", |config| config.memory.prioritised = true),
        ("memory.discount", |config| config.memory.discount = f64::NAN),
        ("actor.hidden", |config| config.actor.hidden = vec![]),
        ("critic.rate", |config| config.critic.rate = 0.0),
        ("memory.discount", |config| config.aversion = 0.1),
    ];
    for (key, change) in changes {
        let mut config = SacConfig::default();
        change(&mut config);
        assert_eq!(config.check().unwrap_err().key, key);
    }
    let both = DqnConfig { period: 10, ..DqnConfig::default() };
    assert_eq!(both.check().unwrap_err().key, "soft");
    assert!(toml::from_str::<DqnConfig>("bacth = 1").is_err());
}

#[test]
fn refuses_actions_of_the_other_kind() {
    let spec = make("mm2", &Settings::new(), 4).unwrap().spec().clone();
    let start = Start { spec: &spec, lanes: 4, seed: 1, rounds: 1_000, device: Device::Cpu };
    assert!(DqnConfig::default().learner(&start).is_err());
    let spec = make("chain", &Settings::new(), 4).unwrap().spec().clone();
    let start = Start { spec: &spec, ..start };
    assert!(DdpgConfig::default().learner(&start).is_err());
    assert!(SacConfig::default().learner(&start).is_err());
}
