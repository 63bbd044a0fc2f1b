//! Dependencies run downhill: `cargo metadata` and `cargo tree` against the table.

use std::process::Command;
use tercel_tests::layering::{self, Kind, LAB, NOT_IN_ENGINE};

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
    let output = Command::new(cargo)
        .args(args)
        .current_dir(tercel_tests::root())
        .output()
        .expect("cargo can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {errors}", args.join(" "));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// What a package is made of, for real and not for its tests.
fn made_of(package: &str, more: &[&str]) -> String {
    let mut args = vec!["tree", "--locked", "--package", package, "--edges", "normal"];
    args.extend(["--prefix", "none", "--format", "{p}"]);
    args.extend(more);
    cargo(&args)
}

#[test]
fn every_edge_is_in_the_table() {
    let metadata = cargo(&["metadata", "--locked", "--format-version", "1", "--no-deps"]);
    let edges = layering::edges(&metadata).unwrap();
    assert!(edges.iter().any(|edge| edge.from == "engine" && edge.kind == Kind::Normal));
    assert_eq!(layering::violations(&edges), Vec::<String>::new());
}

#[test]
fn the_engine_reaches_no_runtime_and_no_serialisation() {
    let tree = made_of("tercel-engine", &[]);
    let names = layering::names(&tree);
    assert!(names.contains(&"tercel-risk"), "the tree is not that of the engine: {names:?}");
    let bad: Vec<_> = names.iter().filter(|name| NOT_IN_ENGINE.contains(name)).collect();
    assert!(bad.is_empty(), "tercel-engine reaches {bad:?}");
}

#[test]
fn the_production_binary_has_no_laboratory() {
    let tree = made_of("tercel-app", &["--no-default-features"]);
    let names = layering::names(&tree);
    assert!(names.contains(&"tercel-engine"), "the tree is not that of the app: {names:?}");
    for lab in LAB {
        assert!(!names.contains(&format!("tercel-{lab}").as_str()), "tercel-app has {lab}");
    }
}
