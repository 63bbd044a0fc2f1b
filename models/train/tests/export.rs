//! Policies as the host loads them.

use tercel_policy::artifact::Provenance;
use tercel_policy::{Allow, Artifact, FEATURE_COUNT};
use tercel_train::export::artifact;
use tercel_train::learner::{Activation, Head, Layer, PolicyView};
use tercel_train::network::orthogonal;
use tercel_train::noise::Noise;
use tercel_train::normaliser::Normaliser;

fn policy() -> PolicyView {
    let mut noise = Noise::new(11, 0);
    let layers = [FEATURE_COUNT, 64, 64, 2].windows(2).map(|pair| Layer {
        inputs: pair[0],
        weights: orthogonal(pair[1], pair[0], 1.0, &mut noise),
        bias: (0..pair[1]).map(|at| at as f32 * 0.01).collect(),
    });
    let layers = layers.collect();
    let normaliser = Normaliser {
        mean: (0..FEATURE_COUNT).map(|at| at as f32).collect(),
        spread: (0..FEATURE_COUNT).map(|at| 0.5 + at as f32).collect(),
        clip: 5.0,
    };
    PolicyView { normaliser, layers, activation: Activation::Relu, head: Head::Linear }
}

fn provenance() -> Provenance {
    Provenance {
        trained: true,
        seed: 3,
        commit: "1a2b3c".to_owned(),
        configuration: "[environment]\nname = \"demo\"\n".to_owned(),
        scores: vec![("g".to_owned(), 0.5)],
        note: "a test".to_owned(),
    }
}

#[test]
fn what_is_exported_is_what_was_trained() {
    let policy = policy();
    let encoded = artifact(&policy, provenance()).expect("the host takes it").encode();
    let read = Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Trained);
    let read = read.expect("it reads back");
    assert_eq!(read.manifest().provenance, provenance());
    let mut network = tercel_policy::mlp::Mlp::new(read.layers()).expect("a network");
    let mut noise = Noise::new(4, 0);
    for _ in 0..100 {
        let mut features = [0.0; FEATURE_COUNT];
        noise.normals(&mut features);
        features.iter_mut().enumerate().for_each(|(at, x)| *x *= 10.0 + at as f32);
        let mut given = [0.0; FEATURE_COUNT];
        read.manifest().normalisation.apply(&features, &mut given);
        for (host, trained) in network.forward(&given).iter().zip(policy.outputs(&features)) {
            assert!((host - trained).abs() <= 2e-5, "{host} and {trained}");
        }
    }
}

#[test]
fn what_the_host_does_not_run_is_refused() {
    let refused = |change: fn(&mut PolicyView)| {
        let mut policy = policy();
        change(&mut policy);
        format!("{:#}", artifact(&policy, provenance()).expect_err("it is refused"))
    };
    assert!(refused(|policy| policy.activation = Activation::Tanh).contains("ReLU"));
    assert!(refused(|policy| policy.head = Head::Discrete).contains("distances"));
    assert!(
        refused(|policy| policy.normaliser = Normaliser::identity(2, 5.0)).contains("2 numbers")
    );
    assert!(refused(|policy| policy.layers[1].weights[0] = f32::NAN).contains("finite"));
}
