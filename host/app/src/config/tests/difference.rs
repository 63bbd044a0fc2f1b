//! What changes, and when it takes effect.

use super::*;
use std::collections::BTreeMap;

#[test]
fn a_difference_says_what_a_running_host_takes() {
    let old = parse(DEFAULT);
    assert_eq!(Config::difference(&old, &old), []);
    // A default that is written out is no change.
    let spelt = parse(&replaced("# sync_timeout_s = 30", "sync_timeout_s = 30"));
    assert_eq!(Config::difference(&old, &spelt), []);
    let set = flags(&[
        "risk.account.gross_max=1",
        "risk.instrument.collar_bps=2",
        "instrument[SIM001].risk.restricted=true",
        "instrument[SIM001].order_qty=3",
        "risk.venue.rate_burst=4",
        "promotion.alpha=0.1",
        "host.core=5",
    ]);
    let new = Config::assemble(Path::new("new.toml"), DEFAULT, &set).expect("right");
    let changes = Config::difference(&old, &new);
    let found: BTreeMap<_, _> = changes.iter().map(|one| (&one.key[..], one.takes)).collect();
    let (now, restart) = (Reload::Now, Reload::Restart);
    let wanted = BTreeMap::from([
        ("risk.account.gross_max", now),
        ("risk.instrument.collar_bps", now),
        ("instrument[SIM001].risk.restricted", now),
        ("instrument[SIM001].order_qty", restart),
        ("risk.venue.rate_burst", restart),
        ("promotion.alpha", restart),
        ("host.core", restart),
    ]);
    assert_eq!(found, wanted);
    let gross = changes.iter().find(|one| one.key == "risk.account.gross_max").expect("there");
    assert_eq!((&gross.old, &gross.new), (&Some(10_000_000.into()), &Some(1.into())));
    let back = Config::difference(&new, &old);
    assert_eq!(back.len(), changes.len());
}

#[test]
fn instruments_are_told_apart_by_their_symbols() {
    let of = |list: &str| {
        let overrides = flags(&[&format!("instrument={list}")]);
        Config::assemble(Path::new("host.toml"), DEFAULT, &overrides).expect("right")
    };
    let both = of("[{ symbol = \"A\", risk = { located = 1 } }, { symbol = \"B\" }]");
    let turned = of("[{ symbol = \"B\" }, { symbol = \"A\", risk = { located = 1 } }]");
    let fewer = of("[{ symbol = \"B\" }]");
    let keys = |old, new| -> Vec<(String, Reload)> {
        let changes = Config::difference(old, new).into_iter();
        changes.map(|one| (one.key, one.takes)).collect()
    };
    assert_eq!(keys(&both, &turned), [("instrument".to_string(), Reload::Restart)]);
    assert_eq!(keys(&both, &fewer), [("instrument[A]".to_string(), Reload::Restart)]);
    assert_eq!(keys(&fewer, &both), [("instrument[A]".to_string(), Reload::Restart)]);
}
