//! Opening a device: what is wrong is named, and several can be open at once.

use crate::lab::{cable, eal, number, open, to};
use tercel_dpdk::{DpdkError, DpdkPort, Eal, PortConfig};

fn refusal(device: &str) -> DpdkError {
    match DpdkPort::open(eal(), &PortConfig::new(device)) {
        Ok(_) => panic!("{device} was opened"),
        Err(error) => error,
    }
}

#[test]
fn what_is_wrong_is_named() {
    assert!(matches!(refusal("eth0"), DpdkError::Name(_)));
    assert!(matches!(refusal("ffff:ff:1f.7"), DpdkError::NoDevice(_)));
    let error = refusal("net_no_such_thing0");
    let text = error.to_string();
    assert!(matches!(error, DpdkError::Plugin { .. }), "{text}");
    assert!(text.contains("librte_net_no_such_thing.so"), "{text}");
    let error = refusal("net_af_packet900,iface=no_such_if");
    assert!(matches!(error, DpdkError::NoInterface { .. }), "{error}");
    let error = refusal("net_af_xdp900,iface=no_such_if");
    assert!(matches!(error, DpdkError::NoInterface { .. }), "{error}");
    let error = refusal("net_pcap900,rx_pcap=/no/such/file");
    assert!(matches!(error, DpdkError::Device { .. }), "{error}");
    let config = PortConfig { buffers: 4_000_000, ..PortConfig::new("net_ring900") };
    let error = DpdkPort::open(eal(), &config).err().expect("no machine has so much");
    assert!(matches!(error, DpdkError::Memory { .. }), "{error}");
    // Nothing of what failed is left in the way.
    drop(open("net_ring900".to_string()));
}

#[test]
fn a_name_is_free_again_when_its_port_is_dropped() {
    for _ in 0..20 {
        let port = open("net_ring901".to_string());
        assert!(matches!(refusal("net_ring901"), DpdkError::InUse(_)));
        drop(port);
    }
}

#[test]
fn a_second_start_gives_the_same() {
    let again = Eal::init(eal().arguments()).expect("the one that runs");
    assert!(again.version().starts_with("DPDK "), "{}", again.version());
    let error = Eal::init(&["--no-pci".to_string()]).expect_err("it runs otherwise");
    assert!(matches!(error, DpdkError::Running(_)), "{error}");
}

#[test]
fn a_port_says_what_it_is() {
    let config = PortConfig {
        promiscuous: true,
        all_multicast: true,
        groups: vec![to()],
        ..PortConfig::new(format!("net_ring{}", number()))
    };
    let port = DpdkPort::open(eal(), &config).expect("a ring");
    assert_eq!(port.driver(), "net_ring");
    let report = port.report();
    assert!(report.promiscuous && report.all_multicast);
    assert!(report.receive_slots > 0 && report.transmit_slots > 0);
    assert!(port.link().expect("a link").up);
    let [rule] = port.flows() else { panic!("one rule for each group") };
    assert_eq!(rule.group, to());
    assert!(rule.refused.as_ref().is_some_and(|why| !why.is_empty()), "a ring steers nothing");
    let config = PortConfig { isolate: true, ..PortConfig::new("net_ring902") };
    let error = DpdkPort::open(eal(), &config).err().expect("a ring shares nothing");
    assert!(matches!(error, DpdkError::Config { .. }), "{error}");
}

/// A tap device has its rules as filters of the kernel.
#[test]
fn a_device_that_steers_takes_the_rule() {
    let Some([here, _]) = cable() else { return };
    if !std::path::Path::new("/dev/net/tun").exists() {
        println!("skipped: no /dev/net/tun");
        return;
    }
    let config = PortConfig {
        groups: vec![to()],
        ..PortConfig::new(format!("net_tap{},iface=feed_tap", number()))
    };
    here.run(|| {
        let port = DpdkPort::open(eal(), &config).expect("a tap device");
        if let Some(why) = &port.flows()[0].refused {
            // The device is there all the same, and hands out what arrives.
            println!("skipped: this kernel has no rules for a tap device: {why}");
        }
    })
    .expect("a thread");
}
