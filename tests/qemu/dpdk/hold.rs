//! A process that has devices, for those who kill it.

use std::error::Error;
use std::io::{Read, Write};
use tercel_dpdk::{DpdkPort, Eal, Memory, PortConfig, arguments};

/// Opens the devices and keeps them until standard input ends. With huge pages if there are any.
pub(crate) fn run(devices: &[&str]) -> Result<(), Box<dyn Error>> {
    let memory = match std::env::var("TERCEL_HUGE") {
        Ok(_) => Memory::Huge,
        Err(_) => Memory::Small(64),
    };
    let eal = Eal::init(&arguments(memory, devices))?;
    let open = |device: &&str| DpdkPort::open(&eal, &PortConfig::new(*device));
    let ports: Result<Vec<DpdkPort>, _> = devices.iter().map(open).collect();
    let ports = ports?;
    println!("ready");
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(ports);
    Ok(())
}
