//! Which version of the source was measured.

use std::path::Path;
use std::process::Command;

/// A commit, and whether it is all there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// The commit's hash, with `-dirty` behind it if there are changes; `unknown` without a
    /// repository or without git.
    pub commit: String,
    /// There are changes to tracked files that are in no commit.
    pub dirty: Option<bool>,
}

impl Revision {
    /// Of the source that this program was built from, where it lies now: unknown on another
    /// machine. Cargo builds before it runs; a binary kept from an older commit would name the
    /// newer one.
    pub fn here() -> Revision {
        Revision::of(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// Of the repository around a folder, as git says.
    pub fn of(folder: &Path) -> Revision {
        let head = git(folder, &["rev-parse", "HEAD"]).filter(|head| !head.is_empty());
        let Some(commit) = head else {
            return Revision { commit: "unknown".to_string(), dirty: None };
        };
        let changes = git(folder, &["status", "--porcelain", "--untracked-files=no"]);
        let dirty = changes.map(|changes| !changes.is_empty());
        let mark = if dirty == Some(true) { "-dirty" } else { "" };
        Revision { commit: format!("{commit}{mark}"), dirty }
    }
}

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}
