//! One dense layer of integers, three ways. Every sum is exact, so that all kernels give the same
//! numbers in whatever order they add; what is computed is defined in [`crate::int8`].
//!
//! Outputs are taken in lanes of sixteen. Weights are packed by group: two inputs of word codes,
//! four of byte codes, which is 64 bytes for each lane. A group of inputs then is one broadcast of
//! 32 bits, and one instruction multiplies it by the weights of eight outputs (AVX2) or sixteen.
//! Words of AVX2: `vpmaddwd`. Bytes of AVX2: `vpmaddubsw` of two groups, which are added in 16 bits
//! (the definition keeps them from saturating) and widened together: three multiplications for
//! eight inputs where words take four. AVX-512 has instructions that multiply and add at once:
//! `vpdpwssd` and `vpdpbusd`.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod avx512;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics
mod cell_avx2;
mod portable;

use super::Kernel;
use crate::int8::{Codes, IntLayer};
use crate::lstm::CellState;
use crate::mlp::WIDTH_MAX;

/// Where a function of the kernels is called: each place has a copy of its own, which the compiler
/// then puts into it. Sums stay in the registers between the functions, and a decision through a
/// network of 40-64-64-2 takes 120 ns in the place of 180.
#[cfg(target_arch = "x86_64")]
mod use_of {
    pub(super) const CODES: u8 = 0;
    pub(super) const HIDDEN: u8 = 1;
    pub(super) const SUMS: u8 = 2;
    pub(super) const NETWORK: u8 = 3;
    pub(super) const WHOLE: u8 = 4;
    pub(super) const LAST: u8 = 5;

    /// The same in AVX-512, which shares functions with AVX2.
    pub(super) mod wide {
        pub(in super::super) const HIDDEN: u8 = 11;
        pub(in super::super) const SUMS: u8 = 12;
        pub(in super::super) const NETWORK: u8 = 13;
        pub(in super::super) const WHOLE: u8 = 14;
        pub(in super::super) const LAST: u8 = 15;
    }
}

/// Outputs that are taken together.
pub(crate) const LANE: usize = 16;

/// Lanes of a tile, whose sums fit into the registers.
const TILES: [usize; 3] = [4, 2, 1];

/// Bytes of a group of inputs.
const GROUP: usize = 4;

/// Weights of a group of inputs for a lane of outputs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Block([u8; GROUP * LANE]);

/// Sixteen sums.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Sums([i32; LANE]);

/// Sixteen multipliers.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Factors([i16; LANE]);

/// Codes of as many inputs as a layer may have; those that a layer does not have are zero or are
/// multiplied by zero.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Words([u8; 2 * WIDTH_MAX]);

/// What becomes of a layer's sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// They are shifted, multiplied, and held within the codes of a next layer, which is the ReLU.
    Layer(Codes),
    /// They are shifted and multiplied: 16 bits with a sign.
    Gates,
    /// They are wanted as they are.
    Sums,
}

impl Next {
    /// Least and largest code.
    fn range(self) -> (i16, i16) {
        match self {
            Next::Layer(codes) => (0, codes.max()),
            Next::Gates | Next::Sums => (i16::MIN, i16::MAX),
        }
    }

    /// The codes are bytes.
    fn bytes(self) -> bool {
        self == Next::Layer(Codes::Bytes)
    }
}

/// One layer, packed.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// Tile by tile, for each group a block for each lane.
    blocks: Vec<Block>,
    bias: Vec<Sums>,
    /// None in a layer whose sums are wanted.
    factors: Vec<Factors>,
    codes: Codes,
    next: Next,
    shift: u32,
    groups: usize,
}

/// Some lanes of outputs.
#[derive(Clone, Copy, Debug)]
struct Tile<'a> {
    blocks: &'a [Block],
    bias: &'a [Sums],
    factors: &'a [Factors],
}

impl Words {
    pub(crate) fn zero() -> Words {
        Words([0; 2 * WIDTH_MAX])
    }

    /// The codes in groups.
    #[inline]
    fn groups(&self, count: usize) -> &[[u8; GROUP]] {
        &self.0.as_chunks::<GROUP>().0[..count]
    }

    /// Codes of bytes, as they are written.
    #[inline]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Sixteen-bit codes, low byte first.
    #[inline]
    pub(crate) fn pairs(&self) -> &[[u8; 2]] {
        self.0.as_chunks().0
    }
}

impl Packed {
    /// Packs a layer whose inputs are `codes`.
    pub(crate) fn new(layer: &IntLayer, codes: Codes, next: Next) -> Packed {
        let outputs = layer.outputs();
        let lanes = outputs.div_ceil(LANE);
        let (size, unit) = match codes {
            Codes::Words => (2, 1),
            // Two groups at a time.
            Codes::Bytes => (4, 2),
        };
        let groups = layer.inputs.div_ceil(size).next_multiple_of(unit);
        let weight = |output: usize, input: usize| {
            let there = output < outputs && input < layer.inputs;
            if there { layer.weights[output * layer.inputs + input] } else { 0 }
        };
        let block = |lane: usize, group: usize| {
            let mut bytes = [0; GROUP * LANE];
            for (n, place) in bytes.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
                let at = |k: usize| weight(lane * LANE + n, group * size + k);
                *place = match codes {
                    Codes::Bytes => [0, 1, 2, 3].map(|k| at(k) as u8),
                    Codes::Words => {
                        let [a, b] = [0, 1].map(|k| i16::from(at(k)).to_le_bytes());
                        [a[0], a[1], b[0], b[1]]
                    }
                };
            }
            Block(bytes)
        };
        let mut blocks = Vec::with_capacity(lanes * groups);
        let mut first = 0;
        while first < lanes {
            let width = tile_lanes(lanes - first);
            for group in 0..groups {
                blocks.extend((first..first + width).map(|lane| block(lane, group)));
            }
            first += width;
        }
        let sums = |chunk: &[i32]| {
            let mut sums = Sums([0; LANE]);
            sums.0[..chunk.len()].copy_from_slice(chunk);
            sums
        };
        let factors = |chunk: &[i16]| {
            let mut factors = Factors([0; LANE]);
            factors.0[..chunk.len()].copy_from_slice(chunk);
            factors
        };
        Packed {
            blocks,
            bias: layer.bias.chunks(LANE).map(sums).collect(),
            factors: layer.multiplier.chunks(LANE).map(factors).collect(),
            codes,
            next,
            shift: layer.shift,
            groups,
        }
    }

    /// The layer as one tile, if it has `T` lanes of outputs.
    #[inline]
    fn whole<const T: usize>(&self) -> Option<Tile<'_>> {
        let Packed { blocks, bias, factors, .. } = self;
        (bias.len() == T).then_some(Tile { blocks, bias, factors })
    }

    /// The tiles in the order of the outputs.
    #[inline]
    fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        let (mut blocks, mut bias) = (self.blocks.as_slice(), self.bias.as_slice());
        let mut factors = self.factors.as_slice();
        core::iter::from_fn(move || {
            if bias.is_empty() {
                return None;
            }
            let lanes = tile_lanes(bias.len());
            let factor_lanes = lanes.min(factors.len());
            let tile = Tile {
                blocks: &blocks[..lanes * self.groups],
                bias: &bias[..lanes],
                factors: &factors[..factor_lanes],
            };
            blocks = &blocks[lanes * self.groups..];
            (bias, factors) = (&bias[lanes..], &factors[factor_lanes..]);
            Some(tile)
        })
    }
}

/// Lanes of the next tile where `left` lanes are left.
#[inline]
fn tile_lanes(left: usize) -> usize {
    TILES.into_iter().find(|lanes| *lanes <= left).unwrap_or(1)
}

/// A kernel that has been found to run here: the unsafe calls rest on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Checked(Kernel);

impl Checked {
    /// `kernel`, if this processor runs it for integers, which asks for more of AVX-512 than floats
    /// do.
    pub(crate) fn new(kernel: Kernel) -> Option<Checked> {
        runs(kernel).then_some(Checked(kernel))
    }

    pub(crate) fn detect() -> Checked {
        Checked(Checked::available().next().unwrap_or(Kernel::Portable))
    }

    /// All that this processor runs, fastest first.
    pub(crate) fn available() -> impl Iterator<Item = Kernel> {
        [Kernel::Avx512, Kernel::Avx2, Kernel::Portable].into_iter().filter(|kernel| runs(*kernel))
    }

    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }

    /// Writes the word codes of normalised features.
    #[inline]
    pub(crate) fn codes(self, inputs: &[f32], scale: f32, codes: &mut Words) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 | Kernel::Avx2 => avx2::codes(self, inputs, scale, codes),
            _ => portable::codes(inputs, scale, codes),
        }
    }

    /// Runs all layers of a network, of which the last one's sums are wanted, over normalised
    /// features.
    #[inline]
    pub(crate) fn network(
        self,
        layers: &[Packed],
        inputs: &[f32],
        scale: f32,
        codes: &mut [Words; 2],
        sums: &mut [i32],
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::network(self, layers, inputs, scale, codes, sums),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::network(self, layers, inputs, scale, codes, sums),
            _ => portable::network(layers, inputs, scale, codes, sums),
        }
    }

    /// Runs a layer whose outputs are codes. Whole lanes are written; the padding of
    /// the last lane becomes zero.
    #[inline]
    pub(crate) fn hidden(self, layer: &Packed, input: &Words, output: &mut Words) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::hidden(self, layer, input, output),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::hidden(self, layer, input, output),
            _ => portable::hidden(layer, input, output),
        }
    }

    /// Runs a layer whose sums are wanted, in whole lanes.
    #[inline]
    pub(crate) fn sums(self, layer: &Packed, input: &Words, sums: &mut [i32]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::sums(self, layer, input, sums),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::sums(self, layer, input, sums),
            _ => portable::sums(layer, input, sums),
        }
    }

    /// The cell of an LSTM over the inputs' part of its gates. AVX-512 takes the code of AVX2: most
    /// of a step is in the layers.
    #[inline]
    pub(crate) fn lstm_cell(self, units: usize, gates: &Words, state: &mut CellState) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 | Kernel::Avx2 => cell_avx2::cell(self, units, gates, state),
            _ => portable::cell(units, gates, state),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn runs(kernel: Kernel) -> bool {
    match kernel {
        Kernel::Avx512 => {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
        }
        Kernel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        Kernel::Portable => true,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn runs(kernel: Kernel) -> bool {
    kernel == Kernel::Portable
}
