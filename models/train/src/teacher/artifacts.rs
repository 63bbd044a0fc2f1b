//! What is left of a lesson: the teacher, its student and the student's integers, as the host loads
//! them.

use super::ppo::Teacher;
use crate::config::Config;
use crate::export::normalisation;
use crate::learner::{Layer, PolicyView};
use anyhow::Result;
use tercel_policy::Artifact;
use tercel_policy::artifact::{Heads, Provenance};
use tercel_policy::int8::Quantised;
use tercel_policy::strategy::{HEAD_ASK, HEAD_BID};

/// Names of the two actions, in order.
const ACTIONS: [&str; 2] = [HEAD_BID, HEAD_ASK];

/// Where a network comes from.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The configuration of its training.
    pub config: &'a Config,
    /// The training's seed.
    pub seed: u64,
    /// Version of the training code.
    pub commit: String,
}

impl Origin<'_> {
    fn provenance(&self, note: &str, scores: &[(&str, f64)]) -> Provenance {
        Provenance {
            trained: true,
            seed: self.seed,
            commit: self.commit.clone(),
            configuration: self.config.text.clone(),
            scores: scores.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect(),
            note: note.to_owned(),
        }
    }

    /// The teacher.
    ///
    /// # Errors
    /// If it is not for the host's features, or the host would refuse it.
    pub fn teacher(&self, teacher: &Teacher, scores: &[(&str, f64)]) -> Result<Artifact> {
        let heads: Vec<String> = teacher.heads(&ACTIONS).into_iter().map(str::to_owned).collect();
        let note = "streaming teacher, proximal policy optimisation";
        let provenance = self.provenance(note, scores);
        let scale = normalisation(teacher.scale())?;
        Ok(Artifact::hybrid(teacher.exported()?, scale, Heads::from(heads), provenance)?)
    }

    /// The dense network that learned from it.
    ///
    /// # Errors
    /// As [`Origin::teacher`].
    pub fn student(&self, student: &PolicyView, scores: &[(&str, f64)]) -> Result<Artifact> {
        let layers = student.layers.iter().cloned().map(Layer::into_host).collect();
        let provenance = self.provenance("distilled from the streaming teacher", scores);
        let scale = normalisation(&student.normaliser)?;
        Ok(Artifact::mlp(layers, scale, Heads::distances(), provenance)?)
    }

    /// That one in integers.
    ///
    /// # Errors
    /// As [`Origin::teacher`].
    pub fn integers(
        &self,
        student: &PolicyView,
        network: Quantised,
        scores: &[(&str, f64)],
    ) -> Result<Artifact> {
        let note = "distilled from the streaming teacher and tuned to integers";
        let scale = normalisation(&student.normaliser)?;
        let provenance = self.provenance(note, scores);
        Ok(Artifact::mlp_int8(network, scale, Heads::distances(), provenance)?)
    }
}
