//! The file system that a kernel starts with: a cpio archive in the format `newc`
//! (Documentation/driver-api/early-userspace/buffer-format.rst of Linux).

use std::io::Write;

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// An archive in memory.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a folder; those above it must be there already.
    pub(super) fn folder(&mut self, path: &str) {
        self.entry(path, FOLDER, &[]);
    }

    /// Adds a file that can be run.
    pub(super) fn file(&mut self, path: &str, contents: &[u8]) {
        self.entry(path, PROGRAM, contents);
    }

    /// Adds a link to another file of the archive.
    pub(super) fn link(&mut self, path: &str, to: &str) {
        self.entry(path, LINK, to.as_bytes());
    }

    /// The whole archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8]) {
        self.entries += 1;
        let name = path.len() as u32 + 1;
        let size = contents.len() as u32;
        self.bytes.extend(b"070701");
        // ino, mode, uid, gid, nlink, mtime, size, device (4), length of the name, checksum
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0] {
            // Writing into a vector cannot fail.
            let _ = write!(self.bytes, "{field:08x}");
        }
        self.bytes.extend(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(contents);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_lie_where_the_headers_say() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("init", b"hello");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let mut found = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let field = |at: usize| {
                let text = std::str::from_utf8(&rest[6 + 8 * at..14 + 8 * at]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            assert_eq!(&rest[..6], b"070701");
            let (mode, size, name) = (field(1), field(6), field(11));
            let data = (110 + name).next_multiple_of(4);
            let path = String::from_utf8(rest[110..109 + name].to_vec()).unwrap();
            found.push((path, mode, rest[data..data + size].to_vec()));
            rest = &rest[(data + size).next_multiple_of(4)..];
        }
        assert_eq!(found[0], ("bin".to_string(), FOLDER as usize, Vec::new()));
        assert_eq!(found[1], ("init".to_string(), PROGRAM as usize, b"hello".to_vec()));
        assert_eq!(found[2].0, "TRAILER!!!");
    }
}
