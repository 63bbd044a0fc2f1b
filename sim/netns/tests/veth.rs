//! Namespaces and cables as they are used: sockets inside, packets across, nothing left behind.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;
use tercel_netns::{End, Namespace, available, join};

const A: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 2);

fn interfaces() -> String {
    std::fs::read_to_string("/proc/thread-self/net/dev").expect("the list of interfaces")
}

#[test]
fn a_datagram_crosses_and_nothing_stays() {
    if let Err(why) = available() {
        println!("skipped: {why}");
        return;
    }
    let before = interfaces().lines().count();
    let (a, b) = (Namespace::new().unwrap(), Namespace::new().unwrap());
    join(
        End { namespace: &a, interface: "left", address: A },
        End { namespace: &b, interface: "right", address: B },
    )
    .unwrap();
    let from = a.run(|| UdpSocket::bind((A, 0)).unwrap()).unwrap();
    let to = b.run(|| UdpSocket::bind((B, 0)).unwrap()).unwrap();
    to.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let port = to.local_addr().unwrap().port();
    from.send_to(b"over", SocketAddrV4::new(B, port)).unwrap();
    let mut bytes = [0; 8];
    let (len, source) = to.recv_from(&mut bytes).unwrap();
    assert_eq!((&bytes[..len], source.ip()), (&b"over"[..], A.into()));

    let seen = b.command("cat").arg("/proc/net/dev").output().unwrap();
    assert!(String::from_utf8_lossy(&seen.stdout).contains("right"), "{seen:?}");
    assert!(a.ip(&["link", "show", "right"]).is_err(), "the other end is elsewhere");
    assert_eq!(interfaces().lines().count(), before, "this thread has not moved");
}
