//! Several sets of the same first weights: those that learn, those that targets come from, those
//! that are served.

use super::config::NetworkConfig;
use crate::network::Dense;
use crate::noise::Noise;
use crate::parameters::{Draft, Parameters};
use anyhow::{Result, ensure};
use tch::{Device, Kind, no_grad};

/// `networks` networks from `inputs` to `outputs` numbers with the hidden layers of the
/// configuration, and `N` equal sets of weights of all of them.
pub(super) fn copies<const N: usize>(
    networks: usize,
    [inputs, outputs]: [usize; 2],
    config: &NetworkConfig,
    gain: f64,
    noise: &Noise,
    device: Device,
) -> (Vec<Dense>, [Parameters; N]) {
    let widths = [&[inputs], &config.hidden[..], &[outputs]].concat();
    let mut denses = Vec::new();
    let sets = [(); N].map(|()| {
        let (mut draft, mut noise) = (Draft::default(), noise.clone());
        let mut dense = |_| Dense::new(&mut draft, &widths, config.activation, gain, &mut noise);
        denses = (0..networks).map(&mut dense).collect();
        draft.build(device)
    });
    (denses, sets)
}

/// An error where a weight is not finite.
pub(super) fn check(parameters: &Parameters, what: &str) -> Result<()> {
    let size = no_grad(|| parameters.flat().abs().sum(Kind::Float).double_value(&[]));
    ensure!(
        size.is_finite(),
        "a weight of the {what} is not finite: a rate or a scale is too large"
    );
    Ok(())
}
