//! The dashboard of a running demo, in a real browser, as a person uses it.

mod harness;

use harness::browser::Browser;
use harness::http::get;
use harness::{PATIENCE, TERCEL, eventually};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

/// A demo with a dashboard; killed if the test fails.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A demo and where its dashboard is.
fn demo(seconds: u32) -> (Demo, SocketAddr) {
    let mut child = Command::new(TERCEL)
        .args(["demo", "--dashboard", "--json", "--rate=4000"])
        .arg(format!("--duration={seconds}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let said = BufReader::new(child.stderr.take().expect("a pipe"));
    let (send, address) = channel();
    std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            let address = line.strip_prefix("dashboard http://");
            if let Some(address) = address.and_then(|rest| rest.trim_end_matches('/').parse().ok())
            {
                let _ = send.send(address);
            }
        }
    });
    let address = address.recv_timeout(PATIENCE).expect("it prints an address");
    (Demo(child), address)
}

fn pictures() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    target.parent().expect("the target folder").join("dashboard")
}

#[test]
fn a_person_watches_changes_a_limit_and_pulls_the_kill_switch() {
    let Some(browser) = Browser::start(1280, 900) else {
        println!("skipped: no chromium and chromedriver");
        return;
    };
    let (mut demo, address) = demo(40);
    browser.open(&format!("http://{address}/"));
    browser.until(
        "four instruments",
        "return document.querySelectorAll('#instruments tr').length === 4",
    );
    browser.until("fills", "return document.querySelectorAll('#fills tr').length > 2");
    browser.until("open orders", "return document.querySelectorAll('#orders tr').length > 1");
    browser.until("a ladder", "return document.querySelectorAll('#bids tr').length >= 5");
    browser.until("charts", "return document.querySelectorAll('.chart canvas').length >= 4");
    let before = browser.text("tiles");
    let moved =
        format!("return document.getElementById('tiles').textContent !== {}", json!(before));
    browser.until("figures that move", &moved);
    browser.picture(&pictures().join("desk.png"));

    // A limit, through its dialog; first one that is not allowed.
    browser.click("edit-account");
    browser.until("the dialog", "return document.getElementById('deed').open");
    browser.fill("#deed-fields input[name=drawdown_max_e4]", "0");
    browser.fill("#deed-reason", "tried in a browser");
    browser.click("deed-do");
    let complaint = "return document.getElementById('error-drawdown_max_e4').textContent !== ''";
    browser.until("a word beside the field", complaint);
    browser.picture(&pictures().join("refused.png"));
    browser.fill("#deed-fields input[name=drawdown_max_e4]", "74321.5");
    browser.click("deed-do");
    browser.until("the dialog's end", "return !document.getElementById('deed').open");
    assert_eq!(get(address, "/api/v1/limits")["account"]["drawdown_max_e4"], 743_215_000);

    // The kill switch wants its word.
    browser.click("kill");
    browser.until("the dialog", "return document.getElementById('deed').open");
    browser.fill("#deed-reason", "pulled in a browser");
    browser.fill("#deed-word", "kill");
    browser.click("deed-do");
    assert_eq!(get(address, "/api/v1/status")["tripped"], "");
    browser.fill("#deed-word", "KILL");
    browser.picture(&pictures().join("kill.png"));
    browser.click("deed-do");
    browser.until("the dialog's end", "return !document.getElementById('deed').open");
    eventually("killed", || get(address, "/api/v1/status")["tripped"] == "killed");
    eventually("nothing open", || get(address, "/api/v1/account")["open_orders"] == 0);
    browser.until(
        "the page to say so",
        "return document.getElementById('standing').textContent.toLowerCase().includes('kill')",
    );
    browser.picture(&pictures().join("killed.png"));

    // A phone: nothing is wider than the page.
    browser.resize(390, 844);
    browser.until(
        "one column",
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth",
    );
    browser.picture(&pictures().join("phone.png"));
    // The browser tells of the refusal that was asked for, and of nothing else.
    let complaints = browser.complaints();
    let expected = |line: &&String| !line.contains("limits/account") || !line.contains("422");
    assert_eq!(complaints.iter().find(expected), None);
    drop(browser);

    // Host and venue agree that nothing is open.
    let mut output = String::new();
    demo.0.stdout.take().expect("a pipe").read_to_string(&mut output).expect("UTF-8");
    assert!(demo.0.wait().expect("it ends").success(), "{output}");
    let summary: Value = serde_json::from_str(output.trim()).expect("one JSON object");
    assert_eq!((&summary["agree"], &summary["host"]["tripped"]), (&json!(true), &json!("killed")));
    assert_eq!(summary["host"]["open_orders"], json!([]));
}
