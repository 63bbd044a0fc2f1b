//! What the kernel was built with.

use crate::tree::{Tree, Unread};
use flate2::read::GzDecoder;
use std::io::Read;

/// A kernel's configuration has some 250 KiB.
const TEXT_MAX: u64 = 4 << 20;

/// The configuration, or why it is not known.
pub(crate) struct KernelConfig(Result<String, Unread>);

/// What an option is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Setting {
    /// Its value, as `y` or `250`.
    Is(String),
    /// The configuration does not have it, or says that it is not set.
    NotSet,
    /// There is no configuration to look into.
    Unknown,
}

impl KernelConfig {
    /// From `/proc/config.gz`, else from the file that distributions put into `/boot`.
    pub(crate) fn read(tree: &Tree) -> KernelConfig {
        KernelConfig(packed(tree).or_else(|_| {
            let release = tree.text("/proc/sys/kernel/osrelease")?;
            if release.contains('/') {
                return Err(Unread::strange("/proc/sys/kernel/osrelease", &release));
            }
            tree.text(&format!("/boot/config-{release}"))
        }))
    }

    /// What `CONFIG_<name>` is.
    pub(crate) fn setting(&self, name: &str) -> Setting {
        let Ok(text) = &self.0 else { return Setting::Unknown };
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("CONFIG_")?.strip_prefix(name)?.strip_prefix('='));
        value.map_or(Setting::NotSet, |value| Setting::Is(value.trim_matches('"').to_string()))
    }
}

fn packed(tree: &Tree) -> Result<String, Unread> {
    let path = "/proc/config.gz";
    let bytes = tree.bytes(path)?;
    let mut text = Vec::new();
    let unpacked = GzDecoder::new(&bytes[..]).take(TEXT_MAX).read_to_end(&mut text);
    unpacked.map_err(|error| Unread::because(path, &error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
