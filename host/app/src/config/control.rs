//! The control plane: `[control]`.

use super::{Built, Config};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where tokens are read from unless the configuration says otherwise.
const TOKENS: &str = "tokens.toml";

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlValues {
    /// Address and port that it listens at; port 0 takes a free one. Beyond this machine it takes
    /// `tokens`, `certificate`, `key` and `client_ca`.
    #[serde(default = "listen")]
    listen: SocketAddr,
    /// File with hashed tokens, relative to the configuration file. Without this key it may be
    /// missing.
    #[schemars(extend("default" = TOKENS))]
    tokens: Option<PathBuf>,
    /// Role of callers on this machine that bring no token.
    #[serde(default)]
    without_token: Role,
    /// Certificate chain of the server, a PEM file, relative to the configuration file.
    certificate: Option<PathBuf>,
    /// Private key of the certificate, a PEM file, likewise.
    key: Option<PathBuf>,
    /// Certificates that those of clients must come from, a PEM file, likewise.
    client_ca: Option<PathBuf>,
    /// Streams open at one time at most.
    #[serde(default = "streams_max")]
    #[schemars(range(min = 1, max = 65_536))]
    streams_max: u32,
}

/// What a caller may do; each role may do what the one before it may.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// Nothing.
    #[default]
    None,
    /// Look.
    Viewer,
    /// Pause, cancel, promote.
    Operator,
    /// Change limits.
    Risk,
}

fn listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

fn streams_max() -> u32 {
    2_000
}

/// What the control plane is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct ControlSettings {
    /// Address and port that it listens at.
    pub(crate) listen: SocketAddr,
    /// File with hashed tokens; `None` where there is none, which only loopback allows.
    pub(crate) tokens: Option<PathBuf>,
    /// Role of callers on this machine that bring no token.
    pub(crate) without_token: Role,
    /// Files for TLS; `None` for plain connections, which only loopback allows.
    pub(crate) tls: Option<TlsFiles>,
    /// Streams open at one time at most.
    pub(crate) streams_max: usize,
}

/// PEM files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct TlsFiles {
    /// Certificate chain of the server.
    pub(crate) certificate: PathBuf,
    /// Private key of the certificate.
    pub(crate) key: PathBuf,
    /// Certificates that those of clients must come from.
    pub(crate) client_ca: PathBuf,
}

impl Config {
    /// For the control plane; `None` without one.
    pub(crate) fn control(&self) -> Built<Option<ControlSettings>> {
        let Some(control) = &self.values.control else { return Ok(None) };
        let tokens = match &control.tokens {
            Some(named) => Some(self.beside(named)),
            None => Some(self.beside(Path::new(TOKENS))).filter(|file| file.exists()),
        };
        if !control.listen.ip().is_loopback() {
            self.check_remote(tokens.is_some())?;
        }
        for (key, file) in [
            ("control.tokens", tokens.as_ref()),
            ("control.certificate", control.certificate.as_ref()),
            ("control.key", control.key.as_ref()),
            ("control.client_ca", control.client_ca.as_ref()),
        ] {
            let Some(file) = file.map(|file| self.beside(file)) else { continue };
            std::fs::File::open(&file).map_err(|error| {
                self.wrong(key, format!("{} cannot be read: {error}", file.display()))
            })?;
        }
        let file = |file: &PathBuf| self.beside(file);
        let files = [
            ("control.certificate", &control.certificate),
            ("control.key", &control.key),
            ("control.client_ca", &control.client_ca),
        ];
        let tls = match files.map(|(_, path)| path.as_ref().map(file)) {
            [Some(certificate), Some(key), Some(client_ca)] => {
                Some(TlsFiles { certificate, key, client_ca })
            }
            [None, None, None] => None,
            _ => {
                let there = files.iter().find(|(_, path)| path.is_some());
                let lacking = files.iter().filter(|(_, path)| path.is_none());
                let lacking: Vec<&str> = lacking.map(|(key, _)| *key).collect();
                let problem = format!("needs {} as well", lacking.join(" and "));
                return Err(self.wrong(there.map_or("control", |(key, _)| key), problem));
            }
        };
        if !(1..=65_536).contains(&control.streams_max) {
            return Err(self.wrong("control.streams_max", "must be 1 to 65536"));
        }
        Ok(Some(ControlSettings {
            listen: control.listen,
            tokens,
            without_token: control.without_token,
            tls,
            streams_max: control.streams_max as usize,
        }))
    }

    /// What others than this machine may reach takes tokens and certificates of both sides.
    fn check_remote(&self, tokens: bool) -> Built<()> {
        let Some(control) = &self.values.control else { return Ok(()) };
        let there = [
            ("tokens", tokens),
            ("certificate", control.certificate.is_some()),
            ("key", control.key.is_some()),
            ("client_ca", control.client_ca.is_some()),
        ];
        let missing: Vec<_> =
            there.iter().filter(|(_, there)| !there).map(|(key, _)| *key).collect();
        if !missing.is_empty() {
            let problem = format!(
                "can be reached from other machines, which takes control.tokens, \
                 control.certificate, control.key and control.client_ca; missing: {}. \
                 Set them, or listen at 127.0.0.1",
                missing.join(", ")
            );
            return Err(self.wrong("control.listen", problem));
        }
        if control.without_token != Role::None {
            let problem = "must be \"none\" where other machines can reach control.listen";
            return Err(self.wrong("control.without_token", problem));
        }
        Ok(())
    }
}
