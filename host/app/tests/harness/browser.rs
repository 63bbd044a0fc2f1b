//! A headless Chromium, driven by chromedriver (W3C WebDriver).

use super::http::request;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// A browser with one page; it ends when this is dropped.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
}

impl Browser {
    /// Starts one with a window of this size; `None` where there is no Chromium or chromedriver.
    pub fn start(width: u32, height: u32) -> Option<Browser> {
        Command::new("chromium").arg("--version").stdout(Stdio::null()).status().ok()?;
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let said = BufReader::new(driver.stdout.take().expect("a pipe"));
        let (send, port) = channel();
        // To its end: a driver whose output nobody takes does not go on.
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let port = line
                    .split("successfully on port ")
                    .nth(1)
                    .map(|port| port.trim_end_matches('.'));
                if let Some(port) = port.and_then(|port| port.parse::<u16>().ok()) {
                    let _ = send.send(port);
                }
            }
        });
        let port = port.recv_timeout(super::PATIENCE);
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("chromedriver says its port")));
        let arguments = [
            "--headless=new".to_owned(),
            // As root, which containers of continuous integration are, there is no sandbox.
            "--no-sandbox".into(),
            "--disable-dev-shm-usage".into(),
            "--disable-gpu".into(),
            format!("--window-size={width},{height}"),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
        } } });
        let (status, answer) = request(address, "POST", "/session", Some(&wanted));
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let session = answer["value"]["sessionId"].as_str().expect("a session").into();
        Some(Browser { driver, address, session })
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        let (status, answer) = request(self.address, method, &path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        serde_json::from_str::<Value>(&answer).expect("JSON")["value"].take()
    }

    pub fn open(&self, url: &str) {
        self.ask("POST", "url", Some(&json!({ "url": url })));
    }

    /// What a script in the page returns.
    pub fn run(&self, script: &str) -> Value {
        self.ask("POST", "execute/sync", Some(&json!({ "script": script, "args": [] })))
    }

    /// The text of an element.
    pub fn text(&self, id: &str) -> String {
        let text = self.run(&format!("return document.getElementById('{id}').textContent"));
        text.as_str().unwrap_or_default().into()
    }

    /// Clicks as a person does: what lies above an element, or hides it, keeps it from that.
    pub fn click(&self, id: &str) {
        let element = self.element(id);
        self.ask("POST", &format!("element/{element}/click"), Some(&json!({})));
    }

    /// Types over what is in a field.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.ask("POST", &format!("element/{element}/clear"), Some(&json!({})));
        self.ask("POST", &format!("element/{element}/value"), Some(&json!({ "text": text })));
    }

    fn element(&self, id: &str) -> String {
        self.find(&format!("#{id}"))
    }

    fn find(&self, css: &str) -> String {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.ask("POST", "element", Some(&by));
        let found = found.as_object().and_then(|found| found.values().next()?.as_str());
        found.expect("an element").into()
    }

    /// Waits until a script returns true.
    pub fn until(&self, what: &str, script: &str) {
        let end = Instant::now() + super::PATIENCE;
        while self.run(script) != Value::Bool(true) {
            assert!(Instant::now() < end, "never came in the page: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Keeps a picture of the page.
    pub fn picture(&self, path: &Path) {
        let picture = self.ask("GET", "screenshot", None);
        let bytes = base64(picture.as_str().expect("base64"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, bytes).expect("writable");
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.ask("POST", "window/rect", Some(&json!({ "width": width, "height": height })));
    }

    /// What the page wrote to its console at the level of an error.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("POST", "se/log", Some(&json!({ "type": "browser" })));
        let lines = log.as_array().cloned().unwrap_or_default();
        let errors = lines.iter().filter(|line| line["level"] == "SEVERE");
        errors.map(|line| line["message"].as_str().unwrap_or_default().into()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = request(self.address, "DELETE", &format!("/session/{}", self.session), None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Base64 as in RFC 4648 section 4; anything else is left out.
fn base64(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let values: Vec<u8> = text.bytes().filter_map(value).collect();
    let mut bytes = Vec::with_capacity(values.len() * 3 / 4);
    for group in values.chunks(4) {
        let bits = group.iter().fold(0u32, |bits, value| bits << 6 | u32::from(*value));
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
