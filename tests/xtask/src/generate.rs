//! Writes every form of the layouts from `hw/abi/abi.toml`: Rust for the host, SystemVerilog for
//! the card, and a table for people.

mod registers;
mod rust;
mod system_verilog;

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
    device: Device,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    doc: String,
    magic: u32,
    size: u32,
    message_min: u32,
    fifo_depth: u32,
    line_queue: u32,
    filter_offset: u32,
    filter_words: u32,
    line_offset: u32,
    line_stride: u32,
    counter_offset: u32,
    line_counter_offset: u32,
    line_counter_stride: u32,
    slot: Slot,
    register: Vec<Register>,
    line_register: Vec<Register>,
    counter: Vec<Counter>,
    line_counter: Vec<Counter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot {
    doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    name: String,
    offset: u32,
    access: Access,
    doc: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Access {
    Ro,
    Rw,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counter {
    name: String,
    doc: String,
}

/// Lines of the card: A and B.
const LINES: u32 = 2;

/// Codes from here on are messages of ITCH, of which the card has a counter each.
const FIRST_MESSAGE: u8 = 0x20;

/// The source, below the workspace's root.
const SOURCE: &str = "hw/abi/abi.toml";

/// Makes the text of a file.
type Writer = fn(&Source) -> Result<String>;

/// What is written from it.
const TARGETS: [(&str, Writer); 3] = [
    ("hw/abi/src/generated.rs", rust::write),
    ("hw/rtl/generated/tercel_pkg.sv", system_verilog::write),
    ("hw/REGISTERS.md", registers::write),
];

/// Writes the generated files, or with `check` fails if one is not what would be written.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let text =
        std::fs::read_to_string(root.join(SOURCE)).with_context(|| format!("reading {SOURCE}"))?;
    let source = read(&text).with_context(|| format!("in {SOURCE}"))?;
    for (target, write) in TARGETS {
        let text = write(&source).with_context(|| format!("in {SOURCE}"))?;
        let path = root.join(target);
        if check {
            let current = std::fs::read_to_string(&path).unwrap_or_default();
            ensure!(
                current == text,
                "{target} is not what {SOURCE} says; run `cargo x gen` and commit the result"
            );
        } else {
            std::fs::create_dir_all(path.parent().context("a file in no folder")?)?;
            std::fs::write(&path, text).with_context(|| format!("writing {target}"))?;
        }
    }
    Ok(())
}

fn read(text: &str) -> Result<Source> {
    let source: Source = toml::from_str(text)?;
    check_layout(&source.record.field, source.record.size, true).context("record")?;
    check_layout(&source.ring.field, source.ring.header_size, false).context("ring header")?;
    check_device(&source).context("device")?;
    Ok(source)
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

/// Registers are words, in order, and no two areas of the card overlap.
fn check_device(source: &Source) -> Result<()> {
    let device = &source.device;
    let words = |list: &[Register], end: u32| {
        let mut next = 0;
        for register in list {
            let (name, offset) = (&register.name, register.offset);
            ensure!(offset.is_multiple_of(4), "{name}: offset {offset:#x} is not a word's");
            ensure!(offset >= next, "{name}: overlaps the register before it");
            next = offset + 4;
        }
        ensure!(next <= end, "registers end at {next:#x}, the next area begins at {end:#x}");
        Ok(())
    };
    words(&device.register, device.line_offset)?;
    words(&device.line_register, device.line_stride)?;
    let counters = 4 * source.counters().len() as u32;
    let areas = [
        (device.line_offset, LINES * device.line_stride),
        (device.counter_offset, counters),
        (device.line_counter_offset, LINES * device.line_counter_stride),
        (device.filter_offset, 4 * device.filter_words),
        (device.size, 0),
    ];
    for pair in areas.windows(2) {
        let ((first, size), (second, _)) = (pair[0], pair[1]);
        ensure!(first + size <= second, "the areas at {first:#x} and {second:#x} overlap");
    }
    let lines = 4 * device.line_counter.len() as u32;
    ensure!(lines <= device.line_counter_stride, "more counters a line than fit its area");
    Ok(())
}

impl Source {
    /// The kinds that are messages of ITCH.
    fn messages(&self) -> impl Iterator<Item = &Kind> {
        self.kind.iter().filter(|kind| kind.code >= FIRST_MESSAGE)
    }

    /// Names and documentation of the counters of the whole card, those of the kinds included.
    fn counters(&self) -> Vec<(String, String)> {
        let named = self.device.counter.iter();
        let mut list: Vec<_> = named.map(|one| (one.name.clone(), one.doc.clone())).collect();
        list.extend(self.messages().map(|kind| {
            (format!("KIND_{}", kind.name), format!("Messages taken of kind {}.", kind.name))
        }));
        list
    }

    /// Names and documentation of a line's counters.
    fn line_counters(&self) -> Vec<(String, String)> {
        let named = self.device.line_counter.iter();
        named.map(|one| (one.name.clone(), one.doc.clone())).collect()
    }
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
    let device = &source.device;
    let numbers = [
        device.magic,
        device.size,
        device.message_min,
        device.fifo_depth,
        device.line_queue,
        device.filter_offset,
        device.filter_words,
        device.line_offset,
        device.line_stride,
        device.counter_offset,
        device.line_counter_offset,
        device.line_counter_stride,
    ];
    write!(text, " {numbers:?}").expect("string");
    for register in device.register.iter().chain(&device.line_register) {
        write!(text, " {}@{}", register.name, register.offset).expect("string");
    }
    for (name, _) in source.counters().iter().chain(&source.line_counters()) {
        write!(text, " {name}").expect("string");
    }
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn camel(name: &str) -> String {
    let word = |part: &str| part[..1].to_string() + &part[1..].to_lowercase();
    name.split('_').map(word).collect()
}
