//! The frames of the one-way part: UDP to the group of line A, with a number and the sender's stamp
//! in the payload.

use crate::Ticks;
use std::net::SocketAddrV4;
use tercel_net::headers;

/// What the payload begins with.
const MAGIC: [u8; 8] = *b"TERCWIRE";

/// Bytes of magic, round, number and stamp.
const PAYLOAD: usize = 32;

/// Shortest frame with all of it.
pub(crate) const FRAME_MIN: usize = headers::LEN + PAYLOAD;

/// The number of frames that only ask whether the way is there.
pub(crate) const KNOCK: u64 = u64::MAX;

const ROUND_AT: usize = headers::LEN + 8;
const NUMBER_AT: usize = headers::LEN + 16;
const STAMP_AT: usize = headers::LEN + 24;

/// What a frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Probe {
    /// The round that it belongs to: what is left over from an earlier one is not counted.
    pub(crate) round: u64,
    /// Its number in the round, or [`KNOCK`].
    pub(crate) number: u64,
    /// The sender's counter immediately before it was handed to the kernel.
    pub(crate) sent: Ticks,
}

/// A whole frame of `len` bytes for a round, without number and stamp.
pub(crate) fn template(len: usize, from: SocketAddrV4, to: SocketAddrV4, round: u64) -> Vec<u8> {
    let len = len.max(FRAME_MIN);
    let mut frame = vec![0; len];
    frame[..headers::LEN].copy_from_slice(&headers::build(from, to, len - headers::LEN));
    frame[headers::LEN..ROUND_AT].copy_from_slice(&MAGIC);
    frame[ROUND_AT..NUMBER_AT].copy_from_slice(&round.to_le_bytes());
    frame
}

/// Puts the number into a frame.
#[inline]
pub(crate) fn number(frame: &mut [u8], number: u64) {
    frame[NUMBER_AT..STAMP_AT].copy_from_slice(&number.to_le_bytes());
}

/// Puts the stamp into a frame.
#[inline]
pub(crate) fn stamp(frame: &mut [u8], now: Ticks) {
    frame[STAMP_AT..FRAME_MIN].copy_from_slice(&now.0.to_le_bytes());
}

/// What a frame says, if it is one of ours.
#[inline]
pub(crate) fn read(frame: &[u8]) -> Option<Probe> {
    let payload = frame.get(headers::LEN..FRAME_MIN)?;
    let word = |at: usize| {
        let bytes = &payload[at..at + 8];
        u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
    };
    (payload[..8] == MAGIC).then(|| Probe {
        round: word(8),
        number: word(16),
        sent: Ticks(word(24)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{LINES, PUBLISHER};
    use tercel_proto::frame;

    #[test]
    fn what_is_written_is_read_back_from_a_sound_frame() {
        for len in [0, FRAME_MIN, 100, 1_514] {
            let mut bytes = template(len, PUBLISHER, LINES[0], 7);
            assert_eq!(bytes.len(), len.max(FRAME_MIN));
            number(&mut bytes, 9);
            stamp(&mut bytes, Ticks(11));
            assert_eq!(read(&bytes), Some(Probe { round: 7, number: 9, sent: Ticks(11) }));
            let udp = frame::parse_udp(&bytes).unwrap();
            assert_eq!((udp.src, udp.dst), (PUBLISHER, LINES[0]));
            assert_eq!(udp.payload.len() + headers::LEN, bytes.len());
        }
    }

    #[test]
    fn other_frames_are_not_ours() {
        let mut bytes = template(100, PUBLISHER, LINES[0], 7);
        for len in 0..FRAME_MIN {
            assert_eq!(read(&bytes[..len]), None);
        }
        bytes[headers::LEN] ^= 1;
        assert_eq!(read(&bytes), None);
    }
}
