//! What the teacher has learned, in the dense network of the hot path.
//!
//! The student acts, so that it is taught where it goes itself, and the teacher says what it would
//! have done there (Ross, Gordon and Bagnell 2011): the loss is the squared distance between the
//! two in half ranges of the actions. In the first rounds some lanes follow the teacher.

use super::ppo::Teacher;
use crate::algorithm::{Start, Wrong};
use crate::learner::{Activation, Head, PolicyView, Round};
use crate::network::Dense;
use crate::noise::Noise;
use crate::parameters::{Adam, Draft, Parameters, Schedule, numbers};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};
use tercel_environments::{Actions, Environment, Outcome};

/// Epsilon of Adam.
const ADAM_EPSILON: f64 = 1e-7;

/// The table `[distil]` of a configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Units of the student's hidden layers.
    pub hidden: Vec<usize>,
    /// Rounds.
    pub rounds: u64,
    /// Steps of each lane in a round.
    pub steps: usize,
    /// Times that a round's steps are gone through.
    pub epochs: usize,
    /// Steps that one step of the optimiser learns from.
    pub batch: usize,
    /// Learning rate at first; it goes down to zero over the rounds.
    pub rate: f64,
    /// Norm at which gradients are cut.
    pub norm: f64,
    /// Share of the rounds after which no lane follows the teacher any more.
    pub alone: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            hidden: vec![64, 64],
            rounds: 100,
            steps: 64,
            epochs: 4,
            batch: 512,
            rate: 1e-3,
            norm: 1.0,
            alone: 0.5,
        }
    }
}

impl Settings {
    /// Checks every value that its type does not.
    ///
    /// # Errors
    /// The first key with a value that cannot train, and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let units = self.hidden.iter().all(|units| (1..=1_024).contains(units));
        let hidden = units && (1..=7).contains(&self.hidden.len());
        Wrong::unless(hidden, "hidden", "1 to 7 layers of 1 to 1024 units")?;
        Wrong::unless(self.rounds >= 1, "rounds", "a whole number from 1 on")?;
        let steps = (1..=1 << 16).contains(&self.steps);
        Wrong::unless(steps, "steps", "a whole number from 1 to 65536")?;
        let epochs = (1..=1_000).contains(&self.epochs);
        Wrong::unless(epochs, "epochs", "a whole number from 1 to 1000")?;
        Wrong::unless(self.batch >= 1, "batch", "a whole number from 1 on")?;
        let rate = self.rate > 0.0 && self.rate <= 1.0;
        Wrong::unless(rate, "rate", "a number above 0, at most 1")?;
        Wrong::unless(self.norm > 0.0, "norm", "a number above 0")?;
        Wrong::unless((0.0..=1.0).contains(&self.alone), "alone", "a number from 0 to 1")
    }
}

/// Who learns.
struct Student {
    network: Dense,
    parameters: Parameters,
    adam: Adam,
}

/// What one round brought, a row a step.
struct Lesson {
    observations: Tensor,
    /// What the teacher would have done, in half ranges.
    aim: Tensor,
}

/// Teaches a student; `each` is told of every round. Back comes the student's policy, its actions
/// in the environment's units.
///
/// # Errors
/// Numbers that are not finite, and what `each` returns.
pub fn distil(
    teacher: &Teacher,
    settings: &Settings,
    environment: &mut dyn Environment,
    start: &Start<'_>,
    each: &mut dyn FnMut(u64, &Round) -> Result<()>,
) -> Result<PolicyView> {
    let (lanes, width) = (environment.lanes(), environment.spec().observation);
    let mut noise = Noise::new(start.seed, 5);
    let mut draft = Draft::default();
    let widths = [&[width], &settings.hidden[..], &[teacher.ranges().len()]].concat();
    let network = Dense::new(&mut draft, &widths, Activation::Relu, 0.01, &mut noise);
    let parameters = draft.build(start.device);
    let adam = Adam::new(&parameters, ADAM_EPSILON);
    let mut student = Student { network, parameters, adam };
    let mut outcome = Outcome::new(environment);
    environment.reset(start.seed, &mut outcome);
    let mut first = vec![true; lanes];
    let mut state = teacher.fresh(lanes);
    for round in 0..settings.rounds {
        let done = round as f64 / settings.rounds as f64;
        let lead = (lanes as f64 * (1.0 - done / settings.alone.max(1e-9))).max(0.0) as usize;
        let mut lesson = (Vec::new(), Vec::new());
        for _ in 0..settings.steps {
            let (means, after) = teacher.act(&outcome.observation, &first, &state);
            let mut rows = outcome.observation.clone();
            teacher.scale().apply(&mut rows);
            let rows = Tensor::from_slice(&rows).view([-1, width as i64]).to_device(start.device);
            let own = no_grad(|| student.network.forward(&student.parameters, &rows));
            let mut actions = numbers(&own);
            let led = lead * teacher.ranges().len();
            actions[..led].copy_from_slice(&numbers(&means)[..led]);
            teacher.in_units(&mut actions);
            environment.step(Actions::Continuous(&actions), &mut outcome);
            ensure!(
                outcome.observation.iter().all(|x| x.is_finite()),
                "the environment gave an observation that is not finite"
            );
            for (lane, first) in first.iter_mut().enumerate() {
                *first = outcome.terminated[lane] || outcome.truncated[lane];
            }
            state = after;
            lesson.0.push(rows);
            lesson.1.push(means);
        }
        let lesson =
            Lesson { observations: Tensor::cat(&lesson.0, 0), aim: Tensor::cat(&lesson.1, 0) };
        let rate = settings.rate * Schedule::Cosine.at(done);
        let miss = student.learn(&lesson, settings, rate, &mut noise)?;
        let scalars = vec![("distil/miss", miss), ("distil/led", lead as f64 / lanes as f64)];
        each(round + 1, &Round { steps: (lanes * settings.steps) as u64, scalars })?;
    }
    Ok(student.view(teacher))
}

impl Student {
    /// Back comes the root of the mean squared distance before each step, in half ranges.
    fn learn(
        &mut self,
        lesson: &Lesson,
        settings: &Settings,
        rate: f64,
        noise: &mut Noise,
    ) -> Result<f64> {
        let rows = lesson.observations.size()[0] as usize;
        let (mut sum, mut count) = (0.0, 0.0);
        for _ in 0..settings.epochs {
            for part in noise.order(rows).chunks(settings.batch) {
                let part = Tensor::from_slice(part).to_device(lesson.aim.device());
                let given = lesson.observations.index_select(0, &part);
                let outputs = self.network.forward(&self.parameters, &given);
                let aim = lesson.aim.index_select(0, &part);
                let loss = (outputs - aim).square().mean(Kind::Float);
                self.adam.step(&self.parameters, &loss, rate, settings.norm)?;
                sum += loss.double_value(&[]);
                count += 1.0;
            }
        }
        Ok((sum / f64::max(count, 1.0)).sqrt())
    }

    fn view(&self, teacher: &Teacher) -> PolicyView {
        let mut layers = self.network.layers(&self.parameters);
        if let Some(last) = layers.last_mut() {
            last.scale_outputs(teacher.ranges());
        }
        PolicyView {
            normaliser: teacher.scale().clone(),
            layers,
            activation: Activation::Relu,
            head: Head::Linear,
        }
    }
}
