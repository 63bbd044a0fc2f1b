//! `tercel top` for real: over HTTP, from a counters page, and on a terminal of tmux.

mod harness;

use harness::{TERCEL, eventually, tercel_err, tercel_ok};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tercel_control::view::{Instrument, Latency, State};
use tercel_engine::counters::CountersPage;

const TOKEN: &str = "0123456789abcdef";

fn state(events: u64) -> State {
    let mut state = State::default();
    state.status.version = "0.1.0".into();
    state.status.phase = "trading".into();
    state.status.session = "ready".into();
    state.status.time_ns = 1_000_000_000 * events;
    state.status.events = events;
    state.account.pnl_e4 = 12_345_600;
    state.instruments = ["ABC", "XYZ"]
        .map(|symbol| Instrument {
            symbol: symbol.into(),
            state: "trading".into(),
            bid_e4: 1_000_000,
            ask_e4: 1_000_100,
            ..Instrument::default()
        })
        .into();
    let stage = "book".into();
    state.latency = vec![Latency { stage, count: 9, p50_ns: 123, ..Latency::default() }];
    state
}

/// A request that came: its first line, its other lines, its body.
#[derive(Clone, Debug, Default)]
struct Asked {
    line: String,
    headers: Vec<String>,
    body: String,
}

/// What the API's paths for `top` send, from a server of this test.
#[derive(Default)]
struct Api {
    /// It answers nobody, and ends what it has begun.
    gone: AtomicBool,
    /// It takes this many kills without an answer.
    deaf: AtomicU64,
    kills: Mutex<Vec<Asked>>,
}

impl Api {
    fn start() -> (Arc<Api>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let api = Arc::new(Api::default());
        let server = Arc::clone(&api);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let api = Arc::clone(&server);
                if !api.gone.load(Relaxed) {
                    std::thread::spawn(move || drop(api.serve(stream)));
                }
            }
        });
        (api, address)
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut asked = Asked::default();
        reader.read_line(&mut asked.line)?;
        for line in reader.by_ref().lines() {
            match line? {
                line if line.is_empty() => break,
                line => asked.headers.push(line.to_lowercase()),
            }
        }
        let length = asked.headers.iter().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |text| text.parse().expect("a number"));
        reader.take(length).read_to_string(&mut asked.body)?;
        let answer = |status: &str, kind: &str, body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            )
        };
        if !asked.headers.contains(&format!("authorization: bearer {TOKEN}")) {
            let body = r#"{"title":"Unauthorized","detail":"who are you?"}"#;
            let text = answer("401 Unauthorized", "application/problem+json", body);
            return stream.write_all(text.as_bytes());
        }
        let path = asked.line.split(' ').nth(1).unwrap_or_default().to_string();
        match &*path {
            "/api/v1/state" => {
                let body = serde_json::to_string(&state(7)).expect("JSON");
                stream.write_all(answer("200 OK", "application/json", &body).as_bytes())
            }
            "/api/v1/stream" => self.stream(stream),
            "/api/v1/kill" => {
                self.kills.lock().expect("no panic").push(asked);
                let deaf = self.deaf.load(Relaxed);
                if deaf > 0 {
                    self.deaf.store(deaf - 1, Relaxed);
                    return Ok(());
                }
                let body = r#"{"ticket":1,"outcome":"done","time_ns":1,"open_orders":3}"#;
                stream.write_all(answer("200 OK", "application/json", body).as_bytes())
            }
            _ => stream.write_all(answer("404 Not Found", "text/plain", "").as_bytes()),
        }
    }

    /// States in chunks that end anywhere, with comments between.
    fn stream(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
            Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        let mut events = 1_000;
        while !self.gone.load(Relaxed) {
            events += 1;
            let json = serde_json::to_string(&state(events)).expect("JSON");
            let event = format!(": still here\n\nevent: state\ndata: {json}\n\n");
            for piece in event.as_bytes().chunks(97) {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                stream.write_all(piece)?;
                stream.write_all(b"\r\n")?;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn token_file(folder: &Path) -> String {
    let path = folder.join("token");
    std::fs::write(&path, format!("{TOKEN}\n")).expect("a file");
    format!("--token-file={}", path.display())
}

#[test]
fn one_frame_and_its_state_come_over_the_api() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_api, address) = Api::start();
    let token = token_file(folder.path());
    let frame = tercel_ok(&["top", &address, &token, "--once"]);
    for words in ["phase trading", "P&L +1,234.56", "ABC", "XYZ", "100.01", "123 ns"] {
        assert!(frame.contains(words), "{words:?} in\n{frame}");
    }
    assert!(!frame.contains('\x1b'), "{frame}");
    let json: Value =
        serde_json::from_str(&tercel_ok(&["top", &address, &token, "--once", "--json"]))
            .expect("JSON");
    assert_eq!(json["account"]["pnl_e4"], 12_345_600);
    let mut by_environment = Command::new(TERCEL);
    by_environment.args(["top", &address, "--once"]).env("TERCEL_TOKEN", TOKEN);
    assert!(by_environment.output().expect("it starts").status.success());
}

#[test]
fn what_keeps_it_from_showing_anything_is_said_in_one_line() {
    let (_api, address) = Api::start();
    let said = tercel_err(&["top", &address, "--once"]);
    assert!(said.contains("401") && said.contains("who are you?"), "{said}");
    assert!(said.contains("--token-file"), "{said}");
    let said = tercel_err(&["top", &address]);
    assert!(said.contains("no terminal") && said.contains("--once"), "{said}");
    let said = tercel_err(&["top", "http://127.0.0.1:1", "--once"]);
    assert!(said.contains("http://127.0.0.1:1"), "{said}");
    let said = tercel_err(&["top", "--counters=/nowhere/page", "--once"]);
    assert!(said.contains("/nowhere/page"), "{said}");
    let said = tercel_err(&["top", "127.0.0.1:1", "--once"]);
    assert!(said.contains("an address is http://"), "{said}");
}

/// A page whose frames grow while this lives.
fn page(path: &Path) -> CountersPage {
    let mut page =
        CountersPage::create(path, &["frames", "gaps_opened"], &["tick_to_trade"]).expect("a page");
    page.set(0, 4_321);
    page.set(1, 2);
    page.record(0, 20);
    page
}

#[test]
fn one_frame_comes_from_a_counters_page_without_any_api() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page");
    let _page = page(&path);
    let counters = format!("--counters={}", path.display());
    let frame = tercel_ok(&["top", &counters, "--once"]);
    for words in ["frames", "4,321", "gaps 2 of which open 2", "tick_to_trade", "20 ns"] {
        assert!(frame.contains(words), "{words:?} in\n{frame}");
    }
    let json = tercel_ok(&["top", &counters, "--once", "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["feed"]["counters"]["frames"], 4_321);
}

/// A terminal in which `top` runs, and after it a line that says how it ended.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// None where there is no tmux.
    fn open(arguments: &[&str]) -> Option<Terminal> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("skipped: no tmux; install it with apt-get install tmux");
            return None;
        }
        let terminal = Terminal { folder: tempfile::tempdir().expect("a folder") };
        let command = format!(
            "TERCEL_TOKEN={TOKEN} {TERCEL} top {}; echo ended $?; stty -a; sleep 600",
            arguments.join(" ")
        );
        let output = terminal.tmux(&["new-session", "-d", "-x", "80", "-y", "24", &command]);
        assert!(output.status.success(), "{output:?}");
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let socket = self.folder.path().join("socket");
        Command::new("tmux")
            .args(["-f", "/dev/null", "-S"])
            .arg(socket)
            .args(arguments)
            .env("SHELL", "/bin/sh")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("tmux starts")
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    #[track_caller]
    fn shows(&self, words: &[&str]) {
        let shown = || {
            let screen = self.screen();
            words.iter().all(|words| screen.contains(words))
        };
        eventually(&format!("{words:?} in\n{}", self.screen()), shown);
    }

    fn keys(&self, keys: &[&str]) {
        let all: Vec<&str> = ["send-keys"].iter().chain(keys).copied().collect();
        assert!(self.tmux(&all).status.success());
    }

    /// It has ended well and the terminal is as it was.
    #[track_caller]
    fn ended(&self) {
        self.shows(&["ended 0", "speed"]);
        let screen = self.screen();
        let said: Vec<&str> = screen.split_whitespace().collect();
        assert!(said.contains(&"icanon") && said.contains(&"echo"), "{screen}");
        assert!(!screen.contains("kill switch"), "{screen}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn in_a_terminal_figures_come_the_size_changes_the_host_goes_and_comes_and_q_quits() {
    let (api, address) = Api::start();
    let Some(terminal) = Terminal::open(&[&address]) else { return };
    terminal.shows(&["phase trading", "P&L +1,234.56", "XYZ", "-- latency", "123 ns"]);
    terminal.shows(&["1.0/s"]);
    terminal.keys(&["Tab", "Tab"]);
    terminal.shows(&[">> feed"]);
    terminal.keys(&["?"]);
    terminal.shows(&["kill switch: asks for a word and a reason"]);
    terminal.keys(&["x"]);
    assert!(terminal.tmux(&["resize-window", "-x", "200", "-y", "60"]).status.success());
    terminal.shows(&["-- open orders", "-- fills", "-- limits", ">> feed", "bid size"]);
    api.gone.store(true, Relaxed);
    terminal.shows(&["CONNECTION LOST", "old"]);
    api.gone.store(false, Relaxed);
    eventually("the connection", || !terminal.screen().contains("CONNECTION LOST"));
    terminal.keys(&["q"]);
    terminal.ended();
}

#[test]
fn the_kill_switch_is_pulled_once_with_its_reason_even_if_an_answer_is_lost() {
    let (api, address) = Api::start();
    api.deaf.store(1, Relaxed);
    let Some(terminal) = Terminal::open(&[&address]) else { return };
    terminal.shows(&["phase trading"]);
    terminal.keys(&["K"]);
    terminal.shows(&["Type KILL"]);
    terminal.keys(&["KILL", "Enter"]);
    terminal.shows(&["Why?"]);
    terminal.keys(&["-l", "fat finger"]);
    terminal.keys(&["Enter"]);
    terminal.shows(&["Killed", "are still open at the venue"]);
    terminal.keys(&["x"]);
    terminal.keys(&["q"]);
    terminal.ended();
    let kills = api.kills.lock().expect("no panic").clone();
    let keys: Vec<&String> = kills
        .iter()
        .flat_map(|asked| asked.headers.iter().filter(|line| line.starts_with("idempotency-key:")))
        .collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{kills:?}");
    for asked in &kills {
        assert!(asked.line.starts_with("POST /api/v1/kill "), "{asked:?}");
        assert!(asked.headers.contains(&"content-type: application/json".into()), "{asked:?}");
        let body: Value = serde_json::from_str(&asked.body).expect("JSON");
        assert_eq!(body, serde_json::json!({"reason": "fat finger"}));
    }
}

#[test]
fn sigterm_ends_it_and_gives_the_terminal_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page");
    let mut page = page(&path);
    let Some(terminal) = Terminal::open(&[&format!("--counters={}", path.display())]) else {
        return;
    };
    terminal.shows(&["4,321", "tick_to_trade", "20 ns"]);
    page.set(0, 5_678);
    terminal.shows(&["5,678"]);
    let shell = terminal.tmux(&["display-message", "-p", "#{pane_pid}"]).stdout;
    let shell = String::from_utf8_lossy(&shell).trim().to_string();
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
    let child = children.expect("a shell with a child").trim().to_string();
    let killed = Command::new("kill").args(["-TERM", &child]).status().expect("kill starts");
    assert!(killed.success());
    terminal.ended();
}
