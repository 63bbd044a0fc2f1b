//! What the tuned GLFT baseline does, as a function of the features: what a policy may begin as.

use tercel_policy::{FEATURE_COUNT, FEATURE_NAMES};

/// Where a feature stands.
const fn place(name: &str) -> usize {
    let mut at = 0;
    while at < FEATURE_COUNT {
        let known = FEATURE_NAMES[at].as_bytes();
        let (wanted, mut same) = (name.as_bytes(), known.len() == name.len());
        let mut letter = 0;
        while same && letter < known.len() {
            same = known[letter] == wanted[letter];
            letter += 1;
        }
        if same {
            return at;
        }
        at += 1;
    }
    panic!("no such feature")
}

const INVENTORY: usize = place("inventory");
const VOLATILITY: usize = place("volatility_slow");

/// The constant half of the spread of the tuned baseline, ticks.
const HALF: f32 = 0.6;

/// η of it, √s (see `baselines.rs`).
const SLOPE: f32 = 0.06;

/// Quote sizes in the largest position.
const LOTS: f32 = 10.0;

/// An action, the second argument, for an observation, the first.
pub type Demonstration = fn(&[f32], &mut [f32]);

/// The tuned baseline's offsets in ticks for an observation; `None` for an environment of another
/// crate.
pub fn demonstration(environment: &str) -> Option<Demonstration> {
    super::NAMES.contains(&environment).then_some(glft as Demonstration)
}

/// Guéant, Lehalle and Fernandez-Tapia's offsets, bid and ask.
fn glft(features: &[f32], offsets: &mut [f32]) {
    let lots = LOTS * features[INVENTORY];
    // $0.0005 to $0.1 per √s, in ticks of a cent.
    let step = SLOPE * features[VOLATILITY].clamp(0.05, 10.0);
    offsets[0] = HALF + (2.0 * lots + 1.0) * 0.5 * step;
    offsets[1] = HALF - (2.0 * lots - 1.0) * 0.5 * step;
}
