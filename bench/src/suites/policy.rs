//! One decision of each strategy, and one of each kind of network alone, beside other runtimes.

mod networks;
mod peers;
mod rows;
mod torch;

use super::prepare::{Event, Events, on_core, timed};
use crate::day::MarketDay;
use crate::rig::Quoting;
use crate::{Context, Report, Samples};
use anyhow::Result;
use tercel_policy::Features;
use tercel_policy::hybrid::{Hybrid, HybridState};
use tercel_policy::mlp::Mlp;
use tercel_types::{
    Intent, Intents, Nanos, OrderRef, Own, Price, Qty, Side, UserRef, WorkingOrder, WorkingState,
};

/// Inputs that the networks alone run over.
const INPUTS: usize = 1 << 12;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let day = MarketDay::of(context)?;
    on_core(context, || {
        let mut inputs = Vec::with_capacity(INPUTS);
        for quoting in [Quoting::FixedSpread, Quoting::Glft, Quoting::Mlp] {
            context.progress.start(quoting.name(), 0);
            let mut events = Events::new(context, &day, quoting)?;
            let samples = decisions(&mut events, &mut inputs);
            report.latency(&format!("policy/{}/decide", quoting.name()), &samples);
        }
        networks::measure(context, &inputs, report)
    })
}

/// Decides after each batch of events on the instruments that they were of. Our orders are what
/// earlier decisions asked for, so that most decisions leave them and some move them.
fn decisions(events: &mut Events, inputs: &mut Vec<Features>) -> Samples {
    let mut samples = Samples::new();
    let mut owns = vec![Own::default(); usize::from(u16::MAX) + 1];
    let mut next_ref = 1;
    let mut wanted: Vec<Intents> = Vec::with_capacity(64);
    while events.advance() {
        let Events { policy, books, batch, .. } = &mut *events;
        for event in batch.iter() {
            policy.on_event(&event.record, &event.change, books, event.now);
        }
        wanted.clear();
        timed(&mut samples, batch.len(), || {
            for Event { change, now, .. } in batch.iter() {
                let own = &owns[change.instrument.index()];
                wanted.push(policy.decide(change.instrument, books, own, *now));
            }
        });
        for (event, intents) in batch.iter().zip(&wanted) {
            let own = &mut owns[event.change.instrument.index()];
            intents.iter().for_each(|intent| obey(own, intent, event.now, &mut next_ref));
        }
        if let Some(event) = batch.first().filter(|_| inputs.len() < INPUTS) {
            let id = event.change.instrument;
            inputs.push(policy.features(id, books, &owns[id.index()], event.now));
        }
    }
    samples
}

/// The venue does what is wanted, and at once.
fn obey(own: &mut Own, intent: &Intent, now: Nanos, next_ref: &mut u32) {
    let mut working = |side, price: Price, open: Qty| {
        *next_ref += 1;
        let (user_ref, order_ref) = (UserRef(*next_ref), OrderRef(u64::from(*next_ref) << 40));
        let state = WorkingState::Live;
        WorkingOrder { user_ref, order_ref, side, price, open, entered: now, state }
    };
    match *intent {
        Intent::Enter(new) => {
            let order = working(new.side, new.price, new.qty);
            match new.side {
                Side::Buy => own.bid = Some(order),
                Side::Sell => own.ask = Some(order),
            }
        }
        Intent::Replace { original, price, qty } => {
            for order in [&mut own.bid, &mut own.ask].into_iter().flatten() {
                if order.user_ref == original {
                    *order = working(order.side, price, qty);
                }
            }
        }
        Intent::Cancel { original } => {
            for side in [&mut own.bid, &mut own.ask] {
                side.take_if(|order| order.user_ref == original);
            }
        }
    }
}

/// A network of ours whose outputs are compared with another's.
trait Ours {
    fn outputs(&mut self, input: &Features) -> &[f32];
}

impl Ours for Mlp {
    fn outputs(&mut self, input: &Features) -> &[f32] {
        self.forward(input)
    }
}

impl Ours for (Hybrid, HybridState) {
    fn outputs(&mut self, input: &Features) -> &[f32] {
        self.0.step(&mut self.1, input)
    }
}

/// Reports how far a peer's outputs for the first inputs are from ours: the largest distance, of
/// outputs above one relative to them.
#[cfg_attr(not(any(feature = "torch", feature = "peers-policy")), allow(dead_code))]
fn compare(
    rows: &rows::Rows<'_>,
    report: &mut Report,
    peer: &str,
    mut ours: impl Ours,
    mut theirs: impl FnMut(&Features) -> Result<Vec<f32>>,
) -> Result<()> {
    let mut most = 0.0f64;
    for input in &rows.inputs[..rows.inputs.len() / 4] {
        for (a, b) in ours.outputs(input).iter().zip(theirs(input)?) {
            let (a, b) = (f64::from(*a), f64::from(b));
            most = most.max((a - b).abs() / a.abs().max(1.0));
        }
    }
    let name = format!("{peer}_difference");
    report.value(&name, "", most);
    report.target(&name, "equal to ours to 1e-6", 1e-6, most);
    Ok(())
}
