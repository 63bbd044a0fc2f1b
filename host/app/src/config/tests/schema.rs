//! The schema against the code, the default and an independent validator.

use super::*;
use crate::config::layers::Origin;
use crate::config::{
    key,
    schema::{self, schema},
};
use toml::{Table, Value};

#[test]
fn a_default_of_the_schema_is_what_the_code_takes_and_what_the_default_file_says() {
    let config = parse(DEFAULT);
    let more = ["journal.folder=x", "control={}"];
    let bare: Vec<_> = config.effective();
    let unset: Vec<_> =
        bare.iter().filter(|one| one.origin == Origin::Default && one.value.is_some()).collect();
    assert!(unset.len() > 40, "{unset:?}");
    let mut set: Vec<String> = Vec::new();
    for entry in &unset {
        let value = entry.value.as_ref().expect("filtered");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        set.push(format!("{}={text}", entry.key));
        // A commented line of the default says the same.
        let leaf = entry.key.rsplit('.').next().unwrap_or_default();
        let line = format!("# {leaf} = {value}");
        let missing = ["glimpse_password", "feed_interfaces", "collar_cents"];
        assert!(DEFAULT.contains(&line) || missing.contains(&leaf), "not in default.toml: {line}");
    }
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let spelt = Config::assemble(Path::new("host.toml"), DEFAULT, &flags(&set)).expect("right");
    assert_eq!(built(&config), built(&spelt));
    let config = Config::assemble(Path::new("host.toml"), DEFAULT, &flags(&more)).expect("right");
    for entry in config.effective() {
        let section = ["journal.", "control."].iter().any(|one| entry.key.starts_with(one));
        if let (true, false, Some(value)) = (section, entry.is_set(), &entry.value) {
            let leaf = entry.key.rsplit('.').next().unwrap_or_default();
            assert!(DEFAULT.contains(&format!("# {leaf} = {value}")), "{leaf} = {value}");
        }
    }
    // What the default file sets and could leave out.
    let mut table: Table = toml::from_str(DEFAULT).expect("TOML");
    let _ = key::remove(&mut table, "risk.instrument");
    let _ = key::remove(&mut table, "book");
    let bare = parse(&toml::to_string(&table).expect("TOML"));
    let set: Vec<String> = bare
        .effective()
        .iter()
        .filter(|one| one.key.starts_with("risk.instrument.") || one.key.starts_with("book."))
        .filter_map(|one| Some(format!("{}={}", one.key, one.value.as_ref()?)))
        .collect();
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let text = toml::to_string(&table).expect("TOML");
    let spelt = Config::assemble(Path::new("host.toml"), &text, &flags(&set)).expect("right");
    assert_eq!(built(&bare), built(&spelt));
}

/// What the crates are told.
fn built(config: &Config) -> String {
    let contest = config.contest().expect("right").map(|(rules, _)| rules);
    format!(
        "{:?}{:?}{:?}{:?}{:?}{:?}",
        config.feed().expect("right"),
        config.card().expect("right"),
        config.book(),
        config.risk().expect("right"),
        config.instruments().expect("right"),
        contest,
    )
}

#[test]
fn every_key_has_a_description_and_says_when_a_change_takes_effect() {
    fn walk(node: &serde_json::Value, key: &str) {
        if !key.is_empty() && !key.ends_with(']') {
            let text = node["description"].as_str().unwrap_or_default();
            assert!(text.ends_with('.') || text.ends_with(". "), "{key}: {text:?}");
        }
        if let Some(properties) = schema::properties(node) {
            properties.iter().for_each(|(name, node)| walk(node, &key::join(key, name)));
        } else if let Some(items) = schema::items(node) {
            walk(items, &format!("{key}[0]"));
        } else {
            let takes = node["x-reload"].as_str().unwrap_or_default();
            assert!(["now", "restart"].contains(&takes), "{key}: {node}");
        }
    }
    walk(schema(), "");
    let now = &schema()["properties"]["instrument"]["items"]["properties"]["risk"]["properties"];
    assert_eq!(now["located"]["x-reload"], "now");
}

/// What an independent validator says of a text.
#[cfg(feature = "lab")]
fn validate(text: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(schema()).expect("a schema");
    let table: Table = toml::from_str(text).expect("TOML");
    let value = serde_json::to_value(Value::Table(table)).expect("JSON");
    validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[cfg(feature = "lab")]
#[test]
fn default_and_demo_are_as_the_schema_says() {
    assert_eq!(validate(DEFAULT), Vec::<String>::new());
    let address = "127.0.0.1:1".parse().expect("an address");
    let demo = HostTemplate {
        line_a: address,
        line_b: address,
        interface: [127, 0, 0, 1].into(),
        recovery: address,
        glimpse: address,
        ouch: address,
        username: "TERCEL",
        password: "demo",
        strategy: "glft",
        symbols: vec!["SIM000".into(), "SIM001".into()],
    };
    assert_eq!(validate(&demo.render(&[])), Vec::<String>::new());
    let whole = with("[journal]\nfolder = \"x\"\nsync = \"commit\"\n[control]\nkey = \"k\"\n");
    assert_eq!(validate(&whole), Vec::<String>::new());
    for (from, to) in [
        ("order_qty = 100 ", "order_qty = 0 "),
        ("order_qty = 100 ", "order_qyt = 100 "),
        ("\"glft\" ", "\"magic\" "),
        ("interface = \"127.0.0.1\"", "interface = 7"),
        ("post_only = true", ""),
    ] {
        assert!(!validate(&replaced(from, to)).is_empty(), "{to}");
    }
}

#[cfg(feature = "lab")]
#[test]
fn the_schema_that_is_checked_in_is_that_of_the_code() {
    let now = serde_json::to_string_pretty(schema()).expect("JSON");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.schema.json");
    let checked_in = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        now.trim() == checked_in.trim(),
        "host/app/config.schema.json is of an older configuration: run \
         `tercel config schema > host/app/config.schema.json`"
    );
}
