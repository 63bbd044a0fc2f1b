//! Rules over the text of one file. Each gives the places that break it as `path:line: what`.

mod source;

use source::Source;
use std::io;
use std::path::Path;

/// A file of the repository.
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A rule over one file.
pub type Rule = fn(&File) -> Vec<String>;

/// Lines of a source file, and of one that only holds tests.
const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 700;
const COLUMNS_MAX: usize = 100;

/// Written by a program; no one edits it.
const GENERATED: &[&str] = &["hw/abi/src/generated.rs", "host/app/config.schema.json"];

/// The files that may hold unsafe code.
const UNSAFE: &[&str] = &[
    "host/book/src/memory.rs",
    "host/policy/src/kernel/avx2.rs",
    "host/policy/src/kernel/avx512.rs",
    "host/policy/src/kernel/cell/compiled.rs",
    "host/policy/src/kernel/integer/avx2.rs",
    "host/policy/src/kernel/integer/avx512.rs",
    "host/policy/src/kernel/integer/cell_avx2.rs",
    "host/engine/src/shared.rs",
    "drivers/net/src/sys.rs",
    "drivers/net/src/packet/ring.rs",
    "drivers/net/src/xdp/bpf.rs",
    "drivers/net/src/xdp/rings.rs",
    "drivers/dpdk-sys/src/raw.rs",
    "drivers/dpdk/src/below.rs",
    "drivers/dpdk/src/sys.rs",
    "drivers/dpdk/src/orphan/sys.rs",
    "host/doctor/src/sys.rs",
    "hw/tb/src/model.rs",
    "drivers/fpga/src/shared.rs",
    "drivers/fpga/src/vfio.rs",
    "sim/fpga/src/shared.rs",
    "bench/src/clock.rs",
];

/// Tests that count allocations, which takes an allocator of their own.
const UNSAFE_TEST: &str = "/no_allocation.rs";

const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "misc", "manager", "stuff"];

const PRAISE: &[&str] = &["blazing", "robust", "lightning"];

/// Every `.rs`, `.toml` and `.md` file that is part of the repository.
pub fn files(root: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    walk(root, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<File>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let hidden = name.starts_with('.') && name != ".cargo" && name != ".ci";
        if entry.file_type()?.is_dir() {
            if !hidden && name != "target" {
                walk(&entry.path(), &format!("{path}/"), found)?;
            }
        } else if [".rs", ".toml", ".md"].iter().any(|end| name.ends_with(end)) {
            found.push(File { path, text: std::fs::read_to_string(entry.path())? });
        }
    }
    Ok(())
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Holds nothing but tests.
    fn is_test(&self) -> bool {
        let path = format!("/{}", self.path);
        (path.contains("/tests/") || path.contains("/suites/")) && !path.contains("/src/")
    }

    fn at(&self, index: usize, what: &str) -> String {
        format!("{}:{}: {what}", self.path, index + 1)
    }
}

/// A file is at most 500 lines long, one of tests 700.
pub fn file_length(file: &File) -> Vec<String> {
    let max = if file.is_test() { TEST_LINES_MAX } else { LINES_MAX };
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= max || GENERATED.contains(&file.path.as_str()) {
        return Vec::new();
    }
    vec![file.at(max, &format!("{lines} lines, at most {max}"))]
}

/// A line is at most 100 columns wide, unless it holds an address or, in TOML, is one string: those
/// cannot be broken.
pub fn line_length(file: &File) -> Vec<String> {
    if file.path.ends_with(".md") || GENERATED.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let is_string = |line: &str| file.path.ends_with(".toml") && line.ends_with('"');
    let whole = |line: &str| line.contains("://") || is_string(line);
    let too_long = |line: &str| line.chars().count() > COLUMNS_MAX && !whole(line);
    let lines = file.text.lines().enumerate().filter(|(_, line)| too_long(line));
    lines.map(|(at, line)| file.at(at, &format!("{} columns", line.chars().count()))).collect()
}

/// No file or folder is named for being a heap of things.
pub fn file_name(file: &File) -> Vec<String> {
    let parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let empty = parts.filter(|part| EMPTY_NAMES.contains(part));
    empty.map(|part| file.at(0, &format!("`{part}` says nothing"))).collect()
}

/// Nothing is left undone, and nothing of a debugging session is left in.
pub fn unfinished(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in Source::of(file).lines.iter().enumerate() {
        for call in ["todo!", "unimplemented!", "dbg!"] {
            if line.code.contains(call) {
                found.push(file.at(at, call));
            }
        }
        let words = || line.comment.split(|c: char| !c.is_alphanumeric());
        for word in ["TODO", "FIXME", "XXX"] {
            if words().any(|found| found == word) {
                found.push(file.at(at, word));
            }
        }
    }
    found
}

/// Comments and documents say what is, and leave the judging to the reader.
pub fn praise(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in Source::of(file).lines.iter().enumerate() {
        let text = line.comment.to_lowercase();
        for word in PRAISE.iter().filter(|word| text.contains(**word)) {
            found.push(file.at(at, word));
        }
    }
    found
}

/// Unsafe code stands only in the listed files, and each block says why it is sound right above.
pub fn unsafe_code(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let listed = UNSAFE.contains(&file.path.as_str())
        || (file.is_test() && file.path.ends_with(UNSAFE_TEST));
    let source = Source::of(file);
    let mut found = Vec::new();
    for (at, line) in source.lines.iter().enumerate() {
        if !has_word(&line.code, "unsafe") {
            continue;
        }
        // A declaration moves the duty to whoever calls or implements it.
        let declares = line.code.contains("unsafe fn") || line.code.contains("unsafe trait");
        if !listed {
            found.push(file.at(at, "unsafe code outside the listed files"));
        } else if !declares && !source.says_above(at, "SAFETY:") {
            found.push(file.at(at, "unsafe code without `// SAFETY:` right above"));
        }
    }
    found
}

/// The root of every crate forbids unsafe code, or denies it where a listed file allows it.
pub fn crate_root(file: &File) -> Vec<String> {
    let root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
    let closed = ["#![forbid(unsafe_code)]", "#![deny(unsafe_code)]"];
    if !root || closed.iter().any(|closed| file.text.lines().any(|line| line == *closed)) {
        return Vec::new();
    }
    vec![file.at(0, "neither forbids nor denies unsafe_code")]
}

/// An ordering that synchronises says with what, beside it or right above.
pub fn orderings(file: &File) -> Vec<String> {
    if !file.is_rust() || file.is_test() {
        return Vec::new();
    }
    let source = Source::of(file);
    let mut found = Vec::new();
    for (at, line) in source.lines.iter().enumerate() {
        if line.code.trim() == "#[cfg(test)]" {
            break;
        }
        let synchronises = ["Acquire", "Release", "AcqRel", "SeqCst"]
            .iter()
            .any(|ordering| line.code.contains(&format!("Ordering::{ordering}")));
        if synchronises && !source.says_above(at, "pairs with") {
            found.push(file.at(at, "an ordering without `// pairs with ...`"));
        }
    }
    found
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests;
