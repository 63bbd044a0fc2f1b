//! Disks that are full, folders that cannot be written to: the trainer says so, and what was there
//! before is what is there after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/demo-brief.toml");

const TRAINER: &str = env!("CARGO_BIN_EXE_tercel-train");

/// A folder of one test that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("tercel-train-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn text(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// A run that was trained to its end in it.
    fn trained(&self) -> String {
        let output = Command::new(TRAINER)
            .args(["train", CONFIGURATION, "--out", &self.text("runs")])
            .output()
            .expect("the trainer starts");
        assert!(output.status.success(), "{}", said(&output));
        self.text("runs/seed-1")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the trainer so that no file of its becomes longer than four blocks, 2 or 4 KiB as the shell
/// counts them: a write beyond that fails, as on a full disk.
fn confined(arguments: &[&str]) -> Output {
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, TRAINER]).args(arguments).output().expect("a shell")
}

/// The files of a folder but for event files, which grow as a run goes on.
fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let each = entries.map(|entry| entry.expect("an entry")).map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, std::fs::read(entry.path()).expect("a file"))
    });
    each.filter(|(name, _)| !name.starts_with("events.")).collect()
}

#[test]
fn a_checkpoint_that_has_no_room_leaves_the_last_one() {
    let folder = Folder::new("checkpoint");
    let run = folder.trained();
    let before = files(&run);
    assert_eq!(before.keys().collect::<Vec<_>>(), ["checkpoint.tercel", "configuration.toml"]);
    let output = confined(&["train", CONFIGURATION, "--out", &folder.text("runs")]);
    assert!(!output.status.success());
    let error = said(&output);
    assert!(error.contains("checkpoint.tercel: nothing was written"), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    assert!(files(&run) == before, "another checkpoint, or something beside it");
    // And it is one that a run goes on from.
    let output = Command::new(TRAINER).args(["eval", &run]).output().expect("the trainer starts");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn an_artifact_that_has_no_room_is_not_there_in_part() {
    let folder = Folder::new("artifact");
    let run = folder.trained();
    let out = folder.text("artifacts");
    let export = ["export", &run, "--out", &out, "--episodes", "0"];
    let output = confined(&export);
    assert!(!output.status.success());
    assert!(said(&output).contains("policy.safetensors: nothing was written"), "{}", said(&output));
    assert!(files(&out).is_empty());
    // One that was there stays as it was.
    let output = Command::new(TRAINER).args(export).output().expect("the trainer starts");
    assert!(output.status.success(), "{}", said(&output));
    let before = files(&out);
    assert_eq!(before.keys().collect::<Vec<_>>(), ["policy.json", "policy.safetensors"]);
    assert!(!confined(&[&export[..], &["--note", "other"]].concat()).status.success());
    assert!(files(&out) == before);
}

/// A file system of memory with room for the weights and not for the manifest: neither is there.
#[test]
fn a_full_disk_takes_both_files_or_neither() {
    let folder = Folder::new("tmpfs");
    let run = folder.trained();
    let out = folder.text("small");
    std::fs::create_dir_all(&out).expect("a folder");
    // The file system goes with the process, in a namespace of mounts of its own.
    let script = "mount -t tmpfs -o size=$1 none \"$2\" || exit 99
        \"$0\" export \"$3\" --out \"$2\" --episodes 0
        echo $?
        ls -A \"$2\"";
    let export = |size: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, TRAINER, size, &out, &run]);
        let output = command.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code() == Some(0)).then(|| (text, said(&output)))
    };
    let Some((listed, _)) = export("1m") else {
        println!("skipped: no file system can be mounted here, which takes root");
        return;
    };
    assert!(listed.ends_with("0\npolicy.json\npolicy.safetensors\n"), "{listed}");
    // Two pages: the weights, a little more than 4 KiB, take both of them.
    let (listed, errors) = export("8k").expect("it was mounted before");
    assert_eq!(listed, "1\n", "{errors}");
    assert!(errors.contains("policy.json: nothing was written"), "{errors}");
    assert!(errors.contains("No space left"), "{errors}");
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let folder = Folder::new("folder");
    let file = folder.text("file");
    std::fs::write(&file, "in the way").expect("written");
    let below = Path::new(&file).join("runs").display().to_string();
    let output = Command::new(TRAINER)
        .args(["train", CONFIGURATION, "--out", &below])
        .output()
        .expect("the trainer starts");
    assert!(!output.status.success());
    assert!(said(&output).contains(&file) && !said(&output).contains("panicked"));
    assert_eq!(std::fs::read(&file).expect("it is there"), b"in the way");
}
