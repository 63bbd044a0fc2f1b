//! Sections, overrides and problems.

mod difference;
mod precedence;
mod schema;
mod secrets;

use super::*;

fn parse(text: &str) -> Config {
    Config::parse(Path::new("host.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

/// The default with some text at its end.
fn with(more: &str) -> String {
    format!("{DEFAULT}\n{more}")
}

/// All problems of a text, each as it is told.
fn problems(text: &str, overrides: &Overrides) -> Vec<String> {
    let (_, problems) = Config::check(Path::new("host.toml"), text, overrides);
    problems.iter().map(ToString::to_string).collect()
}

fn replaced(from: &str, to: &str) -> String {
    assert!(DEFAULT.contains(from), "{from:?} is not in the default");
    DEFAULT.replacen(from, to, 1)
}

fn flags(list: &[&str]) -> Overrides {
    let list: Vec<String> = list.iter().map(|one| (*one).into()).collect();
    Overrides::new(&[], &list)
}

fn variables(list: &[(&str, &str)]) -> Overrides {
    let list: Vec<_> = list.iter().map(|(one, two)| ((*one).into(), (*two).into())).collect();
    Overrides::new(&list, &[])
}

#[test]
fn the_default_is_right_and_has_neither_journal_nor_control_plane() {
    assert_eq!(problems(DEFAULT, &Overrides::default()), Vec::<String>::new());
    let config = parse(DEFAULT);
    assert_eq!(config.journal().expect("right"), None);
    assert_eq!(config.control().expect("right"), None);
}

#[test]
fn a_journal_has_defaults_and_a_folder_beside_the_configuration() {
    let text = with("[journal]\nfolder = \"day\"\n");
    let config = Config::parse(Path::new("/etc/tercel/host.toml"), &text).expect("right");
    let settings = config.journal().expect("right").expect("there");
    assert_eq!(
        settings,
        journal::JournalSettings {
            folder: "/etc/tercel/day".into(),
            segment_bytes: 64 << 20,
            sync: journal::Sync::Interval(tercel_types::Nanos::from_millis(10)),
            tape_bytes: 4 << 20,
            overflow: journal::Overflow::Pause,
        }
    );
    let cases = [
        ("", "`journal.folder`: is missing in [journal]"),
        ("folder = \"\"", "name a folder"),
        ("folder = \"x\"\ntape_kib = 100", "`journal.tape_kib` is 100: must be a power of two"),
        ("folder = \"x\"\ntape_kib = 32", "`journal.tape_kib` is 32: must be 64 to 1048576"),
        ("folder = \"x\"\nsegment_mib = 0", "`journal.segment_mib` is 0: must be 1 to 4096"),
        ("folder = \"x\"\nsync = \"often\"", "`journal.sync` is \"often\": unknown variant"),
        ("folder = \"x\"\noverflow = \"wait\"", "`pause` or `lose`"),
        ("folder = \"x\"\nsync_ms = 0", "`journal.sync_ms` is 0: must be 1 to 60000"),
    ];
    for (text, wanted) in cases {
        let told = problems(&with(&format!("[journal]\n{text}\n")), &Overrides::default());
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].contains(wanted) && told[0].starts_with("host.toml:"), "{told:?}");
    }
}

#[test]
fn a_control_plane_that_others_reach_takes_tokens_and_certificates() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = |text: &str| {
        let text = with(&format!("[control]\n{text}\n"));
        let config = Config::parse(&folder.path().join("host.toml"), &text).expect("readable");
        config.control().map_err(|error| error.to_string())
    };
    let local = control("").expect("right").expect("there");
    assert_eq!(local.listen.to_string(), "127.0.0.1:0");
    let settings = (local.tokens, local.without_token, local.tls, local.streams_max);
    assert_eq!(settings, (None, control::Role::None, None, 2_000));
    let operator = control("listen = \"[::1]:8080\"\nwithout_token = \"operator\"");
    assert_eq!(operator.expect("right").expect("there").without_token, control::Role::Operator);
    let remote = "listen = \"0.0.0.0:8080\"\n";
    let error = control(remote).expect_err("open to all");
    for wanted in ["`control.listen` is \"0.0.0.0:8080\"", "tokens, certificate, key, client_ca"] {
        assert!(error.contains(wanted), "{error}");
    }
    let files = "certificate = \"a.pem\"\nkey = \"a.key\"\nclient_ca = \"ca.pem\"\n";
    let error = control(&format!("{remote}{files}")).expect_err("no tokens");
    assert!(error.contains("missing: tokens."), "{error}");
    std::fs::write(folder.path().join("tokens.toml"), "").expect("written");
    let error = control(&format!("{remote}{files}")).expect_err("no files");
    assert!(error.contains("a.pem cannot be read"), "{error}");
    for file in ["a.pem", "a.key", "ca.pem"] {
        std::fs::write(folder.path().join(file), "").expect("written");
    }
    let there = control(&format!("{remote}{files}")).expect("right").expect("there");
    assert_eq!(there.tokens, Some(folder.path().join("tokens.toml")));
    assert_eq!(there.tls.expect("TLS").key, folder.path().join("a.key"));
    let error = control(&format!("{remote}{files}without_token = \"viewer\"")).expect_err("open");
    assert!(error.contains("`control.without_token` is \"viewer\""), "{error}");
    for (text, wanted) in [
        ("certificate = \"a.pem\"", "needs control.key"),
        ("key = \"a.key\"", "needs control.certificate"),
        ("client_ca = \"ca.pem\"", "needs control.certificate and control.key"),
        ("tokens = \"none.toml\"", "none.toml cannot be read"),
        ("streams_max = 0", "`control.streams_max` is 0: must be 1 to 65536"),
    ] {
        let error = control(text).expect_err(text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn errors_name_the_variable_or_the_flag_and_the_key_that_was_meant() {
    let cases = [
        (
            variables(&[("TERCEL__QUOTE__ORDER_QYT", "1")]),
            "TERCEL__QUOTE__ORDER_QYT",
            "`quote.order_qty`",
        ),
        (
            variables(&[("TERCEL__QUOTE__ORDER_QTY", "0")]),
            "TERCEL__QUOTE__ORDER_QTY",
            "1 to 1000000",
        ),
        (variables(&[("TERCEL__QUOTE__ORDER_QTY", "x")]), "TERCEL__QUOTE__ORDER_QTY", "is \"x\""),
        (variables(&[("TERCEL__RIKS__ORDERS_MAX", "1")]), "TERCEL__RIKS__ORDERS_MAX", "`risk`"),
        (
            variables(&[("TERCEL__QUOTE__ORDER_QTY", "1"), ("TERCEL__quote__ORDER_QTY", "1")]),
            "TERCEL__quote__ORDER_QTY",
            "same key as TERCEL__QUOTE__ORDER_QTY",
        ),
        (flags(&["quote.order_qty=0"]), "--set quote.order_qty", "1 to 1000000"),
        (flags(&["instrument[SIM009].order_qty=1"]), "--set instrument[SIM009]", "SIM000, SIM001"),
        (flags(&["quote.order_qty.deep=1"]), "--set quote.order_qty.deep", "no keys below"),
        (flags(&["quote.order_qty"]), "--set number 1", "KEY=VALUE"),
        (flags(&["quote=1"]), "--set quote", "is a table"),
        (flags(&["orders.password=hunter2"]), "--set orders.password", "orders.password_file"),
    ];
    for (overrides, place, wanted) in cases {
        let told = problems(DEFAULT, &overrides);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(place) && told[0].contains(wanted), "{wanted}: {told:?}");
    }
}

#[test]
fn whole_tables_and_lists_can_be_set() {
    let overrides = flags(&[
        "instrument=[{ symbol = \"AAA\" }, { symbol = \"BRK.B\" }]",
        "instrument[BRK.B].order_qty=7",
        "path.af_xdp.queues=[1, 2]",
    ]);
    let config = Config::assemble(Path::new("host.toml"), DEFAULT, &overrides).expect("right");
    let symbols: Vec<_> = config.values.instrument.iter().map(|one| &one.symbol[..]).collect();
    assert_eq!(symbols, ["AAA", "BRK.B"]);
    assert_eq!(config.values.instrument[1].order_qty, Some(7));
    assert!(problems(DEFAULT, &overrides).is_empty());
}

#[test]
fn all_problems_are_told_at_once_each_with_its_line() {
    let text = replaced("order_qty = 100 ", "order_qyt = 100 ")
        .replacen("gamma = 0.1 ", "gamma = -1.0 ", 1)
        .replacen("net_max = 5000000", "net_max = \"much\"", 1)
        .replacen("\"239.192.77.2:31002\"", "\"239.192.77.1:31001\"", 1)
        .replacen("collar_bps = 300 ", "collar_bps = 20000 ", 1)
        .replacen("\"SIM001\"", "\"SIM 1\"", 1)
        + "[journal]\nfolder = \"x\"\ntape_kib = 3\n[control]\nlisten = \"0.0.0.0:1\"\n";
    let told = problems(&text, &flags(&["book.orders_maxx=1"]));
    for wanted in [
        "quote.order_qyt`: no such key in [quote]; did you mean `quote.order_qty`",
        "quote.order_qty`: is missing",
        "`strategy.avellaneda-stoikov.gamma` is -1",
        "`risk.account.net_max` is \"much\"",
        "`feed.line_b`",
        "`risk.instrument.collar_bps` is 20000",
        "`instrument[1].symbol` is \"SIM 1\"",
        "`journal.tape_kib` is 3",
        "`control.listen`",
        "did you mean `book.orders_max`",
    ] {
        assert!(told.iter().any(|one| one.contains(wanted)), "{wanted}: {told:#?}");
    }
    assert_eq!(told.len(), 10, "{told:#?}");
    let line = text.lines().position(|line| line.contains("\"much\"")).expect("there") + 1;
    assert!(told.iter().any(|one| one.starts_with(&format!("host.toml:{line}: "))), "{told:#?}");
}

#[test]
fn texts_that_are_no_toml_or_no_configuration_are_refused() {
    for text in ["[orders", "\u{0}", "", "feed = 1", "instrument = [1]", "orders = [\"hunter2\"]"] {
        let told = problems(text, &Overrides::default());
        assert!(!told.is_empty() && told.iter().all(|one| !one.contains("hunter2")), "{told:?}");
    }
}
