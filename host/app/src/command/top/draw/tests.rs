use super::draw;
use crate::command::top::follow::{Link, News};
use crate::command::top::model::{Dialog, Model, Pane};
use crate::command::top::page::Writer;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tercel_control::view::{
    Account, Clock, Feed, Fill, Instrument, JournalStatus, Latency, LimitUse, Order, State, Status,
};

const STAGES: [&str; 7] =
    ["feed", "book", "features", "policy", "risk", "gateway", "tick_to_trade"];

/// A host that trades `instruments` symbols.
fn state(instruments: usize) -> State {
    let symbol = |i: usize| format!("SIM{i:03}");
    let instrument = |i: usize| Instrument {
        symbol: symbol(i),
        state: "trading".into(),
        bid_e4: 1_000_000 + 100 * i as i64,
        ask_e4: 1_000_250 + 100 * i as i64,
        position: 10 * i as i64 - 100,
        realised_e4: 123_400 + i as i64 * 10_000,
        unrealised_e4: -23_400,
        open_orders: i as u32,
        fills: 1_000 + i as u64,
        ..Instrument::default()
    };
    let stage = |(i, stage): (usize, &&str)| Latency {
        stage: stage.to_string(),
        count: 5_000 + i as u64,
        p50_ns: 101 + i as u64,
        p90_ns: 150,
        p99_ns: 2_010 + 10 * i as u64,
        p999_ns: 3_010_000 + 10_000 * i as u64,
        max_ns: 4_010_000_000 + 10_000_000 * i as u64,
        recent: Vec::new(),
    };
    let order = |i: u32| Order {
        user_ref: 7_000 + i,
        symbol: symbol(i as usize),
        side: "buy".into(),
        price_e4: 999_900,
        qty: 300,
        open_qty: 200 + i,
        state: "open".into(),
        sent_ns: 41_000_000_000,
        ..Order::default()
    };
    let fill = |i: u32| Fill {
        symbol: symbol(i as usize),
        side: "sell".into(),
        price_e4: 1_000_001,
        qty: 55 + i,
        liquidity: "A".into(),
        position: -77,
        time_ns: 3_661_000_000_000,
        broken: i == 1,
        ..Fill::default()
    };
    let limit = |of: &str, limit: &str, used, max, is_money| LimitUse {
        of: of.into(),
        limit: limit.into(),
        used,
        max,
        is_money,
    };
    let counters = [("gaps_opened", 5), ("gaps_closed", 4), ("frames", 9_876), ("zero", 0)];
    State {
        status: Status {
            time_ns: 86_399_000_000_000,
            version: "0.1.0".into(),
            phase: "trading".into(),
            session: "ready".into(),
            events: 1_234_567,
            clock: Clock {
                source: "host".into(),
                ahead_ns: -120,
                discipline: "chrony".into(),
                synchronised: true,
                error_max_ns: Some(35_000),
            },
            journal: Some(JournalStatus {
                waiting_words: 12,
                tape_words: 65_536,
                ..JournalStatus::default()
            }),
            ..Status::default()
        },
        account: Account {
            pnl_e4: 12_345_600,
            realised_e4: 15_000_000,
            unrealised_e4: -2_654_400,
            drawdown_e4: 990_000,
            gross_e4: 50_000_000,
            net_e4: -770_000,
            credit_used_e4: 330_000,
            open_orders: 42,
            ..Account::default()
        },
        instruments: (0..instruments).map(instrument).collect(),
        book: None,
        orders: (0..3).map(order).collect(),
        fills: (0..3).map(fill).collect(),
        latency: STAGES.iter().enumerate().map(stage).collect(),
        feed: Feed {
            counters: counters.map(|(name, value)| (name.to_string(), value)).into(),
            rejects: BTreeMap::from([("collar".into(), 3)]),
        },
        use_of_limits: vec![
            limit("account", "gross_max", 1_000_000, 1_000_000, true),
            limit("SIM001", "position_max", 85, 100, false),
            limit("SIM002", "net_max", 10_000, 1_000_000, true),
        ],
    }
}

fn model(state: State, now: Instant) -> Model {
    let mut model = Model::new("127.0.0.1:9310", false, true);
    model.link = Link::Up;
    model.take(News { state, writer: None, came: now });
    model
}

/// The screen's rows.
fn shown(model: &Model, width: u16, height: u16, now: Instant) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame.area(), frame.buffer_mut(), model, now)).expect("drawn");
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(width.max(1).into());
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect()
}

/// Some row holds all of these, in this order.
fn has(rows: &[String], words: &[&str]) -> bool {
    rows.iter().any(|row| {
        let found = words
            .iter()
            .try_fold(&row[..], |rest, word| rest.find(word).map(|at| &rest[at + word.len()..]));
        found.is_some()
    })
}

#[track_caller]
fn assert_has(rows: &[String], words: &[&str]) {
    assert!(has(rows, words), "{words:?} in\n{}", rows.join("\n"));
}

fn lower(model: &Model, pane: Pane, now: Instant) -> Vec<String> {
    let mut other = Model::new(&model.source, false, model.colour);
    other.link = Link::Up;
    other.take(News { state: model.state.clone(), writer: None, came: now });
    (other.pane, other.lower) = (pane, pane);
    shown(&other, 80, 24, now)
}

#[track_caller]
fn assert_header(rows: &[String]) {
    assert_has(rows, &["tercel 0.1.0", "127.0.0.1:9310", "1,234,567", "23:59:59 UTC"]);
    assert_has(rows, &["phase trading", "session ready", "no alarms"]);
    assert_has(
        rows,
        &["journal lag 12/65,536 lost 0", "clock host chrony -120 ns synced ±35.0 µs"],
    );
    assert_has(rows, &["P&L +1,234.56", "realised +1,500.00", "unrealised -265.44"]);
    assert_has(rows, &["gross +5,000.00", "net -77.00", "credit +33.00"]);
    assert_has(rows, &["open orders 42"]);
    assert_has(rows, &["drawdown +99.00"]);
}

#[track_caller]
fn assert_pane(rows: &[String], pane: Pane) {
    match pane {
        Pane::Instruments => {
            assert_has(rows, &["SIM000", "trading", "100.00", "x", "100.025", "-100", "+10.00"]);
            let first = ["SIM001", "100.01", "x", "100.035", "-90", "+11.00", "1", "1,001"];
            assert_has(rows, &first);
        }
        Pane::Latency => {
            for (i, stage) in STAGES.iter().enumerate() {
                let (count, p50) = (format!("5,00{i}"), format!("10{} ns", i + 1));
                let rest = [format!("2.0{} µs", i + 1), format!("3.0{} ms", i + 1)];
                let max = format!("4.0{} s", i + 1);
                assert_has(rows, &[stage, &count, &p50, &rest[0], &rest[1], &max]);
            }
        }
        Pane::Feed => {
            assert_has(rows, &["gaps 5 of which open 1", "rejects 3"]);
            assert_has(rows, &["!reject collar", "3"]);
            assert_has(rows, &["!gaps opened", "5"]);
            assert_has(rows, &["frames", "9,876"]);
            assert!(!has(rows, &["zero"]));
        }
        Pane::Orders => {
            assert_has(rows, &["7000", "SIM000", "buy", "99.99", "200", "open"]);
            assert_has(rows, &["7002", "SIM002", "buy", "99.99", "202", "open"]);
        }
        Pane::Fills => {
            assert_has(rows, &["01:01:01", "SIM000", "sell", "100.0001", "55", "A", "-77"]);
            assert_has(rows, &["SIM001", "56", "A BROKEN", "-77"]);
        }
        Pane::Limits => {
            assert_has(rows, &["! 2 of 3 at 80 %"]);
            assert_has(rows, &["account gross_max", "100.00/100.00", "100 %!!"]);
            assert_has(rows, &["SIM001 position_max", "85/100", "█", "85 %!"]);
            assert_has(rows, &["SIM002 net_max", "1.00/100.00", "1 %"]);
        }
    }
}

#[test]
fn on_the_smallest_screen_every_figure_has_its_place_in_one_pane_or_another() {
    let now = Instant::now();
    let model = model(state(5), now);
    for pane in Pane::ALL {
        let rows = lower(&model, if pane == Pane::Instruments { Pane::Latency } else { pane }, now);
        assert_header(&rows);
        assert_pane(&rows, Pane::Instruments);
        assert_pane(&rows, pane);
        assert_has(&rows, &["q quit", "K kill switch", "? help"]);
    }
}

#[test]
fn on_a_large_screen_everything_is_there_at_once() {
    let now = Instant::now();
    let model = model(state(5), now);
    for (width, height) in [(120, 44), (200, 60), (500, 200)] {
        let rows = shown(&model, width, height, now);
        assert_header(&rows);
        for pane in Pane::ALL {
            assert_pane(&rows, pane);
        }
    }
}

#[test]
fn alarms_are_words() {
    let now = Instant::now();
    let mut state = state(1);
    let status = &mut state.status;
    status.tripped = "unrealised_loss".into();
    (status.stale, status.paused, status.held_up) = (true, true, true);
    status.silent_ns = 3_000_000_000;
    status.clock.synchronised = false;
    let journal = status.journal.get_or_insert_default();
    (journal.lost, journal.trouble) = (9, "disk full".into());
    state.instruments[0].paused = true;
    let rows = shown(&model(state, now), 100, 24, now);
    assert_has(&rows, &["TRIPPED unrealised_loss", "STALE", "PAUSED", "HELD UP", "SILENT 3.00 s"]);
    assert_has(&rows, &["lost 9", "UNSYNCED"]);
    assert_has(&rows, &["! JOURNAL: disk full"]);
    assert_has(&rows, &["SIM000", "trading P"]);
    assert!(!has(&rows, &["no alarms"]));
}

#[test]
fn an_empty_state_is_drawn_and_says_that_nothing_has_come() {
    let now = Instant::now();
    for (width, height) in [(80, 24), (200, 60)] {
        let nothing = Model::new("127.0.0.1:9310", false, true);
        assert_has(&shown(&nothing, width, height, now), &["nothing has come yet"]);
        let empty = shown(&model(State::default(), now), width, height, now);
        assert_has(&empty, &["instruments none"]);
        assert_has(&empty, &["no journal"]);
    }
}

#[test]
fn a_lost_connection_is_told_with_its_reason_and_the_age_of_the_figures() {
    let came = Instant::now();
    let now = came + Duration::from_secs(12);
    let mut model = model(state(1), came);
    assert_has(&shown(&model, 80, 24, now), &["SILENCE; figures are 12.0 s old"]);
    model.link = Link::Lost { why: "connection refused".into(), tries: 3 };
    let rows = shown(&model, 80, 24, now);
    assert_has(&rows, &["CONNECTION LOST", "12.0 s old", "try 3", "connection refused"]);
}

#[test]
fn a_counters_page_shows_counters_with_rates_and_latency() {
    let now = Instant::now();
    let mut model = Model::new("/dev/shm/tercel", true, true);
    model.link = Link::Up;
    let mut state = state(0);
    for _ in 0..3 {
        state.status.time_ns += 500_000_000;
        *state.feed.counters.get_mut("frames").expect("there") += 100;
        let writer = Some(Writer { pid: 4_242, runs: false });
        model.take(News { state: state.clone(), writer, came: now });
    }
    for (width, height) in [(80, 24), (200, 60)] {
        let rows = shown(&model, width, height, now);
        assert_pane(&rows[..], Pane::Latency);
        assert_has(&rows, &["/dev/shm/tercel", "process 4242"]);
        assert_has(&rows, &["frames", "10,176", "200/s"]);
        assert_has(&rows, &["PROCESS 4242 IS GONE"]);
        assert!(!has(&rows, &["kill"]));
    }
}

/// A state with the largest and the strangest that its types can hold.
fn extreme(value: i64, count: u64, word: &str) -> State {
    let mut state = state(3);
    let status = &mut state.status;
    for text in [&mut status.version, &mut status.phase, &mut status.session, &mut status.tripped] {
        *text = word.into();
    }
    (status.time_ns, status.events, status.silent_ns) = (count, count, count);
    (status.clock.ahead_ns, status.clock.error_max_ns) = (value, Some(count));
    status.clock.source = word.into();
    let journal = status.journal.get_or_insert_default();
    (journal.waiting_words, journal.tape_words, journal.lost) = (count, count, count);
    journal.trouble = word.into();
    let a = &mut state.account;
    (a.pnl_e4, a.realised_e4, a.unrealised_e4, a.drawdown_e4) = (value, value, value, value);
    (a.gross_e4, a.net_e4, a.credit_used_e4, a.open_orders) = (value, value, value, u32::MAX);
    for it in &mut state.instruments {
        (it.symbol, it.state) = (word.into(), word.into());
        (it.bid_e4, it.ask_e4, it.position) = (value, value, value);
        (it.realised_e4, it.unrealised_e4, it.fills) = (value, value, count);
        (it.open_orders, it.bid_qty, it.traded_qty) = (u32::MAX, count, count);
    }
    for it in &mut state.orders {
        (it.symbol, it.side, it.state) = (word.into(), word.into(), word.into());
        (it.price_e4, it.open_qty, it.user_ref) = (value, u32::MAX, u32::MAX);
    }
    for it in &mut state.fills {
        (it.symbol, it.side, it.liquidity) = (word.into(), word.into(), word.into());
        (it.price_e4, it.position, it.qty) = (value, value, u32::MAX);
    }
    for it in &mut state.latency {
        it.stage = word.into();
        (it.count, it.p50_ns, it.p99_ns) = (count, count, count);
        (it.p999_ns, it.max_ns) = (count, count);
    }
    for it in &mut state.use_of_limits {
        (it.of, it.limit, it.used) = (word.into(), word.into(), value);
        it.max = value.wrapping_neg();
    }
    state.feed.counters.insert(word.into(), count);
    state.feed.rejects.insert(word.into(), count);
    state
}

#[test]
fn extreme_figures_are_shortened_and_never_cut() {
    let now = Instant::now();
    let model = model(extreme(i64::MIN, u64::MAX, "trading"), now);
    for pane in Pane::ALL {
        let rows = lower(&model, if pane == Pane::Instruments { Pane::Latency } else { pane }, now);
        assert_has(&rows, &["P&L -922.3T", "realised -922.3T", "unrealised -922.3T"]);
        assert_has(&rows, &["net -922.3T", "credit -922.3T"]);
        assert_has(&rows, &["open orders 4.29B"]);
        assert_has(&rows, &["drawdown -922.3T"]);
        assert_has(&rows, &["lag 18.45E/18.45E", "lost 18.45E"]);
        let instrument = ["trading", "-922.3T", "x", "-922.3T", "-9.22E", "-922.3T", "18.45E"];
        assert_has(&rows, &instrument);
        match pane {
            Pane::Latency => assert_has(&rows, &["18.45E", "213503 d", "213503 d", "213503 d"]),
            Pane::Orders => assert_has(&rows, &["4294967295", "-922.3T", "4.29B"]),
            Pane::Fills => assert_has(&rows, &["-922.3T", "4.29B", "-9.22E"]),
            Pane::Limits => assert_has(&rows, &["-922.3T"]),
            Pane::Feed => assert_has(&rows, &["trading", "18.45E"]),
            Pane::Instruments => {}
        }
    }
}

#[test]
fn long_and_hostile_texts_keep_their_place_at_any_size() {
    let now = Instant::now();
    let words = ["X".repeat(10_000), "\x1b[2J\r\n\t\u{202e}".repeat(50), "字".repeat(300)];
    for (word, value) in words.iter().zip([i64::MAX, i64::MIN, -1]) {
        let mut model = model(extreme(value, u64::MAX, word), now);
        for (width, height) in
            [(80, 24), (200, 60), (120, 44), (40, 12), (39, 11), (1, 1), (0, 0), (80, 1), (1, 60)]
        {
            for pane in Pane::ALL {
                (model.pane, model.lower) =
                    (pane, if pane == Pane::Instruments { Pane::Feed } else { pane });
                for dialog in [
                    Dialog::None,
                    Dialog::Help,
                    Dialog::KillWord("KI".into()),
                    Dialog::KillReason(word.clone()),
                    Dialog::Killing,
                    Dialog::Told { good: false, text: word.clone() },
                ] {
                    model.dialog = dialog;
                    let rows = shown(&model, width, height, now);
                    assert!(!rows.iter().any(|row| row.contains(char::is_control)));
                }
            }
        }
        // What follows a symbol stands where it always stands.
        model.dialog = Dialog::None;
        let rows = shown(&model, 200, 60, now);
        assert!(rows.iter().any(|row| row.contains('…')) || word.contains('\x1b'));
    }
}

#[test]
fn many_instruments_scroll_with_the_selection() {
    let now = Instant::now();
    let mut model = model(state(1_000), now);
    let key = |code: char| ratatui::crossterm::event::KeyCode::Char(code).into();
    assert_has(&shown(&model, 80, 24, now), &["instruments 1 of 1000"]);
    model.key(key('G'));
    let rows = shown(&model, 80, 24, now);
    assert_has(&rows, &["instruments 1000 of 1000"]);
    assert_has(&rows, &["SIM999", "109.99"]);
    assert!(!has(&rows, &["SIM000 ", "trading"]));
}

#[test]
fn without_colour_nothing_is_coloured_and_the_same_is_said() {
    let now = Instant::now();
    let mut model = model(state(5), now);
    model.dialog = Dialog::KillWord(String::new());
    let with = shown(&model, 200, 60, now);
    model.colour = false;
    assert_eq!(shown(&model, 200, 60, now), with);
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a terminal");
    terminal.draw(|frame| draw(frame.area(), frame.buffer_mut(), &model, now)).expect("drawn");
    let plain = |color| color == Color::Reset;
    let cells = terminal.backend().buffer().content();
    assert!(cells.iter().all(|cell| plain(cell.fg) && plain(cell.bg)));
}

#[test]
fn the_way_to_the_kill_switch_says_what_it_does() {
    let now = Instant::now();
    let mut model = model(state(1), now);
    for (dialog, words) in [
        (Dialog::Help, &["kill switch: asks for a word and a reason"]),
        (Dialog::KillWord("KI".into()), &["> KI_"]),
        (Dialog::KillReason("fat finger".into()), &["> fat finger_"]),
        (Dialog::Killing, &["has not answered yet"]),
        (Dialog::Told { good: true, text: "No order is open.".into() }, &["No order is open."]),
    ] {
        model.dialog = dialog;
        assert_has(&shown(&model, 80, 24, now), words);
    }
}
