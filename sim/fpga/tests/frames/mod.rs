//! Frames as a venue sends them, and cards that listen to them.

#![allow(dead_code, reason = "each suite uses a part")]

use tercel_abi::device::{self, LINES, line_register as of_line, register};
use tercel_abi::{EventRecord, FeedDevice, RxFrame, line_register};
use tercel_emulator::Emulator;
use zerocopy::FromBytes;

pub(crate) const SESSION: [u8; 10] = *b"TERCEL0001";
pub(crate) const ADDRESS: [u32; LINES] = [0xe9_36_0c_6f, 0xe9_36_0c_70];
pub(crate) const PORT: [u16; LINES] = [26_400, 26_401];
pub(crate) const VENUE: u8 = 5;

/// One frame; what is None is worked out from the rest.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) tags: Vec<u16>,
    pub(crate) ethertype: u16,
    pub(crate) version: u8,
    pub(crate) fragment: u16,
    pub(crate) protocol: u8,
    pub(crate) address: u32,
    pub(crate) port: u16,
    pub(crate) session: [u8; 10],
    pub(crate) seq: u64,
    pub(crate) count: Option<u16>,
    pub(crate) blocks: Vec<u8>,
    pub(crate) ip_length: Option<u16>,
    pub(crate) ip_checksum_off_by: u16,
    pub(crate) udp_length: Option<u16>,
    /// None for no checksum, else what it is wrong by.
    pub(crate) udp_checksum_off_by: Option<u16>,
    /// Bytes behind the datagram.
    pub(crate) padding: usize,
}

impl Frame {
    /// A good packet without messages.
    pub(crate) fn new(line: usize, seq: u64) -> Frame {
        Frame {
            tags: Vec::new(),
            ethertype: 0x0800,
            version: 0x45,
            fragment: 0x4000,
            protocol: 17,
            address: ADDRESS[line],
            port: PORT[line],
            session: SESSION,
            seq,
            count: None,
            blocks: Vec::new(),
            ip_length: None,
            ip_checksum_off_by: 0,
            udp_length: None,
            udp_checksum_off_by: None,
            padding: 0,
        }
    }

    /// A good packet of these messages.
    pub(crate) fn of<M: AsRef<[u8]>>(line: usize, seq: u64, messages: &[M]) -> Frame {
        let mut frame = Frame::new(line, seq);
        for message in messages {
            let message = message.as_ref();
            frame.blocks.extend((message.len() as u16).to_be_bytes());
            frame.blocks.extend(message);
        }
        Frame { count: Some(messages.len() as u16), ..frame }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let udp_real = 28 + self.blocks.len();
        let udp_length = self.udp_length.unwrap_or(udp_real as u16);
        let mut udp = Vec::new();
        udp.extend(40_000_u16.to_be_bytes());
        udp.extend(self.port.to_be_bytes());
        udp.extend(udp_length.to_be_bytes());
        udp.extend([0, 0]);
        udp.extend(self.session);
        udp.extend(self.seq.to_be_bytes());
        udp.extend(self.count.unwrap_or(0).to_be_bytes());
        udp.extend(&self.blocks);

        let mut ip = vec![self.version, 0];
        ip.extend(self.ip_length.unwrap_or((20 + udp_real) as u16).to_be_bytes());
        ip.extend([0x12, 0x34]);
        ip.extend(self.fragment.to_be_bytes());
        ip.extend([64, self.protocol, 0, 0, 10, 0, 0, 1]);
        ip.extend(self.address.to_be_bytes());
        let checksum = checksum(&ip).wrapping_add(self.ip_checksum_off_by);
        ip[10..12].copy_from_slice(&checksum.to_be_bytes());

        if let Some(wrong_by) = self.udp_checksum_off_by {
            let mut pseudo = ip[12..20].to_vec();
            pseudo.extend([0, 17]);
            pseudo.extend(udp_length.to_be_bytes());
            pseudo.extend(&udp[..usize::from(udp_length).min(udp.len())]);
            let checksum = match self::checksum(&pseudo) {
                0 => 0xffff,
                checksum => checksum,
            };
            udp[6..8].copy_from_slice(&checksum.wrapping_add(wrong_by).to_be_bytes());
        }

        let mut bytes = vec![0x01, 0, 0x5e, 0x36, 0x0c, 0x6f, 2, 0, 0, 0, 0, 1];
        for tag in &self.tags {
            bytes.extend(tag.to_be_bytes());
            bytes.extend([0x20, 7]);
        }
        bytes.extend(self.ethertype.to_be_bytes());
        bytes.extend(ip);
        bytes.extend(udp);
        bytes.extend(vec![0xa5; self.padding]);
        bytes
    }
}

/// The Internet checksum (RFC 1071), with a 64-bit sum.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
        [high] => u64::from(*high) << 8,
        _ => 0,
    });
    // The sum of 16-bit words modulo 0xffff is the folded sum, but that it may be either zero.
    let sum: u64 = words.sum();
    if sum == 0 { 0xffff } else { !(((sum - 1) % 0xffff + 1) as u16) }
}

/// A message that is right: order deleted, by its reference number.
pub(crate) fn delete(locate: u16, order_ref: u64) -> Vec<u8> {
    let mut message = vec![b'D'];
    message.extend(locate.to_be_bytes());
    message.extend([0, 9, 0, 0, 0, 0, 1, 0]);
    message.extend(order_ref.to_be_bytes());
    message
}

/// Configures both lines and a ring at `base`, and starts generation 1.
pub(crate) fn start(card: &mut dyn FeedDevice, base: u64, log2: u32, next_seq: u64) {
    for line in 0..LINES {
        configure_line(card, line);
    }
    card.csr_write(register::RING_LOG2, log2);
    card.csr_write(register::RING_BASE_LO, base as u32);
    card.csr_write(register::RING_BASE_HI, (base >> 32) as u32);
    card.csr_write(register::NEXT_SEQ_LO, next_seq as u32);
    card.csr_write(register::NEXT_SEQ_HI, (next_seq >> 32) as u32);
    card.csr_write(register::VENUE, u32::from(VENUE));
    card.csr_write(register::CONTROL, 1);
}

pub(crate) fn configure_line(card: &mut dyn FeedDevice, line: usize) {
    let words = [
        (of_line::ADDRESS, ADDRESS[line]),
        (of_line::PORT, u32::from(PORT[line])),
        (of_line::SESSION_0, u32::from_le_bytes(SESSION[..4].try_into().unwrap())),
        (of_line::SESSION_1, u32::from_le_bytes(SESSION[4..8].try_into().unwrap())),
        (of_line::SESSION_2, u32::from(u16::from_le_bytes([SESSION[8], SESSION[9]]))),
    ];
    for (of, word) in words {
        card.csr_write(line_register(line, of), word);
    }
}

/// A started card that expects number `next_seq`, with every instrument passing.
pub(crate) fn card(log2: u32, next_seq: u64) -> Emulator {
    let mut card = Emulator::new(tercel_emulator::Config::default());
    card.csr_write(register::PASS_ALL, 1);
    start(&mut card, 0x1000, log2, next_seq);
    assert_eq!(card.csr_read(register::STATUS), 1);
    card
}

pub(crate) fn rx(card: &mut Emulator, line: usize, bytes: &[u8]) {
    card.rx_frame(&RxFrame { line, bytes, fcs_good: true, ticks: 77 });
}

pub(crate) fn rx_bad_fcs(card: &mut Emulator, line: usize, bytes: &[u8]) {
    card.rx_frame(&RxFrame { line, bytes, fcs_good: false, ticks: 78 });
}

/// What the card has written since the last call, without the check bits of the slots.
pub(crate) fn records(card: &mut dyn FeedDevice) -> Vec<EventRecord> {
    let mut found = Vec::new();
    card.poll(&mut |_, line| {
        let mut record = EventRecord::read_from_bytes(line).unwrap();
        record.seq &= (1 << 48) - 1;
        record.receive_time &= (1 << 48) - 1;
        found.push(record);
    });
    found
}

/// Counters of a line that hold frames, by index: all but FRAMES, up to PACKETS.
pub(crate) const CLASSES: std::ops::RangeInclusive<usize> =
    device::line_counter::BAD_FCS..=device::line_counter::PACKETS;
