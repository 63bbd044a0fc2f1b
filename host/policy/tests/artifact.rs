//! Artifacts: what is written is read back, and everything else is refused with its reason.

use proptest::prelude::*;
use tercel_policy::artifact::{Encoded, Part, Provenance};
use tercel_policy::mlp::{Mlp, MlpError};
use tercel_policy::{Allow, Artifact, ArtifactError, FEATURE_HASH};

fn sample() -> Artifact {
    Artifact::untrained(&[16, 8], 5).unwrap()
}

fn parse(encoded: &Encoded) -> Result<Artifact, ArtifactError> {
    Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Untrained)
}

/// The artifact with one text of its manifest in the place of another.
fn with(from: &str, to: &str) -> Result<Artifact, ArtifactError> {
    let mut encoded = sample().encode();
    assert!(encoded.manifest.contains(from), "{from} in {}", encoded.manifest);
    encoded.manifest = encoded.manifest.replacen(from, to, 1);
    parse(&encoded)
}

/// FNV-1a, 64 bits, written apart from the crate's.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Other weights, with the manifest made to name their hash.
fn weights(change: impl FnOnce(&mut Vec<u8>)) -> Result<Artifact, ArtifactError> {
    let mut encoded = sample().encode();
    change(&mut encoded.weights);
    let line = format!("\"weights_hash\": \"{:#018x}\"", fnv(&encoded.weights));
    let at = encoded.manifest.find("\"weights_hash\"").unwrap();
    encoded.manifest.replace_range(at..at + line.len(), &line);
    parse(&encoded)
}

/// The weights file of the sample with one text of its header, of equal length, in the place of
/// another.
fn header(from: &str, to: &str) -> Result<Artifact, ArtifactError> {
    assert_eq!(from.len(), to.len());
    weights(|bytes| {
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes());
        let at = at.unwrap_or_else(|| panic!("{from} in the header"));
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    })
}

#[test]
fn what_is_written_is_read_back() {
    let artifact = sample();
    let read = parse(&artifact.encode()).unwrap();
    assert_eq!(read.manifest(), artifact.manifest());
    assert_eq!(read.layers(), artifact.layers());
    assert_eq!(read.encode(), artifact.encode());
    assert_eq!(read.network().mlp().map(Mlp::inputs), Some(40));
}

#[test]
fn one_seed_is_one_network() {
    assert_eq!(sample().encode(), sample().encode());
    let other = Artifact::untrained(&[16, 8], 6).unwrap();
    assert_ne!(other.encode().weights, sample().encode().weights);
}

#[test]
fn a_network_that_nobody_trained_is_for_benchmarks_only() {
    let encoded = sample().encode();
    let refused = Artifact::parse(&encoded.weights, encoded.manifest.as_bytes(), Allow::Trained);
    assert_eq!(refused.err(), Some(ArtifactError::Untrained));
    assert!(!sample().manifest().provenance.trained);
    let trained = encoded.manifest.replace("\"trained\": false", "\"trained\": true");
    assert!(Artifact::parse(&encoded.weights, trained.as_bytes(), Allow::Trained).is_ok());
}

#[test]
fn texts_are_kept_whatever_they_hold() {
    let commit = "\\\"\\n\\u0007é";
    let from = "\"commit\": \"\"";
    let read = with(from, &format!("\"commit\": \"{commit}\"")).unwrap();
    let Provenance { commit, .. } = &read.manifest().provenance;
    assert_eq!(commit, "\"\n\u{7}é");
    assert_eq!(parse(&read.encode()).unwrap().manifest(), read.manifest());
}

#[test]
fn a_manifest_that_does_not_fit_is_refused() {
    use ArtifactError as E;
    let invalid = |what| Some(E::Invalid { part: Part::Manifest, what });
    let hash = format!("{FEATURE_HASH:#018x}");
    let found = FEATURE_HASH ^ 1;
    let other = format!("{found:#018x}");
    assert_eq!(with(&hash, &other).err(), Some(E::FeatureHash { found }));
    assert_eq!(with(&hash, "12").err(), invalid("feature_hash"));
    let version = |number: &str| with("\"feature_version\": 1", number).err();
    assert_eq!(version("\"feature_version\": 9"), Some(E::FeatureVersion { found: 9 }));
    assert_eq!(version("\"feature_version\": 1e300"), invalid("feature_version"));
    assert_eq!(version("\"feature_version\": -1"), invalid("feature_version"));
    assert_eq!(with("tercel-policy-2", "tercel-policy-1").err(), Some(E::Format));
    assert_eq!(with("[40, 16, 8, 2]", "[41, 16, 8, 2]").err(), invalid("widths"));
    assert_eq!(with("[40, 16, 8, 2]", "[40]").err(), invalid("widths"));
    assert_eq!(with("[40, 16, 8, 2]", "[40, 99999999, 8, 2]").err(), invalid("widths"));
    assert_eq!(with("[40, 16, 8, 2]", "[40, 17, 8, 2]").err(), Some(E::Tensor { layer: 0 }));
    let count = E::TensorCount { found: 6, expected: 4 };
    assert_eq!(with("[40, 16, 8, 2]", "[40, 16, 2]").err(), Some(count));
    assert_eq!(with("\"std\": [1", "\"std\": [0").err(), invalid("std"));
    assert_eq!(with("\"mean\": [0", "\"mean\": [1e99").err(), invalid("mean"));
    assert_eq!(with("\"mean\": [0, ", "\"mean\": [").err(), invalid("mean"));
    assert_eq!(with("\"clip\": 10", "\"clip\": 0").err(), invalid("clip"));
    assert_eq!(with("ask_offset_ticks", "bid_offset_ticks").err(), invalid("heads"));
    let missing = E::Missing { part: Part::Manifest, what: "ask_offset_ticks" };
    assert_eq!(with("ask_offset_ticks", "something_else").err(), Some(missing));
    let missing = E::Missing { part: Part::Manifest, what: "provenance" };
    assert_eq!(with("\"provenance\"", "\"origin\"").err(), Some(missing));
    assert_eq!(with("\"seed\": 5", "\"seed\": \"5\"").err(), invalid("seed"));
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    use ArtifactError as E;
    let mut encoded = sample().encode();
    *encoded.weights.last_mut().unwrap() ^= 1;
    assert!(matches!(parse(&encoded).err(), Some(E::WeightsHash { .. })));
    assert!(weights(|_| ()).is_ok());
    let nan = weights(|bytes| {
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert_eq!(nan.err(), Some(E::Network(MlpError::NotFinite { layer: 2 })));
    assert_eq!(weights(|bytes| bytes.truncate(7)).err(), Some(E::Truncated));
    assert_eq!(weights(|bytes| bytes.truncate(100)).err(), Some(E::Truncated));
    let cut = weights(|bytes| bytes.truncate(bytes.len() - 4));
    assert_eq!(cut.err(), Some(E::Tensor { layer: 2 }));
    assert_eq!(weights(|bytes| bytes.extend([0; 4])).err(), Some(E::Layout));
    let long = weights(|bytes| bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes()));
    assert_eq!(long.err(), Some(E::TooLong { part: Part::Weights }));
    assert_eq!(header("F32", "F16").err(), Some(E::Tensor { layer: 0 }));
    assert_eq!(header("[16,", "[15,").err(), None.or(header("[16, 40]", "[16, 41]").err()));
    assert_eq!(header("[0,2560]", "[4,2564]").err(), Some(E::Layout));
    assert_eq!(header("[0,2560]", "[9,8000]").err(), Some(E::Tensor { layer: 0 }));
    let name = header("layers.1.weight", "layers.9.weight");
    assert_eq!(name.err(), Some(E::Missing { part: Part::Weights, what: "weight" }));
    assert_eq!(header("{\"layers", "[\"layers").err(), Some(E::Json { part: Part::Weights }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_are_refused(
        weights in prop::collection::vec(any::<u8>(), 0..400),
        manifest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(Artifact::parse(&weights, &manifest, Allow::Untrained).is_err());
    }

    #[test]
    fn changed_bytes_never_panic(
        places in prop::collection::vec((any::<u32>(), any::<u8>()), 1..6),
        of_manifest in any::<bool>(),
        within in 1usize..3_000,
    ) {
        let change = |bytes: &mut [u8]| {
            // Mostly near the front, where the structure is.
            let end = bytes.len().min(within);
            for (at, value) in &places {
                bytes[*at as usize % end] = *value;
            }
        };
        if of_manifest {
            let encoded = sample().encode();
            let mut manifest = encoded.manifest.into_bytes();
            change(&mut manifest);
            let _ = Artifact::parse(&encoded.weights, &manifest, Allow::Untrained);
        } else {
            let _ = weights(|bytes| change(bytes));
        }
        // And what is good is still read.
        prop_assert!(parse(&sample().encode()).is_ok());
    }
}
