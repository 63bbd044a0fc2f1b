//! Whether a process can be given a card.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

pub(super) const IOMMU: Check = Check {
    name: "iommu",
    area: Area::Network,
    why: "DPDK on most cards and the feed card take a device over VFIO, which needs an IOMMU: it \
          keeps the device's writes within the memory of the process. `iommu=pt` keeps it from \
          costing the kernel's own drivers anything. Linux: driver-api/vfio.",
    run: iommu,
};

fn iommu(machine: &Machine<'_>) -> Outcomes {
    if let Some(port) = machine.port
        && !port.takes_device()
    {
        let found = format!("the port is {}", port.name());
        return Ok(vec![Outcome::not_applicable(found)]);
    }
    let tree = &machine.tree;
    if !tree.exists("/sys/kernel") {
        return Ok(vec![Outcome::cannot_tell("/sys/kernel is not there")]);
    }
    let wanted = machine.port.is_some_and(Port::takes_device);
    let groups = tree.names("/sys/kernel/iommu_groups").unwrap_or_default().len();
    let vfio = tree.exists("/sys/bus/pci/drivers/vfio-pci");
    if groups > 0 && vfio {
        return Ok(vec![Outcome::good(format!("{groups} groups of devices, vfio-pci is loaded"))]);
    }
    let load = Remedy::command(
        "loads the driver that hands devices over",
        "modprobe vfio-pci".into(),
        Some("modprobe -r vfio-pci".into()),
    );
    if groups > 0 {
        let outcome =
            Outcome::better(format!("{groups} groups of devices, vfio-pci is not loaded"));
        return Ok(vec![outcome.fix(load)]);
    }
    let unsafe_mode = tree.text("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
    if vfio && unsafe_mode.is_ok_and(|mode| mode == "Y") {
        let found = "no IOMMU; VFIO is in its unsafe mode, in which a device writes anywhere";
        return Ok(vec![Outcome::better(found)]);
    }
    let module = if vfio { "" } else { ", and vfio-pci is not loaded" };
    let outcome = Outcome::bad(wanted, format!("no IOMMU is in use{module}"));
    Ok(vec![if machine.is_virtual() {
        outcome
            .fix(Remedy::host("give the guest an IOMMU (QEMU: -device intel-iommu) and the card"))
    } else {
        let parameters = match machine.flag("svm") {
            // AMD's is on where the firmware has it.
            Ok(true) => "iommu=pt",
            _ => "intel_iommu=on iommu=pt",
        };
        let what = "turns the IOMMU on; it has to be on in the firmware too (VT-d, AMD-Vi)";
        outcome.fix(Remedy::boot(what, parameters.into())).fix(load)
    }])
}
