//! The API of a host, as a viewer and, for the kill switch, as an operator.

use crate::cli::TopArgs;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tercel_control::view::State;
use ureq::http::{Response, Uri};
use ureq::tls::{ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

/// A state of 8,000 instruments is 4 MB.
pub(super) const STATE_BYTES_MAX: usize = 16 << 20;
/// Longest answer to anything else.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// Longest token and longest file of certificates.
const TOKEN_BYTES_MAX: u64 = 4 << 10;
const PEM_BYTES_MAX: u64 = 1 << 20;
/// A stream says something every 10 s at least.
const SILENCE_MAX: Duration = Duration::from_secs(25);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a kill is sent before its answer is given up.
const KILL_TRIES: usize = 3;

/// A way to the API.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    base: String,
    bearer: Option<String>,
}

impl Client {
    /// As the command line and `TERCEL_TOKEN` say; asks nothing yet.
    pub(super) fn new(address: &str, args: &TopArgs) -> Result<Client> {
        let place = Place::parse(address)?;
        let bearer = token(args)?.map(|token| format!("Bearer {token}"));
        ensure!(
            place.tls || place.here || bearer.is_none(),
            "{address}: a token is not sent in the clear to another machine: use https"
        );
        let files = [&args.ca, &args.certificate, &args.key];
        ensure!(
            place.tls || files.iter().all(|file| file.is_none()),
            "{address}: --ca, --certificate and --key are for https"
        );
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("tercel-top/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(args)?)
            .timeout_resolve(Some(ANSWER_TIME_MAX))
            .timeout_connect(Some(ANSWER_TIME_MAX))
            .timeout_recv_response(Some(ANSWER_TIME_MAX))
            .timeout_per_read(Some(SILENCE_MAX))
            .build();
        Ok(Client { agent: config.into(), base: place.base, bearer })
    }

    /// Host and port.
    pub(super) fn shown(&self) -> &str {
        self.base.split_once("://").map_or(&self.base, |(_, shown)| shown)
    }

    /// The state as it is now.
    pub(super) fn state(&self) -> Result<State> {
        let answer = self.get("/api/v1/state", "application/json")?;
        let limit = STATE_BYTES_MAX as u64;
        let body = answer.into_body().into_with_config().limit(limit).read_to_vec();
        parse_state(&body.with_context(|| format!("{}: the state did not come", self.base))?)
    }

    /// The stream of states.
    pub(super) fn stream(&self) -> Result<impl Read + use<>> {
        let answer = self.get("/api/v1/stream", "text/event-stream")?;
        Ok(answer.into_body().into_reader())
    }

    /// Pulls the kill switch. Where no answer comes, the same request, with the same key, is sent
    /// again: the host carries it out once.
    pub(super) fn kill(&self, reason: &str) -> Result<String> {
        let key = key()?;
        let body = json!({ "reason": reason }).to_string();
        let mut tried = 0;
        loop {
            tried += 1;
            let mut request = self
                .agent
                .post(format!("{}/api/v1/kill", self.base))
                .header("Idempotency-Key", &key)
                .content_type("application/json");
            if let Some(bearer) = &self.bearer {
                request = request.header("Authorization", bearer);
            }
            match request.send(&body) {
                Ok(mut answer) if answer.status() == 200 => {
                    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
                    // It is done, whatever becomes of the rest of the answer.
                    let body = body.read_to_string().unwrap_or_default();
                    return Ok(outcome(&serde_json::from_str(&body).unwrap_or_default()));
                }
                Ok(answer) => return Err(self.refused(answer)),
                Err(_) if tried < KILL_TRIES => {}
                Err(error) => bail!(
                    "{}: no answer after {tried} tries ({error}); the kill may or may not have \
                     been carried out",
                    self.base
                ),
            }
        }
    }

    fn get(&self, path: &str, kind: &str) -> Result<Response<Body>> {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("Accept", kind);
        if let Some(bearer) = &self.bearer {
            request = request.header("Authorization", bearer);
        }
        let answer = request.call().with_context(|| self.base.clone())?;
        if answer.status() != 200 {
            return Err(self.refused(answer));
        }
        let found = answer.body().mime_type().unwrap_or("nothing").to_string();
        ensure!(
            found == kind,
            "{}{path} is {found:?} and not {kind:?}: is that the API of a host?",
            self.base
        );
        Ok(answer)
    }

    /// What an answer that is none says: problem details (RFC 9457) where it has them.
    fn refused(&self, mut answer: Response<Body>) -> anyhow::Error {
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let body: Value = serde_json::from_str(&body.unwrap_or_default()).unwrap_or_default();
        let mut said = format!("{}: {status}", self.base);
        for part in ["title", "detail"] {
            if let Some(text) = body[part].as_str() {
                said = format!("{said}: {text}");
            }
        }
        if status == 401 && self.bearer.is_none() {
            said += "; give a token by --token-file or TERCEL_TOKEN";
        }
        anyhow::Error::msg(said)
    }
}

/// A state from JSON.
pub(super) fn parse_state(json: &[u8]) -> Result<State> {
    serde_json::from_slice(json)
        .context("what came is no state; are host and `top` of the same version?")
}

struct Place {
    base: String,
    tls: bool,
    /// It is this machine.
    here: bool,
}

impl Place {
    fn parse(address: &str) -> Result<Place> {
        let wanted = "an address is http://127.0.0.1:PORT or https://HOST:PORT";
        let uri: Uri = address.parse().with_context(|| format!("{address:?}: {wanted}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{address:?}: {wanted}"),
        };
        let authority = uri.authority().map(|it| it.as_str()).unwrap_or_default();
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let host = uri.host().unwrap_or_default();
        let whole = authority == host || uri.port_u16().is_some();
        let good = bare && whole && !host.is_empty() && !authority.contains('@');
        // An address with a user in it may hold a password.
        let shown = if authority.contains('@') { "USER@..." } else { address };
        ensure!(good, "{shown:?}: {wanted}");
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let here = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
        let scheme = if tls { "https" } else { "http" };
        Ok(Place { base: format!("{scheme}://{authority}"), tls, here })
    }
}

fn token(args: &TopArgs) -> Result<Option<String>> {
    let (token, origin) = match &args.token_file {
        Some(file) => {
            let bytes = read(file, TOKEN_BYTES_MAX)?;
            (String::from_utf8(bytes).unwrap_or_default(), file.display().to_string())
        }
        None => match std::env::var("TERCEL_TOKEN") {
            Ok(token) => (token, "TERCEL_TOKEN".into()),
            Err(_) => return Ok(None),
        },
    };
    let token = token.trim();
    ensure!(
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()),
        "{origin}: a token is one line of printable ASCII characters"
    );
    Ok(Some(token.into()))
}

fn tls(args: &TopArgs) -> Result<TlsConfig> {
    let mut config = TlsConfig::builder();
    if let Some(file) = &args.ca {
        config = config.root_certs(RootCerts::new_with_certs(&certificates(file)?));
    }
    if let (Some(certificate), Some(key)) = (&args.certificate, &args.key) {
        let chain = certificates(certificate)?;
        let key = PrivateKey::from_pem(&read(key, PEM_BYTES_MAX)?)
            .with_context(|| format!("{}: no private key as PEM", key.display()))?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(config.build())
}

fn certificates(file: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>> {
    let mut found = Vec::new();
    for item in parse_pem(&read(file, PEM_BYTES_MAX)?) {
        if let PemItem::Certificate(one) =
            item.with_context(|| format!("{}: no certificates as PEM", file.display()))?
        {
            found.push(one);
        }
    }
    ensure!(!found.is_empty(), "{}: no certificate in it", file.display());
    Ok(found)
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    ensure!(bytes.len() as u64 <= bytes_max, "{}: over {bytes_max} bytes", path.display());
    Ok(bytes)
}

/// What a kill's answer says.
fn outcome(answer: &Value) -> String {
    let outcome = match answer["outcome"].as_str() {
        Some("unchanged") => "It was pulled before; only cancels pass.",
        _ => "Killed: everything is being cancelled, and only cancels pass.",
    };
    let open = match answer["open_orders"].as_u64() {
        Some(0) => "No order is open.".into(),
        Some(1) => "One order is still open at the venue.".into(),
        Some(open) => format!("{open} orders are still open at the venue."),
        None => "The answer does not say how many orders are still open.".to_string(),
    };
    let unwritten = match answer["recorded"].as_bool() {
        Some(false) => " It could not be written to the journal.",
        _ => "",
    };
    format!("{outcome} {open}{unwritten}")
}

/// A key that no other request has: 128 random bits.
fn key() -> Result<String> {
    let mut random = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").context("/dev/urandom")?;
    source.read_exact(&mut random).context("/dev/urandom")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn client(arguments: &[&str]) -> Result<Client> {
        let all = ["tercel", "top"].iter().chain(arguments);
        let Command::Top(args) = Cli::parse_from(all).command else { panic!("another command") };
        Client::new(arguments[0], &args)
    }

    fn error(arguments: &[&str]) -> String {
        format!("{:#}", client(arguments).err().expect("an error"))
    }

    #[test]
    fn addresses_that_are_none_are_refused_with_what_is_wanted() {
        for bad in [
            "127.0.0.1:9310",
            "ftp://127.0.0.1",
            "http://",
            "http://a b",
            "http://127.0.0.1:9310/api",
            "http://me:secret@127.0.0.1:9310",
            "http://127.0.0.1:99999999",
        ] {
            assert!(error(&[bad]).contains("an address is http://"), "{bad}: {}", error(&[bad]));
        }
        assert_eq!(client(&["http://localhost:1/"]).expect("good").shown(), "localhost:1");
        assert_eq!(client(&["https://[::1]:9310"]).expect("good").shown(), "[::1]:9310");
    }

    #[test]
    fn a_token_leaves_this_machine_over_tls_only_and_is_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        let flag = format!("--token-file={}", file.display());
        std::fs::write(&file, "secret\n").expect("a file");
        assert!(client(&["http://127.0.0.1:1", &flag]).is_ok());
        assert!(client(&["https://192.0.2.1:1", &flag]).is_ok());
        assert!(error(&["http://192.0.2.1:1", &flag]).contains("use https"));
        for bad in ["", "two words", "line\nline", "sécret", &"x".repeat(5_000)] {
            std::fs::write(&file, bad).expect("a file");
            let said = error(&["http://127.0.0.1:1", &flag]);
            assert!(bad.is_empty() || !said.contains(bad), "{said}");
        }
        assert!(error(&["http://127.0.0.1:1", "--ca=x.pem"]).contains("are for https"));
        assert!(error(&["https://127.0.0.1:1", "--ca=/nowhere.pem"]).contains("/nowhere.pem"));
    }

    #[test]
    fn keys_are_new_each_time_and_answers_are_told_in_words() {
        let (one, other) = (key().expect("random"), key().expect("random"));
        assert!(one.len() == 32 && one != other);
        assert!(outcome(&json!({"outcome": "done", "open_orders": 3})).contains("3 orders"));
        assert!(outcome(&json!({"outcome": "unchanged", "open_orders": 0})).contains("before"));
        assert!(outcome(&json!({"recorded": false})).contains("could not be written"));
    }
}
