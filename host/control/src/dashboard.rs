//! The dashboard's files, part of the binary.

/// Path, media type and bytes of each; the page itself is `index.html`.
pub const FILES: &[(&str, &str, &[u8])] = &[];
