//! One decision of each strategy, and one run of the network alone.

use super::prepare::{Event, Events, on_core, timed};
use crate::day::MarketDay;
use crate::rig::Quoting;
use crate::{Context, Report, Samples};
use anyhow::Result;
use std::hint::black_box;
use tercel_policy::{Artifact, Features};
use tercel_types::{
    Intent, Intents, Nanos, OrderRef, Own, Price, Qty, Side, UserRef, WorkingOrder, WorkingState,
};

/// Inputs that the network alone runs over.
const INPUTS: usize = 1 << 12;

/// Times that it runs over all of them.
const ROUNDS: usize = 50;

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
        context.progress.start("mlp alone", 0);
        forward(context, &inputs, report)
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

/// One run of 40-64-64-2, each stamped by itself: the stamps are in it.
fn forward(context: &Context, inputs: &[Features], report: &mut Report) -> Result<()> {
    let mut mlp = Artifact::untrained(&[64, 64], context.seed as u32)?.mlp().clone();
    let mut samples = Samples::new();
    for round in 0..if context.quick { 2 } else { ROUNDS } {
        // The first round warms up.
        if round == 1 {
            samples = Samples::new();
        }
        for input in inputs {
            timed(&mut samples, 1, || {
                black_box(mlp.forward(black_box(input)));
            });
        }
    }
    context.progress.done();
    let name = "policy/mlp/forward";
    report.latency(name, &samples);
    report.note(format!("policy: the network runs on the {} kernel", mlp.kernel().name()));
    report.target(name, "f32 network, p99 at most 230 ns", 230.0, samples.quantile(0.99));
    Ok(())
}
