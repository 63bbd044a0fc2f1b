//! Random trading with a plain model of a venue: requests, fills, cancels, breaks and broken lines
//! in any order. Whatever happened, in the end both sides agree, and so does a gateway that starts
//! anew and only has the replay.

mod model;

use model::{Desk, INSTRUMENTS, Mood, Venue, config};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;
use tercel_gateway::Session;
use tercel_types::*;

/// One step: what, which, how much.
type Step = (u8, u16, u16);

fn mood(number: u16) -> Mood {
    match number % 8 {
        0 => Mood::Reject,
        1 => Mood::Dead,
        2 => Mood::InvalidReplace,
        _ => Mood::Kind,
    }
}

/// The `which`th live order of the venue.
fn pick(venue: &Venue, which: u16) -> u32 {
    let count = venue.live.len().max(1);
    venue.live.keys().nth(usize::from(which) % count).copied().unwrap_or(0)
}

fn intent(desk: &Desk, what: u8, which: u16, amount: u16) -> Option<Intent> {
    let (id, _) = INSTRUMENTS[usize::from(which) % 2];
    let side = if which & 2 == 0 { Side::Buy } else { Side::Sell };
    // Buys and sells never cross, since risk would refuse them.
    let price = Price(match side {
        Side::Buy => 900_000 + i64::from(amount % 100) * 100,
        Side::Sell => 1_100_000 + i64::from(amount % 100) * 100,
    });
    let qty = Qty(1 + u32::from(amount % 300));
    if what == 0 {
        return Some(Intent::Enter(NewOrder {
            instrument: id,
            side,
            price,
            qty,
            time_in_force: TimeInForce::Day,
            post_only: amount & 1 == 0,
        }));
    }
    let original = desk.gateway.own(id).side(side)?.user_ref;
    Some(match what {
        1 => Intent::Replace { original, price, qty },
        _ => Intent::Cancel { original },
    })
}

fn take_step(desk: &mut Desk, venue: &mut Venue, symbols: &mut Symbols, step: Step) {
    let (what, which, amount) = step;
    match what {
        0..=2 => {
            if let Some(intent) = intent(desk, what, which, amount) {
                let number = desk.gateway.next_user_ref();
                if desk.send(intent)
                    && let Some(UserRef(number)) = number
                {
                    symbols.insert(number, INSTRUMENTS[usize::from(which) % 2].1);
                }
            }
        }
        3..=5 => {
            desk.step_venue(venue, mood(amount));
        }
        6 => venue.trade(pick(venue, which), 1 + u32::from(amount % 120)),
        7 => venue.cancel(pick(venue, which), 1 + u32::from(amount % 200), b'S'),
        8 => venue.prevent(pick(venue, which), 1 + u32::from(amount % 50)),
        9 => venue.reprioritise(pick(venue, which), 100),
        10 => venue.break_trade(usize::from(which), |user_ref| symbols[&user_ref]),
        11..=13 => desk.deliver(usize::from(amount % 300)),
        14 if amount % 8 == 0 => {
            // Some of what was on its way arrives before the line breaks.
            for _ in 0..which % 4 {
                desk.step_venue(venue, mood(amount));
            }
            desk.drop_line(venue);
        }
        14 | 15 => desk.pump(venue),
        _ => {
            // A whole round, so that a broken line comes back while orders are still about.
            for _ in 0..3 {
                desk.pump(venue);
                while desk.step_venue(venue, mood(amount / 3)) {}
                desk.deliver(usize::MAX);
            }
        }
    }
    desk.now = Nanos(desk.now.0 + 1 + u64::from(amount) * 50_000);
}

type Symbols = HashMap<u32, [u8; 8]>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn both_sides_agree_in_the_end(
        steps in vec((0u8..18, any::<u16>(), any::<u16>()), 1..1_000),
        names_last in any::<bool>(),
    ) {
        let mut venue = Venue::new(names_last);
        let mut desk = Desk::new(config());
        let mut symbols = Symbols::new();
        desk.settle(&mut venue);
        for step in steps {
            take_step(&mut desk, &mut venue, &mut symbols, step);
            desk.check_own();
            let ready = desk.gateway.session() == Session::Ready;
            prop_assert_eq!(desk.gateway.next_user_ref().is_some(), ready);
        }
        desk.settle(&mut venue);
        // What was sent last has been answered only after one more round.
        desk.settle(&mut venue);
        desk.check_against(&venue);
        desk.check_own();
        prop_assert_eq!(desk.error, None);

        let mut restarted = Desk::new(config());
        restarted.settle(&mut venue);
        restarted.check_against(&venue);
        let next = restarted.gateway.next_user_ref().unwrap();
        prop_assert!(next.0 >= venue.next_ref);
        prop_assert!(venue.live.keys().all(|&used| used < next.0));
    }
}
