//! Writes the Rust of every layout from `hw/abi/abi.toml`.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    abi: Abi,
    record: Record,
    flag: Vec<Flag>,
    kind: Vec<Kind>,
    ring: Ring,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Abi {
    version: u32,
    magic: u64,
    #[serde(rename = "doc")]
    _doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    size: usize,
    doc: String,
    field: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    offset: usize,
    width: usize,
    unit: Option<String>,
    #[serde(default)]
    signed: bool,
    doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flag {
    name: String,
    bit: u8,
    doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    code: u8,
    doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ring {
    doc: String,
    header_size: usize,
    field: Vec<Field>,
}

/// Where the source and the generated file lie below the workspace's root.
const SOURCE: &str = "hw/abi/abi.toml";
const TARGET: &str = "hw/abi/src/generated.rs";

/// Writes the generated file, or with `check` fails if it is not what would be written.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let text =
        std::fs::read_to_string(root.join(SOURCE)).with_context(|| format!("reading {SOURCE}"))?;
    let rust = generate(&text).with_context(|| format!("in {SOURCE}"))?;
    let target = root.join(TARGET);
    if check {
        let current = std::fs::read_to_string(&target).unwrap_or_default();
        ensure!(
            current == rust,
            "{TARGET} is not what {SOURCE} says; run `cargo x gen` and commit the result"
        );
    } else {
        std::fs::write(&target, rust).with_context(|| format!("writing {TARGET}"))?;
    }
    Ok(())
}

fn generate(text: &str) -> Result<String> {
    let source: Source = toml::from_str(text)?;
    check_layout(&source.record.field, source.record.size, true).context("record")?;
    check_layout(&source.ring.field, source.ring.header_size, false).context("ring header")?;
    let mut out = String::from("// Generated from abi.toml by `cargo x gen`; do not edit.\n\n");
    out.push_str("use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};\n\n");
    let constant = |out: &mut String, doc: &str, name: &str, ty: &str, value: &str| {
        write!(out, "/// {doc}\npub const {name}: {ty} = {value};\n\n")
    };
    constant(
        &mut out,
        "First word of every shared layout.",
        "MAGIC",
        "u64",
        &hex(source.abi.magic),
    )?;
    constant(
        &mut out,
        "Version of the layouts.",
        "VERSION",
        "u64",
        &source.abi.version.to_string(),
    )?;
    constant(
        &mut out,
        "Hash of what the layouts say, so that two builds that disagree refuse each other.",
        "LAYOUT_HASH",
        "u64",
        &hex(layout_hash(&source)),
    )?;
    write_record(&mut out, &source.record)?;
    write_flags(&mut out, &source.flag)?;
    write_kinds(&mut out, &source.kind)?;
    write_ring(&mut out, &source.ring)?;
    while out.ends_with("\n\n") {
        out.pop();
    }
    Ok(out)
}

/// Fields are in order, aligned to their width, do not overlap, end inside `size`, and fill it
/// where `packed`.
fn check_layout(fields: &[Field], size: usize, packed: bool) -> Result<()> {
    let mut end = 0;
    for field in fields {
        let name = &field.name;
        ensure!(
            [1, 2, 4, 8].contains(&field.width),
            "{name}: width {} is not 1, 2, 4 or 8",
            field.width
        );
        ensure!(field.offset % field.width == 0, "{name}: offset {} is not aligned", field.offset);
        ensure!(field.offset >= end, "{name}: overlaps the field before it");
        ensure!(!packed || field.offset == end, "{name}: leaves a hole before it");
        end = field.offset + field.width;
    }
    ensure!(end <= size && (!packed || end == size), "fields end at {end}, size is {size}");
    Ok(())
}

/// FNV-1a over names, offsets, widths and codes: what readers depend on, but not the documentation.
fn layout_hash(source: &Source) -> u64 {
    let mut text = format!("v{} {}", source.abi.version, source.record.size);
    for field in source.record.field.iter().chain(&source.ring.field) {
        write!(text, " {}@{}+{}{}", field.name, field.offset, field.width, field.signed as u8)
            .expect("string");
    }
    for flag in &source.flag {
        write!(text, " {}={}", flag.name, flag.bit).expect("string");
    }
    for kind in &source.kind {
        write!(text, " {}={}", kind.name, kind.code).expect("string");
    }
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
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

fn camel(name: &str) -> String {
    let word = |part: &str| part[..1].to_string() + &part[1..].to_lowercase();
    name.split('_').map(word).collect()
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
