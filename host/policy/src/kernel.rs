//! One dense layer, three ways.
//!
//! Every kernel computes the same expression in the same order. A fused multiply-add rounds once
//! wherever it runs, so all kernels give the same bits, and a decision does not depend on the
//! machine that made it. There are two expressions, chosen by the shape of the layer.
//!
//! **Wide**, more than [`NARROW`] outputs. Outputs are taken in tiles of [`TILES`] lanes, whose
//! sums fit into the registers, and a tile's weights are packed by input: for input k, those of all
//! its outputs lie side by side, and one broadcast of the input serves them. Output n is the sum
//! c0 + c1 of two chains. Chain 0 starts at the bias and takes the inputs of the first half of the
//! input lanes, chain 1 starts at zero and takes the others, each in rising order through fused
//! multiply-adds. Behind a ReLU, inputs that are zero are left out: about half are, and their rows
//! are not even read.
//!
//! **Narrow**, up to [`NARROW`] outputs: the heads. Side by side, two outputs would leave most of a
//! register empty and wait four cycles for each input. So weights are packed by output, and output
//! n is the sum of sixteen chains, chain c taking the inputs k with k mod 16 = c in rising order
//! from zero; the chains are folded in halves (c + (c + 8), then 4, 2, 1) and the bias is added
//! last.
//!
//! Padding is zero, at the end of the inputs and of the outputs, to whole lanes.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod avx512;
mod cell;
pub(crate) mod integer;
mod portable;

/// Sixteen numbers in one cache line: one AVX-512 register, two of AVX2.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
#[repr(C, align(64))]
pub(crate) struct Lane(pub(crate) [f32; LANE]);

/// Numbers that begin with a cache line, so that no register of them lies on two.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Floats<const N: usize>(pub(crate) [f32; N]);

impl<const N: usize> Floats<N> {
    pub(crate) const ZERO: Floats<N> = Floats([0.0; N]);

    /// In lanes.
    #[inline(always)]
    pub(crate) fn lanes(&self) -> &[[f32; LANE]] {
        self.0.as_chunks().0
    }
}

/// Numbers in a [`Lane`].
pub(crate) const LANE: usize = 16;

/// Most outputs of a layer that is computed output by output.
const NARROW: usize = 8;

/// Lanes of the tiles of a wide layer: the largest that fits what is left, so that the last two
/// come once at most.
const TILES: [usize; 3] = [4, 2, 1];

/// Independent sums of one output of a wide layer.
const CHAINS: usize = 2;

/// Inputs whose zeros are looked for at once, a bit for each.
const WORD: usize = u64::BITS as usize;

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
    /// Wide: tile by tile, a row of the tile's lanes for each input. Narrow: a row of
    /// [`Packed::input_lanes`] lanes for each output.
    weights: Vec<Lane>,
    bias: Vec<[f32; LANE]>,
    inputs: usize,
    outputs: usize,
    /// Its inputs come from a ReLU: those that are zero are left out.
    sparse: bool,
    /// Negative outputs become zero.
    relu: bool,
}

/// How a layer is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    /// Inputs that are zero are left out.
    pub(crate) sparse: bool,
    /// Negative outputs become zero.
    pub(crate) relu: bool,
}

/// What surrounds a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Nothing stands before it.
    pub(crate) first: bool,
    /// Nothing comes after it.
    pub(crate) last: bool,
}

/// Some lanes of outputs of a wide layer.
#[derive(Clone, Copy, Debug)]
struct Tile<'a> {
    /// For each input a row of as many lanes as there are of the bias.
    weights: &'a [Lane],
    bias: &'a [[f32; LANE]],
}

impl Packed {
    /// Packs `weights`, which has one row of `inputs` numbers for each output.
    pub(crate) fn new(weights: &[f32], bias: &[f32], inputs: usize, place: Place) -> Packed {
        let flags = Flags { sparse: !place.first, relu: !place.last };
        Packed::with_flags(weights, bias, inputs, flags)
    }

    /// The same, of a layer that does not stand in a chain.
    pub(crate) fn with_flags(
        weights: &[f32],
        bias: &[f32],
        inputs: usize,
        Flags { sparse, relu }: Flags,
    ) -> Packed {
        let outputs = bias.len();
        let bias = lanes(bias).into_iter().map(|lane| lane.0).collect();
        let mut layer = Packed { weights: Vec::new(), bias, inputs, outputs, sparse, relu };
        if layer.is_narrow() {
            for row in weights.chunks_exact(inputs) {
                layer.weights.extend(lanes(row));
            }
            return layer;
        }
        let mut first = 0;
        while first < outputs {
            let width = LANE * tile_lanes((outputs - first).div_ceil(LANE));
            for input in 0..inputs {
                let weight = |output: usize| {
                    if output < outputs { weights[output * inputs + input] } else { 0.0 }
                };
                let row: Vec<f32> = (first..first + width).map(weight).collect();
                layer.weights.extend(lanes(&row));
            }
            first += width;
        }
        layer
    }

    /// What the sums begin with.
    pub(crate) fn bias(&self) -> &[f32] {
        self.bias.as_flattened()
    }

    /// The tiles of a wide layer, in the order of the outputs, with what their sums begin with.
    #[inline]
    fn tiles<'a>(&'a self, mut bias: &'a [[f32; LANE]]) -> impl Iterator<Item = Tile<'a>> {
        let mut weights = self.weights.as_slice();
        core::iter::from_fn(move || {
            if bias.is_empty() {
                return None;
            }
            let lanes = tile_lanes(bias.len());
            let tile = Tile { weights: &weights[..lanes * self.inputs], bias: &bias[..lanes] };
            (weights, bias) = (&weights[lanes * self.inputs..], &bias[lanes..]);
            Some(tile)
        })
    }

    /// The bound of every output for inputs within ±`inputs`, or `None` if a sum might leave the
    /// numbers. Every product and sum of a layer lies within the sum of all magnitudes; the margin
    /// of a tenth is far more than 1,024 roundings add.
    pub(crate) fn bound(&self, inputs: f64) -> Option<f64> {
        let largest = |max: f64, x: f32| max.max(f64::from(x).abs());
        let bias = self.bias.iter().flatten().copied().fold(0.0, largest);
        let weight = self.weights.iter().flat_map(|lane| lane.0).fold(0.0, largest);
        let sum = bias + inputs * weight * self.inputs as f64;
        let bound = sum * 1.1;
        (bound < f64::from(f32::MAX)).then_some(bound)
    }

    /// Lanes of input it reads.
    #[inline]
    pub(crate) fn input_lanes(&self) -> usize {
        self.inputs.div_ceil(LANE)
    }

    /// It is computed output by output.
    #[inline]
    fn is_narrow(&self) -> bool {
        self.outputs <= NARROW
    }

    /// Numbers of input it reads, padding included.
    #[inline]
    fn padded(&self) -> usize {
        self.input_lanes() * LANE
    }

    /// Inputs of one chain, padding included; the second chain begins here.
    #[inline]
    fn half(&self) -> usize {
        self.padded() / CHAINS
    }
}

/// ReLU, where the layer has one: what is not a number becomes zero too.
#[inline]
fn activate(layer: &Packed, sum: f32) -> f32 {
    if !layer.relu || sum > 0.0 { sum } else { 0.0 }
}

/// Numbers in whole lanes, the rest of the last one zero.
fn lanes(numbers: &[f32]) -> Vec<Lane> {
    let lane = |chunk: &[f32]| {
        let mut lane = Lane::default();
        lane.0[..chunk.len()].copy_from_slice(chunk);
        lane
    };
    numbers.chunks(LANE).map(lane).collect()
}

/// Lanes of the next tile where `left` lanes are left.
#[inline]
fn tile_lanes(left: usize) -> usize {
    TILES.into_iter().find(|lanes| *lanes <= left).unwrap_or(1)
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

    /// Runs one layer. `input` has [`Packed::input_lanes`] lanes of numbers at least, of which only
    /// the layer's inputs may be other than zero; `output` gets as many lanes as
    /// hold the outputs.
    #[inline]
    pub(crate) fn layer(self, layer: &Packed, input: &[f32], output: &mut [f32]) {
        self.layer_from(layer, layer.bias(), input, output);
    }

    /// The same with sums that begin with `bias` in the place of the layer's own, in as many lanes.
    #[inline]
    pub(crate) fn layer_from(
        self,
        layer: &Packed,
        bias: &[f32],
        input: &[f32],
        output: &mut [f32],
    ) {
        let bias = &bias.as_chunks().0[..layer.bias.len()];
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::layer(self, layer, bias, input, output),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::layer(self, layer, bias, input, output),
            _ => portable::layer(layer, bias, input, output),
        }
    }
}
