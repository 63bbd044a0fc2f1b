//! What is measured, one file a suite. `METHOD.md` says of each what its intervals contain.

mod backtest;
mod book;
mod decode;
mod encode;
mod environments;
mod exchange;
mod features;
mod feed;
mod market;
mod policy;
mod prepare;
mod ring;
mod risk;
mod tick_to_trade;

use crate::{Context, Report};

/// Something that can be measured on its own.
pub struct Suite {
    /// Its name on the command line and in front of its metrics.
    pub name: &'static str,
    /// What it measures, in a line.
    pub about: &'static str,
    /// Measures and reports.
    pub run: fn(&Context, &mut Report) -> anyhow::Result<()>,
}

/// Every suite, in the order in which `all` runs them.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "tick-to-trade",
        about: "frames in memory to order frames in memory, closed and open loop",
        run: tick_to_trade::run,
    },
    Suite { name: "book", about: "decode and apply a day, beside floor and peers", run: book::run },
    Suite { name: "decode", about: "frames to records", run: decode::run },
    Suite { name: "features", about: "bringing features up to date", run: features::run },
    Suite { name: "policy", about: "decisions of strategies and networks", run: policy::run },
    Suite { name: "risk", about: "checks of each kind, passed and refused", run: risk::run },
    Suite { name: "encode", about: "approved orders to OUCH packets", run: encode::run },
    Suite { name: "ring", about: "records between two cores, beside the floor", run: ring::run },
    Suite { name: "feed", about: "two lines with loss, gaps and answers", run: feed::run },
    Suite { name: "exchange", about: "the simulated venue", run: exchange::run },
    Suite { name: "environments", about: "steps of what is learned in", run: environments::run },
    Suite { name: "market", about: "events through simulated markets", run: market::run },
    Suite { name: "backtest", about: "recordings without and with a strategy", run: backtest::run },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::tests::context;
    use crate::machine::Machine;

    /// Runs a suite over a small day; its report has the metrics named.
    fn runs(name: &str, metrics: &[&str]) {
        let suite = SUITES.iter().find(|suite| suite.name == name).expect("a suite");
        let mut report = Report::new(name, Machine::default());
        (suite.run)(&context(40, 60_000), &mut report).expect("it runs");
        for metric in metrics {
            let name = format!("{name}/{metric}");
            let metric = report.metrics.get(&name).unwrap_or_else(|| panic!("no {name}"));
            assert!(metric.middle().is_some_and(|value| value >= 0.0), "{name}");
        }
    }

    #[test]
    fn tick_to_trade_runs() {
        let metrics = [
            "closed/40-instruments/mlp/frame_to_order",
            "closed/40-instruments/glft/frame_to_order",
            "closed/40-instruments/fixed-spread/capacity",
            "closed/40-instruments/mlp/stage/book",
            "closed/40-instruments/mlp/stage/gateway",
            "cold/40-instruments/mlp/frame_to_order",
            "open/40-instruments/mlp/frame_to_order",
            "open/40-instruments/mlp/lag",
            "burst/40-instruments/mlp/lag",
            "open/1-instrument/mlp/frame_to_order",
            "stamp",
        ];
        runs("tick-to-trade", &metrics);
    }

    #[test]
    fn book_runs() {
        let metrics = ["decode_and_apply", "apply", "floor", "resident", "start_to_ready"];
        runs("book", &metrics);
    }

    #[test]
    fn decode_runs() {
        runs("decode", &["1-message", "3-messages", "30-messages", "frame_parse", "message"]);
    }

    #[test]
    fn features_and_policy_run() {
        runs("features", &["update", "compute"]);
        let metrics = [
            "fixed-spread/decide",
            "glft/decide",
            "mlp/decide",
            "mlp/forward",
            "mlp/forward_cold",
            "mlp_int8/forward",
            "hybrid/step",
            "hybrid/prepare",
            "lstm_int8/step",
        ];
        runs("policy", &metrics);
    }

    #[test]
    fn risk_and_encode_run() {
        runs("risk", &["enter", "replace", "cancel", "reject_collar", "reject_position"]);
        runs("encode", &["enter", "replace", "cancel"]);
    }

    #[test]
    fn ring_runs() {
        runs("ring", &["publish_and_poll"]);
    }

    #[test]
    fn feed_runs() {
        let metrics = ["one_line", "loss_0", "loss_0.1", "loss_1", "retransmitted_1"];
        runs("feed", &metrics);
    }

    #[test]
    fn environments_runs() {
        runs("environments", &["mm1_steps", "mm2_discrete_steps", "ex1_steps", "sa1_steps"]);
    }

    #[test]
    fn market_runs() {
        runs("market", &["zero-intelligence/events", "agents/records", "demo/commands"]);
    }

    #[test]
    fn exchange_runs() {
        runs("exchange", &["matching", "venue", "matching_rate"]);
    }

    #[test]
    fn backtest_runs() {
        let metrics = [
            "generated-day/replay",
            "generated-day/replay-own_rate",
            "generated-one/replay",
            "generated-one/fixed-spread",
            "generated-one/mlp/decision",
        ];
        runs("backtest", &metrics);
    }
}
