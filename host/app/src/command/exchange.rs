//! `tercel exchange`: the venue.

use crate::cli::ExchangeArgs;
use crate::command::convert::read_rows;
use crate::command::replay::{addresses, announce, publisher_config};
use crate::console::{self, Console, Order};
use crate::recording::{Recording, progress};
use crate::report::{OpenOrder, dollars, grouped};
use crate::signals::Signals;
use crate::summary::side_name;
use crate::venue_report::{AccountReport, VenueReport};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::matching::{AccountId, Command, SelfMatch};
use tercel_exchange::replay::{Player, Replay};
use tercel_exchange::venue::{Opening, Recorded, Report, SymbolConfig};
use tercel_exchange::{AccountConfig, Login, Venue, VenueConfig};
use tercel_net::clock::HostClock;
use tercel_proto::itch;
use tercel_types::{Clock, Nanos, Price, Symbol};

/// Shares of a round lot.
const ROUND_LOT: u32 = 100;

/// Runs it.
pub(crate) fn run(args: &ExchangeArgs, signals: &Signals, stop_on_eof: bool) -> Result<()> {
    let clock = HostClock::new();
    let mut venue = Venue::bind(config(args, clock.now())?)?;
    let reached = venue.addresses();
    announce(args.json, &addresses(&reached.market_data, Some(reached.ouch)))?;
    let mut end = args.duration.map(|seconds| clock.now() + Nanos::from_secs(seconds));
    let mut asked = false;
    let console = args.console.then(|| Console::open(signals.clone(), stop_on_eof)).transpose()?;
    while signals.count() < 2 && end.is_none_or(|end| clock.now() < end) {
        if venue.step(clock.now()) == 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
        for order in console.iter().flat_map(Console::orders) {
            obey(args, &mut venue, &order, clock.now())?;
        }
        if signals.count() == 1 && !asked {
            let last = clock.now() + Nanos::from_secs(args.linger);
            end = Some(end.map_or(last, |end| end.min(last)));
            asked = true;
        }
    }
    show(args, &venue)
}

/// Does what the operator said, and answers with a line.
fn obey(args: &ExchangeArgs, venue: &mut Venue, order: &Order, now: Nanos) -> Result<()> {
    let answer = match order {
        Order::Report => return show(args, venue),
        Order::Help => console::HELP.to_string(),
        Order::Wrong(line) => format!("not understood: {line:?}; `help` lists the commands"),
        Order::Control(control) => match venue.control(*control, now) {
            Ok(()) => "done".into(),
            Err(error) => error.to_string(),
        },
    };
    if args.json {
        println!("{}", serde_json::json!({ "answer": answer }));
    } else {
        println!("{answer}");
    }
    Ok(())
}

fn show(args: &ExchangeArgs, venue: &Venue) -> Result<()> {
    let report = of_venue(&venue.report());
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn config(args: &ExchangeArgs, now: Nanos) -> Result<VenueConfig> {
    let recorded = args.replay.as_deref().map(|path| recorded(args, path, now)).transpose()?;
    let (symbols, replay) = match recorded {
        Some((symbols, replay)) => (symbols, Some(replay)),
        None => (simulated(args.symbols), None),
    };
    let flow = (args.rate > 0 && replay.is_none()).then(|| flow(args, &symbols, now));
    let mut config = VenueConfig::new(symbols);
    config.accounts = args.account.iter().map(|text| account(text)).collect::<Result<_>>()?;
    config.flow = flow;
    config.replay = replay;
    config.publisher = publisher_config(&args.net, &args.faults, args.seed);
    config.ouch = args.net.ouch;
    if args.opening > 0 {
        config.opening = Opening::Cross { after: Nanos::from_secs(args.opening) };
    }
    Ok(config)
}

/// SIM000 and on, at prices from 20 to 500 dollars.
fn simulated(count: u16) -> Vec<SymbolConfig> {
    let one = |at: u16| {
        let symbol = Symbol::new(&format!("SIM{at:03}"))?;
        let cents = 2_000 + (i64::from(at) * 7_919) % 48_000;
        Some(SymbolConfig::new(symbol, Price(cents * Price::CENT.0)))
    };
    (0..count).filter_map(one).collect()
}

fn flow(args: &ExchangeArgs, symbols: &[SymbolConfig], now: Nanos) -> FlowConfig {
    let one = |(at, symbol): (usize, &SymbolConfig)| {
        SymbolFlow::new(VenueConfig::instrument(at), symbol.initial_price)
    };
    let symbols = symbols.iter().enumerate().map(one).collect();
    FlowConfig { start: now, rate: args.rate.into(), ..FlowConfig::new(args.seed, symbols) }
}

fn account(text: &str) -> Result<AccountConfig> {
    let parts = text.split_once(':');
    let (name, password) =
        parts.with_context(|| format!("--account {text}: NAME:PASSWORD is wanted"))?;
    let fields = || Some(Login { username: padded(name)?, password: padded(password)? });
    let login = fields().with_context(|| {
        format!("--account {text}: at most 6 characters of name and 10 of password")
    })?;
    Ok(AccountConfig {
        login,
        firm: firm(&login.username),
        symbols: Vec::new(),
        cancel_on_disconnect: false,
        self_match: SelfMatch::CancelNewest,
    })
}

/// The account's firm: the first four letters of its name.
fn firm(username: &[u8; 6]) -> [u8; 4] {
    let [a, b, c, d, ..] = *username;
    [a, b, c, d]
}

/// A text as a field of `N` bytes, padded with spaces on the right.
fn padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    field.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    text.bytes().all(|byte| byte.is_ascii_graphic()).then_some(field)
}

/// A recorded file as symbols and commands on the venue's clock.
fn recorded(args: &ExchangeArgs, path: &Path, now: Nanos) -> Result<(Vec<SymbolConfig>, Recorded)> {
    if !(args.speed.is_finite() && args.speed >= 0.0) {
        bail!("--speed {}: a number from 0 is wanted", args.speed);
    }
    let (symbols, commands) = match Recording::open(path, &progress("reading")) {
        Ok(Recording::Itch(file)) => of_itch(file)?,
        Ok(_) => bail!("{} is neither an ITCH nor a LOBSTER file", path.display()),
        Err(_) => of_lobster(args, path)?,
    };
    let first = commands.first().map_or(Nanos(0), |(time, _)| *time);
    let speed = args.speed;
    let due = move |time: Nanos| match speed {
        0.0 => now,
        speed => now + Nanos((time.since(first).0 as f64 / speed) as u64),
    };
    let commands = commands.into_iter().map(move |(time, command)| (due(time), command));
    Ok((symbols, Recorded(Box::new(commands))))
}

type Day = (Vec<SymbolConfig>, Vec<(Nanos, Command)>);

/// Instruments keep their locates, which count up from 1 in a day file; the first price seen is the
/// reference.
fn of_itch(mut file: crate::recording::ItchFile) -> Result<Day> {
    let mut player = Player::new(AccountId::BACKGROUND, Price::CENT.0);
    let mut symbols: Vec<SymbolConfig> = Vec::new();
    let mut commands = Vec::new();
    while let Some(bytes) = file.next_message()? {
        let Ok(message) = itch::parse(bytes) else { continue };
        if let itch::Message::StockDirectory(directory) = message {
            let locate = usize::from(directory.header.locate.get());
            if locate != symbols.len() + 1 {
                bail!("stock locates of a file to replay must count up from 1, not {locate}");
            }
            let mut symbol = SymbolConfig::new(Symbol(directory.stock), Price(1_000_000));
            symbol.round_lot = directory.round_lot.get().max(1);
            symbols.push(symbol);
        }
        let time = message.header().time();
        player.message(&message, &mut |command| commands.push((time, command)));
    }
    Ok((symbols, commands))
}

fn of_lobster(args: &ExchangeArgs, path: &Path) -> Result<Day> {
    let symbol = Symbol::new(&args.symbol)
        .with_context(|| format!("--symbol {:?}: 1 to 8 characters", args.symbol))?;
    let rows = read_rows(path)?;
    let price = rows.first().map_or(1_000_000, |row| i64::from(row.price));
    let mut config = SymbolConfig::new(symbol, Price(price));
    config.round_lot = ROUND_LOT;
    let player = Player::new(AccountId::BACKGROUND, Price::CENT.0);
    let commands = Replay::of_rows(rows, VenueConfig::instrument(0), player).collect();
    Ok((vec![config], commands))
}

/// The venue's report for other processes.
fn of_venue(report: &Report) -> VenueReport {
    let account = |one: &tercel_exchange::AccountReport| AccountReport {
        username: one.username.clone(),
        cash_e4: one.cash.0,
        positions: one.positions.iter().map(|p| (p.symbol.to_string(), p.shares)).collect(),
        open_orders: one.open_orders.iter().map(open_order).collect(),
    };
    let c = &report.counters;
    let [a, b] = c.publisher.lines;
    let counters = [
        ("messages", c.publisher.messages),
        ("packets", c.publisher.packets),
        ("flow", c.flow),
        ("replayed", c.replayed),
        ("executions", c.executions),
        ("line_a_lost", a.lost),
        ("line_b_lost", b.lost),
        ("line_a_duplicated", a.duplicated),
        ("line_b_duplicated", b.duplicated),
        ("line_a_reordered", a.reordered),
        ("line_b_reordered", b.reordered),
        ("requests", c.publisher.retransmission.answered),
        ("snapshots", c.publisher.glimpse.served),
        ("unpublished", c.unpublished),
    ];
    VenueReport {
        accounts: report.accounts.iter().map(account).collect(),
        counters: counters
            .map(|(name, n)| (name.to_string(), n))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    }
}

fn open_order(order: &tercel_exchange::OpenOrder) -> OpenOrder {
    OpenOrder {
        user_ref: order.user_ref.0,
        symbol: order.symbol.to_string(),
        side: side_name(order.side).into(),
        price_e4: order.price.0,
        qty: order.open.0,
    }
}

fn print(report: &VenueReport) {
    for account in &report.accounts {
        println!("{}: cash {}", account.username, dollars(account.cash_e4));
        for (symbol, shares) in account.positions.iter().filter(|(_, shares)| **shares != 0) {
            println!("  {symbol:<8} {shares:>12}");
        }
        println!("  {} open orders", account.open_orders.len());
    }
    for (name, value) in report.counters.iter().filter(|(_, value)| **value > 0) {
        println!("{name:<20} {:>14}", grouped(*value));
    }
}
