//! What a thousand lookers-on and malformed requests cost the trading thread.
//!
//! Everything but the trading thread is kept on other cores, and the venue, which would be another
//! machine, goes before the clients there. Quiet phases and phases under load take turns: each of
//! the latter is compared with the quiet ones beside it, for a machine that others share changes
//! from one minute to the next, and the median of all comparisons counts.

mod harness;

use harness::http::{control_of, get, request};
use harness::{Place, Process, count};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tercel_engine::counters::CountersReader;
use tercel_net::pin;

const SYMBOLS: [&str; 8] =
    ["SIM000", "SIM001", "SIM002", "SIM003", "SIM004", "SIM005", "SIM006", "SIM007"];
const STREAMS: usize = 1_000;
const NEVER_READ: usize = 100;
/// How much longer the median may be shown to take; a few rounds cannot show that it takes less.
const ALLOWED: f64 = 1.05;
/// Least share of its core, in percent, that the thread, which spins, has in a quiet moment. A core
/// that a build or another test shares says nothing about the load of this one.
const SHARE_MIN: u64 = 95;
const PHASE: Duration = Duration::from_secs(4);
/// Between phases, for what was begun or ended to be over.
const PAUSE: Duration = Duration::from_secs(1);
/// Phases under load; `TERCEL_LOAD_ROUNDS` sets another number.
const ROUNDS: usize = 6;

/// Clients that read until they are told to stop, others that never do, and one that sends what is
/// malformed.
struct Load {
    stop: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
    silent: Vec<TcpStream>,
    fuzzer: Option<Fuzzer>,
}

/// Schemathesis, which makes requests out of the API's document, right ones and wrong ones. Its
/// role is that of a viewer: it changes nothing.
struct Fuzzer(Child);

impl Fuzzer {
    fn start(control: SocketAddr, folder: &Path) -> Option<Fuzzer> {
        let program = match harness::python::program("schemathesis") {
            Ok(program) => program,
            Err(problem) => {
                println!("without schemathesis: {problem}");
                return None;
            }
        };
        let child = Command::new(program)
            .args(["run", &format!("http://{control}/openapi.json"), "--max-examples=1000"])
            .args(["--exclude-path=/api/v1/stream", "--checks=not_a_server_error"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("schemathesis starts");
        // It reads the document first.
        std::thread::sleep(Duration::from_secs(4));
        Some(Fuzzer(child))
    }
}

impl Drop for Fuzzer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps the other cores awake through all phases, as `idle=poll` does on a machine that trades:
/// on a virtual one, a send that wakes a core costs what its hypervisor takes to start it, which
/// differs between quiet and busy cores by more than everything that is measured here.
struct Awake(Vec<Child>);

impl Awake {
    fn keep(cores: usize) -> Awake {
        let spin = ["--idle", "0", "sh", "-c", "while :; do :; done"];
        Awake((0..cores).filter_map(|_| Command::new("chrt").args(spin).spawn().ok()).collect())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn stream(control: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(control).expect("it listens");
    write!(stream, "GET /api/v1/stream HTTP/1.1\r\nHost: {control}\r\n\r\n").expect("sent");
    stream
}

impl Load {
    fn start(control: SocketAddr, folder: &Path) -> Load {
        let (stop, bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let silent = (0..NEVER_READ).map(|_| stream(control)).collect();
        let reading: Vec<TcpStream> = (NEVER_READ..STREAMS).map(|_| stream(control)).collect();
        let (stopping, counted) = (Arc::clone(&stop), Arc::clone(&bytes));
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            for one in &reading {
                one.set_nonblocking(true).expect("it can be");
            }
            // Relaxed: nothing else hangs on it.
            while !stopping.load(Ordering::Relaxed) {
                for mut one in &reading {
                    if let Ok(read) = one.read(&mut buffer) {
                        counted.fetch_add(read as u64, Ordering::Relaxed);
                    }
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let stopping = Arc::clone(&stop);
        let malformed = std::thread::spawn(move || {
            let wrong = [
                ("PUT", "/api/v1/limits/account", json!({ "limits": { "gross_max_e4": -1 } })),
                ("PUT", "/api/v1/limits/instruments/NOPE", json!({ "reason": 7 })),
                ("POST", "/api/v1/kill", json!({ "reason": "", "more": [1, 2, 3] })),
                ("POST", "/api/v1/pause", json!(["not", "an", "object"])),
                ("DELETE", "/api/v1/status", json!(null)),
                ("GET", "/api/v1/orders?limit=minus", json!(null)),
                ("GET", "/%2e%2e/%2e%2e/etc/passwd", json!(null)),
            ];
            for (method, path, body) in wrong.iter().cycle() {
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                let (status, answer) = request(control, method, path, Some(body));
                let refused = status == 0 || (400..500).contains(&status);
                assert!(refused, "{method} {path}: {status} {answer}");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let threads = vec![reader, malformed];
        Load { stop, bytes, threads, silent, fuzzer: Fuzzer::start(control, folder) }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no client failed");
        }
        drop((self.silent, self.fuzzer));
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What was recorded in a phase.
struct Phase {
    /// The median from tick to trade, ns.
    median: f64,
    /// How many orders it is of.
    orders: u64,
    /// Share of its core that the trading thread had, percent.
    share: u64,
}

impl Phase {
    fn measure(page: &CountersReader, host: &Process) -> Phase {
        let read = || page.buckets("tick_to_trade").collect::<BTreeMap<u64, u64>>();
        let (before, worked) = (read(), host.worked());
        std::thread::sleep(PHASE);
        let share = host.worked().saturating_sub(worked) / PHASE.as_secs();
        let counts: Vec<(u64, u64)> = read()
            .into_iter()
            .map(|(upper, after)| (upper, after - before.get(&upper).copied().unwrap_or(0)))
            .collect();
        let orders = counts.iter().map(|(_, count)| count).sum();
        Phase { median: median(&counts, orders), orders, share }
    }
}

/// The median by buckets and their counts, as if values lay evenly in a bucket, which is 1/32 of a
/// power of two wide ([`tercel_engine::counters`]).
fn median(counts: &[(u64, u64)], total: u64) -> f64 {
    let mut before = 0;
    for &(upper, count) in counts {
        if (before + count) * 2 >= total && count > 0 {
            let width = (upper.next_power_of_two() / 64).max(1) as f64;
            let part = (total as f64 / 2.0 - before as f64) / count as f64;
            return upper as f64 - width * (1.0 - part);
        }
        before += count;
    }
    0.0
}

/// The middle of the values, and between which of them the middle of what they are drawn from lies
/// with 95 %, by their order alone (binomial).
fn middle(mut values: Vec<f64>) -> (f64, [f64; 2]) {
    values.sort_by(f64::total_cmp);
    let (count, half) = (values.len(), values.len() / 2);
    let middle =
        if count % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 };
    // That so many or fewer of them are on one side.
    let (mut exactly, mut at_most, mut out) = (0.5f64.powi(count as i32), 0.0, 0);
    while out < half && 2.0 * (at_most + exactly) <= 0.05 {
        at_most += exactly;
        out += 1;
        exactly *= (count - out + 1) as f64 / out as f64;
    }
    let last = out.saturating_sub(1);
    (middle, [values[last], values[count - 1 - last]])
}

/// Whether these rounds show that the median takes longer than is allowed.
fn is_over(ratios: &[f64]) -> bool {
    !ratios.is_empty() && middle(ratios.to_vec()).1[0] > ALLOWED
}

#[test]
fn a_thousand_lookers_on_are_not_shown_to_lengthen_tick_to_trade_by_more_than_five_percent() {
    let cores = pin::cores().expect("cores");
    let Some(&core) = cores.last().filter(|_| cores.len() > 1) else {
        println!("skipped: one core is not enough to keep the clients off the trading thread's");
        return;
    };
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let more = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, more).expect("allowed");
    // The venue and the host's other threads are this thread's children.
    pin::keep_off(core).expect("allowed");

    let place = Place::new();
    let (venue, addresses) = place.venue(&["--rate=8000", "--symbols=8"]);
    venue.goes_first();
    let _awake = Awake::keep(cores.len() - 1);
    let keys = [
        ("core", core.to_string()),
        ("pace", "\"spin\"".into()),
        ("counters", format!("\"{}\"", place.file("counters"))),
    ];
    let keys = keys.each_ref().map(|(key, value)| (*key, value.as_str()));
    let config = place.config(&addresses, &SYMBOLS, &keys);
    let text = std::fs::read_to_string(&config).expect("readable");
    let more = "\n[journal]\nfolder = \"journal\"\n\n[control]\nwithout_token = \"viewer\"\n";
    std::fs::write(&config, text + more).expect("writable");
    let mut host = place.host(&config, "orders.bin");
    host.until("orders", |report| count(report, "sent") > 50);
    let control = control_of(&host.said()).expect("it says where");
    let page = CountersReader::open(Path::new(&place.file("counters"))).expect("a page");

    // The clock of the stamps learns its rate in the first seconds.
    std::thread::sleep(Duration::from_secs(12));
    println!("{}", get(control, "/api/v1/status")["clock"]);
    let rounds = std::env::var("TERCEL_LOAD_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |text| text.parse().expect("TERCEL_LOAD_ROUNDS: a number"));
    let (mut ratios, mut quiets, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = Phase::measure(&page, &host);
    let mut tried = 0;
    // By chance a few rounds can all be over: then it goes on.
    while tried < rounds || (tried < 3 * rounds && is_over(&ratios)) {
        tried += 1;
        // Between rounds it grows by the orders that the desk remembers.
        let memory = host.resident_kib();
        let load = Load::start(control, place.folder.path());
        std::thread::sleep(PAUSE);
        let during = Phase::measure(&page, &host);
        let grown = host.resident_kib().saturating_sub(memory);
        let bytes = load.end();
        std::thread::sleep(PAUSE);
        let after = Phase::measure(&page, &host);
        println!(
            "tick to trade p50: {:.0} ns before, {:.0} ns with {STREAMS} streams ({} orders, \
             {} KiB streamed), {:.0} ns after; {} %, {} %, {} % of a core; memory grew by {grown} \
             KiB",
            before.median,
            during.median,
            during.orders,
            bytes >> 10,
            after.median,
            before.share,
            during.share,
            after.share,
        );
        assert!(bytes > 1 << 20, "the streams brought {bytes} bytes");
        assert!(grown < 64 << 10, "{STREAMS} streams took {grown} KiB");
        let alone = before.share.min(after.share) >= SHARE_MIN;
        if alone && before.orders.min(during.orders).min(after.orders) > 50 {
            let quiet = (before.median + after.median) / 2.0;
            ratios.push(during.median / quiet);
            quiets.push(quiet);
            loaded.push(during.median);
        }
        before = after;
    }
    assert_eq!(get(control, "/api/v1/status")["tripped"], "");
    host.stop_ok();
    if ratios.len() * 2 < tried {
        println!("skipped: the trading thread has no core of its own, whatever the load");
        return;
    }
    let (rounds, is_over) = (ratios.len(), is_over(&ratios));
    let (ratio, [low, high]) = middle(ratios);
    println!(
        "tick to trade p50, middle of {rounds} rounds: {:.0} ns quiet, {:.0} ns with {STREAMS} \
         streams; the one is {ratio:.3} of the other, with 95 % {low:.3} to {high:.3}",
        middle(quiets).0,
        middle(loaded).0,
    );
    // On a machine that others share a few rounds do not show five percent. It fails where they
    // show more.
    assert!(!is_over, "the median took {low:.3} to {high:.3} times as long");
}
