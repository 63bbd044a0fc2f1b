//! Who may ask for what: bearer tokens, of which only hashes are kept, and three roles.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use utoipa::ToSchema;

/// What somebody may do; each role may do what those before it may.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything but the operators' deeds.
    Viewer,
    /// Kill, cancel, pause, resume, work on policies.
    Operator,
    /// Reset after a kill, change limits.
    Risk,
}

impl Role {
    /// As in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Risk => "risk",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        [Role::Viewer, Role::Operator, Role::Risk]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("{text}: viewer, operator or risk"))
    }
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Name of the token; `local` without one.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Why the file of tokens is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// It cannot be read.
    #[error(
        "{}: {message}; allowed are [[token]] tables with name, role and sha256, written by \
         `tercel control token NAME --role ROLE`",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Others may change it.
    #[error(
        "{}: mode {mode:o} lets others write it, and so give themselves any role; \
         run `chmod go-w {}`",
        path.display(),
        path.display()
    )]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// Bytes of the file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Begins every token, so that tools that look for secrets find it.
const PREFIX: &str = "tercel_";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensFile {
    #[serde(default)]
    token: Vec<TokenEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    name: String,
    role: Role,
    sha256: String,
}

/// The tokens that are let in.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    known: Vec<([u8; 32], Caller)>,
}

impl Tokens {
    /// Reads a file of tokens.
    pub fn load(path: &Path) -> Result<Tokens, TokensError> {
        let failed = |source| TokensError::System { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(TokensError::Writable { path: path.into(), mode });
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        Tokens::parse(&text)
            .map_err(|message| TokensError::Content { path: path.into(), message })
    }

    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Result<Tokens, String> {
        let file: TokensFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let (mut names, mut hashes) = (HashSet::new(), HashSet::new());
        let mut known = Vec::with_capacity(file.token.len());
        for entry in file.token {
            check_name(&entry.name)?;
            let hash = from_hex(&entry.sha256).ok_or_else(|| {
                format!("{}: sha256 = {:?}: 64 hexadecimal digits", entry.name, entry.sha256)
            })?;
            if !hashes.insert(hash) {
                return Err(format!("{}: its sha256 is there twice", entry.name));
            }
            if !names.insert(entry.name.clone()) {
                return Err(format!("{}: the name is there twice", entry.name));
            }
            known.push((hash, Caller { name: entry.name, role: entry.role }));
        }
        Ok(Tokens { known })
    }

    /// Whose token it is. Takes the same time for every token of one length, right or wrong.
    pub fn caller(&self, token: &str) -> Option<&Caller> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (mut found, mut at) = (Choice::from(0), 0u32);
        for (index, (known, _)) in (0u32..).zip(&self.known) {
            let same = known.ct_eq(&hash);
            at.conditional_assign(&index, same);
            found |= same;
        }
        bool::from(found).then(|| &self.known[at as usize].1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// Makes a token, appends its hash to the file (made if there is none, for its owner only), and
/// gives the token, which is nowhere else.
pub fn issue(path: &Path, name: &str, role: Role) -> Result<String, TokensError> {
    let failed = |source| TokensError::System { path: path.into(), source };
    let wrong = |message| TokensError::Content { path: path.into(), message };
    check_name(name).map_err(wrong)?;
    let known = match Tokens::load(path) {
        Err(TokensError::System { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Tokens::default()
        }
        known => known?,
    };
    if known.known.iter().any(|(_, caller)| caller.name == name) {
        return Err(wrong(format!("{name}: the name is there already")));
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| failed(io::Error::other(error)))?;
    let token = format!("{PREFIX}{}", hex(&secret));
    let mut file =
        OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed)?;
    let entry = format!(
        "\n[[token]]\nname = \"{name}\"\nrole = \"{}\"\nsha256 = \"{}\"\n",
        role.name(),
        hex(&Sha256::digest(token.as_bytes()))
    );
    file.write_all(entry.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(token)
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(format!("name = {name:?}: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"))
    }
}

/// In lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_that_was_issued_is_known_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let desk = issue(&path, "desk", Role::Operator).unwrap();
        let risk = issue(&path, "officer", Role::Risk).unwrap();
        let tokens = Tokens::load(&path).unwrap();
        let caller = |token: &str| tokens.caller(token).map(|it| (it.name.clone(), it.role));
        assert_eq!(caller(&desk), Some(("desk".into(), Role::Operator)));
        assert_eq!(caller(&risk), Some(("officer".into(), Role::Risk)));
        assert_eq!(caller(""), None);
        assert_eq!(caller(&desk[..desk.len() - 1]), None);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&desk) && !text.contains(&desk[PREFIX.len()..]));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_name_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        issue(&path, "desk", Role::Viewer).unwrap();
        let error = issue(&path, "desk", Role::Risk).unwrap_err().to_string();
        assert!(error.contains("desk: the name is there already"), "{error}");
        assert_eq!(Tokens::load(&path).unwrap().len(), 1);
        assert!(issue(&path, "a \" b", Role::Risk).is_err());
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        issue(&path, "desk", Role::Viewer).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o662)).unwrap();
        let error = Tokens::load(&path).unwrap_err().to_string();
        assert!(error.contains("chmod go-w"), "{error}");
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named() {
        let hash = "0".repeat(64);
        for (text, named) in [
            ("[[token]]\nname='a'\nrole='king'\nsha256=''".into(), "king"),
            ("[[token]]\nname='a'\nrole='risk'\nsha256='12'".into(), "64 hexadecimal digits"),
            ("[[token]]\nname='a'\nrole='risk'".into(), "sha256"),
            (format!("[[token]]\nname='a b'\nrole='risk'\nsha256='{hash}'"), "1 to 64"),
            (format!("[[token]]\nname='a'\nrole='risk'\nsha256='{hash}'\nx=1"), "unknown"),
            (
                format!(
                    "[[token]]\nname='a'\nrole='risk'\nsha256='{hash}'\n\
                     [[token]]\nname='b'\nrole='risk'\nsha256='{hash}'"
                ),
                "twice",
            ),
        ] {
            let error = Tokens::parse(&text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        assert!(Tokens::parse("").unwrap().is_empty());
    }
}
