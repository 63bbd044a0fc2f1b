//! The default configuration, and the one that `demo` writes from it.

use std::net::{Ipv4Addr, SocketAddrV4};

/// The configuration that `run --print-config` prints.
pub(crate) const DEFAULT: &str = include_str!("../../default.toml");

/// What `demo` sets; everything else is as in the default.
#[cfg(feature = "lab")]
pub(crate) struct HostTemplate {
    pub(crate) line_a: SocketAddrV4,
    pub(crate) line_b: SocketAddrV4,
    pub(crate) interface: Ipv4Addr,
    pub(crate) recovery: SocketAddrV4,
    pub(crate) glimpse: SocketAddrV4,
    pub(crate) ouch: SocketAddrV4,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) strategy: &'static str,
    pub(crate) symbols: Vec<String>,
}

#[cfg(feature = "lab")]
impl HostTemplate {
    /// The text of the configuration.
    pub(crate) fn render(&self) -> String {
        let set = [
            ("line_a", self.line_a.to_string()),
            ("line_b", self.line_b.to_string()),
            ("interface", self.interface.to_string()),
            ("recovery", self.recovery.to_string()),
            ("glimpse", self.glimpse.to_string()),
            ("glimpse_username", self.username.into()),
            ("glimpse_password", self.password.into()),
            ("address", self.ouch.to_string()),
            ("username", self.username.into()),
            ("password", self.password.into()),
            ("kind", self.strategy.into()),
        ];
        let mut out = String::new();
        let mut in_instruments = false;
        for line in DEFAULT.lines() {
            if line.starts_with('[') {
                let instrument = line.starts_with("[[instrument]]");
                if instrument && !in_instruments && !out.contains("[[instrument]]") {
                    out.extend(self.symbols.iter().map(|symbol| instrument_table(symbol)));
                }
                in_instruments = instrument;
            }
            if in_instruments {
                continue;
            }
            let key = line.split('=').next().unwrap_or_default().trim();
            match set.iter().find(|(name, _)| *name == key) {
                Some((name, value)) => out.push_str(&format!("{name} = \"{value}\"\n")),
                None => out.extend([line, "\n"]),
            }
        }
        out
    }
}

#[cfg(feature = "lab")]
fn instrument_table(symbol: &str) -> String {
    format!("[[instrument]]\nsymbol = \"{symbol}\"\n\n")
}
