//! A policy as the host loads it.

use crate::learner::{Activation, Head, Layer, PolicyView};
use crate::normaliser::Normaliser;
use crate::parameters::{numbers, rows};
use crate::training::Run;
use crate::{atomic, evaluate, noise::Noise};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use tch::Device;
use tercel_policy::artifact::{Encoded, Heads, Normalisation, Provenance};
use tercel_policy::mlp::Mlp;
use tercel_policy::{Allow, Artifact, FEATURE_COUNT, Features};
use tercel_validation::{Bootstrap, mean};

/// Observations on which the exported network is compared with the one that was trained.
const PROBES: usize = 256;

/// Largest difference of an output allowed, as a share of the largest output.
const APART_MAX: f64 = 1e-6;

/// The artifact of a policy.
///
/// # Errors
/// If the policy is nothing that the host runs: other observations than its features, another head
/// than bid and ask distances, another function between layers, or numbers that it refuses.
pub fn artifact(policy: &PolicyView, provenance: Provenance) -> Result<Artifact> {
    let width = policy.normaliser.mean.len();
    ensure!(
        width == FEATURE_COUNT,
        "the policy observes {width} numbers; the host has {FEATURE_COUNT} features"
    );
    ensure!(
        policy.activation == Activation::Relu,
        "the host's network has ReLU between layers, the policy has another function; set \
         nets.activation to \"relu\""
    );
    let outputs = policy.layers.last().map_or(0, |layer| layer.bias.len());
    ensure!(
        policy.head == Head::Linear && outputs == 2,
        "the host places a bid and an ask at distances; the policy gives something else"
    );
    let scale = normalisation(&policy.normaliser)?;
    let layers = policy.layers.iter().cloned().map(Layer::into_host).collect();
    Ok(Artifact::mlp(layers, scale, Heads::distances(), provenance)?)
}

/// What the host does to its features first.
pub(crate) fn normalisation(scale: &Normaliser) -> Result<Normalisation> {
    let features = |numbers: &[f32]| -> Result<Features> {
        numbers.try_into().context("observations are not the host's features")
    };
    Ok(Normalisation::new(features(&scale.mean)?, features(&scale.spread)?, scale.clip)?)
}

/// What was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Written {
    /// The manifest's file; the weights lie beside it.
    pub manifest: PathBuf,
    /// Hash of the weights, as the manifest has it.
    pub weights_hash: u64,
    /// Largest difference of an output from libtorch's, as a share of the largest output.
    pub apart: f64,
}

/// What a manifest says of a run's worth, by name: rounds and steps of its training; value and G by
/// the exact exam, where the environment has one; and the mean reward of the first `episodes` whole
/// episodes of each lane under `seed`, with the ends of its 95 % interval.
///
/// # Errors
/// If an episode does not end.
pub fn scores(run: &mut Run, seed: u64, episodes: usize) -> Result<Vec<(String, f64)>> {
    let state = *run.state();
    let mut scores = vec![("rounds", state.rounds as f64), ("steps", state.steps as f64)];
    if let Some(score) = run.score()? {
        scores.extend([("value", score.value), ("g", score.g)]);
    }
    if episodes > 0 {
        let rewards = evaluate::episodes(run.config(), &run.policy(), seed, episodes)?;
        scores.extend([("episodes", rewards.len() as f64), ("episode_reward", mean(&rewards))]);
        if rewards.len() > 1 {
            let interval = Bootstrap::default().of(&rewards, mean)?;
            scores.push(("episode_reward_low", interval.low));
            scores.push(("episode_reward_high", interval.high));
        }
    }
    // In the order in which a manifest is read back.
    scores.sort_by_key(|(name, _)| *name);
    Ok(scores.into_iter().map(|(name, score)| (name.to_owned(), score)).collect())
}

/// Writes the artifact of a run to `name.safetensors` and `name.json`, after reading its bytes back
/// as the host does and comparing its outputs with libtorch's: both files or neither.
///
/// # Errors
/// If the host would refuse it, its outputs differ, or a file cannot be written.
pub fn write(run: &Run, provenance: Provenance, folder: &Path, name: &str) -> Result<Written> {
    let encoded = artifact(&run.policy(), provenance)?.encode();
    let read = Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Trained)?;
    let apart = apart(run, &read)?;
    ensure!(
        apart <= APART_MAX,
        "the exported network's outputs differ from libtorch's by {apart:e} of the largest"
    );
    let manifest = write_files(folder, name, &encoded)?;
    Ok(Written { manifest, weights_hash: read.manifest().weights_hash, apart })
}

/// Writes `name.safetensors` and `name.json`, both or neither; the manifest takes its name last, so
/// one never stands without its weights. Back comes the manifest's path.
///
/// # Errors
/// What the file system says; neither file is ever there in part.
pub fn write_files(folder: &Path, name: &str, encoded: &Encoded) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let weights = folder.join(format!("{name}.safetensors"));
    let manifest = folder.join(format!("{name}.json"));
    atomic::write_all(&[(&weights, &encoded.weights), (&manifest, encoded.manifest.as_bytes())])?;
    Ok(manifest)
}

/// Largest difference between the artifact's network and libtorch's on observations drawn around
/// the training's.
fn apart(run: &Run, artifact: &Artifact) -> Result<f64> {
    let scale = run.policy().normaliser;
    let mut network = Mlp::new(artifact.layers())?;
    let (mut noise, mut probes) = (Noise::new(0, 0), vec![0.0; PROBES * FEATURE_COUNT]);
    noise.normals(&mut probes);
    for row in probes.chunks_exact_mut(FEATURE_COUNT) {
        for ((x, mean), spread) in row.iter_mut().zip(&scale.mean).zip(&scale.spread) {
            *x = mean + 2.0 * spread * *x;
        }
    }
    let trained = numbers(&run.learner().act(&rows(&probes, FEATURE_COUNT, Device::Cpu)));
    let (mut largest, mut apart) = (1.0_f64, 0.0_f64);
    let (rows, _) = probes.as_chunks::<FEATURE_COUNT>();
    for (row, trained) in rows.iter().zip(trained.chunks_exact(network.outputs())) {
        let mut given = [0.0; FEATURE_COUNT];
        artifact.manifest().normalisation.apply(row, &mut given);
        for (own, theirs) in network.forward(&given).iter().zip(trained) {
            largest = largest.max(f64::from(theirs.abs()));
            apart = apart.max(f64::from((own - theirs).abs()));
        }
    }
    Ok(apart / largest)
}
