//! The flows of a port as a classic BPF program.
//!
//! X holds the bytes of the VLAN tags, so that every load has one offset for tagged and untagged
//! frames. A load behind the frame's end drops the frame. Every refusal returns where it is found:
//! classic jumps reach 255 instructions only.

use crate::flows::Flows;
use libc::sock_filter;
use std::net::Ipv4Addr;

/// Bytes of a frame that are kept: all.
const KEEP: u32 = 0x4_0000;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_IND) as u16;
const WORD: u16 = LOAD | libc::BPF_W as u16;
const HALF: u16 = LOAD | libc::BPF_H as u16;
const BYTE: u16 = LOAD | libc::BPF_B as u16;
const SET_X: u16 = (libc::BPF_LDX | libc::BPF_IMM) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const SHIFT_RIGHT: u16 = (libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

const fn op(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Skips `jt` instructions if A is `k`, else `jf`.
const fn branch(k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: EQUAL, jt, jf, k }
}

/// The program.
pub(super) fn assemble(flows: &Flows) -> Vec<sock_filter> {
    let mut code = vec![op(SET_X, 0)];
    for tags in [4, 8] {
        // With A the EtherType: a tag moves everything on by its four bytes. Offsets are constants
        // here, since X is known.
        code.push(op(HALF, 12));
        code.push(branch(0x8100, 1, 0));
        code.push(branch(0x88a8, 0, 1));
        code.push(op(SET_X, tags));
        // The second tag is looked at only behind the first: X is what the first left it.
    }
    code.push(op(HALF, 12));
    let ipv4 = ipv4(flows);
    // ARP is the shorter one and stands first; the jump over it is a long one.
    code.push(branch(0x0806, 1, 0));
    let arp = arp(flows);
    code.push(op(JUMP, arp.len() as u32));
    code.extend(arp);
    code.push(branch(0x0800, 1, 0));
    code.push(op(RETURN, 0));
    code.extend(ipv4);
    code
}

fn arp(flows: &Flows) -> Vec<sock_filter> {
    let mut code = Vec::new();
    if let Some(session) = flows.session {
        code.push(op(WORD, 38));
        code.push(branch(bits(session.local), 0, 1));
        code.push(op(RETURN, KEEP));
    }
    code.push(op(RETURN, 0));
    code
}

fn ipv4(flows: &Flows) -> Vec<sock_filter> {
    let mut code = vec![
        op(BYTE, 14),
        branch(0x45, 1, 0),
        op(RETURN, 0),
        op(HALF, 20),
        op(AND, 0x3fff),
        branch(0, 1, 0),
        op(RETURN, 0),
        op(BYTE, 23),
    ];
    let mut tcp = Vec::new();
    if let Some(session) = flows.session {
        tcp.push(op(WORD, 26));
        tcp.push(branch(bits(*session.peer.ip()), 0, 6));
        // Both ports, so that a frame that ends between them is refused here as elsewhere.
        tcp.push(op(WORD, 34));
        tcp.push(op(SHIFT_RIGHT, 16));
        tcp.push(branch(session.peer.port().into(), 0, 3));
        tcp.push(op(WORD, 30));
        tcp.push(branch(bits(session.local), 0, 1));
        tcp.push(op(RETURN, KEEP));
    }
    tcp.push(op(RETURN, 0));
    code.push(branch(libc::IPPROTO_TCP as u32, 0, tcp.len() as u8));
    code.extend(tcp);
    code.push(branch(libc::IPPROTO_UDP as u32, 1, 0));
    code.push(op(RETURN, 0));
    for group in &flows.udp {
        code.push(op(WORD, 30));
        code.push(branch(bits(*group.ip()), 0, 3));
        code.push(op(HALF, 36));
        code.push(branch(group.port().into(), 0, 1));
        code.push(op(RETURN, KEEP));
    }
    code.push(op(RETURN, 0));
    code
}

fn bits(address: Ipv4Addr) -> u32 {
    u32::from(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::near;
    use crate::sys;
    use proptest::prelude::*;
    use std::os::unix::net::UnixDatagram;

    /// Sockets of any family run filters: a datagram that is refused does not arrive.
    struct Kernel {
        near: UnixDatagram,
        far: UnixDatagram,
    }

    impl Kernel {
        fn new(flows: &Flows) -> Kernel {
            let (near, far) = UnixDatagram::pair().unwrap();
            far.set_nonblocking(true).unwrap();
            sys::attach_filter(&far, &assemble(flows)).unwrap();
            Kernel { near, far }
        }

        fn takes(&self, frame: &[u8]) -> bool {
            // The filter's refusal of a unix datagram is no error for the sender.
            let _ = self.near.send(frame);
            let mut bytes = [0; 256];
            self.far.recv(&mut bytes).is_ok_and(|len| bytes[..len] == *frame)
        }
    }

    #[test]
    fn as_many_flows_as_there_may_be() {
        let mut flows = near::flows();
        while flows.udp.len() < crate::flows::UDP_MAX {
            flows.udp.push(format!("239.1.1.1:{}", flows.udp.len()).parse().unwrap());
        }
        let kernel = Kernel::new(&flows);
        let from = "10.0.0.1:9".parse().unwrap();
        for group in &flows.udp {
            assert!(kernel.takes(&crate::headers::build(from, *group, 0)), "{group}");
        }
        assert!(!kernel.takes(&crate::headers::build(from, "239.1.1.1:1".parse().unwrap(), 0)));
    }

    proptest! {
        #[test]
        fn the_kernel_takes_what_the_rule_says(
            frames in prop::collection::vec(near::frames(), 64),
        ) {
            for flows in [near::flows(), Flows { session: None, ..near::flows() }] {
                let kernel = Kernel::new(&flows);
                for frame in &frames {
                    prop_assert_eq!(kernel.takes(frame), flows.matches(frame), "{:02x?}", frame);
                }
            }
        }
    }
}
