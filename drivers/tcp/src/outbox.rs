//! Frames that wait for the port, in order, in memory that is there from the beginning.

/// Frames that wait at most. A poll brings 32 frames at most, each answered with one at most.
pub(crate) const FRAMES: usize = 64;

/// A ring of frames.
#[derive(Debug)]
pub(crate) struct Outbox {
    space: Box<[u8]>,
    lens: [usize; FRAMES],
    each: usize,
    first: usize,
    count: usize,
}

impl Outbox {
    /// For frames of up to `each` bytes.
    pub(crate) fn new(each: usize) -> Outbox {
        let space = vec![0; FRAMES * each].into_boxed_slice();
        Outbox { space, lens: [0; FRAMES], each, first: 0, count: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count == FRAMES
    }

    /// Space for the next frame, which is not part of the ring before [`Outbox::push`].
    pub(crate) fn tail(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.is_full() || len > self.each {
            return None;
        }
        let at = (self.first + self.count) % FRAMES;
        self.lens[at] = len;
        self.space.get_mut(at * self.each..at * self.each + len)
    }

    /// Takes in the frame that was written to the tail.
    pub(crate) fn push(&mut self) {
        self.count += usize::from(!self.is_full());
    }

    /// The oldest.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        if self.is_empty() {
            return None;
        }
        let at = self.first * self.each;
        self.space.get(at..at + self.lens[self.first])
    }

    pub(crate) fn pop(&mut self) {
        if !self.is_empty() {
            self.first = (self.first + 1) % FRAMES;
            self.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_in_order_and_no_more_than_fit_go_in() {
        let mut outbox = Outbox::new(4);
        for round in 0..3 {
            for i in 0..FRAMES {
                let len = 1 + (i + round) % 4;
                outbox.tail(len).unwrap().fill(i as u8);
                outbox.push();
            }
            assert!(outbox.is_full() && outbox.tail(1).is_none());
            outbox.push();
            for i in 0..FRAMES {
                assert_eq!(outbox.front(), Some(&[i as u8; 4][..1 + (i + round) % 4]));
                outbox.pop();
            }
            outbox.pop();
            assert!(outbox.is_empty() && outbox.front().is_none());
        }
        assert!(outbox.tail(5).is_none());
    }
}
