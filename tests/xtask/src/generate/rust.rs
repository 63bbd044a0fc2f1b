//! The layouts as Rust.

use super::{Field, Flag, Kind, LINES, Record, Register, Ring, Source, camel, layout_hash};
use anyhow::Result;
use std::fmt::Write as _;

/// The whole file.
pub(super) fn write(source: &Source) -> Result<String> {
    let mut out = String::from("// Generated from abi.toml by `cargo x gen`; do not edit.\n\n");
    out.push_str("use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};\n\n");
    let constant = |out: &mut String, doc: &str, name: &str, ty: &str, value: &str| {
        write!(out, "/// {doc}\npub const {name}: {ty} = {value};\n\n")
    };
    let magic = hex(source.abi.magic);
    constant(&mut out, "First word of every shared layout.", "MAGIC", "u64", &magic)?;
    let version = source.abi.version.to_string();
    constant(&mut out, "Version of the layouts.", "VERSION", "u64", &version)?;
    constant(
        &mut out,
        "Hash of what the layouts say, so that two builds that disagree refuse each other.",
        "LAYOUT_HASH",
        "u64",
        &hex(layout_hash(source)),
    )?;
    write_record(&mut out, &source.record)?;
    write_flags(&mut out, &source.flag)?;
    write_kinds(&mut out, &source.kind)?;
    write_ring(&mut out, &source.ring)?;
    write_device(&mut out, source)?;
    while out.ends_with("\n\n") {
        out.pop();
    }
    Ok(out)
}

fn write_record(out: &mut String, record: &Record) -> Result<()> {
    write_doc(out, "", &record.doc)?;
    out.push_str(
        "#[derive(Clone, Copy, PartialEq, Eq, Debug, \
         FromBytes, IntoBytes, Immutable, KnownLayout)]\n",
    );
    writeln!(out, "#[repr(C, align({}))]\npub struct {} {{", record.size, record.name)?;
    for field in &record.field {
        let unit = field.unit.as_deref().unwrap_or("number");
        write_doc(out, "    ", &format!("{} Unit: {unit}.", field.doc))?;
        writeln!(out, "    pub {}: {},", field.name, rust_type(field))?;
    }
    out.push_str("}\n\n");
    writeln!(out, "const _: () = {{\n    use core::mem::{{align_of, offset_of, size_of}};")?;
    writeln!(out, "    assert!(size_of::<{}>() == {});", record.name, record.size)?;
    writeln!(out, "    assert!(align_of::<{}>() == {});", record.name, record.size)?;
    for field in &record.field {
        writeln!(
            out,
            "    assert!(offset_of!({}, {}) == {});",
            record.name, field.name, field.offset
        )?;
    }
    out.push_str("};\n\n");
    Ok(())
}

fn write_flags(out: &mut String, flags: &[Flag]) -> Result<()> {
    out.push_str("/// Bits of [`EventRecord::flags`].\npub mod flag {\n");
    for flag in flags {
        write_doc(out, "    ", &flag.doc)?;
        writeln!(out, "    pub const {}: u8 = 1 << {};", flag.name, flag.bit)?;
    }
    out.push_str("}\n\n");
    Ok(())
}

fn write_kinds(out: &mut String, kinds: &[Kind]) -> Result<()> {
    out.push_str("/// What a record says. Codes from 0x20 on are the message types of ITCH 5.0.\n");
    out.push_str("#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]\n");
    out.push_str("#[repr(u8)]\npub enum Kind {\n");
    for kind in kinds {
        write_doc(out, "    ", &kind.doc)?;
        writeln!(out, "    {} = {:#04x},", camel(&kind.name), kind.code)?;
    }
    out.push_str("}\n\nimpl Kind {\n    /// Every kind, in the order of abi.toml.\n");
    writeln!(out, "    pub const ALL: [Kind; {}] = [", kinds.len())?;
    for kind in kinds {
        writeln!(out, "        Kind::{},", camel(&kind.name))?;
    }
    out.push_str("    ];\n\n    /// The kind of a code, if it is one.\n    #[inline]\n");
    out.push_str(
        "    pub const fn from_code(code: u8) -> Option<Kind> {\n        Some(match code {\n",
    );
    for kind in kinds {
        writeln!(out, "            {:#04x} => Kind::{},", kind.code, camel(&kind.name))?;
    }
    out.push_str(
        "            _ => return None,\n        })\n    }\n\n    /// The name in abi.toml.\n",
    );
    out.push_str("    pub const fn name(self) -> &'static str {\n        match self {\n");
    for kind in kinds {
        writeln!(out, "            Kind::{} => \"{}\",", camel(&kind.name), kind.name)?;
    }
    out.push_str("        }\n    }\n}\n\n");
    Ok(())
}

fn write_ring(out: &mut String, ring: &Ring) -> Result<()> {
    write_doc(out, "", &ring.doc)?;
    out.push_str("pub mod ring {\n    /// Bytes before the first slot.\n");
    writeln!(out, "    pub const HEADER_SIZE: usize = {};", ring.header_size)?;
    for field in &ring.field {
        out.push('\n');
        write_doc(out, "    ", &format!("Offset: {}", field.doc))?;
        writeln!(
            out,
            "    pub const {}: usize = {:#04x};",
            field.name.to_uppercase(),
            field.offset
        )?;
    }
    out.push_str("}\n\n");
    Ok(())
}

/// The card: constants, registers by offset, counters by index.
fn write_device(out: &mut String, source: &Source) -> Result<()> {
    let device = &source.device;
    write_doc(out, "", &format!("{}\n\n{}", device.doc.trim(), device.slot.doc.trim()))?;
    out.push_str("pub mod device {\n");
    let constants = [
        ("What the register MAGIC reads.", "MAGIC", "u32", device.magic),
        ("Lines: A and B.", "LINES", "usize", LINES),
        ("Bytes of the card's register file.", "SIZE", "usize", device.size),
        (
            "Shortest message; no message of ITCH is shorter.",
            "MESSAGE_MIN",
            "usize",
            device.message_min,
        ),
        ("Records that wait before the ring.", "FIFO_DEPTH", "usize", device.fifo_depth),
        ("Events of a line that wait for the merge.", "LINE_QUEUE", "usize", device.line_queue),
        (
            "Offset of the filter: a bit an instrument.",
            "FILTER_OFFSET",
            "u32",
            device.filter_offset,
        ),
        ("Words of the filter.", "FILTER_WORDS", "u32", device.filter_words),
        ("Offset of line A's registers.", "LINE_OFFSET", "u32", device.line_offset),
        (
            "Distance from a line's registers to the next line's.",
            "LINE_STRIDE",
            "u32",
            device.line_stride,
        ),
        ("Offset of the card's counters.", "COUNTER_OFFSET", "u32", device.counter_offset),
        ("Offset of line A's counters.", "LINE_COUNTER_OFFSET", "u32", device.line_counter_offset),
        (
            "Distance from a line's counters to the next line's.",
            "LINE_COUNTER_STRIDE",
            "u32",
            device.line_counter_stride,
        ),
    ];
    for (doc, name, ty, value) in constants {
        writeln!(out, "    /// {doc}\n    pub const {name}: {ty} = {value:#x};\n")?;
    }
    write_registers(out, "register", "Registers, by offset.", &device.register)?;
    let doc = "Registers of a line, by offset from the line's first.";
    write_registers(out, "line_register", doc, &device.line_register)?;
    write_counters(out, "counter", "Counters of the card, by index.", &source.counters())?;
    let doc = "Counters of a line, by index.";
    write_counters(out, "line_counter", doc, &source.line_counters())?;
    out.push_str("}\n\n");
    Ok(())
}

fn write_registers(out: &mut String, name: &str, doc: &str, list: &[Register]) -> Result<()> {
    writeln!(out, "    /// {doc}\n    pub mod {name} {{")?;
    for register in list {
        write_doc(out, "        ", &register.doc)?;
        writeln!(out, "        pub const {}: u32 = {:#05x};", register.name, register.offset)?;
    }
    out.push_str("    }\n\n");
    Ok(())
}

fn write_counters(
    out: &mut String,
    name: &str,
    doc: &str,
    list: &[(String, String)],
) -> Result<()> {
    writeln!(out, "    /// {doc}\n    pub mod {name} {{")?;
    for (index, (name, doc)) in list.iter().enumerate() {
        write_doc(out, "        ", doc)?;
        writeln!(out, "        pub const {name}: usize = {index};")?;
    }
    writeln!(
        out,
        "        /// How many there are.\n        pub const COUNT: usize = {};",
        list.len()
    )?;
    out.push_str("        /// Their names.\n        pub const NAMES: [&str; COUNT] = [\n");
    for (name, _) in list {
        writeln!(out, "            \"{name}\",")?;
    }
    out.push_str("        ];\n    }\n\n");
    Ok(())
}

/// Doc comment lines of at most 100 columns.
fn write_doc(out: &mut String, indent: &str, text: &str) -> Result<()> {
    for (at, paragraph) in text.trim().split("\n\n").enumerate() {
        if at > 0 {
            writeln!(out, "{indent}///")?;
        }
        let mut line = format!("{indent}///");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > 100 {
                writeln!(out, "{line}")?;
                line = format!("{indent}///");
            }
            write!(line, " {word}")?;
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn rust_type(field: &Field) -> String {
    format!("{}{}", if field.signed { "i" } else { "u" }, field.width * 8)
}

fn hex(value: u64) -> String {
    format!(
        "0x{:04x}_{:04x}_{:04x}_{:04x}",
        value >> 48,
        value >> 32 & 0xffff,
        value >> 16 & 0xffff,
        value & 0xffff
    )
}
