//! Values of states and actions, for the algorithms with continuous actions.
//!
//! One network or two. With two the smaller value counts, which keeps errors from being sought out
//! (Fujimoto, van Hoof and Meger 2018, "Addressing Function Approximation Error in Actor-Critic
//! Methods", §4.2).
//!
//! A value is what is expected, or, under risk aversion a, the certainty equivalent
//! −(1/a) ln E exp(−a y) of the targets y. The loss is then the linear-exponential one of Varian
//! 1975, (exp(a (Q − y)) − a (Q − y) − 1) / a²: its derivative is zero in the mean where
//! E exp(a (Q − y)) = 1, which is the certainty equivalent exactly. As a goes to 0 it is the half
//! square. Because the equivalent of a sum of a step's reward and an equivalent is the equivalent
//! of all rewards (Howard and Matheson 1972), the recursion over steps is that of an exponential
//! utility of the whole episode.

use super::config::NetworkConfig;
use super::copies::{check, copies};
use crate::checkpoint::Checkpoint;
use crate::network::Dense;
use crate::noise::Noise;
use crate::parameters::{Adam, Parameters};
use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};

/// Exponent at which the loss goes on as a straight line: one unlikely step must not carry a batch.
const EXPONENT_MAX: f64 = 3.0;

/// The networks, those that targets come from, and the optimiser.
#[derive(Debug)]
pub(super) struct Critics {
    networks: Vec<Dense>,
    own: Parameters,
    target: Parameters,
    adam: Adam,
    config: NetworkConfig,
    /// Risk aversion per scaled reward.
    aversion: f64,
}

/// Which weights a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    /// Those that learn.
    Own,
    /// Those that follow them.
    Target,
}

impl Critics {
    pub(super) fn new(
        config: &NetworkConfig,
        inputs: usize,
        twin: bool,
        aversion: f64,
        noise: &Noise,
        device: Device,
    ) -> Critics {
        let count = if twin { 2 } else { 1 };
        let (networks, [own, target]) = copies(count, [inputs, 1], config, 1.0, noise, device);
        let adam = Adam::new(&own, config.epsilon);
        Critics { networks, own, target, adam, config: config.clone(), aversion }
    }

    /// The value, or the smaller of both, in rows of one number.
    pub(super) fn least(&self, of: Of, observations: &Tensor, actions: &Tensor) -> Tensor {
        let values = self.values(of, observations, actions);
        values[1..].iter().fold(values[0].shallow_clone(), |least, value| least.minimum(value))
    }

    /// The value of the first network.
    pub(super) fn first(&self, observations: &Tensor, actions: &Tensor) -> Tensor {
        let inputs = Tensor::cat(&[observations, actions], 1);
        self.networks[0].forward(&self.own, &inputs)
    }

    fn values(&self, of: Of, observations: &Tensor, actions: &Tensor) -> Vec<Tensor> {
        let inputs = Tensor::cat(&[observations, actions], 1);
        let parameters = match of {
            Of::Own => &self.own,
            Of::Target => &self.target,
        };
        self.networks.iter().map(|network| network.forward(parameters, &inputs)).collect()
    }

    /// Moves the values of what was seen and done towards `targets`; gives the loss.
    pub(super) fn learn(
        &mut self,
        observations: &Tensor,
        actions: &Tensor,
        targets: &Tensor,
        done: f64,
    ) -> Result<f64> {
        let each = self.values(Of::Own, observations, actions);
        let losses: Vec<Tensor> = each.iter().map(|value| self.loss(value, targets)).collect();
        let loss = losses[1..].iter().fold(losses[0].shallow_clone(), |sum, loss| sum + loss);
        let figure = loss.double_value(&[]);
        ensure!(
            figure.is_finite(),
            "the critic's loss is {figure}: a rate or a scale is too large"
        );
        let rate = self.config.rate * self.config.schedule.at(done);
        self.adam.step(&self.own, &loss, rate, self.config.norm)?;
        Ok(figure)
    }

    fn loss(&self, value: &Tensor, targets: &Tensor) -> Tensor {
        let error = value - targets;
        if self.aversion == 0.0 {
            return error.square().mean(Kind::Float) * 0.5;
        }
        let exponent = error * self.aversion;
        let bent = exponent.clamp_max(EXPONENT_MAX);
        let steep = EXPONENT_MAX.exp();
        let loss = bent.exp() + (&exponent - &bent) * steep - exponent - 1.0;
        loss.mean(Kind::Float) * (1.0 / (self.aversion * self.aversion))
    }

    /// Lets the target's weights follow by a share of the way.
    pub(super) fn follow(&self, share: f64) {
        self.target.approach(&self.own, share);
    }

    /// An error where a weight is not finite.
    pub(super) fn check(&self) -> Result<()> {
        check(&self.own, "critic")
    }

    pub(super) fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.own.save("critic", to)?;
        self.target.save("critic.target", to)?;
        self.adam.save("critic.adam", to)
    }

    pub(super) fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.own.load("critic", from)?;
        self.target.load("critic.target", from)?;
        self.adam.load("critic.adam", from)
    }
}

#[cfg(test)]
mod tests {
    use super::{Critics, Of};
    use crate::noise::Noise;
    use crate::offpolicy::config::NetworkConfig;
    use crate::parameters::rows;
    use tch::Device;

    /// Targets of which a third are 2 and the others −1, at one and the same place.
    #[test]
    fn values_are_means_or_certainty_equivalents() {
        for aversion in [0.0, 0.5] {
            let config = NetworkConfig { hidden: vec![4], rate: 0.02, ..NetworkConfig::default() };
            let noise = Noise::new(1, 0);
            let mut critics = Critics::new(&config, 2, true, aversion, &noise, Device::Cpu);
            let one = |number: f32| rows(&[number; 3], 1, Device::Cpu);
            let targets = rows(&[2.0, -1.0, -1.0], 1, Device::Cpu);
            for step in 0..600 {
                let done = f64::from(step) / 600.0;
                critics.learn(&one(0.3), &one(-0.2), &targets, done).unwrap();
            }
            let got = critics.least(Of::Own, &one(0.3), &one(-0.2)).double_value(&[0, 0]);
            let mean = |of: &dyn Fn(f64) -> f64| (of(2.0) + 2.0 * of(-1.0)) / 3.0;
            let expected = match aversion {
                0.0 => mean(&|y| y),
                a => -mean(&|y| (-a * y).exp()).ln() / a,
            };
            assert!((got - expected).abs() < 0.01, "{got}, not {expected}");
        }
    }
}
