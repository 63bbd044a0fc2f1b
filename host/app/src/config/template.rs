//! The configuration that `demo` writes: the default with the venue's addresses in it.

use super::DEFAULT;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What `demo` sets; everything else is as in the default.
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

impl HostTemplate {
    /// The text of the configuration, with some more keys, each by its path, set.
    pub(crate) fn render(&self, more: &[(&str, String)]) -> String {
        let quoted = |value: &dyn std::fmt::Display| format!("\"{value}\"");
        let set = [
            ("line_a", quoted(&self.line_a)),
            ("line_b", quoted(&self.line_b)),
            ("interface", quoted(&self.interface)),
            ("recovery", quoted(&self.recovery)),
            ("glimpse", quoted(&self.glimpse)),
            ("glimpse_username", quoted(&self.username)),
            ("glimpse_password", quoted(&self.password)),
            ("address", quoted(&self.ouch)),
            ("username", quoted(&self.username)),
            ("password", quoted(&self.password)),
            ("kind", quoted(&self.strategy)),
            // The demo's venue is small, and its books can be touched before the first event.
            ("instruments_max", "8192".into()),
            ("orders_max", "131072".into()),
            ("levels_max", "131072".into()),
            ("prefault", "true".into()),
        ];
        let mut out = String::new();
        let mut in_instruments = false;
        let mut table = "";
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
            if let Some(rest) = line.strip_prefix('[') {
                table = rest.split(']').next().unwrap_or_default();
            }
            let key = line.split('=').next().unwrap_or_default().trim();
            let path = format!("{table}.{}", key.trim_start_matches("# "));
            if let Some((_, value)) = more.iter().find(|(name, _)| *name == path) {
                let name = key.trim_start_matches("# ");
                out.push_str(&format!("{name} = {value}\n"));
                continue;
            }
            // The limit of risk has the name of the books' limit.
            let key = if table == "risk" { "" } else { key };
            match set.iter().find(|(name, _)| *name == key) {
                Some((name, value)) => out.push_str(&format!("{name} = {value}\n")),
                None => out.extend([line, "\n"]),
            }
        }
        out
    }
}

fn instrument_table(symbol: &str) -> String {
    format!("[[instrument]]\nsymbol = \"{symbol}\"\n\n")
}
