//! SQL over the journal of a host that has traded and over the feed of that time, against a naive
//! count of the lines that `journal show` prints.

mod harness;

use harness::{Place, Process, TERCEL, count, eventually, tercel, tercel_err, tercel_ok};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tercel_journal::{Config, Journal, Sync};
use tercel_types::Nanos;

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

/// A host that has traded, and what it left.
struct Traded {
    place: Place,
    journal: String,
    events: String,
    /// Every record, as `journal show` prints it.
    lines: Vec<Value>,
    /// Events that were converted.
    converted: Value,
}

/// A venue, a recorder of its feed, and a host with a journal that may not trade one instrument.
fn traded() -> Traded {
    let place = Place::new();
    let lines = json!({ "line_a": place.line_a, "line_b": place.line_b });
    let recordings = place.file("recordings");
    let config = place.config(&lines, &SYMBOLS, &[]);
    let recorder = ["capture", "record", "--config", &config, "--out", &recordings, "--json"];
    let recorder = Process::start(&recorder, &place.folder.path().join("recorder.log"));
    eventually("the recorder listens", || recorder.said().contains("recording to"));
    let (mut venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let config = place.config(&addresses, &SYMBOLS, &[]);
    let text = std::fs::read_to_string(&config).expect("readable");
    let restricted = "symbol = \"SIM003\"\nrisk = { restricted = true }\n";
    let text = text.replace("symbol = \"SIM003\"\n", restricted);
    std::fs::write(&config, text + "\n[journal]\nfolder = \"journal\"\n").expect("written");
    let mut host = place.host(&config, "orders.bin");
    host.until("fills", |report| {
        count(report, "fills_bought") >= 3 && count(report, "fills_sold") >= 3
    });
    host.stop_ok();
    venue.tell("end");
    venue.stop_ok();
    recorder.stop_ok();
    let (journal, events) = (place.file("journal"), place.file("events"));
    let convert = ["capture", "convert", &recordings, "--out", &events, "--json"];
    let converted = serde_json::from_str(&tercel_ok(&convert)).expect("JSON");
    let lines = rows(&["journal", "show", &journal, "--json"]);
    Traded { place, journal, events, lines, converted }
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let out = tercel_ok(arguments);
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

impl Traded {
    /// The rows of a query over both.
    fn ask(&self, sql: &str) -> Vec<Value> {
        rows(&["query", sql, "--journal", &self.journal, "--data", &self.events, "--json"])
    }

    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line["kind"] == kind)
    }

    /// Executions once each: a start brings back what the venue had told.
    fn fills(&self) -> BTreeMap<(u64, u64), &Value> {
        let fills = self.of("answered").filter(|line| line["what"] == "executed");
        fills.map(|line| ((whole(line, "user_ref"), whole(line, "match_number")), line)).collect()
    }
}

fn whole(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap_or_else(|| panic!("{name} of {row}"))
}

/// The names of all tables of a journal, as the help lists them.
fn tables() -> Vec<String> {
    let help = tercel_ok(&["query", "--help"]);
    let from = help.split_once("an instrument:").expect("the tables of a journal").1;
    let list = from.split_once("Table of --data").expect("the table of events").0;
    list.split(',').map(|name| name.trim().to_string()).collect()
}

#[test]
fn a_journal_and_the_feed_of_its_time_answer_as_their_lines_do() {
    let traded = traded();
    every_kind_is_a_table_with_as_many_rows_as_there_are_records(&traded);
    sums_and_joins_are_those_of_a_naive_count(&traded);
    events_are_those_that_were_converted_and_join_by_match_number(&traded);
    the_examples_of_the_help_are_answered(&traded);
    the_forms_hold_the_same(&traded);
    what_is_wrong_is_said_on_one_line(&traded);
}

fn every_kind_is_a_table_with_as_many_rows_as_there_are_records(traded: &Traded) {
    let tables = tables();
    assert!(tables.len() > 15 && tables.contains(&"unreadable".to_string()), "{tables:?}");
    let counts: Vec<String> =
        tables.iter().map(|t| format!("SELECT '{t}' AS name, count(*) AS n FROM {t}")).collect();
    let mut empty = 0;
    for row in traded.ask(&counts.join(" UNION ALL ")) {
        let name = row["name"].as_str().expect("text");
        assert_eq!(whole(&row, "n"), traded.of(name).count() as u64, "{name}");
        empty += u64::from(row["n"] == 0);
    }
    assert!(empty > 0 && empty < tables.len() as u64 - 6, "{empty}");
    for name in &tables {
        let columns = traded.ask(&format!("DESCRIBE {name}"));
        let columns: BTreeSet<&str> =
            columns.iter().map(|row| row["column_name"].as_str().expect("text")).collect();
        assert!(columns.contains("sequence") && columns.contains("time_ns"), "{columns:?}");
        // What the lines call a field is what a query calls it.
        for line in traded.of(name).filter(|_| !columns.contains("json")) {
            let keys = line.as_object().expect("an object").keys();
            let unknown = |key: &&String| {
                !columns.contains(key.as_str()) && !matches!(key.as_str(), "kind" | "hex")
            };
            assert_eq!(keys.filter(unknown).next(), None, "{name}");
        }
        let columns: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        traded.ask(&format!("SELECT {} FROM {name} LIMIT 3", columns.join(", ")));
    }
}

fn sums_and_joins_are_those_of_a_naive_count(traded: &Traded) {
    let fills = traded.fills();
    let mut wanted = BTreeMap::<(String, String), (u64, i64)>::new();
    for line in fills.values() {
        let text = |name: &str| line[name].as_str().expect("text").to_string();
        let sums = wanted.entry((text("symbol"), text("side"))).or_default();
        sums.0 += whole(line, "qty");
        sums.1 += whole(line, "qty") as i64 * line["execution_price_e4"].as_i64().expect("e4");
    }
    let sql = "SELECT symbol, side, sum(qty) AS shares, sum(qty * execution_price_e4) AS money_e4 \
        FROM (SELECT DISTINCT symbol, side, user_ref, match_number, qty, execution_price_e4 \
          FROM answered WHERE what = 'executed') GROUP BY symbol, side";
    let found: BTreeMap<_, _> = traded
        .ask(sql)
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().expect("text").to_string();
            let money = row["money_e4"].as_i64().unwrap_or_else(|| panic!("{row}"));
            ((text("symbol"), text("side")), (whole(row, "shares"), money))
        })
        .collect();
    assert!(wanted.len() >= 2);
    assert_eq!(found, wanted);

    let refused = |why: &str| {
        let ours = traded.of("intended").filter(|line| line["fate"] == "refused");
        ours.filter(|line| line["why"] == why && line["symbol"] == "SIM003").count() as u64
    };
    let sql = "SELECT why, count(*) AS n FROM intended \
        WHERE fate = 'refused' AND symbol = 'SIM003' GROUP BY why";
    let rows = traded.ask(sql);
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(whole(&row, "n"), refused(row["why"].as_str().expect("text")), "{row}");
    }

    // Against the mid that the decision saw, of those orders whose intent is in the journal.
    let intents: BTreeMap<u64, &Value> = traded
        .of("intended")
        .filter(|line| line["fate"] == "sent" && line["user_ref"] != 0)
        .map(|line| (whole(line, "user_ref"), line))
        .collect();
    let slippages: Vec<f64> = fills
        .values()
        .filter_map(|fill| {
            let intent = intents.get(&whole(fill, "user_ref"))?;
            let e4 = |line: &Value, name: &str| line[name].as_f64().expect("a number");
            let sign = if fill["side"] == "buy" { 1.0 } else { -1.0 };
            let mid = (e4(intent, "bid_e4") + e4(intent, "ask_e4")) / 2.0;
            Some(sign * (e4(fill, "execution_price_e4") - mid))
        })
        .collect();
    assert!(slippages.len() >= 6, "{}", slippages.len());
    let sql = "SELECT count(*) AS n, avg(CASE i.side WHEN 'buy' THEN 1 ELSE -1 END \
          * (f.execution_price_e4 - (i.bid_e4 + i.ask_e4) / 2.0)) AS slippage_e4 \
        FROM (SELECT DISTINCT user_ref, match_number, execution_price_e4 \
          FROM answered WHERE what = 'executed') f \
        JOIN intended i ON i.user_ref = f.user_ref AND i.fate = 'sent'";
    let row = &traded.ask(sql)[0];
    assert_eq!(whole(row, "n"), slippages.len() as u64);
    let mean = slippages.iter().sum::<f64>() / slippages.len() as f64;
    let found = row["slippage_e4"].as_f64().unwrap_or_else(|| panic!("{row}"));
    assert!((found - mean).abs() < 1e-3, "{found} {mean}");
}

fn events_are_those_that_were_converted_and_join_by_match_number(traded: &Traded) {
    let sql = "SELECT count(*) AS n, count(seq) AS m, count(DISTINCT symbol) AS s FROM events";
    let alone = rows(&["query", sql, "--data", &traded.events, "--json"]);
    assert_eq!((&alone[0]["n"], &alone[0]["m"]), {
        (&traded.converted["events"], &traded.converted["messages"])
    });
    assert_eq!(alone[0]["s"], 5, "four instruments and the market");
    assert_eq!(traded.ask(sql), alone);
    // The venue shows each of our executions to everybody, and once.
    let sql = "SELECT count(*) AS n, sum(abs(f.qty - e.quantity)) AS differences, \
          min(f.time_ns) AS first_ns, min(CAST(e.received AS BIGINT) - f.time_ns) AS earliest_ns \
        FROM (SELECT DISTINCT ON (match_number) * FROM answered WHERE what = 'executed') f \
        JOIN events e ON e.symbol = f.symbol AND e.instrument = f.instrument \
          AND e.second_ref = f.match_number \
        WHERE e.kind = 'EXECUTED'";
    let row = &traded.ask(sql)[0];
    let fills = traded.fills();
    let matches: BTreeSet<u64> = fills.keys().map(|(_, number)| *number).collect();
    assert_eq!(whole(row, "n"), matches.len() as u64, "{row}");
    assert_eq!(row["differences"], 0, "{row}");
    assert_eq!(Some(whole(row, "first_ns")), fills.values().map(|f| whole(f, "time_ns")).min());
    let seconds = row["earliest_ns"].as_i64().expect("a number") / 1_000_000_000;
    assert!(seconds.abs() < 60, "a difference has a sign: {row}");

    // What the market paid for a share: a book of prices by order, kept by hand.
    let all = "SELECT symbol, kind, order_ref, second_ref, price_e4, quantity \
        FROM events WHERE instrument > 0 ORDER BY seq";
    let (mut prices, mut paid) = (BTreeMap::new(), BTreeMap::<String, (i64, i64)>::new());
    for event in traded.ask(all) {
        let order = whole(&event, "order_ref");
        match event["kind"].as_str().expect("text") {
            "ADD" => {
                prices.insert(order, event["price_e4"].as_i64());
            }
            "REPLACED" => {
                prices.insert(whole(&event, "second_ref"), event["price_e4"].as_i64());
            }
            "EXECUTED" => {
                let symbol = event["symbol"].as_str().expect("text").to_string();
                let sums = paid.entry(symbol).or_default();
                let shares = event["quantity"].as_i64().expect("shares");
                sums.0 += shares * prices[&order].expect("a price");
                sums.1 += shares;
            }
            _ => {}
        }
    }
    let sql = "SELECT e.symbol, sum(o.price_e4 * e.quantity) AS money_e4, \
          sum(e.quantity) AS shares \
        FROM events e JOIN events o ON o.kind IN ('ADD', 'ADD_ATTRIBUTED', 'REPLACED') \
          AND e.order_ref = CASE o.kind WHEN 'REPLACED' THEN o.second_ref ELSE o.order_ref END \
        WHERE e.kind = 'EXECUTED' GROUP BY e.symbol";
    let found: BTreeMap<String, (i64, i64)> = traded
        .ask(sql)
        .iter()
        .map(|row| {
            let number = |name: &str| row[name].as_i64().unwrap_or_else(|| panic!("{row}"));
            let symbol = row["symbol"].as_str().expect("text").to_string();
            (symbol, (number("money_e4"), number("shares")))
        })
        .collect();
    assert_eq!(found, paid);
    assert_eq!(found.len(), SYMBOLS.len());
}

/// The examples: what stands between quotes, and the options behind it.
fn the_examples_of_the_help_are_answered(traded: &Traded) {
    let help = tercel_ok(&["query", "--help"]);
    let examples = help.split_once("Examples:").expect("examples").1;
    let mut asked = 0;
    for example in examples.split("tercel query \"").skip(1) {
        let (sql, rest) = example.split_once('"').expect("an end of the query");
        let options = rest.lines().next().expect("options");
        let options = options.split_whitespace().map(|word| match word {
            "journal" => traded.journal.as_str(),
            "events" => &traded.events,
            other => other,
        });
        let sql = sql.replace("AAPL", "SIM000");
        let out = tercel_ok(&[&["query", &sql], &options.collect::<Vec<_>>()[..]].concat());
        // A table has four lines without a row. The venue has refused nothing.
        let lines_without = if rest.starts_with(" --journal journal\n") { 4 } else { 0 };
        assert!(out.lines().count() > lines_without, "{sql}: {out}");
        asked += 1;
    }
    assert!(asked >= 7, "{asked}");
}

fn the_forms_hold_the_same(traded: &Traded) {
    let form = |sql: &str, form: &[&str]| {
        tercel_ok(&[&["query", sql, "--journal", &traded.journal], form].concat())
    };
    let sql = "SELECT 1 AS one, 'a,b' AS text, CAST(NULL AS INT) AS nothing";
    assert_eq!(form(sql, &["--csv"]), "one,text,nothing\n1,\"a,b\",\n");
    assert_eq!(form(sql, &["--json"]), "{\"one\":1,\"text\":\"a,b\",\"nothing\":null}\n");
    assert!(form(sql, &[]).contains("| 1   | a,b  |         |"), "{}", form(sql, &[]));
    let none = "SELECT symbol, qty FROM answered WHERE qty = 123456789";
    assert_eq!(form(none, &["--csv"]), "symbol,qty\n");
    assert_eq!(form(none, &["--json"]), "");
    assert!(form(none, &[]).contains("| symbol | qty |"));
    // More rows than one batch, and than one table for people.
    let many = "SELECT value FROM generate_series(1, 20000)";
    assert_eq!(form(many, &["--csv"]).lines().count(), 20_001);
    assert_eq!(form(many, &["--json"]).lines().last(), Some("{\"value\":20000}"));
    let table = form(many, &[]);
    assert_eq!(table.lines().filter(|line| line.contains("value")).count(), 3);
    assert_eq!(table.lines().filter(|line| line.starts_with("| ")).count(), 20_003);
    // Bytes, and text that a terminal could take for a command.
    for kind in ["received", "start", "deed"] {
        let sql = format!("SELECT * FROM {kind}");
        for arguments in [&[][..], &["--csv"], &["--json"]] {
            form(&sql, arguments);
        }
    }
    let hostile = form("SELECT '\u{1b}[2Jx' AS text", &[]);
    assert!(hostile.contains("?[2Jx") && !hostile.contains('\u{1b}'), "{hostile}");
}

fn what_is_wrong_is_said_on_one_line(traded: &Traded) {
    let Traded { place, journal, events, .. } = traded;
    let both = |sql: &str| tercel_err(&["query", sql, "--journal", journal, "--data", events]);
    let unknown = both("SELECT * FROM nothing");
    assert!(unknown.contains("nothing' not found; there are events, named, intended"), "{unknown}");
    assert!(both("SELECT nothing FROM intended").contains("No field named nothing"));
    for (sql, why) in [
        ("DROP TABLE events", "DDL not supported"),
        ("CREATE TABLE t AS SELECT * FROM intended", "DDL not supported"),
        ("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/tmp'", "DDL not supported"),
        ("INSERT INTO intended SELECT * FROM intended", "DML not supported"),
        ("DELETE FROM answered", "DML not supported"),
        ("COPY intended TO 'x.parquet'", "DML not supported"),
        ("EXPLAIN ANALYZE COPY intended TO 'x.parquet'", "not supported"),
        ("SET datafusion.execution.batch_size = 1", "Statement not supported"),
        ("SELEKT", "SQL error"),
        ("SELECT 1; SELECT 2", "single SQL statement"),
        ("", "No SQL statements"),
        ("SELECT 'a' + INTERVAL", "error"),
    ] {
        let said = both(sql);
        assert!(said.contains(why), "{sql}: {said}");
    }
    assert!(!Path::new("x.parquet").exists());
    let nested = |depth| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(both(&nested(8_000)).contains("RecursionLimit"));
    assert!(both(&nested(9_000)).contains("at most 16384 are read"));
    // A chain is no deep text, and a deep tree all the same.
    let chain = format!("SELECT {}1 AS sum", "1+".repeat(1_500));
    assert_eq!(tercel_ok(&["query", &chain, "--data", events, "--csv"]), "sum\n1501\n");

    let twice = "SELECT a.symbol, i.symbol FROM answered a JOIN intended i USING (user_ref)";
    let said = tercel_err(&["query", twice, "--journal", journal, "--json"]);
    assert!(said.contains("two columns are called symbol"), "{said}");

    let only = |sql: &str, option: &str, folder: &str| tercel_err(&["query", sql, option, folder]);
    assert!(only("SELECT * FROM events", "--journal", journal).contains("--data FOLDER"));
    assert!(only("SELECT * FROM paused", "--data", events).contains("paused takes --journal"));
    let none = "/no/such/folder";
    assert!(only("SELECT 1", "--data", none).contains("no such folder"));
    assert!(only("SELECT 1", "--journal", none).contains("is no folder"));
    let other = place.file("recordings");
    let said = only("SELECT * FROM answered", "--journal", &other);
    assert!(said.contains("holds no journal"), "{said}");
    let tables = place.file("tables");
    tercel_ok(&["journal", "export", journal, "--out", &tables]);
    for other in [journal, &tables] {
        let said = only("SELECT * FROM events", "--data", other);
        assert!(said.contains("no events; `capture convert`"), "{said}");
    }
    let strange = place.file("with[brackets]");
    std::fs::create_dir(&strange).expect("a folder");
    assert!(only("SELECT * FROM events", "--data", &strange).contains("without *"));
    let neither = tercel(&["query", "SELECT 1"]);
    let said = String::from_utf8_lossy(&neither.stderr);
    assert!(!neither.status.success() && said.contains("<--journal <FOLDER>|--data"), "{said}");
}

/// A journal of `batches` batches with ten records each, and its only segment.
fn journal(place: &Place, name: &str, batches: u64) -> (String, PathBuf) {
    let folder = place.folder.path().join(name);
    let config = Config { folder: folder.clone(), segment_bytes: 1 << 20, sync: Sync::Never };
    let (mut journal, _) = Journal::open(config, Nanos(1)).expect("a journal");
    for batch in 0..batches {
        for record in 0..10 {
            // `lost`, of one word.
            let entries = (batch * 10 + record).to_le_bytes();
            journal.append(0xb, Nanos(batch), &entries).expect("appended");
        }
        journal.commit(Nanos(batch)).expect("committed");
    }
    journal.close(Nanos(batches)).expect("closed");
    let files = std::fs::read_dir(&folder).expect("a folder").map(|file| file.expect("one").path());
    let mut segments = files.filter(|path| path.extension().is_some_and(|end| end == "tcj"));
    let segment = segments.next().expect("a segment");
    (folder.display().to_string(), segment)
}

#[test]
fn of_a_torn_or_damaged_journal_what_can_be_read_is_asked_and_its_end_is_named() {
    let place = Place::new();
    let temporary = place.file("temporary");
    std::fs::create_dir(&temporary).expect("a folder");
    let ask = |folder: &str| {
        let sql = "SELECT count(*) AS n, sum(entries) AS sum FROM lost";
        let mut command = Command::new(TERCEL);
        command.args(["query", sql, "--csv", "--journal", folder]).env("TMPDIR", &temporary);
        let output = command.output().expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        assert_eq!(std::fs::read_dir(&temporary).expect("a folder").count(), 0);
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (whole, _) = journal(&place, "whole", 5);
    assert_eq!(ask(&whole), (true, "n,sum\n50,1225\n".into(), String::new()));
    let (empty, _) = journal(&place, "empty", 0);
    assert_eq!(ask(&empty), (true, "n,sum\n0,\n".into(), String::new()));

    // The last bytes of the last batch never reached the disk.
    let (torn, segment) = journal(&place, "torn", 5);
    let mut bytes = std::fs::read(&segment).expect("readable");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("records") + 1;
    bytes[end - 30..end].fill(0);
    std::fs::write(&segment, &bytes).expect("written");
    let (is_good, out, said) = ask(&torn);
    assert_eq!((is_good, out.as_str()), (true, "n,sum\n40,780\n"), "{said}");
    assert!(said.starts_with("warning: ") && said.contains("ends with record 40"), "{said}");

    // A byte in the middle is another.
    let (damaged, segment) = journal(&place, "damaged", 5);
    let mut bytes = std::fs::read(&segment).expect("readable");
    bytes[end / 2] ^= 1;
    std::fs::write(&segment, &bytes).expect("written");
    let (is_good, out, said) = ask(&damaged);
    let rows: u64 =
        out.lines().nth(1).and_then(|row| row.split(',').next()?.parse().ok()).expect("n");
    assert!(is_good && rows > 0 && rows < 50 && rows % 10 == 0, "{rows}");
    assert!(
        said.contains(&format!("up to {rows} are asked")) && said.contains("altered"),
        "{said}"
    );
    assert!(said.contains("offset"), "{said}");

    // Without its header nothing can be read.
    bytes[..64].fill(0);
    std::fs::write(&segment, &bytes).expect("written");
    let (is_good, out, said) = ask(&damaged);
    assert!(!is_good && out.is_empty() && said.contains("header"), "{said}");
}

#[test]
fn a_large_answer_keeps_to_its_memory_and_ends_with_its_reader() {
    let place = Place::new();
    let (folder, _) = journal(&place, "journal", 1);
    let ask = |sql: &str| -> Vec<String> {
        ["query", sql, "--journal", &folder, "--memory-mib", "16"].map(String::from).into()
    };
    // Sorting goes to the disk.
    let sorted = "SELECT max(n) AS n FROM (SELECT row_number() OVER (ORDER BY -value) AS n \
        FROM generate_series(1, 3000000))";
    let sorted = ask(sorted);
    let sorted: Vec<&str> = sorted.iter().map(String::as_str).collect();
    assert!(tercel_ok(&sorted).contains("3000000"));
    // A join does not, and says so.
    let joined = ask("SELECT count(*) FROM generate_series(1, 3000000) a \
        JOIN generate_series(1, 3000000) b ON a.value = b.value");
    let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
    let said = tercel_err(&joined);
    assert!(said.contains("--memory-mib 16 is too little"), "{said}");

    let endless = ask("SELECT * FROM generate_series(1, 100000000000)");
    let mut child = Command::new(TERCEL)
        .args(&endless)
        .arg("--csv")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    for _ in 0..50_000 {
        line.clear();
        out.read_line(&mut line).expect("a line");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("KiB");
    assert!(peak < 512 << 10, "{peak} KiB");
    drop(out);
    assert!(child.wait().expect("it ends").success());

    // A signal ends it, and nothing is left behind.
    let temporary = place.file("temporary");
    std::fs::create_dir(&temporary).expect("a folder");
    let endless = "SELECT count(*) FROM lost, generate_series(1, 100000000000)";
    let mut child = Command::new(TERCEL)
        .args(["query", endless, "--journal", &folder])
        .env("TMPDIR", &temporary)
        .spawn()
        .expect("it starts");
    let left = || std::fs::read_dir(&temporary).expect("a folder").count();
    eventually("the journal's tables", || left() > 0);
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.expect("kill(1)").success());
    assert!(!child.wait().expect("it ends").success());
    assert_eq!(left(), 0);
}
