//! A made-up day: what a venue with background flow publishes, as ITCH messages and as records.

use tercel_abi::EventRecord;
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::venue::SymbolConfig;
use tercel_exchange::{Venue, VenueConfig};
use tercel_proto::{itch, itch_record};
use tercel_types::{Nanos, Price, SeqNo, Symbol, VenueId};

/// Half past nine, nanoseconds since midnight.
pub const OPEN: u64 = 34_200_000_000_000;

/// Symbols of the day, from `T00`.
pub fn symbols(count: usize) -> Vec<Symbol> {
    (0..count).filter_map(|at| Symbol::new(&format!("T{at:02}"))).collect()
}

/// The messages of some tenths of a second; the same seed gives the same ones.
///
/// # Panics
/// When no port is free on this machine, or the venue does not publish what it should.
pub fn messages(seed: u64, count: usize, tenths: u64) -> Vec<Vec<u8>> {
    let price = Price(500_000);
    let listed = symbols(count).into_iter().map(|symbol| SymbolConfig::new(symbol, price));
    let mut config = VenueConfig::new(listed.collect());
    let flow = |at| SymbolFlow::new(VenueConfig::instrument(at), price);
    let flow = FlowConfig::new(seed, (0..count).map(flow).collect());
    config.flow = Some(FlowConfig { rate: 5_000.0, ..flow });
    config.publisher.retransmission = None;
    config.publisher.glimpse = None;
    let mut venue = Venue::bind(config).expect("a venue");
    for step in 0..tenths {
        venue.step(Nanos(OPEN + step * 100_000_000));
    }
    let end = venue.publisher().next_seq().0;
    let message = |seq| venue.publisher().message(SeqNo(seq)).expect("published").to_vec();
    (1..end).map(message).collect()
}

/// The records of messages, received when they were sent.
///
/// # Panics
/// When one is no ITCH message.
pub fn records(messages: &[Vec<u8>]) -> Vec<EventRecord> {
    let record = |bytes: &Vec<u8>| {
        let message = itch::parse(bytes).expect("a message");
        itch_record::to_record(&message, VenueId(0), message.header().time())
    };
    messages.iter().map(record).collect()
}
