//! What every environment does, whatever is behind it.
//!
//! An environment here is a batch: `lanes` copies that step together, each with random numbers of
//! its own. Numbers of a lane depend on the seed, the lane, its episode and its step, never on
//! other lanes, so that a batch may be cut over threads in any way and gives the same bits.

/// A batch of equal environments.
pub trait Environment {
    /// What an agent has to know before the first step.
    fn spec(&self) -> &Spec;

    /// Copies that step together.
    fn lanes(&self) -> usize;

    /// Begins every lane again with its first episode, and writes the first observations.
    fn reset(&mut self, seed: u64, outcome: &mut Outcome);

    /// One step of every lane. A lane whose episode ends begins its next at once: its observation
    /// is the first of the new episode, and its last one stands in [`Outcome::last`].
    ///
    /// # Panics
    /// If `actions` or `outcome` have not the shape of the environment.
    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome);
}

/// The shape of an environment.
#[derive(Clone, PartialEq, Debug)]
pub struct Spec {
    /// Its name, as configurations say it.
    pub name: &'static str,
    /// Numbers of one observation.
    pub observation: usize,
    /// What an agent may do.
    pub actions: ActionSpace,
    /// Steps of the longest episode; `None` where only the market ends one.
    pub steps: Option<u32>,
}

/// What an agent may do.
#[derive(Clone, PartialEq, Debug)]
pub enum ActionSpace {
    /// One of so many.
    Discrete(u32),
    /// Numbers, each from its least to its largest value; outside of it they are cut.
    Continuous(Vec<(f32, f32)>),
}

/// What every lane does now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Actions<'a> {
    /// A choice a lane.
    Discrete(&'a [u32]),
    /// `lanes` × numbers of an action, a lane after the other.
    Continuous(&'a [f32]),
}

/// What came of a step. The buffers are the caller's and are kept from step to step.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Outcome {
    /// `lanes` × [`Spec::observation`], a lane after the other: what the next action is chosen on.
    pub observation: Vec<f32>,
    /// Reward of each lane.
    pub reward: Vec<f32>,
    /// The lane's episode is over in itself: nothing is worth anything after it.
    pub terminated: Vec<bool>,
    /// The lane's episode was cut off: what would have come is worth what [`Outcome::last`] is.
    pub truncated: Vec<bool>,
    /// As `observation`; for lanes that ended the last one of the ended episode, for the others
    /// whatever it was before.
    pub last: Vec<f32>,
}

impl Outcome {
    /// Buffers of the right size.
    pub fn new(environment: &(impl Environment + ?Sized)) -> Outcome {
        let (lanes, width) = (environment.lanes(), environment.spec().observation);
        Outcome {
            observation: vec![0.0; lanes * width],
            reward: vec![0.0; lanes],
            terminated: vec![false; lanes],
            truncated: vec![false; lanes],
            last: vec![0.0; lanes * width],
        }
    }
}
