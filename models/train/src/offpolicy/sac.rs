//! Soft actor-critic for continuous actions (Haarnoja et al. 2018b, "Soft Actor-Critic Algorithms
//! and Applications").
//!
//! An action is a = tanh u, u normal with a mean and a spread that the actor gives, in [−1, 1];
//! its density's logarithm is ln N(u) − Σ ln(1 − tanh² u), the last term computed as
//! 2 (ln 2 − u − softplus(−2u)), which does not lose digits for large |u| (there: appendix C).
//! The critic learns R + γⁿ (Q⁻(s′, a′) − α ln π(a′|s′)), the actor descends α ln π(a|s) − Q(s, a),
//! and the logarithm of α is steered so that −ln π is the entropy asked for in the mean (§5).
//! Entropy is that of actions in [−1, 1], whatever their range. The entropy of the steps between is
//! left out of returns over several steps.

use super::config::{NetworkConfig, SacConfig};
use super::copies::{check, copies};
use super::critic::{Critics, Of};
use super::ddpg::to_range;
use super::gatherer::{CHOICES, CRITIC_WEIGHTS, Gatherer, Lesson, UPDATES, WEIGHTS};
use super::off_policy::{Method, OffPolicy};
use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::learner::{Head, PolicyView};
use crate::network::Dense;
use crate::noise::{HALF_LN_TAU, Noise};
use crate::normaliser::Normaliser;
use crate::parameters::{Adam, Draft, Parameters, numbers, rows};
use anyhow::{Context, Result, bail, ensure};
use tch::{Kind, Tensor, no_grad};
use tercel_environments::ActionSpace;

/// The logarithm of the spread of an action is cut here (Haarnoja's code: −20 and 2; narrower than
/// e⁻⁷ no density here is of use, and the gradient would be all noise).
const LOG_SPREAD: (f64, f64) = (-7.0, 1.0);

/// What the logarithm of the spread begins at: about half of the range.
const FIRST_LOG_SPREAD: f32 = -0.7;

/// The networks of SAC.
#[derive(Debug)]
pub struct Soft {
    config: SacConfig,
    ranges: Vec<(f32, f32)>,
    actor: Dense,
    own: Parameters,
    served: Parameters,
    adam: Adam,
    critics: Critics,
    /// The logarithm of α, and its optimiser.
    temperature: Parameters,
    temperature_adam: Adam,
    /// Noise of actions, and of lessons.
    choices: Noise,
    updates: Noise,
    /// Loss of the critics, mean value that the actor reaches, entropy.
    figures: [f64; 3],
}

impl OffPolicy<Soft> {
    /// A learner that knows nothing yet.
    pub fn new(config: &SacConfig, start: &Start<'_>) -> Result<Self> {
        let ActionSpace::Continuous(ranges) = &start.spec.actions else {
            bail!("sac takes continuous actions, {} has discrete ones", start.spec.name);
        };
        let gatherer = Gatherer::new(&config.memory, start)?;
        let (width, count) = (start.spec.observation, ranges.len());
        let (actor, [own, served]) = copies(
            1,
            [width, 2 * count],
            &config.actor,
            0.01,
            &Noise::new(start.seed, WEIGHTS),
            start.device,
        );
        let critics = Critics::new(
            &config.critic,
            width + count,
            config.twin,
            config.aversion / config.memory.scale,
            &Noise::new(start.seed, CRITIC_WEIGHTS),
            start.device,
        );
        let mut draft = Draft::default();
        draft.add(&[1], &[config.temperature.ln() as f32]);
        let temperature = draft.build(start.device);
        let method = Soft {
            adam: Adam::new(&own, config.actor.epsilon),
            temperature_adam: Adam::new(&temperature, 1e-8),
            actor: actor.into_iter().next().context("one network")?,
            config: config.clone(),
            ranges: ranges.clone(),
            own,
            served,
            critics,
            temperature,
            choices: Noise::new(start.seed, CHOICES),
            updates: Noise::new(start.seed, UPDATES),
            figures: [0.0; 3],
        };
        Ok(OffPolicy::with(gatherer, method))
    }
}

impl Soft {
    /// Means, and logarithms of spreads.
    fn normal(&self, parameters: &Parameters, seen: &Tensor) -> (Tensor, Tensor) {
        let given = self.actor.forward(parameters, seen);
        let count = self.ranges.len() as i64;
        let (low, high) = LOG_SPREAD;
        let log = (given.narrow(1, count, count) + f64::from(FIRST_LOG_SPREAD)).clamp(low, high);
        (given.narrow(1, 0, count), log)
    }

    /// Draws an action for each row; gives it with the logarithm of its density, batch × 1.
    fn draw(&mut self, seen: &Tensor) -> (Tensor, Tensor) {
        let (mean, log) = self.normal(&self.own, seen);
        let mut noise = vec![0.0; mean.numel()];
        self.updates.normals(&mut noise);
        let noise = rows(&noise, self.ranges.len(), seen.device());
        squash(&mean, &log, &noise)
    }

    fn alpha(&self) -> f64 {
        self.temperature.get(0).double_value(&[0]).exp()
    }
}

/// tanh of a normal number with this mean and spread, and the logarithm of its density: the normal
/// one's less that of the slope of tanh, summed over the numbers of an action.
fn squash(mean: &Tensor, log: &Tensor, noise: &Tensor) -> (Tensor, Tensor) {
    let raw = mean + log.exp() * noise;
    let normal = noise.square() * -0.5 - log - HALF_LN_TAU;
    let slope = (&raw + (&raw * -2.0).softplus()) * -2.0 + 2.0 * std::f64::consts::LN_2;
    let density = (normal - slope).sum_dim_intlist(-1, true, Kind::Float);
    (raw.tanh(), density)
}

impl Method for Soft {
    fn name(&self) -> &'static str {
        "sac"
    }

    fn anything(&mut self, actions: &mut [f32]) {
        actions.fill_with(|| 2.0 * self.choices.uniform() - 1.0);
    }

    fn explore(&mut self, seen: &Tensor, _: f64, actions: &mut [f32]) {
        self.choices.normals(actions);
        let chosen = no_grad(|| {
            let (mean, log) = self.normal(&self.own, seen);
            let noise = rows(actions, self.ranges.len(), seen.device());
            (mean + log.exp() * noise).tanh()
        });
        actions.copy_from_slice(&numbers(&chosen));
    }

    fn learn(&mut self, lesson: &Lesson, done: f64, _: Option<&mut Vec<f32>>) -> Result<()> {
        let Lesson { observations, chosen, gains, nexts, discounts, .. } = lesson;
        let alpha = self.alpha();
        let targets = no_grad(|| {
            let (next, density) = self.draw(nexts);
            let value = self.critics.least(Of::Target, nexts, &next) - density * alpha;
            gains + discounts * value
        });
        let loss = self.critics.learn(observations, chosen, &targets, done)?;

        let (actions, density) = self.draw(observations);
        let value = self.critics.least(Of::Own, observations, &actions);
        let descend = (&density * alpha - &value).mean(Kind::Float);
        let figure = descend.double_value(&[]);
        ensure!(figure.is_finite(), "the actor's loss is {figure}: a rate or a scale is too large");
        let NetworkConfig { rate, schedule, norm, .. } = &self.config.actor;
        self.adam.step(&self.own, &descend, rate * schedule.at(done), *norm)?;

        let entropy = -density.mean(Kind::Float).double_value(&[]);
        if self.config.temperature_rate > 0.0 {
            let excess = entropy - self.config.entropy.at(done) * self.ranges.len() as f64;
            let loss = self.temperature.get(0).sum(Kind::Float) * excess;
            let rate = self.config.temperature_rate;
            self.temperature_adam.step(&self.temperature, &loss, rate, f64::MAX)?;
        }
        self.critics.follow(self.config.soft);
        self.served.approach(&self.own, self.config.average);
        self.figures = [loss, value.mean(Kind::Float).double_value(&[]), entropy];
        Ok(())
    }

    fn scalars(&self, _: f64) -> Vec<(&'static str, f64)> {
        let [loss, value, entropy] = self.figures;
        vec![
            ("loss/value", loss),
            ("value/mean", value),
            ("explore/entropy", entropy),
            ("explore/temperature", self.alpha()),
        ]
    }

    fn check(&self) -> Result<()> {
        check(&self.own, "actor")?;
        check(&self.temperature, "temperature")?;
        self.critics.check()
    }

    fn act(&self, seen: &Tensor) -> Tensor {
        to_range(&self.normal(&self.served, seen).0.tanh(), &self.ranges)
    }

    fn policy(&self, normaliser: &Normaliser) -> PolicyView {
        let mut layers = self.actor.layers(&self.served);
        if let Some(last) = layers.last_mut() {
            last.bias.truncate(self.ranges.len());
            last.weights.truncate(self.ranges.len() * last.inputs);
        }
        PolicyView {
            normaliser: normaliser.clone(),
            layers,
            activation: self.actor.activation(),
            head: Head::Squashed(self.ranges.clone()),
        }
    }

    fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.own.save("actor", to)?;
        self.served.save("actor.served", to)?;
        self.adam.save("actor.adam", to)?;
        self.critics.save(to)?;
        self.temperature.save("temperature", to)?;
        self.temperature_adam.save("temperature.adam", to)?;
        self.choices.save("choices", to);
        self.updates.save("updates", to);
        Ok(())
    }

    fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.own.load("actor", from)?;
        self.served.load("actor.served", from)?;
        self.adam.load("actor.adam", from)?;
        self.critics.load(from)?;
        self.temperature.load("temperature", from)?;
        self.temperature_adam.load("temperature.adam", from)?;
        self.choices.load("choices", from)?;
        self.updates.load("updates", from)
    }
}

#[cfg(test)]
mod tests {
    use super::squash;
    use crate::parameters::{numbers, rows};
    use tch::Device;

    /// The density over (−1, 1) sums to one, by the trapezium rule over u, where it is even: the
    /// integral of exp(density) da is that of exp(density) (1 − tanh² u) du.
    #[test]
    fn the_density_of_a_squashed_normal_sums_to_one() {
        for (mean, log) in [(0.0, -0.7), (1.5, 0.3), (-4.0, -2.0)] {
            let count = 4_001;
            let noise: Vec<f32> = (0..count).map(|at| at as f32 * 0.005 - 10.0).collect();
            let column = |number: f32| rows(&vec![number; count], 1, Device::Cpu);
            let noise = rows(&noise, 1, Device::Cpu);
            let (actions, density) = squash(&column(mean), &column(log), &noise);
            let each = numbers(&actions).into_iter().zip(numbers(&density)).enumerate();
            let sum: f64 = each
                .map(|(at, (action, density))| {
                    let spread = f64::from(log).exp();
                    let u = f64::from(mean) + spread * (at as f64 * 0.005 - 10.0);
                    assert!((f64::from(action) - u.tanh()).abs() < 1e-5);
                    f64::from(density).exp() * u.cosh().powi(-2) * spread * 0.005
                })
                .sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
    }
}
