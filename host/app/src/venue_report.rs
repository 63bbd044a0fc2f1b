//! What a simulated venue says of itself, and whether the host agrees.

use crate::report::{HostReport, OpenOrder, dollars};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a venue is reached; its first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VenueAddresses {
    pub(crate) line_a: std::net::SocketAddrV4,
    pub(crate) line_b: std::net::SocketAddrV4,
    pub(crate) recovery: Option<std::net::SocketAddrV4>,
    pub(crate) glimpse: Option<std::net::SocketAddrV4>,
    pub(crate) ouch: Option<std::net::SocketAddrV4>,
}

/// The venue's closing report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct VenueReport {
    pub(crate) accounts: Vec<AccountReport>,
    /// Messages published and what the lines did to the packets, by name.
    pub(crate) counters: BTreeMap<String, u64>,
}

/// One participant, as the venue sees it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AccountReport {
    pub(crate) username: String,
    pub(crate) cash_e4: i64,
    pub(crate) positions: BTreeMap<String, i64>,
    pub(crate) open_orders: Vec<OpenOrder>,
}

/// In what host and venue differ; nothing if they agree on position, cash and open orders.
pub(crate) fn differences(host: &HostReport, venue: &AccountReport) -> Vec<String> {
    let mut found = Vec::new();
    if host.cash_e4 != venue.cash_e4 {
        found.push(format!(
            "cash: host has {}, venue has {}",
            dollars(host.cash_e4),
            dollars(venue.cash_e4)
        ));
    }
    let ours = host.instruments.iter().map(|one| (one.symbol.clone(), one.position));
    let ours: BTreeMap<_, _> = ours.filter(|(_, shares)| *shares != 0).collect();
    let theirs = venue.positions.iter().map(|(symbol, shares)| (symbol.clone(), *shares));
    let theirs: BTreeMap<_, _> = theirs.filter(|(_, shares)| *shares != 0).collect();
    for symbol in ours.keys().chain(theirs.keys().filter(|symbol| !ours.contains_key(*symbol))) {
        let (host, venue) = (ours.get(symbol), theirs.get(symbol));
        if host != venue {
            let (host, venue) = (host.unwrap_or(&0), venue.unwrap_or(&0));
            found.push(format!("position in {symbol}: host has {host}, venue has {venue}"));
        }
    }
    let (mut host_open, mut venue_open) = (host.open_orders.clone(), venue.open_orders.clone());
    host_open.sort();
    venue_open.sort();
    if host_open != venue_open {
        found.push(format!("open orders: host has {host_open:?}, venue has {venue_open:?}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::InstrumentReport;

    fn host(position: i64, cash: i64) -> HostReport {
        let one = InstrumentReport { symbol: "A".into(), position, ..InstrumentReport::default() };
        HostReport { instruments: vec![one], cash_e4: cash, ..HostReport::default() }
    }

    #[test]
    fn any_difference_is_named() {
        let venue = AccountReport {
            cash_e4: -10_000,
            positions: BTreeMap::from([("A".into(), 1)]),
            ..AccountReport::default()
        };
        assert!(differences(&host(1, -10_000), &venue).is_empty());
        assert_eq!(differences(&host(2, -10_001), &venue).len(), 2);
        assert_eq!(differences(&HostReport::default(), &venue).len(), 2);
        let mut open = host(1, -10_000);
        open.open_orders.push(OpenOrder::default());
        assert_eq!(differences(&open, &venue).len(), 1);
    }
}
