//! The RTL of the feed card in a second simulator, Icarus Verilog, against the emulator: what it
//! writes into memory and what its registers say, over a short tape of every kind of traffic.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tercel_emulator::{Config, Emulator};
use tercel_tests::card::bed::Bed;
use tercel_tests::card::script::{PROFILES, Step, script};
use tercel_tests::card::tape::Tape;
use tercel_tests::root;

/// Frames of each profile.
const FRAMES: usize = 60;

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-V").output().is_ok_and(|output| output.status.success())
}

/// Copies of the RTL and of the bench. Icarus Verilog before version 12 knows no unsigned `int`;
/// the constants that are declared so are small.
fn sources(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let rtl = root.join("hw/rtl");
    let list = std::fs::read_to_string(rtl.join("files.f")).expect("hw/rtl/files.f");
    let lines = list.lines().map(str::trim);
    let files = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    let files = files.map(|file| rtl.join(file)).chain([root.join("hw/tb/icarus/feed_bench.sv")]);
    let copy = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a file of the RTL");
        let to = folder.join(file.file_name().expect("a file"));
        std::fs::write(&to, text.replace("int unsigned", "int")).expect("a copy is written");
        to
    };
    files.map(copy).collect()
}

fn ran(output: std::io::Result<Output>) -> String {
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn icarus_says_what_the_emulator_says() {
    if !is_there("iverilog") {
        println!("skipped: iverilog is missing; `cargo x rtl` installs it");
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let program = folder.join("feed_bench.vvp");
    let mut compiler = Command::new("iverilog");
    compiler.args(["-g2012", "-s", "feed_bench", "-o"]).arg(&program);
    compiler.args(sources(&root(), &folder));
    ran(compiler.output());

    let (mut frames, mut records) = (0, 0);
    for (seed, profile) in (1..).zip(&PROFILES) {
        let steps = script(profile, seed, FRAMES);
        let mut bed = Bed::new(Tape::new(Emulator::new(Config::default())));
        for step in &steps {
            bed.play(step);
            if let Step::Check = step {
                bed.counters();
            }
        }
        let path = folder.join(format!("tape{seed}.hex"));
        std::fs::write(&path, bed.device.text()).expect("the tape is written");
        let mut simulator = Command::new("vvp");
        simulator.arg(&program).arg(format!("+tape={}", path.display()));
        let said = ran(simulator.output());
        let said: Vec<&str> = said
            .lines()
            .filter(|line| ["write ", "read ", "unknown"].iter().any(|it| line.starts_with(it)))
            .collect();
        let expected = bed.device.expected();
        for (at, (said, wanted)) in said.iter().zip(expected).enumerate() {
            assert_eq!(said, wanted, "profile `{}`, line {at}", profile.name);
        }
        assert_eq!(said.len(), expected.len(), "profile `{}`", profile.name);
        frames += steps.iter().filter(|step| matches!(step, Step::Frame { .. })).count();
        records += said.iter().filter(|line| line.starts_with("write ")).count();
    }
    println!("compared: {frames} frames, {records} records, Icarus Verilog");
}
