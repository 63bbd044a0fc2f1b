//! A port of a laboratory: frames are lost on purpose, both ways, by a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tercel_types::{Frame, FrameSink, FrameSource, PortError};

/// A port that loses a share of what passes.
pub(crate) struct Lossy<P> {
    port: P,
    share: f64,
    random: ChaCha8Rng,
    pub(crate) lost: u64,
}

impl<P> Lossy<P> {
    /// Loses `share` of the frames, 0 to 1.
    pub(crate) fn new(port: P, share: f64, seed: u64) -> Lossy<P> {
        Lossy { port, share, random: ChaCha8Rng::seed_from_u64(seed), lost: 0 }
    }

    /// The port itself.
    pub(crate) fn port(&self) -> &P {
        &self.port
    }
}

/// Whether the next frame is lost; draws nothing where none ever is.
fn loses(random: &mut ChaCha8Rng, share: f64) -> bool {
    share > 0.0 && random.random_bool(share)
}

impl<P: FrameSource> FrameSource for Lossy<P> {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let Lossy { port, share, random, lost } = self;
        let before = *lost;
        let came = port.poll(max, |frame| match loses(random, *share) {
            true => *lost += 1,
            false => each(frame),
        })?;
        Ok(came - (*lost - before) as usize)
    }
}

impl<P: FrameSink> FrameSink for Lossy<P> {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.port.reserve(len)
    }

    /// A frame that is lost here is gone for the sender as one on the wire is.
    fn commit(&mut self) -> Result<(), PortError> {
        if loses(&mut self.random, self.share) {
            self.lost += 1;
            return Ok(());
        }
        self.port.commit()
    }
}
