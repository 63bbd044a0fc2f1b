//! The tests in the guest, and the devices they need.

use crate::{card, edu};
use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use tercel_fpga::Vfio;

/// What a test found, or why it failed.
pub(crate) type Found = Result<String, Box<dyn Error>>;

/// Vendor and device number of QEMU's `edu`, and of `ivshmem`, whose BAR 2 is shared memory.
const EDU: (u16, u16) = (0x1234, 0x11e8);
const IVSHMEM: (u16, u16) = (0x1af4, 0x1110);

const DEVICES: &str = "/sys/bus/pci/devices";

/// Runs every test. Whoever started the guest counts the lines.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let (edu, ivshmem) = (find(EDU)?, find(IVSHMEM)?);
    test("vfio: a device that is not bound is refused with the remedy", || {
        refused(&edu, "has no driver instead of vfio-pci; as root: modprobe vfio-pci;")
    });
    bind(&edu)?;
    bind(&ivshmem)?;
    let device = Vfio::open(&edu)?;
    test("vfio: a group that is open is refused", || refused(&edu, "another process has"));
    test("vfio: configuration space", || {
        expect(device.identity()?, EDU)?;
        Ok(format!("{:04x}:{:04x}", EDU.0, EDU.1))
    });
    edu::run(&device);
    drop(device);
    test("vfio: a device can be opened again", || {
        expect(Vfio::open(&edu)?.identity()?, EDU)?;
        Ok("after it was dropped".to_string())
    });
    card::run(&ivshmem);
    Ok(())
}

/// Runs one test and prints its line.
pub(crate) fn test(name: &str, body: impl FnOnce() -> Found) {
    let begin = Instant::now();
    // Bodies hold no state that another test looks at.
    let found = catch_unwind(AssertUnwindSafe(body));
    let millis = begin.elapsed().as_millis();
    match found {
        Ok(Ok(found)) => println!("test {name} ... ok ({found}; {millis} ms)"),
        Ok(Err(error)) => println!("test {name} ... FAILED: {error}"),
        Err(_) => println!("test {name} ... FAILED: it panicked"),
    }
}

/// Fails unless both are equal.
pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(
    found: T,
    expected: T,
) -> Result<(), Box<dyn Error>> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}, expected {expected:?}").into())
    }
}

fn refused(address: &str, why: &str) -> Found {
    match Vfio::open(address) {
        Ok(_) => Err("it was opened".into()),
        Err(error) if error.to_string().contains(why) => Ok(error.to_string()),
        Err(error) => Err(format!("refused otherwise: {error}").into()),
    }
}

/// The address of the first device with these numbers.
fn find((vendor, device): (u16, u16)) -> Result<String, Box<dyn Error>> {
    for entry in fs::read_dir(DEVICES)? {
        let path = entry?.path();
        let number = |name: &str| -> Result<u16, Box<dyn Error>> {
            let text = fs::read_to_string(path.join(name))?;
            Ok(u16::from_str_radix(text.trim().trim_start_matches("0x"), 16)?)
        };
        if (number("vendor")?, number("device")?) == (vendor, device) {
            return Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    Err(format!("no device {vendor:04x}:{device:04x} on this bus").into())
}

/// Does what the driver tells its user to do.
fn bind(address: &str) -> Result<(), Box<dyn Error>> {
    fs::write(format!("{DEVICES}/{address}/driver_override"), "vfio-pci")?;
    fs::write("/sys/bus/pci/drivers_probe", address)?;
    Ok(())
}
