//! The host beside the kernel's stack: between two network namespaces, the same orders on every
//! path, the demo on each, hosts that are killed, and configurations that cannot be.

#[path = "harness/day.rs"]
mod day;
mod harness;

use harness::{
    PATIENCE, Place, Process, TERCEL, count, holdings_of_host, holdings_of_venue, tercel_err,
    tercel_ok,
};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Instant;
use tercel_netns::{End, Namespace, available, join};

const SYMBOLS: [&str; 3] = ["SIM000", "SIM001", "SIM002"];

/// A way for frames, and the configuration that takes it.
struct Route {
    name: &'static str,
    path: &'static str,
    keys: Vec<(&'static str, &'static str)>,
    /// What stands for an interface; `{}` is its name, `#` a number.
    device: &'static str,
}

/// Every path beside the kernel that this build has.
fn routes() -> Vec<Route> {
    let route = |name, path, keys: &[_], device| Route { name, path, keys: keys.to_vec(), device };
    let mut routes = vec![
        route("packet", "packet", &[], "{}"),
        route("af_xdp-generic", "af_xdp", &[("attach", "\"generic\"")], "{}"),
        route("af_xdp-native", "af_xdp", &[("attach", "\"native\"")], "{}"),
    ];
    if cfg!(feature = "dpdk") {
        routes.push(route("dpdk-af_packet", "dpdk", &[], "net_af_packet#,iface={}"));
        routes.push(route("dpdk-af_xdp", "dpdk", &[], "net_af_xdp#,iface={}"));
    }
    routes
}

/// Says what is left out where namespaces cannot be made.
fn ready() -> bool {
    match available() {
        Ok(()) => true,
        Err(why) => {
            println!("skipped: {why}");
            false
        }
    }
}

/// A venue's side and a host's, with cables for the lines, the orders, and the rest.
struct Network {
    place: Place,
    venue: Namespace,
    host: Namespace,
}

fn at(cable: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, cable, host)
}

impl Network {
    fn new() -> Network {
        let (venue, host) = (Namespace::new().unwrap(), Namespace::new().unwrap());
        for (cable, interface) in (1..).zip(["feed_a", "feed_b", "orders", "cold"]) {
            join(
                End { namespace: &venue, interface, address: at(cable, 1) },
                End { namespace: &host, interface, address: at(cable, 2) },
            )
            .unwrap();
        }
        Network { place: Place::new(), venue, host }
    }

    fn binary(&self, inside: &Namespace) -> Command {
        inside.command(TERCEL)
    }

    fn start(&self, inside: &Namespace, arguments: &[&str], log: &str) -> Process {
        Process::run(self.binary(inside), arguments, &self.place.folder.path().join(log))
    }

    /// A venue that trades, or one that plays a file.
    fn venue(&self, command: &[&str], interfaces: &str) -> (Process, Value) {
        let Place { line_a, line_b, .. } = &self.place;
        let mut all: Vec<String> = command.iter().map(|text| text.to_string()).collect();
        all.extend([
            "--json".into(),
            format!("--line-a={line_a}"),
            format!("--line-b={line_b}"),
            format!("--interface={interfaces}"),
            format!("--recovery={}:0", at(4, 1)),
            format!("--glimpse={}:0", at(4, 1)),
            format!("--ouch={}:0", at(3, 1)),
        ]);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut venue = self.start(&self.venue, &all, "venue.log");
        let addresses = venue.line();
        (venue, addresses)
    }

    /// A configuration for a route; without one for the kernel's sockets.
    fn config(&self, route: Option<&Route>, addresses: &Value, more: &[(&str, &str)]) -> String {
        let interface = format!("\"{}\"", at(1, 2));
        let own = format!("\"{}/24\"", at(3, 9));
        let mut keys = vec![("interface", interface.as_str())];
        keys.extend(more);
        let (path, devices, orders);
        if let Some(route) = route {
            let device = |number: &str, name: &str| {
                format!("\"{}\"", route.device.replace('#', number).replace("{}", name))
            };
            path = format!("\"{}\"", route.path);
            devices = format!("[{}, {}]", device("0", "feed_a"), device("1", "feed_b"));
            orders = device("2", "orders");
            keys.extend([
                ("feed", path.as_str()),
                ("orders", &path),
                ("feed_interfaces", &devices),
                ("orders_interface", &orders),
                ("orders_address", &own),
            ]);
            keys.extend(&route.keys);
        }
        self.place.config(addresses, &SYMBOLS, &keys)
    }

    fn programs(&self) -> Vec<String> {
        let output = self.host.command("ip").args(["link", "show"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter(|line| line.contains("xdp")).map(str::to_string).collect()
    }
}

#[test]
fn the_same_input_gives_the_same_orders_on_every_path() {
    if !ready() {
        return;
    }
    let messages = day::day(7, 2_000.0, 4);
    let network = Network::new();
    let file = network.place.file("day.itch");
    day::write_itch(&file, &messages);
    let lines =
        serde_json::json!({ "line_a": network.place.line_a, "line_b": network.place.line_b });
    let play = |route: Option<&Route>, name: &str| {
        let config = network.config(route, &lines, &[("start", "\"first\"")]);
        let orders = network.place.file(&format!("{name}.bin"));
        let arguments = ["run", "--config", &config, "--paper", "--json", "--orders", &orders];
        let host = network.start(&network.host, &arguments, &format!("{name}.log"));
        // The kernel joins by one interface: both lines come there.
        let interfaces = match route {
            None => at(1, 1).to_string(),
            Some(_) => format!("{},{}", at(1, 1), at(2, 1)),
        };
        let paced = ["replay", &file, "--speed=0", "--rate=10000", "--wait=4", "--linger=2"];
        let command = paced.map(str::to_string);
        let line = |key: &str, value: &str| format!("--{key}={value}");
        let cold = format!("{}:0", at(4, 1));
        let more = [
            "--json".to_string(),
            line("line-a", &network.place.line_a),
            line("line-b", &network.place.line_b),
            line("interface", &interfaces),
            line("recovery", &cold),
            line("glimpse", &cold),
        ];
        let all: Vec<&str> = command.iter().chain(&more).map(String::as_str).collect();
        let venue = network.start(&network.venue, &all, "replay.log");
        let mut host = host;
        let report = host.line();
        assert!(host.wait().success(), "{name}: {}", host.said());
        drop(venue);
        assert_eq!(count(&report, "messages"), messages.len() as u64, "{name}: {report}");
        assert_eq!(count(&report, "gaps_opened"), 0, "{name}: {report}");
        (std::fs::read(&orders).expect("orders"), report)
    };
    let (expected, report) = play(None, "kernel");
    assert!(count(&report, "accepted") > 20, "{report}");
    for route in routes() {
        let (orders, report) = play(Some(&route), route.name);
        assert!(orders == expected, "the orders on {} differ: {report}", route.name);
        let duplicates = count(&report, "duplicates");
        assert!(duplicates > messages.len() as u64 / 20, "line B was not heard: {report}");
    }
}

#[test]
fn host_and_venue_agree_on_every_path_with_losses() {
    if !ready() {
        return;
    }
    let mut paths = vec!["packet", "af_xdp"];
    if cfg!(feature = "dpdk") {
        paths.push("dpdk");
    }
    for path in paths {
        let path = format!("--path={path}");
        let lossy = ["--duration=8", "--loss=0.01", "--orders-loss=0.01", "--quoted=8"];
        let all = [&["demo", "--json", &path], &lossy[..]].concat();
        let summary: Value = serde_json::from_str(tercel_ok(&all).trim()).expect("JSON");
        assert_eq!(summary["agree"], true, "{path}: {}", summary["differences"]);
        let host = &summary["host"];
        assert!(count(host, "accepted") > 50, "{path}: {host}");
        assert!(count(host, "gaps_opened") > 0, "{path}: {host}");
        assert_eq!(count(host, "gaps_opened"), count(host, "gaps_closed"), "{path}: {host}");
        let counters = ["line_a_frames", "line_b_frames", "tcp_prepared", "orders_port_spoiled"];
        for counter in counters {
            assert!(count(host, counter) > 0, "{path}: no {counter} in {host}");
        }
        assert_eq!(count(host, "tcp_mismatches"), 0, "{path}: {host}");
    }
}

fn trades(report: &Value) -> bool {
    report["phase"] == "trading"
        && report["session"] == "ready"
        && report["stale"] == false
        && report["open_orders"].as_array().is_some_and(|orders| !orders.is_empty())
}

/// A host that is killed leaves nothing behind that stops the next one, and that one knows every
/// order of the first.
#[test]
fn a_host_that_was_killed_is_followed_by_another() {
    if !ready() {
        return;
    }
    for route in routes() {
        let network = Network::new();
        let interfaces = format!("{},{}", at(1, 1), at(2, 1));
        let command = ["exchange", "--console", "--rate=2000", "--symbols=3"];
        let (mut venue, addresses) = network.venue(&command, &interfaces);
        let config = network.config(Some(&route), &addresses, &[]);
        let arguments = ["run", "--config", &config, "--status-ms=100", "--json"];
        for life in 0..3 {
            let log = format!("{}-{life}.log", route.name);
            let mut host = network.start(&network.host, &arguments, &log);
            host.until("trading", trades);
            if life < 2 {
                host.kill();
                // DPDK's own program is its next start's business; ours is gone with the process.
                let end = Instant::now() + PATIENCE;
                while route.path == "af_xdp" && !network.programs().is_empty() {
                    assert!(Instant::now() < end, "{:?} are left behind", network.programs());
                }
                continue;
            }
            let report = host.stop_ok();
            let venue = venue.ask("report");
            assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue), "{}", route.name);
            assert_eq!(report["open_orders"], serde_json::json!([]), "{}", route.name);
        }
        drop(venue);
        if route.path == "dpdk" {
            assert!(network.programs().is_empty(), "{:?} are left behind", network.programs());
        }
    }
}

/// An interface of the feed that goes away takes the quotes out, and trading goes on when it is
/// back.
#[test]
fn an_interface_that_goes_away_comes_back() {
    if !ready() {
        return;
    }
    for route in routes().iter().filter(|route| route.path != "dpdk") {
        let network = Network::new();
        // Everything on line A: line B has nothing to say.
        let interfaces = format!("{},{}", at(1, 1), at(4, 1));
        let command = ["exchange", "--console", "--rate=2000", "--symbols=3"];
        let (mut venue, addresses) = network.venue(&command, &interfaces);
        let keys = [("heartbeat_timeout_ms", "1500")];
        let config = network.config(Some(route), &addresses, &keys);
        let arguments = ["run", "--config", &config, "--status-ms=100", "--json"];
        let mut host = network.start(&network.host, &arguments, "host.log");
        host.until("trading", trades);
        network.host.ip(&["link", "set", "feed_a", "down"]).unwrap();
        host.until("stale books and no orders", |report| {
            let open = report["open_orders"].as_array().map_or(0, Vec::len);
            report["stale"] == true && open == 0
        });
        network.host.ip(&["link", "set", "feed_a", "up"]).unwrap();
        host.until("trading again", trades);
        let report = host.stop_ok();
        assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue.ask("report")));
        let log = std::fs::read_to_string(network.place.file("host.log")).unwrap();
        assert!(log.contains("feed_a is Down"), "{log}");
    }
}

#[test]
fn a_path_that_cannot_be_is_refused_with_the_key() {
    let place = Place::new();
    let lines = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let refused = |keys: &[(&str, &str)]| {
        let config = place.config(&lines, &SYMBOLS, keys);
        tercel_err(&["run", "--config", &config])
    };
    let quoted = |text: &str| format!("\"{text}\"");
    let (xdp, lo) = (quoted("af_xdp"), "[\"lo\"]");
    let text = refused(&[("feed", &quoted("bypass"))]);
    assert!(text.contains("host.toml:") && text.contains("feed"), "{text}");
    assert!(text.contains("af_xdp"), "{text}");
    let text = refused(&[("feed", &xdp)]);
    assert!(text.contains("path.feed_interfaces"), "{text}");
    let text = refused(&[("feed", &xdp), ("feed_interfaces", "[\"no-such-one\"]")]);
    assert!(text.contains("no-such-one") && text.contains("ip link"), "{text}");
    let text = refused(&[
        ("feed", &quoted("packet")),
        ("feed_interfaces", lo),
        ("orders", &quoted("packet")),
        ("orders_interface", "\"lo\""),
        ("orders_address", "\"10.0.0.300/24\""),
    ]);
    if !text.contains("CAP_NET_RAW") {
        assert!(text.contains("path.orders_address") && text.contains("10.0.0.300"), "{text}");
    }
    if !cfg!(feature = "dpdk") {
        let text = refused(&[("feed", &quoted("dpdk")), ("feed_interfaces", "[\"net_null0\"]")]);
        assert!(text.contains("--features dpdk"), "{text}");
    }
}
