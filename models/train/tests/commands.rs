//! What the trainer prints, and what it says where it cannot train.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tch::Device;
use tercel_train::config::Config;
use tercel_train::training::Run;
use tercel_train::world;

const RUN: &str = r#"
[environment]
name = "mm2"
lanes = 32
settings = { discrete = 1 }

[run]
rounds = 4
chapter = 2
seeds = 3

[ppo]
steps = 25
epochs = 2
batch = 256

[ppo.nets]
policy = [16]
value = [16]
"#;

/// A folder of one test that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tercel-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn text(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).expect("written");
        self.text(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn trainer(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tercel-train"));
    command.args(arguments).output().expect("the trainer starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = trainer(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What it says last, having failed.
fn complaint(arguments: &[&str]) -> String {
    let output = trainer(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !errors.contains("panicked"), "{arguments:?}: {errors}");
    errors.lines().last().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn seeds_are_compared_by_inter_quartile_means_and_in_pairs() {
    let folder = Folder::new("compare");
    let longer = RUN.replace("rounds = 4", "rounds = 12");
    let (short, long) = (folder.text("short"), folder.text("long"));
    for (name, text, out) in [("short.toml", RUN, &short), ("long.toml", &longer, &long)] {
        let trained = json(&["train", &folder.write(name, text), "--out", out, "--json"]);
        assert_eq!(trained["runs"].as_array().map(Vec::len), Some(3), "{trained}");
    }
    let one = format!("{short}/seed-2");
    let found = json(&["compare", &short, &long, &one, "--json"]);
    let [first, second, third] = [&found["runs"][0], &found["runs"][1], &found["runs"][2]];
    for group in [first, second] {
        assert_eq!(group["seeds"], serde_json::json!([1, 2, 3]));
        assert_eq!(group["measure"], "inter-quartile mean of seeds");
        for figure in ["reward", "g", "difference"] {
            let [low, value, high] =
                ["low", "value", "high"].map(|end| number(&group[figure][end]));
            assert!(low <= value && value <= high, "{figure} of {group}");
        }
    }
    assert_eq!(third["measure"], "mean of episodes");
    assert_eq!(third["seeds"], serde_json::json!([2]));
    assert_eq!(number(&first["difference"]["value"]), 0.0);
    assert_eq!(number(&first["difference"]["high"]), 0.0);
    // The same episodes: what eight rounds more have brought is beyond the luck of three seeds.
    assert!(number(&second["g"]["value"]) > number(&first["g"]["value"]), "{found}");
    assert!(number(&second["difference"]["low"]) > 0.0, "{found}");
    // In words as well.
    let output = trainer(&["compare", &short, &long]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("seeds 1 2 3") && text.contains("difference") && text.contains("  G "));
    assert!(
        complaint(&["compare", &folder.text(""), &long]).contains("neither a run nor a folder")
    );
}

/// Every algorithm's table, and what cannot train in it: the file, the line, the key, its value and
/// what is allowed.
#[test]
fn what_cannot_train_is_named_with_its_place() {
    let folder = Folder::new("wrong");
    let table = |table: &str| {
        format!("[environment]\nname = \"sa1\"\nlanes = 8\n[run]\nrounds = 4\nchapter = 2\n{table}")
    };
    let cases = [
        ("[dqn]\nsoft = 0.1\nperiod = 5\n", ":8: `dqn.soft` is 0.1: must be above 0 where"),
        ("[dqn.memory]\nbatch = 0\n", ":8: `dqn.memory.batch` is 0: must be 1 to 65536"),
        ("[dqn.network]\nrate = nan\n", ":8: `dqn.network.rate` is nan: must be 1e-8 to 1"),
        ("[ddpg.memory]\nprioritised = true\n", ":8: `ddpg.memory.prioritised` is true: must be"),
        ("[ddpg.actor]\nhidden = []\n", ":8: `ddpg.actor.hidden` is []: must be 1 to 8 layers"),
        ("[sac]\ntemperature = 0.0\n", ":8: `sac.temperature` is 0.0: must be 1e-9 to 1e6"),
        ("[sac]\naversion = 0.1\n", "`sac.memory.discount`: must be 1 where aversion is above 0"),
        ("[ppo]\nrate = -1e-3\n", ":8: `ppo.rate` is -1e-3: must be a number above 0, at most 1"),
        ("[ppo]\naversion = 0.1\ngamma = 0.9\n", ":8: `ppo.aversion` is 0.1: must be"),
        ("[ppo.imitation]\nepochs = 0\n", ":8: `ppo.imitation.epochs` is 0: must be a whole"),
        ("[reinforce]\nsteps = 0\n", ":8: `reinforce.steps` is 0: must be a whole number"),
        ("[reinforce]\nsteps = 9e9\n", ":8: `reinforce.steps` is 9e9: invalid type"),
        ("[sac]\nsoft = 0.1\n[teacher]\nclip = 1.5\n", ":10: `teacher.clip` is 1.5: must be"),
        ("[sac]\n[distil]\nhidden = [0]\n", ":9: `distil.hidden` is [0]: must be 1 to 7 layers"),
        ("[sac]\n[integers]\nrate = 0.0\n", ":9: `integers.rate` is 0.0: must be a number above"),
        ("[sac.memory]\nwarmup = 1000000\n", "memory.warmup is 1000000, must be less than"),
        ("[sac.memory]\npotential = [1.0]\n", "memory.potential has 1 numbers, an observation"),
        ("[dqn]\n", "dqn takes discrete actions, sa1 has continuous ones"),
        ("[ppo]\n[sac]\n", ":8: `sac`: more than one table of an algorithm"),
    ];
    for (text, expected) in cases {
        let config = Config::parse(Path::new("run.toml"), &table(text)).map_err(Into::into);
        let run = config.and_then(|config| Run::new(&config, 1, Device::Cpu));
        let found = run.err().map(|error| format!("{error:#}")).unwrap_or_default();
        let named = found.contains("run.toml");
        assert!(named && found.contains(expected), "{text}{found}\nhas not: {expected}");
    }
    let path = folder.write("wrong.toml", &table("[sac]\nsoft = 2.0\n"));
    let expected = "wrong.toml:8: `sac.soft` is 2.0: must be 1e-6 to 1";
    assert!(complaint(&["train", &path]).contains(expected));
    let path = folder.write("plain.toml", &table("[sac]\n"));
    assert!(complaint(&["teach", &path, "--out", &folder.text("out")]).contains("[teacher]"));
    let missing = complaint(&["train", &folder.text("none.toml")]);
    assert!(missing.contains("none.toml: the configuration"), "{missing}");
    assert!(complaint(&["train", &path, "--jobs", "0"]).contains("--jobs must be at least 1"));
}

/// Every configuration in models/configs is one that trains.
#[test]
fn the_committed_configurations_are_right() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut count = 0;
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let config = Config::load(&path).expect("it is right");
        world::make(&config).expect("its environment is there");
        count += 1;
    }
    assert!(count >= 12, "{count}");
}
