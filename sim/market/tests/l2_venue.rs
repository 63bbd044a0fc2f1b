//! A session is what a real venue would have sent: the same flow through `tercel_exchange::Venue`,
//! its ITCH messages through the decoder, gives the same book and the same features.

use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_book::{Books, Limits};
use tercel_exchange::flow::FlowConfig;
use tercel_exchange::venue::SymbolConfig;
use tercel_exchange::{Venue, VenueConfig};
use tercel_market::l2::{INSTRUMENT, Latencies, Scenario};
use tercel_policy::{
    FixedSpread, InstrumentPolicy, Policy, PolicyConfig, QuoteRules, StrategyConfig,
};
use tercel_proto::itch;
use tercel_proto::itch_record::to_record;
use tercel_types::{Nanos, Own, SeqNo, VenueId};

const SECONDS: u64 = 30;

fn strategy() -> StrategyConfig {
    StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 1.0, skew_ticks: 0.0 })
}

#[test]
fn the_demos_session_is_the_venues_feed() {
    for (instrument, seed) in [(0, 1), (1, 2), (3, 77)] {
        let mut scenario = Scenario::demo();
        scenario.latencies = Latencies::default();
        let one = scenario.instruments[instrument];
        let mut session = scenario.session(instrument, seed).unwrap();
        let watcher = scenario.join(&mut session, instrument, strategy()).unwrap();
        let end = Nanos::from_secs(SECONDS);
        session.advance(end);

        let symbol = SymbolConfig::new(one.symbol, one.flow.initial_price);
        let mut config = VenueConfig::new(vec![symbol]);
        let flow = FlowConfig::new(seed, vec![one.flow]);
        config.flow = Some(FlowConfig { rate: scenario.rate, ..flow });
        config.ouch = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let mut venue = Venue::bind(config).unwrap();
        for millis in 0..=SECONDS * 1_000 {
            venue.step(Nanos::from_millis(millis));
        }

        let limits = Limits { instruments_max: 2, orders_max: 8_192, ..Limits::default() };
        let mut books = Books::new(&limits).unwrap();
        let mut policy = Policy::new(PolicyConfig {
            instruments: vec![InstrumentPolicy::new(one.symbol)],
            strategy: strategy(),
            quote: QuoteRules::default(),
        })
        .unwrap();
        policy.add_instrument(INSTRUMENT);
        for number in 1..venue.publisher().next_seq().0 {
            let bytes = venue.publisher().message(SeqNo(number)).unwrap();
            let message = itch::parse(bytes).unwrap();
            let time = message.header().time();
            let record = to_record(&message, VenueId(0), time);
            let change = books.apply(&record);
            // A participant joins when the orders of the start are on the book.
            if time > Nanos(0) {
                policy.on_event(&record, &change, &books, time);
            }
        }
        assert!(books.counters().records > 2_000);
        assert_eq!(books.digest(), session.books().digest(), "instrument {instrument}");
        let venues = policy.features(INSTRUMENT, &books, &Own::default(), end);
        let ours = session.trader(watcher).features(session.books(), end);
        assert_eq!(venues, ours, "instrument {instrument}");
        assert!(ours.iter().filter(|x| **x != 0.0).count() > 25);
    }
}
