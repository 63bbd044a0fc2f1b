//! One dense layer, three ways.
//!
//! Weights are packed by input: for input k, the weights of all outputs lie side by side in
//! [`Lane`]s of sixteen, so that a layer is a walk through memory from front to back with one
//! broadcast and T multiply-adds for each input. Padding is zero, at the end of the inputs (to a
//! multiple of [`CHAINS`]) and of the outputs (to whole lanes).
//!
//! Every kernel computes the same expression in the same order: output n is the sum of [`CHAINS`]
//! chains, chain c takes the inputs k with k mod 4 = c in rising order through fused multiply-adds,
//! chain 0 starts at the bias, the others at zero, and the result is (c0 + c1) + (c2 + c3). A fused
//! multiply-add rounds once wherever it runs, so all kernels give the same bits, and a decision
//! does not depend on the machine that made it. Four chains also hide the four cycles of latency of
//! one multiply-add.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod avx512;
mod portable;

/// Sixteen numbers in one cache line: one AVX-512 register, two of AVX2.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
#[repr(C, align(64))]
pub(crate) struct Lane(pub(crate) [f32; LANE]);

/// Numbers in a [`Lane`].
pub(crate) const LANE: usize = 16;

/// Independent sums of one output.
pub(crate) const CHAINS: usize = 4;

/// Which code runs a layer; the choice is made once, from what the processor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kernel {
    /// AVX-512F: sixteen outputs an instruction.
    Avx512,
    /// AVX2 with FMA: eight outputs an instruction.
    Avx2,
    /// No more than the compiler's target has; slow where that has no fused multiply-add.
    Portable,
}

/// One layer, packed.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// `inputs` rows of `bias.len()` lanes.
    weights: Vec<Lane>,
    bias: Vec<Lane>,
    /// Inputs, padded to a multiple of [`CHAINS`].
    inputs: usize,
    /// Negative outputs become zero.
    relu: bool,
}

impl Packed {
    /// Packs `weights`, which has one row of `inputs` numbers for each output.
    pub(crate) fn new(weights: &[f32], bias: &[f32], inputs: usize, relu: bool) -> Packed {
        let (padded, lanes) = (inputs.next_multiple_of(CHAINS), bias.len().div_ceil(LANE));
        let mut packed = vec![Lane::default(); padded * lanes];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            for (input, weight) in row.iter().enumerate() {
                packed[input * lanes + output / LANE].0[output % LANE] = *weight;
            }
        }
        let mut packed_bias = vec![Lane::default(); lanes];
        for (output, value) in bias.iter().enumerate() {
            packed_bias[output / LANE].0[output % LANE] = *value;
        }
        Packed { weights: packed, bias: packed_bias, inputs: padded, relu }
    }

    /// Lanes of input it reads.
    pub(crate) fn input_lanes(&self) -> usize {
        self.inputs.div_ceil(LANE)
    }

    /// Lanes of output it writes.
    pub(crate) fn output_lanes(&self) -> usize {
        self.bias.len()
    }
}

impl Kernel {
    /// The fastest one that this processor runs.
    pub fn detect() -> Kernel {
        Kernel::available().next().unwrap_or(Kernel::Portable)
    }

    /// All that this processor runs, fastest first.
    pub fn available() -> impl Iterator<Item = Kernel> {
        [Kernel::Avx512, Kernel::Avx2, Kernel::Portable].into_iter().filter(|kernel| kernel.runs())
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Kernel::Avx512 => "avx512",
            Kernel::Avx2 => "avx2",
            Kernel::Portable => "portable",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn runs(self) -> bool {
        match self {
            Kernel::Avx512 => is_x86_feature_detected!("avx512f"),
            Kernel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Kernel::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn runs(self) -> bool {
        self == Kernel::Portable
    }
}

/// A kernel that has been found to run here: nobody else can make one, so the unsafe calls rest on
/// it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Checked(Kernel);

impl Checked {
    /// `kernel`, if this processor runs it.
    pub(crate) fn new(kernel: Kernel) -> Option<Checked> {
        kernel.runs().then_some(Checked(kernel))
    }

    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }

    /// Runs one layer. `input` has [`Packed::input_lanes`] lanes at least, of which only the
    /// layer's inputs may be other than zero; `output` gets [`Packed::output_lanes`] lanes.
    #[inline]
    pub(crate) fn layer(self, layer: &Packed, input: &[Lane], output: &mut [Lane]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::layer(self, layer, input, output),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::layer(self, layer, input, output),
            _ => portable::layer(layer, input, output),
        }
    }
}
