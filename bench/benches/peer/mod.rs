//! A venue's end of a TCP connection, as far as a port of frames needs one: it answers ARP and SYN,
//! and takes everything.

use tercel_tcp::{State, TcpConfig, TcpStack};
use tercel_types::{Clock, Frame, FrameSink, FrameSource, Nanos, PortError};

const OURS: [u8; 6] = [2, 0, 10, 77, 3, 9];
const THEIRS: [u8; 6] = [2, 0, 10, 77, 3, 1];
const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const FRAME_MAX: usize = 1_514;

/// Time that stands still: no timer is ever due.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Nanos {
        Nanos(1_000_000_000)
    }
}

/// A port whose frames end here.
pub(crate) struct Peer {
    outgoing: [u8; FRAME_MAX],
    len: usize,
    answer: Option<Vec<u8>>,
    /// Frames that were sent.
    pub(crate) sent: u64,
}

/// A stack with its connection open.
pub(crate) fn connected() -> TcpStack<Peer, Still> {
    let config = TcpConfig {
        mac: OURS,
        address: [10, 77, 3, 9].into(),
        prefix: 24,
        gateway: None,
        peer: "10.77.3.1:31005".parse().expect("an address"),
        mtu: 1_500,
        connect_timeout: Nanos::from_secs(1),
        keep_alive: None,
        seed: 1,
    };
    let peer = Peer { outgoing: [0; FRAME_MAX], len: 0, answer: None, sent: 0 };
    let mut stack = TcpStack::new(peer, config, Still).expect("a good configuration");
    stack.dial();
    for _ in 0..8 {
        if stack.step() == State::Open {
            return stack;
        }
    }
    panic!("no connection: {:?}, {:?}", stack.state(), stack.report());
}

impl Peer {
    fn hear(&mut self) {
        let frame = &self.outgoing[..self.len];
        let mut answer = frame.to_vec();
        answer[..6].copy_from_slice(&OURS);
        answer[6..12].copy_from_slice(&THEIRS);
        match frame[12..14] {
            [0x08, 0x06] => {
                // A reply, with the addresses the other way round (RFC 826).
                answer[21] = 2;
                answer[22..28].copy_from_slice(&THEIRS);
                answer[28..32].copy_from_slice(&frame[38..42]);
                answer[32..38].copy_from_slice(&OURS);
                answer[38..42].copy_from_slice(&frame[28..32]);
            }
            [0x08, 0x00] if frame[47] == SYN => {
                answer.truncate(54);
                answer[16..18].copy_from_slice(&40_u16.to_be_bytes());
                answer[26..30].copy_from_slice(&frame[30..34]);
                answer[30..34].copy_from_slice(&frame[26..30]);
                answer[34..36].copy_from_slice(&frame[36..38]);
                answer[36..38].copy_from_slice(&frame[34..36]);
                let next = u32::from_be_bytes([frame[38], frame[39], frame[40], frame[41]]) + 1;
                answer[38..42].fill(7);
                answer[42..46].copy_from_slice(&next.to_be_bytes());
                answer[46..48].copy_from_slice(&[0x50, SYN_ACK]);
                answer[48..50].fill(0xff);
                set_sum(&mut answer, 24, 14..34, 0);
                // Pseudo header: addresses, protocol and length (RFC 9293, section 3.1).
                set_sum(&mut answer, 50, 26..54, 6 + 20);
            }
            _ => return,
        }
        self.answer = Some(answer);
    }
}

fn set_sum(frame: &mut [u8], at: usize, range: core::ops::Range<usize>, more: u32) {
    frame[at..at + 2].fill(0);
    let words = frame[range].chunks_exact(2);
    let sum = more + words.map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

impl FrameSource for Peer {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let Some(bytes) = self.answer.take_if(|_| max > 0) else { return Ok(0) };
        each(Frame { bytes: &bytes, received: Nanos(1) });
        Ok(1)
    }
}

impl FrameSink for Peer {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.len = len;
        self.outgoing.get_mut(..len)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        self.sent += 1;
        if self.outgoing[12..14] == [0x08, 0x06] || self.outgoing[47] == SYN {
            self.hear();
        }
        Ok(())
    }
}
