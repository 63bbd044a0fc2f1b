//! Each kind of background participant acts at the rate it is set to, and has the property that it
//! is there for. Seeds are fixed; bounds are several standard deviations wide.

use tercel_environments::Random;
use tercel_exchange::matching::{
    AccountId, Command, Event, Lifetime, Listing, MarketRead, Matching, NewOrder, Owner, Terms,
};
use tercel_market::l2::agents::{
    Fundamental, FundamentalConfig, Hawkes, HawkesConfig, KINDS, Maker, MakerConfig, Momentum,
    MomentumConfig, ZeroIntelligence, ZeroIntelligenceConfig,
};
use tercel_market::l2::{Agent, INSTRUMENT};
use tercel_types::{Nanos, Price, Qty, Side, Symbol, TradingState, UserRef};

const SEED: u64 = 20;
const CENT: i64 = Price::CENT.0;

/// An account that none of the agents has.
const HOUSE: AccountId = AccountId(99);

/// A market that trades and in which nothing rests.
fn empty(reference: i64) -> Matching {
    let mut market = Matching::new(8_192);
    market.list(&Listing {
        instrument: INSTRUMENT,
        symbol: Symbol::new("AGENT").unwrap(),
        increment: CENT,
        reference: Price(reference),
        state: TradingState::Trading,
    });
    market
}

/// A market of one order on each side.
fn quoted(bid: i64, ask: i64) -> Matching {
    let mut market = empty(bid);
    let sides = [(Side::Buy, bid, 1), (Side::Sell, ask, 2)];
    for (side, price, number) in sides {
        let owner = Owner { account: HOUSE, user_ref: UserRef(number) };
        let terms = Terms::limit(Price(price), Qty(100_000));
        let new = NewOrder { instrument: INSTRUMENT, owner, side, terms };
        market.apply(&Command::Enter(new), &mut Vec::new());
    }
    market
}

/// What an agent sends until `seconds` are over, and when; `market` is what it sees at a time.
fn sent(
    agent: &mut dyn Agent,
    seconds: u64,
    mut market: impl FnMut(Nanos) -> Matching,
) -> Vec<(Nanos, Option<Command>)> {
    let mut all = Vec::new();
    while agent.next_time() < Nanos::from_secs(seconds) {
        let now = agent.next_time();
        all.push((now, agent.act(&market(now))));
    }
    all
}

fn taken(command: &Command) -> Option<Side> {
    match command {
        Command::Enter(new) if new.terms.lifetime == Lifetime::Immediate => Some(new.side),
        _ => None,
    }
}

fn mid(market: &Matching) -> Option<f64> {
    let touch = |side| market.touch(INSTRUMENT, side).map(|price| price.0 as f64);
    Some((touch(Side::Buy)? + touch(Side::Sell)?) * 0.5)
}

fn near(seen: f64, expected: f64, share: f64, what: &str) {
    assert!((seen / expected - 1.0).abs() < share, "{what}: {seen} instead of {expected}");
}

#[test]
fn zero_intelligence_sends_at_its_three_rates() {
    let config = ZeroIntelligenceConfig::default();
    let mut agent = ZeroIntelligence::new(config, 0, SEED, Nanos(0));
    let (mut market, mut events) = (empty(1_000_000), Vec::new());
    let (mut limits, mut markets, mut cancels, mut buys) = (0.0, 0.0, 0.0, 0.0);
    let (mut levels, mut open_time, mut last) = ([0.0; 10], 0.0, Nanos(0));
    let seconds = 400;
    while agent.next_time() < Nanos::from_secs(seconds) {
        let now = agent.next_time();
        open_time += market.orders_open() as f64 * now.since(last).0 as f64 * 1e-9;
        last = now;
        let touches = [Side::Buy, Side::Sell].map(|side| market.touch(INSTRUMENT, side));
        let Some(command) = agent.act(&market) else { continue };
        match &command {
            Command::Enter(new) => {
                buys += f64::from(u8::from(new.side == Side::Buy));
                match (new.terms.price, touches[new.side.opposite().index()]) {
                    (None, _) => markets += 1.0,
                    (Some(price), far) => {
                        limits += 1.0;
                        if let Some(far) = far {
                            let level = (far.0 - price.0) * new.side.sign() / CENT;
                            levels[(level - 1) as usize] += 1.0;
                        }
                    }
                }
            }
            Command::Cancel { .. } => cancels += 1.0,
            other => panic!("{other:?}"),
        }
        events.clear();
        market.apply(&command, &mut events);
    }
    let seconds = seconds as f64;
    near(limits / seconds, 2.0 * 10.0 * config.limits, 0.04, "limit orders a second");
    near(markets / seconds, 2.0 * config.markets, 0.07, "market orders a second");
    near(cancels / open_time, config.cancels, 0.04, "cancels a second and open order");
    near(buys / (limits + markets), 0.5, 0.04, "share of buys");
    let placed: f64 = levels.iter().sum();
    for share in levels.map(|count| count / placed) {
        near(share, 0.1, 0.12, "share of a level");
    }
}

/// Variance over mean of how many of some times fall into windows of two seconds.
fn dispersion(times: &[Nanos], seconds: u64) -> f64 {
    let mut counts = vec![0.0; seconds as usize / 2];
    for time in times {
        counts[(time.0 / 2_000_000_000) as usize] += 1.0;
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let squares = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>();
    squares / counts.len() as f64 / mean
}

#[test]
fn hawkes_comes_in_clusters_of_its_branching_ratio() {
    let seconds = 3_000;
    for branching in [0.0, 0.5, 0.7] {
        let mut excitation = [[0.0; KINDS]; KINDS];
        (0..KINDS).for_each(|kind| excitation[kind][kind] = branching);
        let config = HawkesConfig { excitation, ..HawkesConfig::default() };
        let mut agent = Hawkes::new(config, 1, SEED, Nanos(0)).unwrap();
        let market = quoted(999_900, 1_000_100);
        let mut times = Vec::new();
        while agent.next_time() < Nanos::from_secs(seconds) {
            times.push(agent.next_time());
            agent.act(&market);
        }
        let base: f64 = config.base.iter().sum();
        let rate = times.len() as f64 / seconds as f64;
        near(rate, base / (1.0 - branching), 0.05, "events a second");
        // Over windows much longer than an event is remembered, 1/(decay·(1 − n)), variance over
        // mean tends to 1/(1 − n)² (Hawkes 1971): n follows from the clusters alone.
        let clustered = dispersion(&times, seconds);
        let found = 1.0 - 1.0 / clustered.sqrt();
        assert!((found - branching).abs() < 0.07, "{found} instead of {branching}");
    }
}

#[test]
fn hawkes_takers_call_for_takers_of_their_side() {
    let mut agent = Hawkes::new(HawkesConfig::default(), 1, SEED, Nanos(0)).unwrap();
    let market = quoted(999_900, 1_000_100);
    let mut takers = Vec::new();
    while takers.len() < 8_000 {
        let time = agent.next_time();
        if let Some(side) = agent.act(&market).as_ref().and_then(taken) {
            takers.push((time, side));
        }
    }
    let soon = |pair: &&[(Nanos, Side)]| pair[1].0.since(pair[0].0) < Nanos::from_millis(50);
    let same = |pair: &&[(Nanos, Side)]| pair[0].1 == pair[1].1;
    let close: Vec<_> = takers.windows(2).filter(soon).collect();
    let share = close.iter().copied().filter(|pair| same(pair)).count() as f64;
    let share = share / close.len() as f64;
    assert!(close.len() > 1_000 && share > 0.6, "{share} of {} pairs", close.len());
}

#[test]
fn the_informed_look_at_their_rate_and_trade_towards_the_value() {
    let config = FundamentalConfig { jump_rate: 0.0, ..FundamentalConfig::new(Price(1_000_000)) };
    let mut agent = Fundamental::new(config, 2, SEED, Nanos(0));
    let (bid, ask) = (999_900, 1_000_200);
    let market = quoted(bid, ask);
    let (mut looks, mut squares, mut value, mut trades) = (0.0, 0.0, 1e6, 0);
    let seconds = 2_000;
    while agent.next_time() < Nanos::from_secs(seconds) {
        let command = agent.act(&market);
        let now = agent.value().unwrap();
        (looks, squares) = (looks + 1.0, squares + (now - value) * (now - value));
        value = now;
        let slack = config.threshold * CENT as f64;
        let expected = match () {
            () if value > ask as f64 + slack => Some((Side::Buy, ask)),
            () if value < bid as f64 - slack => Some((Side::Sell, bid)),
            () => None,
        };
        let order = command.map(|command| match command {
            Command::Enter(new) => (new.side, new.terms.price.unwrap().0),
            other => panic!("{other:?}"),
        });
        assert_eq!(order, expected, "at a value of {value}");
        trades += u32::from(expected.is_some());
    }
    near(looks / seconds as f64, config.rate, 0.05, "looks a second");
    let deviation = (squares / seconds as f64).sqrt() / CENT as f64;
    near(deviation, config.volatility, 0.06, "ticks that the value moves in a second");
    assert!(trades > 1_000);
}

/// Root mean square distance of the mid price from the value, ticks, among zero intelligence.
fn distance(threshold: f64) -> f64 {
    let config =
        FundamentalConfig { threshold, jump_rate: 0.0, ..FundamentalConfig::new(Price(1_000_000)) };
    let mut noise = ZeroIntelligence::new(ZeroIntelligenceConfig::default(), 0, SEED, Nanos(0));
    let mut informed = Fundamental::new(config, 1, SEED, Nanos(0));
    let (mut market, mut events) = (empty(1_000_000), Vec::<Event>::new());
    let (mut squares, mut looks) = (0.0, 0.0);
    while informed.next_time() < Nanos::from_secs(300) {
        let command = if noise.next_time() <= informed.next_time() {
            noise.act(&market)
        } else {
            let command = informed.act(&market);
            if let (Some(mid), Some(value)) = (mid(&market), informed.value()) {
                squares += (mid - value) * (mid - value);
                looks += 1.0;
            }
            command
        };
        events.clear();
        command.iter().for_each(|command| market.apply(command, &mut events));
    }
    f64::sqrt(squares / looks) / CENT as f64
}

#[test]
fn the_informed_keep_the_price_at_the_value() {
    let (with, without) = (distance(0.5), distance(1e9));
    assert!(with < 4.0 && without > 2.0 * with, "{with} ticks with them, {without} without");
}

#[test]
fn trend_followers_trade_at_their_chance_and_with_the_trend() {
    let config = MomentumConfig::default();
    let seconds = 600;
    // A cent a second, up and down: the mean is five cents behind, more than they ask for.
    for (slope, side) in [(1, Some(Side::Buy)), (-1, Some(Side::Sell)), (0, None)] {
        let mut agent = Momentum::new(config, 3, SEED, Nanos(0));
        let all = sent(&mut agent, seconds, |now| {
            let mid = 1_000_000 + slope * (now.0 / 1_000_000_000) as i64 * CENT;
            quoted(mid - CENT, mid + CENT)
        });
        near(all.len() as f64 / seconds as f64, config.rate, 0.07, "looks a second");
        let sides: Vec<Side> = all.iter().filter_map(|(_, c)| c.as_ref().and_then(taken)).collect();
        assert!(sides.iter().all(|one| Some(*one) == side), "slope {slope}");
        let expected = if side.is_some() { config.rate * config.chance } else { 0.0 };
        let rate = sides.len() as f64 / seconds as f64;
        assert!((rate - expected).abs() < 0.15 * config.rate * config.chance, "{rate}");
    }
}

#[test]
fn trend_followers_follow_the_returns_of_a_random_walk() {
    let config = MomentumConfig { chance: 1.0, ..MomentumConfig::default() };
    let mut agent = Momentum::new(config, 3, SEED, Nanos(0));
    let mut random = Random::new(SEED, 0, 1);
    let (mut price, mut mean, mut last) = (1e6, None, Nanos(0));
    let (mut trades, mut idle) = (0, 0);
    while agent.next_time() < Nanos::from_secs(600) {
        let now = agent.next_time();
        price += f64::from(random.normal()) * CENT as f64;
        let mid = (price / CENT as f64).round() as i64 * CENT;
        let keep = (-(now.since(last).0 as f64) * 1e-9 / config.memory).exp();
        let average = mean.map_or(mid as f64, |mean| mid as f64 + (mean - mid as f64) * keep);
        (mean, last) = (Some(average), now);
        let trend = (mid as f64 - average) / CENT as f64;
        let side = agent.act(&quoted(mid - CENT, mid + CENT)).as_ref().and_then(taken);
        // Where the trend is as large as the threshold, rounding decides.
        if (trend.abs() - config.threshold).abs() < 1e-6 {
            continue;
        }
        let expected = match () {
            () if trend > config.threshold => Some(Side::Buy),
            () if trend < -config.threshold => Some(Side::Sell),
            () => None,
        };
        assert_eq!(side, expected, "a trend of {trend} ticks");
        trades += u32::from(side.is_some());
        idle += u32::from(side.is_none());
    }
    assert!(trades > 500 && idle > 100, "{trades} trades, {idle} looks without");
}

#[test]
fn a_maker_looks_at_its_rate_and_leans_against_its_position() {
    let config = MakerConfig::default();
    let (bid, ask) = (1_000_000, 1_000_100);
    // By hand: around the mid of 1,000,050, less 0.3 ticks a lot held, a tick and a half away, out
    // to the grid, and short of the other side.
    let cases = [
        (0, 999_900, 1_000_200),
        (4, 999_700, 1_000_100),
        (10, 999_600, 1_000_100),
        (-4, 1_000_000, 1_000_400),
        (-10, 1_000_000, 1_000_500),
    ];
    for (lots, low, high) in cases {
        let mut maker = Maker::new(config, 4, SEED, Nanos(0));
        let side = if lots > 0 { Side::Buy } else { Side::Sell };
        (0..i64::abs(lots)).for_each(|_| maker.on_fill(side, Price(bid), config.qty));
        assert_eq!(maker.position(), lots * i64::from(config.qty.0));
        let (mut market, mut events) = (quoted(bid, ask), Vec::new());
        let (mut looks, mut sent) = (0.0, 0);
        while maker.next_time() < Nanos::from_secs(100) {
            looks += 1.0;
            let Some(command) = maker.act(&market) else { continue };
            let Command::Enter(new) = command else { panic!("{command:?}") };
            assert!(new.terms.post_only && new.terms.qty == config.qty);
            sent += 1;
            market.apply(&command, &mut events);
        }
        near(looks / 100.0, config.rate, 0.1, "looks a second");
        assert_eq!(sent, 2, "one quote a side in a market that stands still");
        let quotes: Vec<_> = market.account_orders(AccountId(5)).collect();
        let price = |side| quotes.iter().find(|one| one.side == side).map(|one| one.price().0);
        assert_eq!((price(Side::Buy), price(Side::Sell)), (Some(low), Some(high)), "{lots} lots");
        // The market moves: the quotes follow by replaces.
        let owner = Owner { account: HOUSE, user_ref: UserRef(3) };
        let terms = Terms::immediate(Price(ask + 500), Qty(200_000));
        let new = NewOrder { instrument: INSTRUMENT, owner, side: Side::Buy, terms };
        market.apply(&Command::Enter(new), &mut events);
        let owner = Owner { account: HOUSE, user_ref: UserRef(4) };
        let terms = Terms::limit(Price(ask + 500), Qty(100));
        let new = NewOrder { instrument: INSTRUMENT, owner, side: Side::Sell, terms };
        market.apply(&Command::Enter(new), &mut events);
        let moved = (0..40).filter_map(|_| maker.act(&market)).collect::<Vec<_>>();
        assert!(moved.iter().any(|one| matches!(one, Command::Replace { .. })), "{lots} lots");
    }
}
