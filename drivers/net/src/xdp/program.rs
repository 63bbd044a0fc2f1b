//! The flows of a port as an XDP program, assembled by hand.
//!
//! What is one of the flows goes to the AF_XDP socket of its receive queue, or on to the kernel
//! where that queue has none; everything else goes on to the kernel. Instruction encoding:
//! `Documentation/bpf/standardization/instruction-set.rst` of the kernel. r6 is the context, r7 the
//! frame's start moved on by its VLAN tags, r8 the frame's end.

use crate::flows::Flows;
use std::net::Ipv4Addr;

/// What the kernel's stack gets (`enum xdp_action`).
pub(super) const XDP_PASS: i32 = 2;

const MOVE: u8 = 0xbf;
const SET: u8 = 0xb7;
const ADD: u8 = 0x07;
const AND: u8 = 0x57;
const LOAD_WORD: u8 = 0x61;
const LOAD_HALF: u8 = 0x69;
const LOAD_BYTE: u8 = 0x71;
const LOAD_MAP: u8 = 0x18;
const JUMP: u8 = 0x05;
const IF_EQUAL: u8 = 0x15;
const IF_NOT_EQUAL: u8 = 0x55;
/// Of the lower 32 bits: an address with its top bit set is no negative number.
const IF_EQUAL_32: u8 = 0x16;
const IF_NOT_EQUAL_32: u8 = 0x56;
const IF_BEHIND: u8 = 0x2d;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;

/// `bpf_redirect_map`, and the mark of a map's descriptor in a load (BPF_PSEUDO_MAP_FD).
const REDIRECT_MAP: i32 = 51;
const MAP_DESCRIPTOR: u8 = 1;

/// Offset of `rx_queue_index` in `struct xdp_md`.
const QUEUE_INDEX: i16 = 16;

/// Where a jump goes that is not yet known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Take,
    Pass,
    Ip,
    Udp,
}

#[derive(Default)]
struct Assembler {
    code: Vec<u64>,
    jumps: Vec<(usize, Target)>,
    labels: Vec<(usize, Target)>,
}

impl Assembler {
    fn op(&mut self, code: u8, to: u8, from: u8, offset: i16, value: i32) {
        let registers = u64::from(to | from << 4) << 8;
        let offset = u64::from(offset as u16) << 16;
        let value = u64::from(value as u32) << 32;
        self.code.push(u64::from(code) | registers | offset | value);
    }

    fn load(&mut self, size: u8, to: u8, offset: i16) {
        self.op(size, to, 7, offset, 0);
    }

    /// Compares register 2.
    fn branch(&mut self, code: u8, value: i32, target: Target) {
        self.jumps.push((self.code.len(), target));
        self.op(code, 2, 0, 0, value);
    }

    /// Passes a frame on that ends before `len` bytes behind r7.
    fn need(&mut self, len: i32) {
        self.op(MOVE, 2, 7, 0, 0);
        self.op(ADD, 2, 0, 0, len);
        self.jumps.push((self.code.len(), Target::Pass));
        self.op(IF_BEHIND, 2, 8, 0, 0);
    }

    fn jump(&mut self, target: Target) {
        self.jumps.push((self.code.len(), target));
        self.op(JUMP, 0, 0, 0, 0);
    }

    fn label(&mut self, target: Target) {
        self.labels.push((self.code.len(), target));
    }

    fn finish(mut self) -> Vec<u64> {
        for (at, target) in &self.jumps {
            let label = self.labels.iter().find(|(_, label)| label == target);
            let to = label.map_or(0, |(to, _)| *to);
            // 64 groups take under 300 instructions, so an offset has room.
            let offset = (to - at - 1) as u16;
            self.code[*at] |= u64::from(offset) << 16;
        }
        self.code
    }
}

/// The program over the socket map with this descriptor; what finds no socket there ends as `miss`.
/// The verifier refuses one for no flow at all, in which parts cannot be reached.
pub(super) fn assemble(flows: &Flows, map: i32, miss: i32) -> Vec<u64> {
    let mut a = Assembler::default();
    a.op(MOVE, 6, 1, 0, 0);
    a.op(LOAD_WORD, 7, 6, 0, 0);
    a.op(LOAD_WORD, 8, 6, 4, 0);
    for _ in 0..2 {
        a.need(18);
        a.load(LOAD_HALF, 2, 12);
        a.op(IF_EQUAL, 2, 0, 1, half(0x8100));
        a.op(IF_NOT_EQUAL, 2, 0, 1, half(0x88a8));
        a.op(ADD, 7, 0, 0, 4);
    }
    a.need(38);
    a.load(LOAD_HALF, 2, 12);
    a.branch(IF_EQUAL, half(0x0800), Target::Ip);
    if let Some(session) = flows.session {
        a.branch(IF_NOT_EQUAL, half(0x0806), Target::Pass);
        a.need(42);
        a.load(LOAD_WORD, 2, 38);
        a.branch(IF_EQUAL_32, word(session.local), Target::Take);
    }
    a.jump(Target::Pass);

    a.label(Target::Ip);
    a.load(LOAD_BYTE, 2, 14);
    a.branch(IF_NOT_EQUAL, 0x45, Target::Pass);
    a.load(LOAD_HALF, 2, 20);
    a.op(AND, 2, 0, 0, half(0x3fff));
    a.branch(IF_NOT_EQUAL, 0, Target::Pass);
    a.load(LOAD_BYTE, 2, 23);
    a.branch(IF_EQUAL, libc::IPPROTO_UDP, Target::Udp);
    if let Some(session) = flows.session {
        a.branch(IF_NOT_EQUAL, libc::IPPROTO_TCP, Target::Pass);
        a.load(LOAD_WORD, 2, 26);
        a.branch(IF_NOT_EQUAL_32, word(*session.peer.ip()), Target::Pass);
        a.load(LOAD_HALF, 2, 34);
        a.branch(IF_NOT_EQUAL, half(session.peer.port()), Target::Pass);
        a.load(LOAD_WORD, 2, 30);
        a.branch(IF_EQUAL_32, word(session.local), Target::Take);
    }
    a.jump(Target::Pass);

    a.label(Target::Udp);
    a.load(LOAD_HALF, 3, 36);
    for group in &flows.udp {
        a.load(LOAD_WORD, 2, 30);
        a.op(IF_NOT_EQUAL_32, 2, 0, 2, word(*group.ip()));
        a.op(MOVE, 2, 3, 0, 0);
        a.branch(IF_EQUAL, half(group.port()), Target::Take);
    }
    a.jump(Target::Pass);

    a.label(Target::Take);
    a.op(LOAD_WORD, 2, 6, QUEUE_INDEX, 0);
    a.op(LOAD_MAP, 1, MAP_DESCRIPTOR, 0, map);
    a.op(0, 0, 0, 0, 0);
    a.op(SET, 3, 0, 0, miss);
    a.op(CALL, 0, 0, 0, REDIRECT_MAP);
    a.op(EXIT, 0, 0, 0, 0);

    a.label(Target::Pass);
    a.op(SET, 0, 0, 0, XDP_PASS);
    a.op(EXIT, 0, 0, 0, 0);
    a.finish()
}

/// Sixteen bits as a load from the wire gives them.
fn half(value: u16) -> i32 {
    i32::from(u16::from_ne_bytes(value.to_be_bytes()))
}

/// An address as a load from the wire gives it.
fn word(address: Ipv4Addr) -> i32 {
    i32::from_ne_bytes(address.octets())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::{Flows, UDP_MAX, near};
    use crate::xdp::bpf;
    use proptest::prelude::*;
    use std::os::fd::{AsRawFd, OwnedFd};

    /// Told apart from passing by an action that only the empty map gives.
    const XDP_DROP: i32 = 1;

    fn load(flows: &Flows) -> Option<OwnedFd> {
        let map = bpf::socket_map(1).ok()?;
        let code = assemble(flows, map.as_raw_fd(), XDP_DROP);
        Some(bpf::load_xdp(&code).unwrap_or_else(|(error, log)| panic!("{error}: {log}")))
    }

    fn takes(program: &OwnedFd, frame: &[u8]) -> bool {
        match bpf::run(program, frame).unwrap() {
            XDP_DROP => true,
            XDP_PASS => false,
            other => panic!("action {other}"),
        }
    }

    #[test]
    fn the_kernel_takes_what_the_rule_says() {
        let flows = [
            near::flows(),
            Flows { session: None, ..near::flows() },
            Flows { udp: Vec::new(), ..near::flows() },
        ];
        let Some(programs) = flows.iter().map(load).collect::<Option<Vec<_>>>() else {
            println!("skipped: loading XDP programs needs root");
            return;
        };
        proptest!(|(frame in near::frames())| {
            for (flows, program) in flows.iter().zip(&programs) {
                prop_assert_eq!(takes(program, &frame), flows.matches(&frame), "{:02x?}", frame);
            }
        });
    }

    #[test]
    fn as_many_flows_as_there_may_be() {
        let mut flows = near::flows();
        while flows.udp.len() < UDP_MAX {
            flows.udp.push(format!("239.1.1.1:{}", flows.udp.len()).parse().unwrap());
        }
        let Some(program) = load(&flows) else {
            println!("skipped: loading XDP programs needs root");
            return;
        };
        let from = "10.0.0.1:9".parse().unwrap();
        for group in &flows.udp {
            assert!(takes(&program, &crate::headers::build(from, *group, 0)), "{group}");
        }
        let other = "239.1.1.1:1".parse().unwrap();
        assert!(!takes(&program, &crate::headers::build(from, other, 0)));
    }
}
