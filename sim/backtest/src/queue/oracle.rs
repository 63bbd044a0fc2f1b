//! Places in line against lines written out: share by share for trades and the careful model, with
//! a weight a share where every share is equally likely to leave, and by the definition for f.

use super::*;
use proptest::prelude::*;

/// What happens at the level of an order of ours.
#[derive(Clone, Copy, Debug)]
enum Step {
    Trade(u64),
    /// The level is told.
    Level(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1_u64..20).prop_map(Step::Trade),
        (0_u64..60).prop_map(Step::Level),
        Just(Step::Level(0)),
    ];
    prop::collection::vec(step, 0..60)
}

/// Weights of single shares in line: those before us and those behind.
#[derive(Clone, Debug)]
struct Line {
    before: Vec<f64>,
    behind: Vec<f64>,
    told: u64,
}

impl Line {
    fn new(level: u64) -> Line {
        Line { before: vec![1.0; level as usize], behind: Vec::new(), told: level }
    }

    /// Takes a weight off the front, share by share; what nobody had is left.
    fn pop(shares: &mut Vec<f64>, mut weight: f64) -> f64 {
        while let Some(first) = shares.first_mut() {
            let taken = weight.min(*first);
            *first -= taken;
            weight -= taken;
            if *first > 1e-12 {
                return 0.0;
            }
            shares.remove(0);
        }
        weight
    }

    /// A trade takes from the front of the line; what goes past those before us is ours to take.
    fn trade(&mut self, qty: u64) -> f64 {
        let past = Line::pop(&mut self.before, qty as f64);
        Line::pop(&mut self.behind, past);
        past
    }

    fn total(&self) -> f64 {
        self.before.iter().chain(&self.behind).sum()
    }

    /// The level is told: what it has too much is new and behind us; what it has too little has
    /// left, as `leave` says.
    fn level(&mut self, after: u64, leave: impl Fn(&mut Line, f64)) {
        let left = self.total() - after as f64;
        if left > 0.0 {
            leave(self, left);
        } else {
            self.behind.push(-left);
        }
        self.told = after;
    }

    /// The last in line leave.
    fn last_first(&mut self, left: f64) {
        self.behind.reverse();
        let more = Line::pop(&mut self.behind, left);
        self.behind.reverse();
        self.before.reverse();
        Line::pop(&mut self.before, more);
        self.before.reverse();
    }

    /// Each share leaves with the same probability.
    fn evenly(&mut self, left: f64) {
        let stays = 1.0 - left / self.total();
        self.before.iter_mut().chain(&mut self.behind).for_each(|share| *share *= stays);
    }

    /// f(before) and f(behind) divide what leaves; what one has not the other gives.
    fn by(&mut self, f: impl Fn(f64) -> f64, left: f64) {
        let (before, behind): (f64, f64) = (self.before.iter().sum(), self.behind.iter().sum());
        let share = f(before) / (f(before) + f(behind));
        let from_behind = (left - (left * share).min(before)).min(behind);
        let from_before = left - from_behind;
        Line::pop(&mut self.before, from_before);
        Line::pop(&mut self.behind, from_behind);
    }
}

/// Runs both; places within a millionth, fills by whole shares.
fn compare(
    model: QueueModel,
    level: u64,
    steps: &[Step],
    leave: impl Fn(&mut Line, f64),
) -> Result<(), TestCaseError> {
    let (mut place, mut line) = (Place::behind(level), Line::new(level));
    for step in steps {
        let ahead = place.front;
        match *step {
            Step::Trade(qty) => {
                let past = line.trade(qty);
                let ours = place.trade(qty);
                // A place that is a rounding before a whole share leaves that share to the next.
                let whole = past - 1.0 - 1e-6..=past + 1e-6;
                prop_assert!(whole.contains(&(ours as f64)), "{ours} of {past}");
                // Only once nobody is before us.
                prop_assert!(ours == 0 || place.ahead() == 0);
            }
            Step::Level(after) => {
                place.level(model, line.told, after);
                line.level(after, &leave);
            }
        }
        let before: f64 = line.before.iter().sum();
        prop_assert!((place.front - before).abs() < 1e-6, "{step:?}: {place:?}, {before}");
        prop_assert!((0.0..=ahead).contains(&place.front), "{ahead} became {place:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_careful_place_is_that_of_a_line_of_shares(level in 0_u64..60, steps in steps()) {
        compare(QueueModel::RiskAverse, level, &steps, Line::last_first)?;
    }

    #[test]
    fn with_one_as_exponent_every_share_is_as_likely_to_leave(
        level in 0_u64..60, steps in steps()
    ) {
        compare(QueueModel::Power(1.0), level, &steps, Line::evenly)?;
    }

    #[test]
    fn other_exponents_and_the_logarithm_are_as_defined(
        level in 0_u64..60, steps in steps(), n in 0.0_f64..6.0
    ) {
        let power = |line: &mut Line, left: f64| line.by(|x| x.powf(n), left);
        compare(QueueModel::Power(n), level, &steps, power)?;
        compare(QueueModel::Logarithm, level, &steps, |line, left| line.by(|x| x.ln_1p(), left))?;
    }

    #[test]
    fn nobody_is_more_careful(level in 0_u64..60, steps in steps(), n in 0.0_f64..6.0) {
        let mut told = level;
        let models = [QueueModel::RiskAverse, QueueModel::Power(n), QueueModel::Logarithm];
        let mut places = models.map(|model| (model, Place::behind(level)));
        for step in steps {
            for (model, place) in &mut places {
                match step {
                    Step::Trade(qty) => { place.trade(qty); }
                    Step::Level(after) => place.level(*model, told, after),
                }
            }
            if let Step::Level(after) = step {
                told = after;
            }
            let careful = places[0].1.front;
            prop_assert!(places.iter().all(|(_, place)| place.front <= careful + 1e-9));
        }
    }
}
