//! Artifacts of every kind: what is exported is loaded and runs, and what does not fit is refused.

use proptest::prelude::*;
use std::sync::OnceLock;
use tercel_policy::artifact::{
    Action, Encoded, Heads, Kind, Normalisation, Part, Provenance, State, Weights,
};
use tercel_policy::hybrid::HybridWeights;
use tercel_policy::lstm::LstmFloats;
use tercel_policy::mlp::{Dense, MlpError};
use tercel_policy::{Allow, Artifact, ArtifactError, Features};

fn dense(inputs: usize, outputs: usize) -> Dense {
    let weight = |at: usize| ((at * 37 + 11) % 101) as f32 / 200.0 - 0.25;
    let weights = (0..inputs * outputs).map(weight).collect();
    Dense { inputs, weights, bias: (0..outputs).map(weight).collect() }
}

fn features(count: usize) -> Vec<Features> {
    let number = |n: usize, at: usize| ((n * 131 + at * 17) % 97) as f32 / 24.0 - 2.0;
    (0..count).map(|n| std::array::from_fn(|at| number(n, at))).collect()
}

fn provenance() -> Provenance {
    Provenance {
        trained: true,
        seed: 9,
        commit: "1a2b3c".to_owned(),
        configuration: "[train]\nsteps = 10 # \"so many\"\n".to_owned(),
        scores: vec![("reward".to_owned(), 1.25), ("drawdown".to_owned(), -1e-30)],
        note: String::new(),
    }
}

/// One of each kind.
fn samples() -> &'static [Artifact] {
    static SAMPLES: OnceLock<Vec<Artifact>> = OnceLock::new();
    SAMPLES.get_or_init(make)
}

fn make() -> Vec<Artifact> {
    let normalisation = Normalisation::new([0.25; 40], [2.0; 40], 5.0).unwrap();
    let heads = Heads::distances;
    let layers = vec![dense(40, 16), dense(16, 8), dense(8, 2)];
    let floats = Artifact::mlp(layers, normalisation.clone(), heads(), provenance()).unwrap();
    let int8 = floats.quantise(&features(200)).unwrap();
    let weights = HybridWeights::random(2, 3);
    let hybrid = Artifact::hybrid(weights, normalisation.clone(), heads(), provenance()).unwrap();
    let cells = vec![[dense(40, 64), dense(16, 64)], [dense(16, 128), dense(32, 128)]];
    let weights = LstmFloats { cells, heads: dense(32, 2) }.quantise(5.0).unwrap();
    let lstm = Artifact::lstm(weights, normalisation, heads(), provenance()).unwrap();
    vec![floats, int8, hybrid, lstm]
}

fn parse(encoded: &Encoded) -> Result<Artifact, ArtifactError> {
    Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Trained)
}

/// FNV-1a, 64 bits, written apart from the crate's.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Makes the manifest name the hash of the weights.
fn sealed(mut encoded: Encoded) -> Encoded {
    let line = format!("\"weights_hash\": \"{:#018x}\"", fnv(&encoded.weights));
    if let Some(at) = encoded.manifest.find("\"weights_hash\"") {
        encoded.manifest.replace_range(at..at + line.len(), &line);
    }
    encoded
}

fn with(artifact: &Artifact, from: &str, to: &str) -> Option<ArtifactError> {
    let mut encoded = artifact.encode();
    assert!(encoded.manifest.contains(from), "{from} in {}", encoded.manifest);
    encoded.manifest = encoded.manifest.replacen(from, to, 1);
    parse(&encoded).err()
}

fn outputs(artifact: &Artifact, inputs: &[Features]) -> Vec<Vec<u32>> {
    let mut network = artifact.network().clone();
    let mut state = network.state();
    let run = |features: &Features| {
        let mut input = [0.0; 40];
        artifact.manifest().normalisation.apply(features, &mut input);
        let outputs = network.run(&mut state, &input).iter().map(|x| x.to_bits()).collect();
        network.prepare(&mut state);
        outputs
    };
    inputs.iter().map(run).collect()
}

#[test]
fn every_kind_is_written_and_read_back() {
    let kinds = [Kind::Mlp, Kind::MlpInt8, Kind::Hybrid, Kind::Lstm];
    for (artifact, kind) in samples().iter().zip(kinds) {
        let encoded = artifact.encode();
        let read = parse(&encoded).unwrap();
        assert_eq!(read.manifest(), artifact.manifest());
        assert_eq!(read.weights(), artifact.weights());
        assert_eq!(read.encode(), encoded);
        assert_eq!(read.manifest().kind, kind);
        assert_eq!(read.manifest().provenance.configuration, provenance().configuration);
        let inputs = features(20);
        let found = outputs(&read, &inputs);
        assert_eq!(found, outputs(artifact, &inputs), "{}", kind.name());
        assert!(found.iter().all(|outputs| outputs.len() == 2));
        assert!(found.iter().any(|outputs| *outputs != found[0]), "{}", kind.name());
    }
}

#[test]
fn integers_quote_much_as_the_floats_do() {
    let [floats, int8, ..] = samples() else { panic!("four kinds") };
    let inputs = features(200);
    let wide = floats.quantise_as(&features(200), true).unwrap();
    assert_eq!(parse(&wide.encode()).unwrap().weights(), wide.weights());
    let expected = outputs(floats, &inputs);
    for (artifact, most) in [(int8, 0.05), (&wide, 0.02)] {
        let (mut error, mut size) = (0.0, 0.0);
        let found = outputs(artifact, &inputs);
        for (expected, found) in expected.iter().flatten().zip(found.iter().flatten()) {
            let [expected, found] = [*expected, *found].map(|bits| f64::from(f32::from_bits(bits)));
            error += (expected - found).powi(2);
            size += expected.powi(2);
        }
        assert!((error / size).sqrt() < most, "{}", (error / size).sqrt());
    }
    let again = int8.quantise(&features(3)).err();
    assert_eq!(again, Some(ArtifactError::Invalid { part: Part::Manifest, what: "kind" }));
    let nothing = floats.quantise(&[]).err();
    assert_eq!(nothing, Some(ArtifactError::Network(MlpError::Shape { layer: 0 })));
}

#[test]
fn a_manifest_of_another_network_is_refused() {
    use ArtifactError as E;
    let invalid = |what| Some(E::Invalid { part: Part::Manifest, what });
    let [floats, int8, hybrid, lstm] = samples() else { panic!("four kinds") };
    assert_eq!(with(floats, "\"kind\": \"mlp\"", "\"kind\": \"cnn\""), invalid("kind"));
    let count = E::TensorCount { found: 6, expected: 16 };
    assert_eq!(with(floats, "\"kind\": \"mlp\"", "\"kind\": \"hybrid\""), invalid("widths"));
    assert_eq!(with(hybrid, "[40, 32, 64, 2]", "[40, 32, 32, 2]"), invalid("widths"));
    assert_ne!(with(hybrid, "\"kind\": \"hybrid\"", "\"kind\": \"mlp\""), Some(count));
    let missing = E::Missing { part: Part::Manifest, what: "quantisation" };
    assert_eq!(with(floats, "\"mlp\"", "\"mlp_int8\""), Some(missing));
    assert_eq!(with(int8, "\"shifts\": [", "\"shifts\": [3, "), invalid("quantisation"));
    assert_eq!(with(int8, "\"shifts\": [", "\"shifts\": [99, "), invalid("shifts"));
    assert_eq!(
        with(floats, "\"quantisation\": null", "\"quantisation\": 1"),
        invalid("quantisation")
    );
    let idle = "\"quantisation\": { \"input_scale\": 1, \"wide\": false, \"shifts\": [] }";
    assert_eq!(with(floats, "\"quantisation\": null", idle), invalid("quantisation"));
    assert_eq!(with(lstm, "[40, 16, 32, 2]", "[40, 16, 16, 2]"), Some(E::Tensor { layer: 2 }));
    assert_eq!(with(floats, "1.25", "\"high\""), invalid("scores"));
    let scale = with(int8, "\"input_scale\": ", "\"input_scale\": -");
    assert_eq!(scale, Some(E::Network(MlpError::NotFinite { layer: 0 })));
    assert_eq!(with(floats, "tercel-policy-2", "tercel-policy-1"), Some(E::Format));
    assert!(E::Format.to_string().contains("tercel-policy-2"));
}

#[test]
fn weights_of_eight_bits_are_checked_too() {
    let [_, int8, hybrid, _] = samples() else { panic!("four kinds") };
    // All weights of the middle layer at 127: its groups leave the bound.
    let mut encoded = int8.encode();
    let Weights::MlpInt8(network) = int8.weights() else { panic!("integers") };
    let start = encoded.weights.len() - 2 * 4;
    assert!(encoded.weights[start..].len() == 4 * network.scale.len());
    let mut bad = network.clone();
    bad.layers[1].weights.fill(127);
    let heads = Heads::distances();
    let manifest = int8.manifest();
    let refused = Artifact::mlp_int8(bad, manifest.normalisation.clone(), heads, provenance());
    assert_eq!(refused.err(), Some(ArtifactError::Network(MlpError::Range { layer: 1 })));
    // A scale that is not a number.
    encoded.weights[start..start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let refused = parse(&sealed(encoded)).err();
    assert_eq!(refused, Some(ArtifactError::Network(MlpError::NotFinite { layer: 2 })));
    let mut encoded = hybrid.encode();
    let end = encoded.weights.len();
    encoded.weights[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let refused = parse(&sealed(encoded)).err();
    assert_eq!(refused, Some(ArtifactError::Network(MlpError::NotFinite { layer: 7 })));
}

#[test]
fn half_precision_halves_the_weights_and_loses_nothing() {
    let mut weights = HybridWeights::random(2, 3);
    let parts = [
        &mut weights.conv,
        &mut weights.input,
        &mut weights.recurrent,
        &mut weights.query,
        &mut weights.key,
        &mut weights.value,
        &mut weights.trunk,
        &mut weights.heads,
    ];
    for weight in parts.into_iter().flat_map(|part| &mut part.weights) {
        *weight = f32::from_bits(weight.to_bits() & 0xffff_0000);
    }
    let build = |weights: &HybridWeights| {
        let heads = Heads::distances();
        Artifact::hybrid(weights.clone(), Normalisation::identity(), heads, provenance()).unwrap()
    };
    let (narrow, wide) = (build(&weights), build(&HybridWeights::random(2, 3)));
    let length = |artifact: &Artifact| artifact.encode().weights.len();
    assert!(length(&narrow) * 100 < length(&wide) * 53);
    assert_eq!(*parse(&narrow.encode()).unwrap().weights(), Weights::Hybrid(Box::new(weights)));
}

#[test]
fn a_table_of_actions_needs_its_heads() {
    use ArtifactError as E;
    let table = vec![
        Action::Quote { offset: 1.0, skew: 0.5 },
        Action::Flatten,
        Action::Quote { offset: 3.0, skew: -1.5 },
    ];
    let build = |names: &[&str], actions: &[Action]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let layers = vec![dense(40, names.len())];
        let heads = Heads { names, actions: actions.to_vec() };
        Artifact::mlp(layers, Normalisation::identity(), heads, provenance())
    };
    let good = build(&["value", "action_2", "action_0", "action_1"], &table).unwrap();
    assert_eq!(parse(&good.encode()).unwrap().manifest().actions, table);
    let invalid = Some(E::Invalid { part: Part::Manifest, what: "actions" });
    let missing = |what| Some(E::Missing { part: Part::Manifest, what });
    assert_eq!(build(&["action_0", "action_1"], &table).err(), invalid);
    assert_eq!(build(&["action_0", "action_1", "action_3"], &table).err(), missing("action_"));
    let both = ["action_0", "action_1", "action_2", "bid_offset_ticks"];
    assert_eq!(build(&both, &table).err(), invalid);
    assert_eq!(build(&["action_0"], &[]).err(), missing("bid_offset_ticks"));
    let far = [Action::Quote { offset: f32::NAN, skew: 0.0 }];
    assert!(build(&["action_0"], &far).is_err());
    assert_eq!(with(&good, "\"flatten\"", "\"hold\""), invalid);
    assert_eq!(with(&good, "[1, 0.5]", "[1, 1e9]"), invalid);
    assert_eq!(with(&good, "[1, 0.5]", "[1]"), invalid);
}

#[test]
fn a_state_of_another_network_gives_nothing() {
    let [.., hybrid, lstm] = samples() else { panic!("four kinds") };
    let mut network = hybrid.network().clone();
    assert!(network.run(&mut lstm.network().state(), &[0.0; 40]).is_empty());
    assert!(network.run(&mut State::None, &[0.0; 40]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Bytes changed, cut off, doubled or filled in, with the hash made to fit: a typed error or an
    /// artifact whose outputs are numbers.
    #[test]
    fn whatever_happens_to_the_bytes_ends_in_an_error_or_in_numbers(
        kind in 0usize..4,
        places in prop::collection::vec((any::<u32>(), any::<u8>()), 0..6),
        cut in prop::option::weighted(0.2, any::<u32>()),
        more in prop::collection::vec(any::<u8>(), 0..3),
        of_manifest in any::<bool>(),
        within in 1usize..4_000,
    ) {
        let mut encoded = samples()[kind].encode();
        let mut manifest = encoded.manifest.clone().into_bytes();
        let bytes = if of_manifest { &mut manifest } else { &mut encoded.weights };
        // Mostly near the front, where the structure is.
        let end = bytes.len().min(within);
        for (at, value) in places {
            bytes[at as usize % end] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut as usize % bytes.len());
        }
        bytes.extend(more);
        if !of_manifest {
            manifest = sealed(encoded.clone()).manifest.into_bytes();
        }
        if let Ok(artifact) = Artifact::parse(&encoded.weights, &manifest, Allow::Trained) {
            let clip = artifact.manifest().normalisation.clip();
            if artifact.network().is_finite_within(clip) {
                let inputs = features(3).into_iter().map(|f| f.map(|x| x.clamp(-clip, clip)));
                for outputs in outputs(&artifact, &inputs.collect::<Vec<_>>()) {
                    prop_assert!(outputs.iter().all(|bits| f32::from_bits(*bits).is_finite()));
                }
            }
        }
    }
}
