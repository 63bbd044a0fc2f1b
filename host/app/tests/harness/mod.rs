//! Starts the real binary, talks to it in lines of JSON, and gives every test addresses of its own.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part of it

pub mod browser;
pub mod http;
pub mod python;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest wait for anything; generous, because test machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test.
pub const TERCEL: &str = env!("CARGO_BIN_EXE_tercel");

/// Runs a command to its end.
pub fn tercel(arguments: &[&str]) -> Output {
    Command::new(TERCEL).args(arguments).stdin(Stdio::null()).output().expect("the binary starts")
}

/// Runs a command that must succeed, and returns what it printed.
pub fn tercel_ok(arguments: &[&str]) -> String {
    let output = tercel(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} failed: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a command that must fail with one line, and returns the line.
pub fn tercel_err(arguments: &[&str]) -> String {
    let output = tercel(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    let last = errors.lines().last().unwrap_or_default().to_string();
    assert!(last.starts_with("tercel: "), "{arguments:?}: {errors}");
    assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
    last
}

/// Asks until it is so.
pub fn eventually(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process that runs beside the test.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    log: PathBuf,
    /// The last line that it printed.
    pub last: Value,
}

impl Process {
    /// Starts it; what it says on standard error goes to `log`.
    pub fn start(arguments: &[&str], log: &Path) -> Process {
        Process::run(Command::new(TERCEL), arguments, log)
    }

    /// Runs a command that begins with the binary.
    pub fn run(mut command: Command, arguments: &[&str], log: &Path) -> Process {
        let errors = std::fs::File::create(log).expect("a log file");
        let mut child = command
            .args(arguments)
            .arg("--stop-on-eof")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the binary starts");
        let output = child.stdout.take().expect("a pipe");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Process { child, stdin, lines, log: log.into(), last: Value::Null }
    }

    /// The next line, as JSON.
    pub fn line(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("{error}; it said: {}", self.said()));
        self.last = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        self.last.clone()
    }

    /// Lines until one is as wanted.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = self.line();
            if wanted(&line) {
                return line;
            }
            assert!(Instant::now() < end, "never came: {what}; last: {line}");
        }
    }

    /// Writes a line to it.
    pub fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("not stopped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("it listens");
    }

    /// Writes a line to it and returns its answer.
    pub fn ask(&mut self, command: &str) -> Value {
        self.write(command);
        self.line()
    }

    /// A command of the console that must be done.
    pub fn tell(&mut self, command: &str) {
        let answer = self.ask(command);
        assert_eq!(answer["answer"], "done", "{command}: {answer}");
    }

    /// SIGKILL: no chance to say anything.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Its resident memory, KiB.
    pub fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Processor time of its main thread, in hundredths of a second (proc(5), utime and stime).
    pub fn worked(&self) -> u64 {
        let id = self.child.id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/task/{id}/stat")).expect("it runs");
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }

    /// Lets its threads go before others on their cores, where that is allowed.
    pub fn goes_first(&self) {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = threads.expect("it runs").flatten().map(|entry| entry.file_name());
        // Not allowed without CAP_SYS_NICE: then it is one among the others.
        let _ = Command::new("renice").args(["-15", "--pid"]).args(threads).output();
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("a number")
    }

    /// Another signal, by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill(1)").success());
    }

    /// Closes its input, waits for its end, and returns its last line and how it ended.
    pub fn stop(mut self) -> (Value, ExitStatus) {
        self.stdin = None;
        let status = self.wait();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            self.last = serde_json::from_str(&line).expect("JSON");
        }
        (self.last.clone(), status)
    }

    /// Stops it; it must end in good order.
    pub fn stop_ok(self) -> Value {
        let log = self.log.clone();
        let (last, status) = self.stop();
        let said = std::fs::read_to_string(log).unwrap_or_default();
        assert!(status.success(), "{status}: {said}");
        last
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            assert!(Instant::now() < end, "it does not end; it said: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it said on standard error.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder and a pair of multicast lines of one test.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub line_a: String,
    pub line_b: String,
}

/// Places of this process so far: the third byte of the groups.
static PLACES: AtomicU8 = AtomicU8::new(0);

impl Place {
    pub fn new() -> Place {
        // Relaxed: only the count matters.
        let place = PLACES.fetch_add(1, Ordering::Relaxed);
        let id = std::process::id();
        let line = |last: u8| {
            let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
            let port = probe.local_addr().expect("an address").port();
            format!(
                "239.{}.{}.{}:{port}",
                193 + place % 32,
                id as u8,
                last | (id >> 6) as u8 & 0xfc
            )
        };
        let folder = tempfile::tempdir().expect("a folder");
        Place { folder, line_a: line(1), line_b: line(2) }
    }

    /// A file of the folder, as text.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Starts a venue with a console and returns it with its addresses.
    pub fn venue(&self, arguments: &[&str]) -> (Process, Value) {
        let mut all = vec!["exchange", "--json", "--console"];
        let (a, b) = (format!("--line-a={}", self.line_a), format!("--line-b={}", self.line_b));
        all.extend([a.as_str(), b.as_str()]);
        all.extend(["--recovery=127.0.0.1:0", "--glimpse=127.0.0.1:0", "--ouch=127.0.0.1:0"]);
        all.extend(arguments);
        let mut venue = Process::start(&all, &self.folder.path().join("venue.log"));
        let addresses = venue.line();
        (venue, addresses)
    }

    /// Writes a configuration for these addresses and instruments, with keys replaced, and returns
    /// its path.
    pub fn config(&self, addresses: &Value, symbols: &[&str], keys: &[(&str, &str)]) -> String {
        let quoted =
            |key: &str| format!("\"{}\"", addresses[key].as_str().unwrap_or("127.0.0.1:9"));
        let mut set: Vec<(&str, String)> = vec![
            ("line_a", quoted("line_a")),
            ("line_b", quoted("line_b")),
            ("recovery", quoted("recovery")),
            ("glimpse", quoted("glimpse")),
            ("address", quoted("ouch")),
            ("levels_max", "131072".into()),
            ("huge_pages", "false".into()),
        ];
        set.extend(keys.iter().map(|(key, value)| (*key, value.to_string())));
        let default = tercel_ok(&["run", "--print-config"]);
        let (head, rest) = default.split_once("[[instrument]]").expect("instruments");
        let (_, tail) = rest.split_once("[book]").expect("a book");
        let listed: String =
            symbols.iter().map(|name| format!("[[instrument]]\nsymbol = \"{name}\"\n\n")).collect();
        let text = format!("{head}{listed}[book]{tail}");
        let line = |line: &str| {
            let key = line.trim_start_matches("# ").split('=').next().unwrap_or("").trim();
            match set.iter().rev().find(|(name, _)| *name == key && line.contains('=')) {
                Some((name, value)) => format!("{name} = {value}\n"),
                None => format!("{line}\n"),
            }
        };
        let path = self.file("host.toml");
        std::fs::write(&path, text.lines().map(line).collect::<String>()).expect("written");
        path
    }

    /// Starts a host that reports often and writes its orders to `orders`.
    pub fn host(&self, config: &str, orders: &str) -> Process {
        let orders = self.file(orders);
        let arguments =
            ["run", "--config", config, "--orders", &orders, "--status-ms", "100", "--json"];
        Process::start(&arguments, &self.folder.path().join("host.log"))
    }
}

/// A counter of a host's report.
pub fn count(report: &Value, name: &str) -> u64 {
    report["counters"][name].as_u64().unwrap_or(0)
}

/// Positions that are not zero, cash and open orders of a host's report.
pub fn holdings_of_host(report: &Value) -> Value {
    let mut positions = serde_json::Map::new();
    for one in report["instruments"].as_array().expect("instruments") {
        if one["position"] != 0 {
            positions.insert(one["symbol"].as_str().expect("text").into(), one["position"].clone());
        }
    }
    serde_json::json!({
        "positions": positions,
        "cash": report["cash_e4"],
        "open": sorted(&report["open_orders"]),
    })
}

/// The same of the venue's report, for the host's account.
pub fn holdings_of_venue(report: &Value) -> Value {
    let accounts = report["accounts"].as_array().expect("accounts");
    let ours = accounts.iter().find(|one| one["username"] == "TERCEL").expect("our account");
    let positions = ours["positions"].as_object().expect("positions").clone();
    let positions: serde_json::Map<_, _> =
        positions.into_iter().filter(|(_, shares)| *shares != 0).collect();
    serde_json::json!({
        "positions": positions,
        "cash": ours["cash_e4"],
        "open": sorted(&ours["open_orders"]),
    })
}

fn sorted(orders: &Value) -> Vec<Value> {
    let mut orders = orders.as_array().expect("orders").clone();
    orders.sort_by_key(|order| order["user_ref"].as_u64());
    orders
}

/// The user references of a file of orders, in the order of sending.
pub fn user_refs(path: &str) -> Vec<u64> {
    let decoded = tercel_ok(&["decode", path]);
    let lines = decoded.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines
        .filter(|line| line["type"] == "O" || line["type"] == "U")
        .map(|line| line["user_ref"].as_u64().expect("a number"))
        .collect()
}

/// Recorded market data, or `None` with a line that says that the test is skipped.
pub fn recorded(name: &str) -> Option<String> {
    let folder = std::env::var_os("TERCEL_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if !path.exists() {
        println!("skipped: no recorded data at {}", path.display());
        return None;
    }
    Some(path.display().to_string())
}
