//! What stands before an order of ours at its price, where the recording has levels only.
//!
//! A trade at the price comes off the front. Of a level that shrinks more than trades explain
//! nobody says where in the line somebody has left: [`QueueModel`] does. A level that grows grows
//! behind us. The models are those of hftbacktest 2.x (`backtest/models/queue.rs`), save that what
//! traded is not counted as standing behind us; the probabilistic ones are Rigtorp's ("Estimating
//! order queue position", rigtorp.se, 2013): of a cancel the part f(front) / (f(front) + f(behind))
//! was in front.
//!
//! Where the recording has orders none of this is used: an order that leaves has a number in line,
//! and ours has one too.
//!
//! Shadow orders of the running host (`host/policy/src/shadow`) follow the same two: its exact
//! model is what is done here with orders, its risk-averse one is [`QueueModel::RiskAverse`].
//! `matching/shadow.rs` runs both over the same events: places and fills are equal.

/// How cancels are spread over a level.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum QueueModel {
    /// All of them behind us, as long as they fit there: only trades move us on.
    RiskAverse,
    /// f(x) = xⁿ; with n = 1 every share is equally likely to leave.
    Power(f64),
    /// f(x) = ln(1 + x).
    Logarithm,
}

/// The place of one order of ours.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Place {
    /// Estimated quantity in front.
    front: f64,
    /// Traded at the price since the level's last change, which that change will contain.
    traded: f64,
}

impl QueueModel {
    /// The part of a cancel that falls behind us.
    pub(crate) fn behind(self, front: f64, back: f64) -> f64 {
        let f = |x: f64| match self {
            QueueModel::RiskAverse => f64::from(u8::from(x > 0.0)),
            QueueModel::Power(n) => x.powf(n),
            QueueModel::Logarithm => x.ln_1p(),
        };
        let (front, back) = (f(front), f(back));
        let part = back / (front + back);
        // Nobody in front and nobody behind: there is nothing to spread.
        if part.is_finite() { part } else { 1.0 }
    }

    /// The exponent is a number from 0 to 16.
    pub(crate) fn is_sound(self) -> bool {
        match self {
            QueueModel::Power(n) => (0.0..=16.0).contains(&n),
            QueueModel::RiskAverse | QueueModel::Logarithm => true,
        }
    }
}

impl Place {
    /// Behind everything there is.
    pub fn behind(level: u64) -> Place {
        Place { front: level as f64, traded: 0.0 }
    }

    /// What stands before, in whole lots.
    pub fn ahead(&self) -> u64 {
        self.front.max(0.0).ceil() as u64
    }

    /// `qty` traded at the price. How much of it went past everything in front.
    pub fn trade(&mut self, qty: u64) -> u64 {
        let qty = qty as f64;
        self.traded += qty;
        self.front -= qty;
        let past = (-self.front).max(0.0);
        self.front = self.front.max(0.0);
        // An estimate between two lots fills when it is wholly past.
        past.floor() as u64
    }

    /// The level went from `before` to `after`, both without us.
    pub fn level(&mut self, model: QueueModel, before: u64, after: u64) {
        let (before, after) = (before as f64, after as f64);
        // What traded stood in front and is off it already.
        let before = before - core::mem::take(&mut self.traded);
        let left = before - after;
        if left < 0.0 || model == QueueModel::RiskAverse {
            self.front = self.front.min(after);
            return;
        }
        let back = before - self.front;
        let behind = model.behind(self.front, back.max(0.0));
        // Where more has left than stood behind, all that is still there is in front.
        self.front = (self.front - (1.0 - behind) * left).min(after).max(0.0);
    }
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: [QueueModel; 4] = [
        QueueModel::RiskAverse,
        QueueModel::Power(1.0),
        QueueModel::Power(3.0),
        QueueModel::Logarithm,
    ];

    #[test]
    fn trades_come_off_the_front_and_are_not_counted_twice() {
        for model in MODELS {
            let mut place = Place::behind(100);
            assert_eq!(place.trade(30), 0);
            assert_eq!(place.ahead(), 70);
            // The level's change is the trade and nothing else.
            place.level(model, 100, 70);
            assert_eq!(place.ahead(), 70, "{model:?}");
            assert_eq!(place.trade(75), 5);
            assert_eq!(place.ahead(), 0);
        }
    }

    #[test]
    fn cancels_are_spread_as_the_model_says() {
        let after = |model| {
            let mut place = Place::behind(60);
            place.level(model, 60, 100); // forty come behind
            place.level(model, 100, 80); // twenty leave
            place.front
        };
        assert_eq!(after(QueueModel::RiskAverse), 60.0);
        // Uniformly: 60 % of what leaves was in front.
        assert!((after(QueueModel::Power(1.0)) - 48.0).abs() < 1e-9);
        let [square, logarithm] = [QueueModel::Power(2.0), QueueModel::Logarithm].map(after);
        assert!((square - (60.0 - 20.0 * 3600.0 / 5200.0)).abs() < 1e-9);
        let part = 61f64.ln() / (61f64.ln() + 41f64.ln());
        assert!((logarithm - (60.0 - 20.0 * part)).abs() < 1e-9);
    }

    #[test]
    fn a_level_that_empties_leaves_nobody_in_front() {
        for model in MODELS {
            let mut place = Place::behind(50);
            place.level(model, 50, 0);
            assert_eq!(place.ahead(), 0);
            assert_eq!(place.trade(3), 3);
        }
    }
}
