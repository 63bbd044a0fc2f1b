//! Files below a root, and why one could not be read.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Longest file that is read: `/proc/interrupts` of 1,024 cores has some 5 MiB.
const BYTES_MAX: u64 = 8 << 20;

/// The files of a machine: `/` is this one, another folder a copy of another's.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

/// A file that could not be read, or not be understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// What was looked at.
    pub path: String,
    /// Why it says nothing.
    pub reason: String,
    missing: bool,
}

impl Unread {
    /// What `path` says is not what was expected there.
    pub(crate) fn strange(path: &str, text: &str) -> Unread {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
        Unread::because(path, &format!("says \"{shown}\", which is not understood"))
    }

    pub(crate) fn because(path: &str, reason: &str) -> Unread {
        Unread { path: path.into(), reason: reason.into(), missing: false }
    }

    /// There is no such file: the feature may be absent.
    pub fn is_missing(&self) -> bool {
        self.missing
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl std::error::Error for Unread {}

impl Tree {
    /// The files below `root`, whose paths begin with `/proc` and `/sys` as on a machine.
    pub fn new(root: &Path) -> Tree {
        Tree { root: root.into() }
    }

    /// These are the files of the machine this process runs on.
    pub fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn failed(path: &str, error: &io::Error) -> Unread {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_string(),
            io::ErrorKind::PermissionDenied => "no permission to read it".to_string(),
            _ => format!("cannot be read ({error})"),
        };
        Unread { path: path.into(), reason, missing }
    }

    /// The bytes of a file, at most 8 MiB.
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>, Unread> {
        let read = || {
            let mut bytes = Vec::new();
            fs::File::open(self.at(path))?.take(BYTES_MAX).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| Tree::failed(path, &error))
    }

    /// The text of a file without white space at its end.
    pub fn text(&self, path: &str) -> Result<String, Unread> {
        Ok(String::from_utf8_lossy(&self.bytes(path)?).trim_end().to_string())
    }

    /// The number that is all a file says.
    pub fn number(&self, path: &str) -> Result<i64, Unread> {
        let text = self.text(path)?;
        text.trim().parse().map_err(|_| Unread::strange(path, &text))
    }

    /// The names in a folder, sorted.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Unread> {
        let failed = |error: io::Error| Tree::failed(path, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(path)).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Something is there.
    pub fn exists(&self, path: &str) -> bool {
        self.at(path).exists()
    }

    /// Writes a value into a file that is already there.
    pub(crate) fn write(&self, path: &str, value: &str) -> io::Result<()> {
        // One write(2): the files of /proc and /sys take each call as a value of its own.
        let mut file = fs::OpenOptions::new().write(true).open(self.at(path))?;
        if !self.is_live() {
            file.set_len(0)?;
        }
        file.write_all(format!("{value}\n").as_bytes())
    }
}
