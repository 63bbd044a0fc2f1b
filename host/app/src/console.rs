//! The operator's commands to a simulated venue, one a line on standard input.

use crate::signals::Signals;
use anyhow::{Context, Result};
use std::io::BufRead;
use std::sync::mpsc::{Receiver, channel};
use tercel_exchange::Faults;
use tercel_exchange::matching::CrossKind;
use tercel_exchange::venue::Control;
use tercel_types::{MatchNumber, Symbol};

/// The commands.
pub(crate) const HELP: &str = "\
halt SYMBOL                    stop trading in a symbol
resume SYMBOL                  let it trade again, through a reopening cross
cross SYMBOL opening|closing   hold a cross
bust NUMBER                    break the execution with this match number
retransmission stop|start      close and open the retransmission server
faults LOSS DUPLICATE REORDER  shares of packets on both lines from now on, 0 to 1
disconnect                     cut every order session
report                         print the report
end                            end the day";

/// What the operator wants.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Order {
    Control(Control),
    Report,
    Help,
    Wrong(String),
}

/// Lines of standard input as they come.
pub(crate) struct Console(Receiver<Order>);

impl Console {
    /// Starts to read; the end of the input raises a signal if it is to stop the venue.
    pub(crate) fn open(signals: Signals, stop_on_eof: bool) -> Result<Console> {
        let (send, orders) = channel();
        std::thread::Builder::new()
            .name("console".into())
            .spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                    if !line.trim().is_empty() && send.send(parse(&line)).is_err() {
                        return;
                    }
                }
                if stop_on_eof {
                    signals.raise();
                }
            })
            .context("cannot start the thread that reads commands")?;
        Ok(Console(orders))
    }

    /// What has come since the last time.
    pub(crate) fn orders(&self) -> impl Iterator<Item = Order> {
        self.0.try_iter()
    }
}

fn parse(line: &str) -> Order {
    let words: Vec<&str> = line.split_whitespace().collect();
    let control = match words[..] {
        ["report"] => return Order::Report,
        ["help"] => return Order::Help,
        ["halt", symbol] => Symbol::new(symbol).map(Control::Halt),
        ["resume", symbol] => Symbol::new(symbol).map(Control::Resume),
        ["cross", symbol, kind] => cross(symbol, kind),
        ["bust", number] => number.parse().ok().map(|n| Control::BustTrade(MatchNumber(n))),
        ["retransmission", "stop"] => Some(Control::StopRetransmission),
        ["retransmission", "start"] => Some(Control::StartRetransmission),
        ["faults", loss, duplicate, reorder] => faults([loss, duplicate, reorder]),
        ["disconnect"] => Some(Control::Disconnect),
        ["end"] => Some(Control::EndSession),
        _ => None,
    };
    control.map_or_else(|| Order::Wrong(line.trim().into()), Order::Control)
}

fn cross(symbol: &str, kind: &str) -> Option<Control> {
    let kind = match kind {
        "opening" => CrossKind::Opening,
        "closing" => CrossKind::Closing,
        _ => return None,
    };
    Some(Control::Cross { symbol: Symbol::new(symbol)?, kind })
}

fn faults(shares: [&str; 3]) -> Option<Control> {
    let [loss, duplicate, reorder] = shares.map(|share| share.parse::<f64>().ok());
    let (loss, duplicate, reorder) = (loss?, duplicate?, reorder?);
    let faults = Faults { loss, duplicate, reorder, ..Faults::default() };
    Some(Control::SetFaults([faults; 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        assert_eq!(parse(" retransmission stop "), Order::Control(Control::StopRetransmission));
        assert_eq!(parse("bust 7"), Order::Control(Control::BustTrade(MatchNumber(7))));
        let halt = Control::Halt(Symbol::new("SIM000").unwrap());
        assert_eq!(parse("halt SIM000"), Order::Control(halt));
        assert!(matches!(parse("faults 0.1 0 0"), Order::Control(Control::SetFaults(_))));
        for wrong in ["halt", "bust x", "faults 1", "cross SIM000 sideways", "sing"] {
            assert_eq!(parse(wrong), Order::Wrong(wrong.into()));
        }
    }
}
