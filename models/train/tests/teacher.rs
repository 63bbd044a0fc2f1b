//! The teacher's whole way on the demo's market: it learns, a dense network learns from it, and
//! that one becomes integers. The configuration is the one in models/configs with fewer rounds.

use std::path::Path;
use tch::{Device, Tensor};
use tercel_environments::{Actions, Outcome};
use tercel_policy::hybrid::Hybrid;
use tercel_policy::{Allow, Artifact, FEATURE_COUNT};
use tercel_train::checkpoint::Checkpoint;
use tercel_train::config::Config;
use tercel_train::learner::PolicyView;
use tercel_train::parameters::numbers;
use tercel_train::teacher::artifacts::Origin;
use tercel_train::teacher::lessons::{Lessons, gather};
use tercel_train::teacher::ppo::Teacher;
use tercel_train::teacher::{agreement, integers};
use tercel_train::world;

const SEED: u64 = 5;

/// The committed configuration, cut down to seconds.
fn config() -> Config {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/demo-teacher.toml"));
    let mut text = std::fs::read_to_string(file).expect("the configuration");
    let smaller = [
        ("lanes = 64", "lanes = 16"),
        ("steps = 240", "steps = 40"),
        ("rounds = 160", "rounds = 6"),
        ("chapter = 40", "chapter = 3"),
        ("rounds = 60\nsteps = 64", "rounds = 40\nsteps = 32"),
        ("batch = 512", "batch = 64"),
        ("calibration = 4_096\nsteps = 200", "calibration = 512\nsteps = 20"),
    ];
    for (from, to) in smaller {
        assert!(text.contains(from), "{from} is not in {}", file.display());
        text = text.replacen(from, to, 1);
    }
    Config::parse(Path::new("demo-teacher.toml"), &text).expect("the configuration is right")
}

/// A teacher after all of its rounds.
fn taught(config: &Config) -> Lessons {
    tch::set_num_threads(1);
    let mut lessons = Lessons::new(config, SEED, Device::Cpu).expect("lessons");
    while !lessons.is_over() {
        lessons.chapter(&mut |_, _| Ok(())).expect("a chapter");
    }
    lessons
}

fn origin(config: &Config) -> Origin<'_> {
    Origin { config, seed: SEED, commit: "a test".to_owned() }
}

/// An artifact as a host reads it from its files.
fn read_back(artifact: &Artifact) -> Artifact {
    let encoded = artifact.encode();
    Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Trained)
        .expect("a host takes it")
}

/// Raw observations and what the teacher does on them, in the environment's units, with its state
/// carried from step to step and over the ends of episodes.
struct Stream {
    lanes: usize,
    /// A row of every lane's observations for each step.
    rows: Vec<Vec<f32>>,
    first: Vec<Vec<bool>>,
    actions: Vec<Vec<f32>>,
}

fn stream(config: &Config, teacher: &Teacher, steps: usize) -> Stream {
    let mut environment = world::make(config).expect("an environment");
    let lanes = environment.lanes();
    let mut outcome = Outcome::new(&*environment);
    environment.reset(SEED + 1, &mut outcome);
    let (mut first, mut state) = (vec![true; lanes], teacher.fresh(lanes));
    let mut seen = Stream { lanes, rows: vec![], first: vec![], actions: vec![] };
    for _ in 0..steps {
        let (means, after) = teacher.act(&outcome.observation, &first, &state);
        let mut actions = numbers(&means);
        teacher.in_units(&mut actions);
        seen.rows.push(outcome.observation.clone());
        seen.first.push(first.clone());
        seen.actions.push(actions.clone());
        environment.step(Actions::Continuous(&actions), &mut outcome);
        state = after;
        for (lane, first) in first.iter_mut().enumerate() {
            *first = outcome.terminated[lane] || outcome.truncated[lane];
        }
    }
    seen
}

/// A policy's answers and the teacher's on the same rows: the root of the mean squared distance.
fn distance(stream: &Stream, student: &PolicyView) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (rows, actions) in stream.rows.iter().zip(&stream.actions) {
        for (a, b) in student.answer(rows, stream.lanes).iter().zip(actions) {
            sum += f64::from(a - b).powi(2);
            count += 1.0;
        }
    }
    f64::sqrt(sum / count)
}

/// How far the teacher's own answers are from their mean.
fn spread(stream: &Stream) -> f64 {
    let heads = 2;
    let mut squares = 0.0;
    for head in 0..heads {
        let all = || stream.actions.iter().flat_map(|row| row.iter().skip(head).step_by(heads));
        let count = all().count() as f64;
        let mean = all().map(|x| f64::from(*x)).sum::<f64>() / count;
        squares += all().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    }
    f64::sqrt(squares / heads as f64)
}

/// What is trained is what is served: the host's kernel steps through the same streams, an
/// observation at a time, from the artifact's own bytes, and says what libtorch said.
#[test]
fn the_host_streams_as_the_teacher_does() {
    let config = config();
    // Heads that have hardly learned yet would hide what is wrong.
    let mut checkpoint = taught(&config).checkpoint().expect("a checkpoint");
    let weights = checkpoint.f32("teacher").expect("weights");
    checkpoint.put_f32("teacher", &weights.iter().map(|x| 2.0 * x).collect::<Vec<f32>>());
    let lessons = Lessons::resume(&config, &checkpoint, Device::Cpu).expect("lessons");
    let steps = 100;
    let stream = stream(&config, lessons.teacher(), steps);
    let begun = stream.first.iter().flatten().filter(|first| **first).count();
    assert!(begun > stream.lanes, "episodes end within the streams");
    let artifact = origin(&config).teacher(lessons.teacher(), &[]).expect("an artifact");
    let artifact = read_back(&artifact);
    let manifest = artifact.manifest();
    assert_eq!(manifest.heads[..2], ["bid_offset_ticks", "ask_offset_ticks"]);
    let weights = lessons.teacher().exported().expect("weights");
    let mut host = Hybrid::new(&weights).expect("a network");
    let (mut apart, mut largest) = (0.0_f32, 0.0_f32);
    for lane in 0..stream.lanes {
        let mut state = host.state();
        for step in 0..steps {
            if stream.first[step][lane] {
                state = host.state();
            }
            let (rows, _) = stream.rows[step].as_chunks::<FEATURE_COUNT>();
            let mut given = [0.0; FEATURE_COUNT];
            manifest.normalisation.apply(&rows[lane], &mut given);
            let served = host.step(&mut state, &given)[..2].to_vec();
            host.prepare(&mut state);
            for (served, taught) in served.iter().zip(&stream.actions[step][2 * lane..]) {
                apart = apart.max((served - taught).abs());
                largest = largest.max(taught.abs());
            }
        }
    }
    println!("largest difference {apart:e} of {largest}");
    assert!(apart <= 1e-6 * largest.max(1.0), "{apart:e} of {largest}");
}

/// The way down to what the hot path runs: the student does what its teacher does where it goes,
/// and its integers quote as it does.
#[test]
fn a_student_follows_its_teacher_and_its_integers_follow_it() {
    let config = config();
    let mut lessons = taught(&config);
    let mut misses = Vec::new();
    let student = lessons.distil(&mut |_, round| {
        misses.extend(round.scalar("distil/miss"));
        Ok(())
    });
    let student = student.expect("a student");
    assert!(misses.len() == 40 && misses[39] < 0.5 * misses[0], "{misses:?}");
    let stream = stream(&config, lessons.teacher(), 60);
    let (apart, spread) = (distance(&stream, &student), spread(&stream));
    println!("student: {apart:.4} ticks from its teacher, whose answers spread by {spread:.4}");
    assert!(apart < 0.05 && apart < 0.8 * spread, "{apart} ticks, of a spread of {spread}");

    let settings = config.values.integers.clone().expect("a table");
    let seen = gather(&config, &student, SEED, 64).expect("observations");
    let tuned = integers::tune(&student, &seen, &settings, SEED).expect("integers");
    assert!(tuned.tuned <= tuned.rounded, "{tuned:?}");
    // Observations that neither the ranges nor the tuning have seen.
    let fresh = gather(&config, &student, SEED + 1, 64).expect("observations");
    let floats = integers::floats_on(&student, &fresh).expect("answers");
    let whole = integers::integers_on(&student, &tuned.network, &fresh).expect("answers");
    let share = agreement::share(&fresh, &floats, &whole).expect("a share");
    println!("integers: {:.3} % of the student's quotes", 100.0 * share);
    assert!(share >= 0.98, "{share}");
    let artifacts = [
        origin(&config).student(&student, &[("episode_reward", 1.0)]),
        origin(&config).integers(&student, tuned.network, &[("same_quotes", share)]),
    ];
    for artifact in artifacts {
        let read = read_back(&artifact.expect("an artifact"));
        let provenance = &read.manifest().provenance;
        assert!(provenance.trained && provenance.scores.len() == 1, "{provenance:?}");
        assert_eq!(provenance.configuration, config.text);
    }
}

/// Chapters through the bytes of checkpoints end as chapters in one go.
#[test]
fn lessons_go_on_from_a_checkpoint_to_the_bit() {
    tch::set_num_threads(1);
    let config = config();
    let straight = taught(&config).checkpoint().and_then(|to| to.encode()).expect("bytes");
    let mut lessons = Lessons::new(&config, SEED, Device::Cpu).expect("lessons");
    while !lessons.is_over() {
        lessons.chapter(&mut |_, _| Ok(())).expect("a chapter");
        let bytes = lessons.checkpoint().and_then(|to| to.encode()).expect("bytes");
        let from = Checkpoint::parse(&bytes).expect("it is whole");
        lessons = Lessons::resume(&config, &from, Device::Cpu).expect("it goes on");
    }
    assert!(lessons.checkpoint().and_then(|to| to.encode()).expect("bytes") == straight);
}

/// A network that went astray is nothing to export.
#[test]
fn a_teacher_with_numbers_that_are_none_is_refused() {
    let config = config();
    let lessons = Lessons::new(&config, SEED, Device::Cpu).expect("lessons");
    let mut checkpoint = lessons.checkpoint().expect("a checkpoint");
    let mut weights = checkpoint.f32("teacher").expect("weights");
    weights[7] = f32::NAN;
    checkpoint.put_f32("teacher", &weights);
    let error = Lessons::resume(&config, &checkpoint, Device::Cpu).err().expect("it is refused");
    assert!(error.to_string().contains("not finite"), "{error}");
    let wider = Tensor::from_slice(&weights[1..]);
    checkpoint.put_tensor("teacher", &wider).expect("a tensor");
    assert!(Lessons::resume(&config, &checkpoint, Device::Cpu).is_err());
}
