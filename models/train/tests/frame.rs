//! What every algorithm rests on, and the two that learn from rollouts.

use proptest::prelude::*;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use tercel_environments::{ActionSpace, Actions, Environment, Outcome, Spec};
use tercel_train::advantage::{Course, gae};
use tercel_train::checkpoint::{Array, Checkpoint};
use tercel_train::config::Config;
use tercel_train::fleet::{self, Job, Order};
use tercel_train::learner::Activation;
use tercel_train::network::{Dense, orthogonal};
use tercel_train::noise::Noise;
use tercel_train::normaliser::Moments;
use tercel_train::parameters::{Adam, Draft, numbers, rows};
use tercel_train::repeat::Repeat;
use tercel_train::training::Run;
use tercel_train::{evaluate, events};

const PPO: &str = r#"
[environment]
name = "mm2"
lanes = 32
repeat = 4
repeat_until = 0.5
settings = { discrete = 1 }

[run]
rounds = 4
chapter = 1

[ppo]
steps = 25
epochs = 2
batch = 256
entropy = 0.01
advantage_decay = 0.5

[ppo.nets]
policy = [16]
value = [16]
"#;

const REINFORCE: &str = r#"
[environment]
name = "sa1"
lanes = 16

[run]
rounds = 4
chapter = 2

[reinforce]
steps = 20

[reinforce.nets]
policy = [8]
value = [8]
spread = 0.5
spread_last = 0.1
"#;

/// One that learns from memories, with the table of its algorithm and its networks' names.
fn off_policy(environment: &str, table: &str, networks: &[&str]) -> String {
    let networks: String =
        networks.iter().map(|name| format!("[{table}.{name}]\nhidden = [8]\n")).collect();
    format!(
        "[environment]\nname = \"{environment}\"\nlanes = 8\n\
         [run]\nrounds = 4\nchapter = 2\n\
         [{table}.memory]\ncapacity = 200\nwarmup = 64\nsteps = 12\nupdates = 6\nbatch = 16\n\
         {networks}"
    )
}

fn config(text: &str) -> Config {
    Config::parse(Path::new("run.toml"), text).expect("the configuration is right")
}

fn error(text: &str) -> String {
    Config::parse(Path::new("run.toml"), text).expect_err("it is wrong").to_string()
}

fn whole(config: &Config, seed: u64) -> Vec<u8> {
    tch::set_num_threads(1);
    let mut run = Run::new(config, seed, Device::Cpu).expect("a run");
    while !run.is_over() {
        run.chapter(&mut |_, _| Ok(())).expect("a chapter");
    }
    run.checkpoint().and_then(|checkpoint| checkpoint.encode()).expect("a checkpoint")
}

/// As [`whole`], through the bytes of a checkpoint after every chapter.
fn in_parts(config: &Config, seed: u64) -> Vec<u8> {
    tch::set_num_threads(1);
    let fresh = Run::new(config, seed, Device::Cpu).expect("a run");
    let mut bytes = fresh.checkpoint().and_then(|to| to.encode()).expect("a checkpoint");
    loop {
        let from = Checkpoint::parse(&bytes).expect("the checkpoint is whole");
        let mut run = Run::resume(config, &from, Device::Cpu).expect("it goes on");
        if run.is_over() {
            return bytes;
        }
        run.chapter(&mut |_, _| Ok(())).expect("a chapter");
        bytes = run.checkpoint().and_then(|to| to.encode()).expect("a checkpoint");
    }
}

#[test]
fn a_run_that_was_resumed_has_the_bits_of_one_that_was_not() {
    let actor_critic = ["actor", "critic"];
    let td3 = off_policy("sa1", "ddpg", &actor_critic) + "[ddpg]\ntwin = true\ndelay = 2\n";
    let texts = [
        PPO.to_owned(),
        REINFORCE.to_owned(),
        off_policy("chain", "dqn", &["network"]),
        off_policy("sa1", "ddpg", &actor_critic),
        td3,
        off_policy("sa1", "sac", &actor_critic),
    ];
    for text in texts {
        let config = config(&text);
        let bytes = whole(&config, 3);
        assert_eq!(bytes, whole(&config, 3), "two runs of one seed");
        assert_eq!(bytes, in_parts(&config, 3), "a run in parts");
        assert_ne!(bytes, whole(&config, 4), "another seed");
    }
}

#[test]
fn runs_side_by_side_are_the_runs_alone() {
    let config = config(PPO);
    let job = |seed| Job { config: config.clone(), seed, folder: None, resume: false };
    let jobs: Vec<Job> = (1..=3).map(job).collect();
    let policies = |threads| {
        let order = Order { threads, device: Device::Cpu, until: None };
        let done = fleet::run(&jobs, order, &());
        done.into_iter().map(|done| done.expect("it runs").policy).collect::<Vec<_>>()
    };
    assert_eq!(policies(1), policies(2));
}

#[test]
fn ppo_learns() {
    let text = PPO
        .replace("lanes = 32", "lanes = 128")
        .replace("rounds = 4", "rounds = 10")
        .replace("batch = 256", "batch = 512");
    let config = config(&text);
    let mut run = Run::new(&config, 1, Device::Cpu).expect("a run");
    let before = run.score().expect("a score").expect("an exam").g;
    while !run.is_over() {
        run.chapter(&mut |_, _| Ok(())).expect("a chapter");
    }
    let after = run.state().score.expect("an exam").g;
    assert!(after > before + 2.0, "G is {before} before and {after} after");
    let rewards = evaluate::episodes(&config, &run.policy(), 9, 2).expect("episodes");
    assert_eq!(rewards.len(), 256);
    assert_eq!(rewards, evaluate::episodes(&config, &run.policy(), 9, 2).expect("again"));
}

#[test]
fn a_configuration_that_cannot_train_says_where() {
    let cases = [
        ("epochs = 2", "epochs = 0", "run.toml:15: `ppo.epochs` is 0: must be a whole number"),
        ("epochs = 2", "epoch = 2", "run.toml:15: `ppo.epoch` is 2: unknown field `epoch`"),
        ("epochs = 2", "epochs = \"2\"", "run.toml:15: `ppo.epochs` is \"2\": invalid type"),
        ("rounds = 4", "rounds = 0", "run.toml:10: `run.rounds` is 0: must be"),
        ("chapter = 1", "chapter = 9", "`run.chapter` is 9: must be a whole number from 1 to run"),
        ("lanes = 32", "lanes = 0", "run.toml:4: `environment.lanes` is 0: must be"),
        ("policy = [16]", "policy = [0]", "`ppo.nets`"),
        ("[ppo]", "[pqo]", "unknown field `pqo`"),
    ];
    for (right, wrong, expected) in cases {
        let found = error(&PPO.replacen(right, wrong, 1));
        assert!(found.contains(expected), "{found}\nhas not: {expected}");
    }
    let none = PPO.split("[ppo]").next().expect("a part");
    assert!(error(none).contains("no table of an algorithm"));
    assert!(error(&format!("{PPO}\n[reinforce]\n")).contains("more than one table"));
}

#[test]
fn an_environment_that_is_not_there_says_where() {
    let cases = [
        ("name = \"mm2\"", "name = \"mm9\"", "`environment.name` is \"mm9\""),
        ("discrete = 1", "discrete = 2", "`environment.settings.discrete`"),
        ("discrete = 1", "phi = -1", "phi"),
    ];
    for (right, wrong, expected) in cases {
        let config = config(&PPO.replacen(right, wrong, 1));
        let Err(found) = Run::new(&config, 1, Device::Cpu) else { panic!("{wrong} is made") };
        assert!(format!("{found:#}").contains(expected), "{found:#}\nhas not: {expected}");
    }
}

#[test]
fn a_checkpoint_that_is_not_whole_is_refused() {
    let mut checkpoint = Checkpoint::new("[run]\n");
    checkpoint.put_f32("a", &[1.0, f32::MIN_POSITIVE, -0.0]);
    checkpoint.put_f64("b", &[std::f64::consts::PI]);
    checkpoint.put_u64("c", &[u64::MAX]);
    checkpoint.put("d", Array::U8(vec![1, 2, 3]));
    let bytes = checkpoint.encode().expect("bytes");
    assert_eq!(Checkpoint::parse(&bytes).expect("it is whole"), checkpoint);
    for length in 0..bytes.len() {
        assert!(Checkpoint::parse(&bytes[..length]).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(Checkpoint::parse(&damaged).is_err(), "damaged at {at}");
    }
    // One of another run, or with other shapes, is refused by what takes it.
    let (one, other) = (config(PPO), config(REINFORCE));
    let from = Checkpoint::parse(&whole(&one, 1)).expect("it is whole");
    assert!(Run::resume(&other, &from, Device::Cpu).is_err());
    let wider = PPO.replace("policy = [16]", "policy = [17]");
    let mut from = from;
    from.configuration.clone_from(&wider);
    assert!(Run::resume(&config(&wider), &from, Device::Cpu).is_err());
}

#[test]
fn files_are_whole_or_not_there() {
    let folder = std::env::temp_dir().join(format!("tercel-train-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("file");
    tercel_train::atomic::write(&path, b"first").expect("it is written");
    tercel_train::atomic::write(&path, b"second").expect("it is written over");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"second");
    // A name that is taken by a folder cannot be given to a file.
    assert!(tercel_train::atomic::write(&folder, b"third").is_err());
    let names = std::fs::read_dir(&folder).expect("the folder").count();
    assert_eq!(names, 1, "nothing is left beside the file");
    assert!(tercel_train::atomic::write(&folder.join("none/file"), b"").is_err());
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

#[test]
fn event_files_read_back() {
    // RFC 3720, appendix B.4, and the customary check value.
    assert_eq!(events::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(events::crc32c(b"123456789"), 0xe306_9283);
    let folder = std::env::temp_dir().join(format!("tercel-events-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut file = events::Events::create(&folder, 1.5).expect("a file");
    file.scalars(2.5, 300, &[("loss/policy", 0.25), ("run/steps", -2.0)]).expect("an event");
    let path = std::fs::read_dir(&folder).expect("it").next().expect("a file").expect("it").path();
    let bytes = std::fs::read(&path).expect("the file");
    std::fs::remove_dir_all(&folder).expect("it is removed");
    let (mut rest, mut events) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().expect("eight")) as usize;
        let crc = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().expect("four"));
        let event = &rest[12..12 + length];
        assert_eq!(crc(8), events::masked(&rest[..8]));
        assert_eq!(crc(12 + length), events::masked(event));
        events.push(event.to_vec());
        rest = &rest[16 + length..];
    }
    assert_eq!(events.len(), 2);
    let mut first = vec![0x09];
    first.extend(1.5_f64.to_le_bytes());
    first.extend(b"\x1a\x0dbrain.Event:2");
    assert_eq!(events[0], first);
    let mut second = vec![0x09];
    second.extend(2.5_f64.to_le_bytes());
    second.extend(b"\x10\xac\x02\x2a\x26\x0a\x12\x0a\x0bloss/policy\x15");
    second.extend(0.25_f32.to_le_bytes());
    second.extend(b"\x0a\x10\x0a\x09run/steps\x15");
    second.extend((-2.0_f32).to_le_bytes());
    assert_eq!(events[1][..], second[..]);
}

#[test]
fn gradients_are_those_of_differences() {
    let mut noise = Noise::new(1, 0);
    let mut draft = Draft::default();
    let net = Dense::new(&mut draft, &[3, 5, 2], Activation::Tanh, 1.0, &mut noise);
    let parameters = draft.build(Device::Cpu);
    let inputs = rows(&[0.3, -0.2, 0.9, -1.0, 0.5, 0.1], 3, Device::Cpu);
    let loss = || net.forward(&parameters, &inputs).square().sum(Kind::Float);
    let gradient = numbers(&parameters.gradient(&loss()));
    for (at, slope) in gradient.iter().enumerate() {
        let nudged = |by: f64| {
            let mut one = parameters.flat().narrow(0, at as i64, 1);
            let _ = tch::no_grad(|| one.g_add_scalar_(by));
            let value = loss().double_value(&[]);
            let _ = tch::no_grad(|| one.g_add_scalar_(-by));
            value
        };
        let found = (nudged(1e-2) - nudged(-1e-2)) / 2e-2;
        assert!((found - f64::from(*slope)).abs() < 2e-2, "{at}: {found} and {slope}");
    }
}

#[test]
fn adam_takes_the_steps_of_its_paper() {
    let mut draft = Draft::default();
    let weight = draft.add(&[2], &[1.0, -2.0]);
    let parameters = draft.build(Device::Cpu);
    let mut adam = Adam::new(&parameters, 1e-8);
    let (mut x, mut mean, mut square) = ([1.0_f64, -2.0], [0.0; 2], [0.0; 2]);
    for step in 1..=5 {
        let loss: Tensor = parameters.get(weight).square().sum(Kind::Float);
        adam.step(&parameters, &loss, 0.1, f64::INFINITY).expect("a step");
        for at in 0..2 {
            let gradient = 2.0 * x[at];
            mean[at] = 0.9 * mean[at] + 0.1 * gradient;
            square[at] = 0.999 * square[at] + 0.001 * gradient * gradient;
            let mean = mean[at] / (1.0 - 0.9_f64.powi(step));
            let square: f64 = square[at] / (1.0 - 0.999_f64.powi(step));
            x[at] -= 0.1 * mean / (square.sqrt() + 1e-8);
        }
        for (found, expected) in numbers(parameters.flat()).iter().zip(x) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} and {expected}");
        }
    }
    let nan: Tensor = parameters.get(weight).sum(Kind::Float) * f64::NAN;
    let before = numbers(parameters.flat());
    assert!(adam.step(&parameters, &nan, 0.1, 1.0).is_err());
    assert_eq!(before, numbers(parameters.flat()));
}

#[test]
fn first_weights_are_orthogonal() {
    for (height, width) in [(4, 9), (9, 4), (6, 6)] {
        let matrix = orthogonal(height, width, 2.0, &mut Noise::new(7, 0));
        let (few, many) = (height.min(width), height.max(width));
        let at = |few: usize, many: usize| {
            if height <= width { matrix[few * width + many] } else { matrix[many * width + few] }
        };
        for (a, b) in (0..few).flat_map(|a| (0..few).map(move |b| (a, b))) {
            let along: f32 = (0..many).map(|at_many| at(a, at_many) * at(b, at_many)).sum();
            let expected = if a == b { 4.0 } else { 0.0 };
            assert!((along - expected).abs() < 1e-4, "{a} {b}: {along}");
        }
    }
}

#[test]
fn noise_goes_on_where_it_was_saved() {
    let mut noise = Noise::new(5, 2);
    let mut numbers = [0.0; 7];
    noise.normals(&mut numbers);
    let mut checkpoint = Checkpoint::default();
    noise.save("noise", &mut checkpoint);
    let mut other = Noise::new(0, 0);
    other.load("noise", &checkpoint).expect("it was saved");
    assert_eq!(noise.order(50), other.order(50));
    let mean = (0..20_000).map(|_| noise.normal()).sum::<f64>() / 20_000.0;
    assert!(mean.abs() < 0.05, "{mean}");
}

/// A lane that counts its steps, rewards their number, and ends every `length` of them.
struct Counter {
    spec: Spec,
    length: f32,
    step: f32,
}

impl Environment for Counter {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        1
    }

    fn reset(&mut self, _seed: u64, outcome: &mut Outcome) {
        self.step = 0.0;
        outcome.observation[0] = 0.0;
    }

    fn step(&mut self, _actions: Actions<'_>, outcome: &mut Outcome) {
        self.step += 1.0;
        outcome.reward[0] = self.step;
        outcome.truncated[0] = self.step == self.length;
        if outcome.truncated[0] {
            outcome.last[0] = self.step;
            self.step = 0.0;
        }
        outcome.observation[0] = self.step;
    }
}

#[test]
fn held_actions_sum_rewards_up_to_the_end() {
    let actions = ActionSpace::Discrete(2);
    let spec = Spec { name: "counter", observation: 1, actions, steps: Some(5) };
    let counter = Counter { spec, length: 5.0, step: 0.0 };
    let mut held = Repeat::new(Box::new(counter), 3);
    assert_eq!(held.spec().steps, Some(2));
    let mut outcome = Outcome::new(&held);
    held.reset(0, &mut outcome);
    let mut seen = Vec::new();
    for _ in 0..4 {
        held.step(Actions::Discrete(&[0]), &mut outcome);
        let last = outcome.truncated[0].then_some(outcome.last[0]);
        seen.push((outcome.reward[0], outcome.observation[0], last));
    }
    let expected =
        [(6.0, 3.0, None), (9.0, 1.0, Some(5.0)), (9.0, 4.0, None), (5.0, 2.0, Some(5.0))];
    assert_eq!(seen, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The sum of the definition, term by term.
    #[test]
    fn advantages_are_those_of_their_definition(
        steps in prop::collection::vec((-1f32..1.0, -1f32..1.0, -1f32..1.0, 0u8..4), 12),
        gamma in 0f64..=1.0,
        lambda in 0f64..=1.0,
    ) {
        let lanes = 2;
        let course = Course {
            lanes,
            reward: steps.iter().map(|step| step.0).collect(),
            value: steps.iter().map(|step| step.1).collect(),
            after: steps.iter().map(|step| step.2).collect(),
            ended: steps.iter().map(|step| step.3 == 0).collect(),
        };
        let found = gae(&course, gamma, lambda, 0.0);
        let averse = gae(&course, gamma, lambda, 1e-9);
        for (at, found) in found.iter().enumerate() {
            let (mut sum, mut weight, mut then) = (0.0, 1.0, at);
            while then < steps.len() {
                let (reward, value, after, _) = steps[then];
                sum += weight * (f64::from(reward) + gamma * f64::from(after) - f64::from(value));
                if course.ended[then] {
                    break;
                }
                weight *= gamma * lambda;
                then += lanes;
            }
            prop_assert!((sum - f64::from(*found)).abs() < 1e-5);
            prop_assert!((averse[at] - found).abs() < 1e-5, "no aversion is the plain sum");
        }
    }

    #[test]
    fn moments_do_not_depend_on_the_batches(
        numbers in prop::collection::vec(-100f32..100.0, 12..60),
        cut in 1usize..5,
    ) {
        let numbers = &numbers[..numbers.len() / 3 * 3];
        let (mut whole, mut parts) = (Moments::new(3), Moments::new(3));
        whole.add(numbers);
        numbers.chunks(3 * cut).for_each(|part| parts.add(part));
        let (whole, parts) = (whole.normaliser(10.0), parts.normaliser(10.0));
        let parts = parts.mean.iter().chain(&parts.spread);
        for (a, b) in whole.mean.iter().chain(&whole.spread).zip(parts) {
            prop_assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
    }
}
