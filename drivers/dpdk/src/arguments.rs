//! The arguments that DPDK is started with.

use crate::DpdkError;
use crate::config::Name;

/// Where buffers lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Memory {
    /// In huge pages, taken as they are needed and without files, so that nothing is left of a
    /// killed process. PCI devices need them.
    Huge,
    /// In ordinary pages, so many MiB, all at the start. Enough for virtual devices.
    Small(u32),
}

/// Arguments for these devices: nothing is shared between processes, no other PCI device is
/// touched, and DPDK says errors only.
pub fn arguments(memory: Memory, devices: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    match memory {
        Memory::Huge => arguments.push("--in-memory".to_string()),
        Memory::Small(mib) => {
            arguments.extend(["--no-huge", "--no-shconf", "-m"].map(str::to_string));
            arguments.push(mib.to_string());
        }
    }
    arguments.extend(["--no-telemetry", "--log-level=*:error"].map(str::to_string));
    let pci = devices.iter().filter(|device| matches!(Name::parse(device), Ok(Name::Pci(_))));
    let before = arguments.len();
    for device in pci {
        arguments.extend(["-a".to_string(), (*device).to_string()]);
    }
    if arguments.len() == before {
        arguments.push("--no-pci".to_string());
    }
    arguments
}

/// What can be seen to be wrong before DPDK is started, after which there is no second try.
pub(crate) fn check(arguments: &[String]) -> Result<(), DpdkError> {
    if let Some(bad) = arguments.iter().find(|argument| argument.contains('\0')) {
        return Err(DpdkError::Argument(bad.clone()));
    }
    if has(arguments, "--no-huge") && has(arguments, "--in-memory") {
        return Err(DpdkError::NoHugeInMemory);
    }
    Ok(())
}

/// Whether an option without a value is among them.
pub(crate) fn has(arguments: &[String], option: &str) -> bool {
    arguments.iter().any(|argument| argument == option)
}

/// Whether the caller says which cores DPDK gets.
pub(crate) fn names_cores(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| {
        let short = ["-l", "-c", "-s", "-S"].iter().any(|option| argument.starts_with(option));
        short || argument.starts_with("--lcores")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_that_are_not_named_are_left_alone() {
        let virtual_only = arguments(Memory::Small(64), &["net_ring0", "net_pcap1,rx_pcap=a"]);
        assert!(has(&virtual_only, "--no-pci") && has(&virtual_only, "--no-huge"));
        let pci = arguments(Memory::Huge, &["0000:65:00.0", "net_ring0"]);
        assert!(!has(&pci, "--no-pci") && has(&pci, "--in-memory"));
        assert!(pci.windows(2).any(|two| two == ["-a", "0000:65:00.0"]));
        check(&virtual_only).unwrap();
        check(&pci).unwrap();
    }

    #[test]
    fn what_dpdk_would_crash_over_is_refused() {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let both = own(&["--in-memory", "--no-huge"]);
        assert!(matches!(check(&both), Err(DpdkError::NoHugeInMemory)));
        assert!(matches!(check(&own(&["a\0b"])), Err(DpdkError::Argument(_))));
        assert!(names_cores(&own(&["-l", "1"])) && names_cores(&own(&["--lcores=0@1"])));
        assert!(!names_cores(&own(&["--no-pci", "--log-level=*:error"])));
    }
}
