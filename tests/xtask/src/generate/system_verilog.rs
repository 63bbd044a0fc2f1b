//! The layouts as a SystemVerilog package.

use super::{LINES, Register, Source, camel, layout_hash};
use anyhow::Result;
use std::fmt::Write as _;

/// How the file begins.
const HEAD: &str = "// Generated from hw/abi/abi.toml by `cargo x gen`; do not edit.

// The package says everything that host and card share, whether this card uses it or not.
// verilator lint_off UNUSEDPARAM
package tercel_pkg;

";

/// The whole file.
pub(super) fn write(source: &Source) -> Result<String> {
    let device = &source.device;
    let mut out = String::from(HEAD);
    let hash = layout_hash(source);
    let words = [
        ("DeviceMagic", device.magic),
        ("Version", source.abi.version),
        ("LayoutHashLo", hash as u32),
        ("LayoutHashHi", (hash >> 32) as u32),
    ];
    for (name, value) in words {
        writeln!(out, "  parameter logic [31:0] {name} = 32'h{value:08x};")?;
    }
    out.push('\n');
    let numbers = [
        ("Lines", LINES),
        ("MessageMin", device.message_min),
        ("FifoDepth", device.fifo_depth),
        ("LineQueue", device.line_queue),
        ("FilterWords", device.filter_words),
        ("NumCounters", source.counters().len() as u32),
        ("NumLineCounters", source.line_counters().len() as u32),
    ];
    for (name, value) in numbers {
        writeln!(out, "  parameter int {name} = {value};")?;
    }
    out.push_str("\n  // Offsets in the register file.\n");
    let areas = [
        ("FilterOffset", device.filter_offset),
        ("LineOffset", device.line_offset),
        ("LineStride", device.line_stride),
        ("CounterOffset", device.counter_offset),
        ("LineCounterOffset", device.line_counter_offset),
        ("LineCounterStride", device.line_counter_stride),
    ];
    for (name, value) in areas {
        writeln!(out, "  parameter logic [15:0] {name} = 16'h{value:04x};")?;
    }
    registers(&mut out, "Reg", &device.register)?;
    out.push_str("\n  // Offsets from a line's first register.");
    registers(&mut out, "LineReg", &device.line_register)?;
    counters(&mut out, "Cnt", "Counters, by index.", &source.counters())?;
    counters(&mut out, "LineCnt", "Counters of a line, by index.", &source.line_counters())?;
    out.push_str("\n  // Kinds of records; from 8'h20 on the message types of ITCH 5.0.\n");
    for kind in &source.kind {
        writeln!(out, "  parameter logic [7:0] Kind{} = 8'h{:02x};", camel(&kind.name), kind.code)?;
    }
    out.push_str("\n  // Bits of a record's flags.\n");
    for flag in &source.flag {
        let value = 1u8 << flag.bit;
        writeln!(out, "  parameter logic [7:0] Flag{} = 8'h{value:02x};", camel(&flag.name))?;
    }
    out.push_str("\n  // A record; its byte 0 is in the lowest bits.\n  typedef struct packed {\n");
    for field in source.record.field.iter().rev() {
        writeln!(out, "    logic [{}:0] {};", field.width * 8 - 1, field.name)?;
    }
    out.push_str("  } event_record_t;\n\nendpackage\n// verilator lint_on UNUSEDPARAM\n");
    Ok(out)
}

fn registers(out: &mut String, prefix: &str, list: &[Register]) -> Result<()> {
    out.push('\n');
    for register in list {
        let (name, offset) = (camel(&register.name), register.offset);
        writeln!(out, "  parameter logic [15:0] {prefix}{name} = 16'h{offset:04x};")?;
    }
    Ok(())
}

fn counters(out: &mut String, prefix: &str, doc: &str, list: &[(String, String)]) -> Result<()> {
    writeln!(out, "\n  // {doc}")?;
    for (index, (name, _)) in list.iter().enumerate() {
        writeln!(out, "  parameter int {prefix}{} = {index};", camel(name))?;
    }
    Ok(())
}
