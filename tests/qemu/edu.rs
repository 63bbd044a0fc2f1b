//! The driver's VFIO backend on QEMU's `edu` (docs/specs/edu.txt), which has registers, transfers
//! memory, and interrupts.

use crate::guest::{Found, expect, test};
use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tercel_fpga::backend::{Bar, Interrupt};
use tercel_fpga::{Vfio, VfioBar, VfioMemory};

const IDENTIFICATION: u32 = 0x00;
const INVERSION: u32 = 0x04;
const FACTORIAL: u32 = 0x08;
const STATUS: u32 = 0x20;
const INTERRUPT_STATUS: u32 = 0x24;
const INTERRUPT_RAISE: u32 = 0x60;
const INTERRUPT_ACKNOWLEDGE: u32 = 0x64;
const DMA_SOURCE: u32 = 0x80;
const DMA_TARGET: u32 = 0x88;
const DMA_COUNT: u32 = 0x90;
const DMA_COMMAND: u32 = 0x98;

/// Bits of STATUS: a factorial is being computed; interrupt when it is done.
const COMPUTING: u32 = 1;
const INTERRUPT_AFTER: u32 = 0x80;
/// Bits of DMA_COMMAND: begin, which reads 1 until the end; from the device to memory.
const BEGIN: u32 = 1;
const TO_MEMORY: u32 = 2;

/// Where the device's own memory is, and how much of its 4,096 bytes is used: until QEMU 8.2 a
/// transfer of all of them is taken for one that is too long, and ends the machine.
const BUFFER: u32 = 0x40000;
const BUFFER_BYTES: usize = 2048;
/// Addresses that the device can name: 28 bits.
const REACH: u64 = 1 << 28;
/// Longest wait. The device transfers 100 ms after it was told to.
const PATIENCE: Duration = Duration::from_secs(10);

/// All tests of the device.
pub(crate) fn run(device: &Vfio) {
    test("edu: registers through the BAR", || registers(&device.bar(0)?));
    test("edu: a BAR that is not there is an error", || match device.bar(3) {
        Ok(_) => Err("BAR 3 was mapped".into()),
        Err(error) => Ok(error.to_string()),
    });
    test("edu: DMA through the IOMMU, huge pages", || round_trip(device, true));
    test("edu: DMA through the IOMMU, small pages", || {
        // Gives back those that no one uses, so that the next memory finds none.
        fs::write("/proc/sys/vm/nr_hugepages", "0")?;
        round_trip(device, false)
    });
    test("edu: an interrupt arrives at an eventfd", || interrupt(device));
}

fn registers(bar: &VfioBar) -> Found {
    expect(bar.read32(IDENTIFICATION), 0x0100_00ed)?;
    for value in [0, 0x1234_5678, u32::MAX] {
        bar.write32(INVERSION, value);
        expect(bar.read32(INVERSION), !value)?;
    }
    bar.write32(FACTORIAL, 10);
    until(|| bar.read32(STATUS) & COMPUTING == 0)?;
    expect(bar.read32(FACTORIAL), 3_628_800)?;
    Ok(format!("BAR of {} bytes, 10! = 3628800", bar.bytes()))
}

/// A pattern goes from one place into the device and back to another.
fn round_trip(device: &Vfio, huge: bool) -> Found {
    let bar = device.bar(0)?;
    let memory = device.memory(4 * BUFFER_BYTES)?;
    expect(memory.is_huge(), huge)?;
    if memory.address() + memory.words().len() as u64 * 8 > REACH {
        return Err(format!("address {:#x} is beyond the device's reach", memory.address()).into());
    }
    let (from, rest) = memory.words().split_at(BUFFER_BYTES / 8);
    let (to, behind) = rest.split_at(BUFFER_BYTES / 8);
    let pattern = |at: usize| (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for (at, word) in from.iter().enumerate() {
        word.store(pattern(at), Ordering::Relaxed);
    }
    transfer(&bar, place(&memory, 0)?, BUFFER, 0)?;
    transfer(&bar, BUFFER, place(&memory, BUFFER_BYTES)?, TO_MEMORY)?;
    let load = |word: &AtomicU64| word.load(Ordering::Acquire);
    if let Some(at) = to.iter().enumerate().position(|(at, word)| load(word) != pattern(at)) {
        return Err(format!("word {at} came back as {:#x}", load(&to[at])).into());
    }
    if behind.iter().any(|word| load(word) != 0) {
        return Err("memory behind the target was written".into());
    }
    Ok(format!("{BUFFER_BYTES} bytes there and back at address {:#x}", memory.address()))
}

fn place(memory: &VfioMemory, offset: usize) -> Result<u32, Box<dyn Error>> {
    Ok(u32::try_from(memory.address() + offset as u64)?)
}

fn transfer(bar: &VfioBar, from: u32, to: u32, direction: u32) -> Result<(), Box<dyn Error>> {
    bar.write32(DMA_SOURCE, from);
    bar.write32(DMA_TARGET, to);
    bar.write32(DMA_COUNT, BUFFER_BYTES as u32);
    bar.write32(DMA_COMMAND, BEGIN | direction);
    until(|| bar.read32(DMA_COMMAND) & BEGIN == 0)
}

/// Raised by hand, and by the end of a computation.
fn interrupt(device: &Vfio) -> Found {
    let bar = device.bar(0)?;
    let interrupt = device.interrupt()?;
    expect(interrupt.wait(Duration::from_millis(20))?, 0)?;
    bar.write32(INTERRUPT_RAISE, 0xabcd);
    expect(interrupt.wait(PATIENCE)?, 1)?;
    expect(bar.read32(INTERRUPT_STATUS), 0xabcd)?;
    bar.write32(INTERRUPT_ACKNOWLEDGE, 0xabcd);
    bar.write32(STATUS, INTERRUPT_AFTER);
    bar.write32(FACTORIAL, 5);
    expect(interrupt.wait(PATIENCE)?, 1)?;
    expect(bar.read32(FACTORIAL), 120)?;
    bar.write32(INTERRUPT_ACKNOWLEDGE, bar.read32(INTERRUPT_STATUS));
    expect(interrupt.wait(Duration::from_millis(20))?, 0)?;
    Ok("raised by hand and by a computation".to_string())
}

fn until(done: impl Fn() -> bool) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    while !done() {
        if begin.elapsed() > PATIENCE {
            return Err(format!("nothing happened for {} s", PATIENCE.as_secs()).into());
        }
        std::thread::yield_now();
    }
    Ok(())
}
