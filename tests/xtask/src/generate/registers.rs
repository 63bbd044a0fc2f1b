//! The register map as a document.

use super::{Access, LINES, Register, Source};
use anyhow::Result;
use std::fmt::Write as _;

/// The whole file.
pub(super) fn write(source: &Source) -> Result<String> {
    let device = &source.device;
    let mut out = String::from(
        "<!-- Generated from hw/abi/abi.toml by `cargo x gen`; do not edit. -->\n\n\
         # Registers of the feed card\n\n",
    );
    writeln!(out, "{}\n\n## Ring\n\n{}\n", device.doc.trim(), device.slot.doc.trim())?;
    let (offset, words) = (device.filter_offset, device.filter_words);
    writeln!(
        out,
        "The filter is a bit an instrument from offset {offset:#06x} on, {words} words: stock \
         locate n is bit n mod 32 of word n / 32. It can be written, while the card is stopped or \
         at work, and reads as zero or as written. A reset does not clear it.\n"
    )?;
    out.push_str("## Registers\n\n| offset | name | access | meaning |\n|---|---|---|---|\n");
    rows(&mut out, &device.register, 0, "")?;
    for line in 0..LINES {
        let base = device.line_offset + line * device.line_stride;
        rows(&mut out, &device.line_register, base, ["LINE_A_", "LINE_B_"][line as usize])?;
    }
    out.push_str("\n## Counters\n\n| offset | name | meaning |\n|---|---|---|\n");
    for (index, (name, doc)) in source.counters().iter().enumerate() {
        let offset = device.counter_offset + 4 * index as u32;
        writeln!(out, "| {offset:#06x} | {name} | {doc} |")?;
    }
    for line in 0..LINES {
        let base = device.line_counter_offset + line * device.line_counter_stride;
        for (index, (name, doc)) in source.line_counters().iter().enumerate() {
            let (offset, prefix) = (base + 4 * index as u32, ["A", "B"][line as usize]);
            writeln!(out, "| {offset:#06x} | LINE_{prefix}_{name} | {doc} |")?;
        }
    }
    Ok(out)
}

fn rows(out: &mut String, list: &[Register], base: u32, prefix: &str) -> Result<()> {
    for register in list {
        let access = match register.access {
            Access::Ro => "read",
            Access::Rw => "read, write",
        };
        let (offset, name, doc) = (base + register.offset, &register.name, &register.doc);
        writeln!(out, "| {offset:#06x} | {prefix}{name} | {access} | {doc} |")?;
    }
    Ok(())
}
