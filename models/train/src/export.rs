//! A policy as the host loads it.

use crate::learner::{Activation, Head, Layer, PolicyView};
use crate::parameters::{numbers, rows};
use crate::training::Run;
use crate::{atomic, noise::Noise};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use tch::Device;
use tercel_policy::artifact::{Heads, Normalisation, Provenance};
use tercel_policy::mlp::Mlp;
use tercel_policy::{Allow, Artifact, FEATURE_COUNT, Features};

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
    let features = |numbers: &[f32]| -> Result<Features> {
        numbers.try_into().context("observations are not the host's features")
    };
    let scale = &policy.normaliser;
    let scale = Normalisation::new(features(&scale.mean)?, features(&scale.spread)?, scale.clip)?;
    let layers = policy.layers.iter().cloned().map(Layer::into_host).collect();
    Ok(Artifact::mlp(layers, scale, Heads::distances(), provenance)?)
}

/// Writes the artifact of a run to `name.safetensors` and `name.json`, after reading its bytes back
/// as the host does and comparing its outputs with libtorch's. The manifest comes last, so one
/// never stands without its weights. Back comes the largest difference, as a share of the largest
/// output.
pub fn write(run: &Run, provenance: Provenance, folder: &Path, name: &str) -> Result<f64> {
    let encoded = artifact(&run.policy(), provenance)?.encode();
    let read = Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Trained)?;
    let apart = apart(run, &read)?;
    ensure!(
        apart <= APART_MAX,
        "the exported network's outputs differ from libtorch's by {apart:e} of the largest"
    );
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    atomic::write(&folder.join(format!("{name}.safetensors")), &encoded.weights)?;
    atomic::write(&folder.join(format!("{name}.json")), encoded.manifest.as_bytes())?;
    Ok(apart)
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
