//! The files that bring a host up in containers: they fit each other and the binary, and what they
//! start trades. No container is made here; of one the test has the network namespace that the
//! services share.

mod harness;

use harness::http::{control_of, request};
use harness::{
    Place, Process, TERCEL, count, eventually, holdings_of_host, holdings_of_venue, tercel_ok,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tercel_netns::{Namespace, available};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../control/deploy")
}

fn deployed(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&deployed(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The texts of a list; none where there is no list.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().expect("text")).collect()
}

/// Files of the machine and where a service sees them.
fn mounts(service: &Value) -> Vec<(&str, &str)> {
    let parts = texts(&service["volumes"]).into_iter().map(|volume| {
        let mut parts = volume.split(':');
        (parts.next().expect("a source"), parts.next().expect("a target"))
    });
    parts.filter(|(source, _)| source.starts_with("./")).collect()
}

/// The arguments of a service's command, with the files that it mounts at their place here.
fn arguments(service: &Value) -> Vec<String> {
    let here = |argument: &str| {
        let mounted = mounts(service).into_iter().find(|(_, target)| *target == argument);
        mounted.map(|(source, _)| folder().join(source).display().to_string())
    };
    let command = texts(&service["command"]).into_iter();
    command.map(|argument| here(argument).unwrap_or_else(|| argument.into())).collect()
}

#[test]
fn the_files_of_compose_are_there_its_images_are_pinned_and_nothing_listens_beyond_this_machine() {
    let compose = yaml("compose.yml");
    let services = compose["services"].as_object().expect("services");
    let names: Vec<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(names, ["venue", "host", "prometheus", "grafana"]);
    for (name, service) in services {
        let image = service["image"].as_str().expect("an image");
        let tag = image.rsplit_once(':').expect("a tag").1;
        assert!(tag.split('.').count() == 3, "{name}: {image} is not one release");
        for (source, target) in mounts(service) {
            assert!(folder().join(source).is_file(), "{name}: there is no {source}");
            assert!(target.starts_with("/etc/"), "{name}: {target}");
        }
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().expect("a source");
            let known = source.starts_with("./") || compose["volumes"].get(source).is_some();
            assert!(known, "{name}: the volume {source} is not declared");
        }
        for before in texts(&service["depends_on"]) {
            assert!(services.contains_key(before), "{name}: {before}");
        }
    }
    let kept = texts(&services["host"]["volumes"]).into_iter();
    let mut kept = kept.filter_map(|volume| volume.strip_prefix("journal:"));
    let journal = format!("folder = \"{}/", kept.next().expect("a volume"));
    assert!(deployed("host.toml").contains(&journal), "the journal is not on its volume");
    let build = &services["venue"]["build"];
    let context = folder().join(build["context"].as_str().expect("a context"));
    assert!(context.join(build["dockerfile"].as_str().expect("a file")).is_file());
    let password = &services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"];
    assert!(password.as_str().is_some_and(|text| text.starts_with("${")), "{password}");

    let source = &yaml("grafana/datasources.yml")["datasources"][0];
    let url = source["url"].as_str().and_then(|url| url.strip_prefix("http://"));
    let (alias, port) = url.and_then(|url| url.split_once(':')).expect("a name and a port");
    assert_eq!(services["venue"]["networks"]["default"]["aliases"][0], alias);
    assert!(texts(&services["venue"]["ports"])[0].ends_with(&format!(":{port}")));
    let provider = &yaml("grafana/dashboards.yml")["providers"][0];
    let path = provider["options"]["path"].as_str().expect("a folder");
    let dashboard =
        mounts(&services["grafana"]).into_iter().find(|(from, _)| *from == "./grafana.json");
    assert!(dashboard.expect("it is mounted").1.starts_with(path));
}

#[test]
fn the_container_file_builds_with_the_release_of_the_manifest_and_runs_without_rights() {
    let text = deployed("Containerfile");
    let lines = |word: &str| -> Vec<String> {
        let found = text.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        found.map(str::to_string).collect()
    };
    let from = lines("FROM");
    let rust = format!("docker.io/library/rust:{}.", env!("CARGO_PKG_RUST_VERSION"));
    assert!(from[0].starts_with(&rust), "{from:?} but rust-version is {rust}");
    assert!(from[1].starts_with("docker.io/library/debian:12."), "{from:?}");
    assert_eq!(lines("ENTRYPOINT"), ["[\"/usr/local/bin/tercel\"]"]);
    let user = lines("USER").concat();
    assert!(!user.is_empty() && !user.starts_with('0') && !user.starts_with("root"), "{user}");
    let version = yaml("compose.yml")["services"]["venue"]["image"].to_string();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

#[test]
fn what_compose_starts_trades_and_its_health_is_known() {
    let compose = yaml("compose.yml");
    let (venue, host) = (&compose["services"]["venue"], &compose["services"]["host"]);
    let config = folder().join("host.toml").display().to_string();
    assert!(tercel_ok(&["config", "check", &config]).contains("nothing is wrong"));
    if let Err(why) = available() {
        println!("skipped: {why}");
        return;
    }
    for service in [host, &compose["services"]["prometheus"]] {
        assert_eq!(service["network_mode"], "service:venue");
    }
    let shared = Namespace::new().expect("a namespace");
    let place = Place::new();
    let start = |service: &Value, log: &str, more: &[&str]| {
        let all = arguments(service);
        let all: Vec<&str> = all.iter().map(String::as_str).chain(more.iter().copied()).collect();
        Process::run(shared.command(TERCEL), &all, &place.folder.path().join(log))
    };
    let test = texts(&host["healthcheck"]["test"]);
    assert_eq!(test[0], "CMD-SHELL");
    let healthy = || {
        let mut shell = shared.command("sh");
        shell.args(["-c", test[1]]).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().expect("a shell").success()
    };
    assert!(!healthy(), "healthy before it is there");
    let mut venue = start(venue, "venue.log", &["--json"]);
    venue.line();
    let journal = format!("journal.folder={}", place.file("journal"));
    let mut host = start(host, "host.log", &["--json", "--status-ms=100", "--set", &journal]);
    host.until("fills", |report| count(report, "fills_bought") > 0);
    eventually("healthy", healthy);
    // Where Prometheus looks, and may.
    let control = control_of(&host.said()).expect("it says where");
    assert!(control.ip().is_loopback());
    assert!(deployed("prometheus.yml").contains(&format!("\"{control}\"")), "{control}");
    let metrics = shared.run(|| request(control, "GET", "/metrics", None)).expect("inside");
    assert_eq!(metrics.0, 200);
    // Both are told at once, as podman-compose does.
    venue.signal("-TERM");
    let last = holdings_of_host(&host.stop_ok());
    assert_eq!(last["open"], serde_json::json!([]));
    assert_eq!(last, holdings_of_venue(&venue.stop_ok()));
}
