//! All weights of a network in one tensor, and Adam over it.
//!
//! The layers' weights are windows into one flat tensor. An optimiser then takes a dozen operations
//! whatever the number of layers: nets here are so small that a call into libtorch costs more than
//! its arithmetic. And a checkpoint is three arrays.

use crate::checkpoint::Checkpoint;
use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor, no_grad};

/// Shapes and first values, gathered until [`Draft::build`].
#[derive(Clone, Default, Debug)]
pub struct Draft {
    shapes: Vec<Vec<i64>>,
    values: Vec<f32>,
}

/// The weights.
#[derive(Debug)]
pub struct Parameters {
    flat: Tensor,
    leaves: Vec<Tensor>,
}

impl Draft {
    /// Adds a tensor with its first values, row by row; back comes its number.
    ///
    /// # Panics
    /// If the values are not as many as the shape says.
    pub fn add(&mut self, shape: &[i64], values: &[f32]) -> usize {
        assert_eq!(shape.iter().product::<i64>(), values.len() as i64, "values of {shape:?}");
        self.shapes.push(shape.to_vec());
        self.values.extend(values);
        self.shapes.len() - 1
    }

    /// Makes the tensors.
    pub fn build(self, device: Device) -> Parameters {
        let flat = Tensor::from_slice(&self.values).to_device(device);
        let mut start = 0;
        let leaves = self.shapes.iter().map(|shape| {
            let size: i64 = shape.iter().product();
            let leaf = flat.narrow(0, start, size).view_(shape).detach();
            start += size;
            leaf.set_requires_grad(true)
        });
        let leaves = leaves.collect();
        Parameters { flat, leaves }
    }
}

impl Parameters {
    /// The tensor of a number that [`Draft::add`] gave.
    pub fn get(&self, at: usize) -> &Tensor {
        &self.leaves[at]
    }

    /// All numbers in one tensor. Writing to it writes to every tensor of the network.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Gradient of a scalar after every number here, flat as [`Parameters::flat`]. All tensors must
    /// be part of what the scalar came from.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        let gradients = Tensor::run_backward(&[loss], &self.leaves, false, false);
        let flat: Vec<Tensor> = gradients.iter().map(|each| each.reshape([-1])).collect();
        Tensor::cat(&flat, 0)
    }

    /// Becomes a copy of `source`, which must be of the same shapes.
    pub fn copy(&self, source: &Parameters) {
        no_grad(|| self.flat.shallow_clone().copy_(&source.flat));
    }

    /// Moves a share of the way to `source`: the target networks of Lillicrap et al. 2015.
    pub fn approach(&self, source: &Parameters, share: f64) {
        let _ = no_grad(|| self.flat.shallow_clone().lerp_(&source.flat, share));
    }

    /// Writes them under `name`.
    pub fn save(&self, name: &str, to: &mut Checkpoint) -> Result<()> {
        to.put_tensor(name, &self.flat)
    }

    /// Reads what [`Parameters::save`] wrote, and refuses what is not finite.
    pub fn load(&self, name: &str, from: &Checkpoint) -> Result<()> {
        let finite = from.f32(name)?.iter().all(|number| number.is_finite());
        ensure!(finite, "the checkpoint's {name} has weights that are not finite");
        from.fill(name, &self.flat)
    }
}

/// Adam (Kingma and Ba 2015), with the gradient's norm cut first.
#[derive(Debug)]
pub struct Adam {
    mean: Tensor,
    square: Tensor,
    steps: u64,
    epsilon: f64,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;

impl Adam {
    /// One for these weights. `epsilon` is added to the root of the mean square.
    pub fn new(parameters: &Parameters, epsilon: f64) -> Adam {
        let zeros = || parameters.flat().zeros_like();
        Adam { mean: zeros(), square: zeros(), steps: 0, epsilon }
    }

    /// One step against the gradient of `loss`, whose norm is cut at `norm_max`; back comes the
    /// norm before that. A gradient that is not finite is refused and changes nothing.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        loss: &Tensor,
        rate: f64,
        norm_max: f64,
    ) -> Result<f64> {
        let mut gradient = parameters.gradient(loss);
        no_grad(|| {
            let norm = gradient.norm().double_value(&[]);
            ensure!(norm.is_finite(), "the gradient is not finite: the learning rate is too large");
            if norm > norm_max {
                let _ = gradient.g_mul_scalar_(norm_max / norm);
            }
            self.steps += 1;
            let _ = self.mean.lerp_(&gradient, 1.0 - BETA_1);
            let _ = self.square.g_mul_scalar_(BETA_2);
            let _ = self.square.addcmul_(&gradient, &(&gradient * (1.0 - BETA_2)));
            let steps = self.steps as f64;
            let correction = (1.0 - BETA_2.powf(steps)).sqrt();
            let scale = -rate * correction / (1.0 - BETA_1.powf(steps));
            let root = self.square.sqrt().g_add_scalar_(self.epsilon * correction);
            let _ = parameters.flat().shallow_clone().addcdiv_(&(&self.mean * scale), &root);
            Ok(norm)
        })
    }

    /// Writes its state under `name`.
    pub fn save(&self, name: &str, to: &mut Checkpoint) -> Result<()> {
        to.put_tensor(&format!("{name}.mean"), &self.mean)?;
        to.put_tensor(&format!("{name}.square"), &self.square)?;
        to.put_u64(&format!("{name}.steps"), &[self.steps]);
        Ok(())
    }

    /// Reads what [`Adam::save`] wrote.
    pub fn load(&mut self, name: &str, from: &Checkpoint) -> Result<()> {
        from.fill(&format!("{name}.mean"), &self.mean)?;
        from.fill(&format!("{name}.square"), &self.square)?;
        self.steps = from.one_u64(&format!("{name}.steps"))?;
        Ok(())
    }
}

/// How the learning rate goes over a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same all the way.
    Constant,
    /// Straight down to zero.
    #[default]
    Linear,
    /// Half a cosine down to zero (Loshchilov and Hutter 2017).
    Cosine,
}

impl Schedule {
    /// The share of the first rate at `done` of the run, from 0 to 1.
    pub fn at(self, done: f64) -> f64 {
        let done = done.clamp(0.0, 1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Linear => 1.0 - done,
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
        }
    }
}

/// A tensor of rows from plain numbers.
pub fn rows(numbers: &[f32], width: usize, device: Device) -> Tensor {
    Tensor::from_slice(numbers).view([-1, width as i64]).to_kind(Kind::Float).to_device(device)
}

/// The numbers of a tensor of singles, row by row.
pub fn numbers(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor.detach().to_device(Device::Cpu).contiguous().view([-1]);
    let mut numbers = vec![0.0; flat.numel()];
    let length = numbers.len();
    flat.copy_data(&mut numbers, length);
    numbers
}
