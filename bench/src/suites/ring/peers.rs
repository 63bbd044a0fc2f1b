//! Queues by other people between the same cores in the same run.

#[cfg(feature = "peers")]
use super::{End, ping_pong};
use crate::{Report, Samples};
use anyhow::Result;
#[cfg(feature = "peers")]
use iceoryx2::port::{publisher::Publisher, subscriber::Subscriber};
#[cfg(feature = "peers")]
use iceoryx2::prelude::{LogLevel, Node, NodeBuilder, ipc, set_log_level};
#[cfg(feature = "peers")]
use tercel_abi::{EventRecord, Kind};

/// What was measured of them.
#[derive(Default)]
pub(super) struct Peers {
    rtrb: Samples,
    iceoryx2: Samples,
}

impl Peers {
    /// One round of each.
    #[cfg(feature = "peers")]
    pub(super) fn measure(&mut self, cores: [usize; 2], wanted: u64) -> Result<()> {
        let (here, there) = rtrb_ends();
        ping_pong(cores, wanted, &mut self.rtrb, || Ok(here), || Ok(there))?;
        let [one, two] = names();
        let here = || Iceoryx2::open(&one, &two);
        let there = || Iceoryx2::open(&two, &one);
        ping_pong(cores, wanted, &mut self.iceoryx2, here, there)
    }

    #[cfg(not(feature = "peers"))]
    pub(super) fn measure(&mut self, _: [usize; 2], _: u64) -> Result<()> {
        Ok(())
    }

    /// Reports what there is.
    pub(super) fn report(&self, report: &mut Report) {
        for (name, samples) in [("rtrb", &self.rtrb), ("iceoryx2", &self.iceoryx2)] {
            if samples.is_empty() {
                report.note(format!("ring: {name} not measured, built without peers"));
                continue;
            }
            let name = format!("ring/peer/{name}");
            report.latency(&name, samples);
            report.ratio(&format!("{name}_to_floor"), &name, "ring/ping_pong_floor");
        }
    }
}

/// A queue for one producer and one consumer inside a process.
#[cfg(feature = "peers")]
struct Rtrb {
    out: rtrb::Producer<EventRecord>,
    back: rtrb::Consumer<EventRecord>,
    record: EventRecord,
}

#[cfg(feature = "peers")]
impl End for Rtrb {
    #[inline(always)]
    fn send(&mut self, number: u64) {
        self.record.order_ref = number;
        // There is one record under way at most.
        let _ = self.out.push(self.record);
    }

    #[inline(always)]
    fn receive(&mut self) -> Option<u64> {
        self.back.pop().ok().map(|record| record.order_ref)
    }
}

#[cfg(feature = "peers")]
fn rtrb_ends() -> (Rtrb, Rtrb) {
    let (first, from_first) = rtrb::RingBuffer::new(super::SLOTS);
    let (second, from_second) = rtrb::RingBuffer::new(super::SLOTS);
    let record = EventRecord::new(Kind::Add);
    let here = Rtrb { out: first, back: from_second, record };
    let there = Rtrb { out: second, back: from_first, record };
    (here, there)
}

/// Publish-subscribe through shared memory, of 64 bytes as a record has.
#[cfg(feature = "peers")]
struct Iceoryx2 {
    out: Publisher<ipc::Service, [u64; 8], ()>,
    back: Subscriber<ipc::Service, [u64; 8], ()>,
    _node: Node<ipc::Service>,
}

#[cfg(feature = "peers")]
impl Iceoryx2 {
    fn open(out: &str, back: &str) -> Result<Iceoryx2> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().create::<ipc::Service>()?;
        let service = |name: &str| -> Result<_> {
            let builder = node.service_builder(&name.try_into()?);
            Ok(builder.publish_subscribe::<[u64; 8]>().open_or_create()?)
        };
        let (out, back) = (service(out)?, service(back)?);
        let out = out.publisher_builder().create()?;
        let back = back.subscriber_builder().create()?;
        Ok(Iceoryx2 { out, back, _node: node })
    }
}

#[cfg(feature = "peers")]
impl End for Iceoryx2 {
    #[inline(always)]
    fn send(&mut self, number: u64) {
        if let Ok(sample) = self.out.loan_uninit() {
            let _ = sample.write_payload([number; 8]).send();
        }
    }

    #[inline(always)]
    fn receive(&mut self) -> Option<u64> {
        self.back.receive().ok().flatten().map(|sample| sample[0])
    }
}

/// Services of this process and this round only.
#[cfg(feature = "peers")]
fn names() -> [String; 2] {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    [0, 1].map(|side| format!("tercel/bench/{}/{number}/{side}", std::process::id()))
}
