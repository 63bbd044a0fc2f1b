//! The side that receives.

use super::{RING_MIN, RecordConfig, RecordCounters, RecordError, Writer, add};
use rtrb::{Producer, RingBuffer};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use tercel_net::pcap::CAPTURED_MAX;
use tercel_net::pcapng::blocks;
use tercel_proto::{eth, ip};
use tercel_types::Frame;

/// Takes frames off the receiving thread. Dropping it ends the recording.
pub struct Tap {
    ring: Producer<u8>,
    lines: [SocketAddrV4; 2],
    counters: Arc<RecordCounters>,
}

/// Both ends of a recording, with `ring` bytes between them.
///
/// # Errors
/// `Ring` for less than [`RING_MIN`] bytes, `Open` if the folder or the first file cannot be made.
pub fn channel(
    config: RecordConfig,
    ring: usize,
    now: tercel_types::Nanos,
) -> Result<(Tap, Writer), RecordError> {
    if ring < RING_MIN {
        return Err(RecordError::Ring(ring));
    }
    let (producer, consumer) = RingBuffer::new(ring);
    let counters = Arc::new(RecordCounters::default());
    let tap = Tap { ring: producer, lines: config.lines, counters: Arc::clone(&counters) };
    Ok((tap, Writer::open(config, consumer, counters, now)?))
}

impl Tap {
    /// Takes one frame; `false` if it is not recorded, which is counted. Neither waits nor
    /// allocates.
    #[inline]
    pub fn push(&mut self, frame: Frame<'_>) -> bool {
        let to = destination(frame.bytes);
        let Some(line) = self.lines.iter().position(|line| Some(*line) == to) else {
            add(&self.counters.other, 1);
            return false;
        };
        add(&self.counters.received[line], 1);
        let original = frame.bytes.len();
        let kept = &frame.bytes[..original.min(CAPTURED_MAX as usize)];
        let Ok(mut chunk) = self.ring.write_chunk(blocks::packet_len(kept.len())) else {
            add(&self.counters.dropped[line], 1);
            return false;
        };
        let header = blocks::packet_header(line as u32, frame.received, kept.len(), original);
        let (trailer, trailer_len) = blocks::packet_trailer(kept.len());
        let (mut first, mut second) = chunk.as_mut_slices();
        for part in [&header[..], kept, &trailer[..trailer_len]] {
            let (here, there) = part.split_at(part.len().min(first.len()));
            let (filled, rest) = first.split_at_mut(here.len());
            filled.copy_from_slice(here);
            first = rest;
            let (filled, rest) = second.split_at_mut(there.len());
            filled.copy_from_slice(there);
            second = rest;
        }
        chunk.commit_all();
        true
    }

    /// What is counted so far.
    pub fn counters(&self) -> &Arc<RecordCounters> {
        &self.counters
    }

    /// Nobody writes any more.
    pub fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// Where a frame goes to. Only what tells the lines apart is looked at: a frame that is damaged
/// elsewhere is recorded as it came.
fn destination(frame: &[u8]) -> Option<SocketAddrV4> {
    let packet = eth::ipv4(frame).ok()?;
    let header = packet.first_chunk::<{ ip::HEADER }>()?;
    if header[0] >> 4 != 4 || header[9] != ip::PROTOCOL_UDP {
        return None;
    }
    let udp = packet.get(usize::from(header[0] & 0x0f) * 4..)?;
    let port = udp.get(2..4).and_then(|bytes| bytes.first_chunk::<2>())?;
    let [a, b, c, d] = [header[16], header[17], header[18], header[19]];
    Some(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes(*port)))
}
