//! Event files of TensorBoard: scalars over steps.
//!
//! A file is a sequence of records: length as u64, masked CRC-32C of those eight bytes, the bytes
//! of a protocol buffer `Event`, masked CRC-32C of them; all little-endian
//! (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto). Of `Event` four
//! fields are used, so they are written by hand.

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// CRC-32C (Castagnoli), reflected: the polynomial of RFC 3720, appendix B.4.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let (mut crc, mut bit) = (at as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// CRC-32C of the bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)];
    !bytes.iter().fold(!0, step)
}

/// CRC-32C as records hold it, so that a record of records does not check itself.
pub fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// An event file that is written.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// Makes a file in the folder; `now` is in seconds since 1970 and becomes part of its name.
    pub fn create(folder: &Path, now: f64) -> Result<Events> {
        let path = folder.join(format!("events.out.tfevents.{:010}.tercel", now as u64));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let mut events = Events { path, file };
        let mut event = Vec::new();
        double(&mut event, 1, now);
        text(&mut event, 3, b"brain.Event:2");
        events.put(&record(&event))?;
        Ok(events)
    }

    /// Adds scalars of a step, each name with its value; `now` is in seconds since 1970.
    pub fn scalars(&mut self, now: f64, step: u64, scalars: &[(&str, f64)]) -> Result<()> {
        self.put(&record(&event(now, step, scalars)))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let done = self.file.write_all(bytes);
        done.with_context(|| format!("{}: an event could not be written", self.path.display()))
    }
}

/// The bytes of an event with scalars.
fn event(now: f64, step: u64, scalars: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (name, value) in scalars {
        let mut entry = Vec::new();
        text(&mut entry, 1, name.as_bytes());
        // simple_value: a single, which is wire type 5.
        varint(&mut entry, 2 << 3 | 5);
        entry.extend((*value as f32).to_le_bytes());
        text(&mut summary, 1, &entry);
    }
    let mut event = Vec::new();
    double(&mut event, 1, now);
    varint(&mut event, 2 << 3);
    varint(&mut event, step);
    text(&mut event, 5, &summary);
    event
}

fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let mut out = length.to_vec();
    out.extend(masked(&length).to_le_bytes());
    out.extend(event);
    out.extend(masked(event).to_le_bytes());
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn double(out: &mut Vec<u8>, field: u64, value: f64) {
    varint(out, field << 3 | 1);
    out.extend(value.to_le_bytes());
}

fn text(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}
