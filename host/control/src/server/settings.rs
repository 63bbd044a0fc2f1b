//! Where the API is reached, and what keeps strangers out.

use crate::access::{Role, TokensError};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Streams at a time that can be asked for at most.
const STREAMS_MAX: usize = 100_000;

/// `[control]` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `control.listen`: address and port; port 0 for any that is free.
    pub listen: SocketAddr,
    /// `control.tokens`: file of the tokens' hashes.
    pub tokens: Option<PathBuf>,
    /// `control.without_token`: what somebody on this machine may do without a token.
    pub without_token: Option<Role>,
    /// Needed where other machines can reach the address.
    pub tls: Option<Tls>,
    /// `control.streams_max`: streams at a time; 1 to 100,000.
    pub streams_max: usize,
}

/// Files in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
    /// `control.certificate`: the server's certificate and those between it and the root.
    pub certificate: PathBuf,
    /// `control.key`: its private key.
    pub key: PathBuf,
    /// `control.client_ca`: roots by which clients' certificates are signed.
    pub client_ca: PathBuf,
}

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting that is not allowed, or not with the others.
    #[error("{key} = {value}: {allowed}")]
    Setting {
        /// Its key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The file of tokens is of no use.
    #[error("control.tokens: {0}")]
    Tokens(#[from] TokensError),
    /// A certificate or key is of no use.
    #[error("{key} = {}: {message}", path.display())]
    Tls {
        /// Its key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The address cannot be listened on.
    #[error("control.listen = {address}: {source}; is another host running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// No thread or no event queue.
    #[error("the control thread: {0}")]
    Thread(#[source] io::Error),
}

impl Settings {
    /// Only this machine can reach the address.
    pub fn loopback(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback()
    }

    /// The first setting that is not allowed.
    pub fn validate(&self) -> Result<(), ServerError> {
        let wrong = |key, value: String, allowed| Err(ServerError::Setting { key, value, allowed });
        let listen = self.listen.to_string();
        if !(1..=STREAMS_MAX).contains(&self.streams_max) {
            return wrong("control.streams_max", self.streams_max.to_string(), "1 to 100,000");
        }
        if !self.loopback() {
            if self.tls.is_none() {
                let allowed = "other machines can reach this address: set control.certificate, \
                               control.key and control.client_ca, or listen on 127.0.0.1";
                return wrong("control.listen", listen, allowed);
            }
            if self.tokens.is_none() {
                let allowed = "other machines can reach this address: set control.tokens too, or \
                               listen on 127.0.0.1";
                return wrong("control.listen", listen, allowed);
            }
            if let Some(role) = self.without_token {
                let allowed = "not while control.listen is an address that other machines can \
                               reach: leave it out";
                return wrong("control.without_token", role.name().into(), allowed);
            }
        }
        if self.tokens.is_none() && self.without_token.is_none() {
            let allowed = "nobody could ask for anything: set control.tokens to a file made by \
                           `tercel control token NAME --role ROLE`, or control.without_token to \
                           viewer, operator or risk";
            return wrong("control.listen", listen, allowed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str) -> Settings {
        Settings {
            listen: listen.parse().unwrap(),
            tokens: Some("tokens.toml".into()),
            without_token: None,
            tls: None,
            streams_max: 8,
        }
    }

    #[test]
    fn what_others_can_reach_needs_tls_and_tokens() {
        let tls = Tls { certificate: "c".into(), key: "k".into(), client_ca: "a".into() };
        for listen in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[fe80::1]:1"] {
            let bare = settings(listen);
            let error = bare.validate().unwrap_err().to_string();
            assert!(error.starts_with("control.listen = "), "{error}");
            assert!(error.contains("control.client_ca"), "{error}");
            let with_tls = Settings { tls: Some(tls.clone()), ..bare };
            assert!(with_tls.validate().is_ok());
            let error = Settings { tokens: None, ..with_tls.clone() }.validate().unwrap_err();
            assert!(error.to_string().contains("control.tokens"), "{error}");
            let open = Settings { without_token: Some(Role::Viewer), ..with_tls };
            let error = open.validate().unwrap_err().to_string();
            assert!(error.starts_with("control.without_token = viewer"), "{error}");
        }
        for listen in ["127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            assert!(settings(listen).validate().is_ok(), "{listen}");
        }
    }

    #[test]
    fn somebody_must_be_let_in() {
        let nobody = Settings { tokens: None, ..settings("127.0.0.1:0") };
        let error = nobody.validate().unwrap_err().to_string();
        assert!(error.contains("control.without_token"), "{error}");
        let none = Settings { streams_max: 0, ..settings("127.0.0.1:0") };
        let error = none.validate().unwrap_err().to_string();
        assert_eq!(error, "control.streams_max = 0: 1 to 100,000");
    }
}
