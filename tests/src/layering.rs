//! Which crate may depend on which (ARCHITECTURE.md, "Folders and crates").

use serde_json::Value;

/// One dependency between two crates of the workspace, by their names without `tercel-`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Who depends.
    pub from: String,
    /// On whom.
    pub to: String,
    /// Only with a feature.
    pub optional: bool,
    /// For building, for its own tests, or for real.
    pub kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is part of the product.
    Normal,
    /// Its own tests need it.
    Dev,
    /// Its build script needs it.
    Build,
}

/// The allowed edges; what is not here is forbidden. `exchange` never knows `book`: a mistake in
/// one must not cancel itself out in the other.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("abi", &["types"]),
    ("proto", &["types", "abi"]),
    ("book", &["types", "abi"]),
    ("policy", &["types", "abi", "book"]),
    ("risk", &["types"]),
    ("gateway", &["types", "proto", "risk"]),
    ("engine", &["types", "abi", "book", "policy", "risk", "gateway"]),
    ("control", &["types", "proto", "risk", "engine", "journal"]),
    ("net", &["types"]),
    ("tcp", &["types"]),
    ("dpdk-sys", &[]),
    ("dpdk", &["types", "dpdk-sys"]),
    ("fpga", &["types", "abi"]),
    ("doctor", &["types"]),
    ("journal", &["types"]),
    ("capture", &["types", "abi", "proto", "book", "net"]),
    ("report", &["types", "engine", "journal", "control"]),
    ("netns", &["net"]),
    ("emulator", &["types", "abi", "proto"]),
    ("cosim", &["types", "abi"]),
    ("exchange", &["types", "proto"]),
    ("environments", &[]),
    ("validation", &[]),
    (
        "market",
        &[
            "types",
            "abi",
            "proto",
            "book",
            "policy",
            "risk",
            "exchange",
            "environments",
            "validation",
        ],
    ),
    (
        "backtest",
        &[
            "types",
            "abi",
            "proto",
            "book",
            "policy",
            "risk",
            "exchange",
            "market",
            "environments",
            "validation",
        ],
    ),
    ("train", &["types", "book", "policy", "market", "backtest", "environments", "validation"]),
    (
        "app",
        &[
            "types",
            "abi",
            "proto",
            "book",
            "policy",
            "risk",
            "gateway",
            "engine",
            "control",
            "net",
            "tcp",
            "dpdk",
            "fpga",
            "doctor",
            "journal",
            "capture",
            "report",
            "exchange",
            "market",
            "emulator",
            "cosim",
            "netns",
            "bench",
            "environments",
            "backtest",
            "validation",
        ],
    ),
    ("xtask", &[]),
];

/// Crates of the laboratory, which the product has only behind a feature.
pub const LAB: &[&str] = &[
    "exchange",
    "market",
    "emulator",
    "cosim",
    "netns",
    "bench",
    "environments",
    "backtest",
    "validation",
    "train",
];

/// Crates that are harness and may see everything.
pub const HARNESS: &[&str] = &["tests", "bench"];

/// What nothing that the engine reaches may pull in: serialisation, runtimes, logging.
pub const NOT_IN_ENGINE: &[&str] = &[
    "serde",
    "serde_core",
    "serde_json",
    "toml",
    "tokio",
    "tch",
    "tracing",
    "anyhow",
    "thiserror",
    "log",
    "clap",
];

/// The edges in what `cargo metadata --no-deps` prints.
pub fn edges(metadata: &str) -> Result<Vec<Edge>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let text = |value: &Value, key: &str| value[key].as_str().map(str::to_string);
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut edges = Vec::new();
    for package in list(&metadata, "packages") {
        let name = text(&package, "name").ok_or("a package without a name")?;
        for dependency in list(&package, "dependencies") {
            let to = text(&dependency, "name").ok_or("a dependency without a name")?;
            let Some(to) = to.strip_prefix("tercel-") else { continue };
            edges.push(Edge {
                from: name.trim_start_matches("tercel-").to_string(),
                to: to.to_string(),
                optional: dependency["optional"].as_bool().unwrap_or(false),
                kind: match dependency["kind"].as_str() {
                    None => Kind::Normal,
                    Some("dev") => Kind::Dev,
                    Some(_) => Kind::Build,
                },
            });
        }
    }
    Ok(edges)
}

/// The edges that the table does not have, and laboratory crates that the product has not as an
/// option.
pub fn violations(edges: &[Edge]) -> Vec<String> {
    let mut found = Vec::new();
    for edge in edges {
        let Edge { from, to, optional, kind } = edge;
        if HARNESS.contains(&from.as_str()) {
            continue;
        }
        let allowed = ALLOWED.iter().find(|(name, _)| name == from).map(|(_, to)| *to);
        match allowed {
            None => found.push(format!("{from} has no line in the table of allowed edges")),
            Some(allowed) if !allowed.contains(&to.as_str()) => {
                found.push(format!("{from} -> {to} ({kind:?}) is not allowed"));
            }
            Some(_) => {
                let [from_lab, to_lab] = [from, to].map(|name| LAB.contains(&name.as_str()));
                if to_lab && !from_lab && *kind == Kind::Normal && !optional {
                    found.push(format!("{from} -> {to} must be optional"));
                }
            }
        }
    }
    found
}

/// The names in what `cargo tree --prefix none` prints.
pub fn names(tree: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(from: &str, to: &str, kind: &str, optional: bool) -> String {
        format!(
            r#"{{"packages": [{{"name": "tercel-{from}", "dependencies": [
                {{"name": "tercel-{to}", "kind": {kind}, "optional": {optional}}},
                {{"name": "serde", "kind": null, "optional": false}}]}}]}}"#
        )
    }

    fn found(from: &str, to: &str, kind: &str, optional: bool) -> Vec<String> {
        violations(&edges(&metadata(from, to, kind, optional)).unwrap())
    }

    #[test]
    fn allowed_edges_pass() {
        assert!(found("engine", "risk", "null", false).is_empty());
        assert!(found("app", "exchange", "null", true).is_empty());
        assert!(found("tests", "exchange", "null", false).is_empty());
        assert!(found("market", "exchange", "null", false).is_empty());
    }

    #[test]
    fn forbidden_edges_are_caught() {
        assert_eq!(found("risk", "policy", "null", false).len(), 1);
        assert_eq!(found("exchange", "book", r#""dev""#, false).len(), 1);
        assert_eq!(found("types", "abi", r#""build""#, false).len(), 1);
        assert_eq!(found("app", "exchange", "null", false), ["app -> exchange must be optional"]);
        assert_eq!(found("stranger", "types", "null", false).len(), 1);
        assert!(edges("not json").is_err());
    }

    #[test]
    fn a_tree_is_a_list_of_names() {
        let tree = "tercel-app v0.1.0 (/x)\nlibc v0.2.1\nlibc v0.2.1 (*)\n\n";
        assert_eq!(names(tree), ["libc", "tercel-app"]);
    }
}
