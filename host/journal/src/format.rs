//! The bytes of a segment, and the only place that writes them. All numbers are little-endian.
//!
//! A journal is a folder of segments `journal-<first sequence, 20 digits>.tcj`. A segment is a
//! header, then batches one after the other, then zeros up to its size. A batch is one or more
//! records closed by a commit record. Everything starts at a multiple of 8 bytes.
//!
//! Header, 128 bytes:
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | magic, `TCLJRNL\n` |
//! | 8..12 | format version, 1 |
//! | 12..16 | zero |
//! | 16..24 | index of the segment in the journal, from 0 |
//! | 24..32 | sequence of the first record, from 1; also in the file's name |
//! | 32..40 | when the segment was made, ns since the Unix epoch |
//! | 40..48 | size of the segment in bytes |
//! | 48..80 | chain value at the end of the segment before; zero in the first |
//! | 80..124 | zero |
//! | 124..128 | CRC-32C of bytes 0..124 |
//!
//! Record, `n` bytes of payload, padded with zeros to a multiple of 8:
//!
//! | bytes | field |
//! |---|---|
//! | 0..4 | `n`, at most 65,536 |
//! | 4..6 | kind; 0xFFFF is the commit record's |
//! | 6..8 | mark, 0x4352 (`RC`): what follows a batch is a record or zeros |
//! | 8..16 | sequence, one more than the record's before |
//! | 16..24 | stamp, ns since the Unix epoch |
//! | 24..24+n | payload |
//! | .. | zeros, fewer than 8 |
//! | last 4 | CRC-32C of everything of this record before it |
//!
//! Commit record: a record of kind 0xFFFF, whose sequence is that of the batch's last record, whose
//! stamp is the time of the commit, and whose payload has 40 bytes:
//!
//! | bytes | field |
//! |---|---|
//! | 24..28 | records in the batch |
//! | 28..32 | bytes of these records, without the commit record |
//! | 32..64 | chain value |
//!
//! The chain value at the start of a segment is the SHA-256 of its header, which has the chain
//! value of the segment before in it. The value after a batch is the SHA-256 of the value before,
//! the bytes of the batch's records, and bytes 0..32 of its commit record.

use crate::chain::Chain;
use tercel_types::Nanos;

/// Most bytes of a record's payload.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 10;
/// Most bytes of a batch with its commit record: what a reader holds in memory, and what the
/// journal buffers before [`append`](crate::Journal::append) asks for a commit.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// Smallest size of a segment in bytes. A segment below 4 MiB holds batches of less than
/// [`BATCH_BYTES_MAX`], and one below 64 KiB records of less than [`PAYLOAD_BYTES_MAX`].
pub const SEGMENT_BYTES_MIN: u64 = 4 << 10;
/// Largest size of a segment in bytes.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// The kind of the commit records; the only one that [`append`](crate::Journal::append) refuses.
pub const KIND_COMMIT: u16 = u16::MAX;

pub(crate) const HEADER_BYTES: usize = 128;
pub(crate) const HEAD_BYTES: usize = 24;
pub(crate) const CRC_BYTES: usize = 4;
pub(crate) const COMMIT_BYTES: usize = record_bytes(COMMIT_PAYLOAD_BYTES);
const COMMIT_PAYLOAD_BYTES: usize = 40;
/// What of a commit record goes into the chain: its head and its counts.
const COMMIT_CHAINED_BYTES: usize = 32;

const MAGIC: [u8; 8] = *b"TCLJRNL\n";
const VERSION: u32 = 1;
/// Far more than a journal can count to: from here on sums with what a file says cannot overflow.
const NUMBER_MAX: u64 = 1 << 62;
const MARK: u16 = u16::from_le_bytes(*b"RC");

/// What the header of a segment says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) index: u64,
    pub(crate) first_sequence: u64,
    pub(crate) created: Nanos,
    pub(crate) size: u64,
    pub(crate) previous: Chain,
}

/// The fixed part of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub(crate) length: usize,
    pub(crate) kind: u16,
    pub(crate) sequence: u64,
    pub(crate) stamp: Nanos,
}

/// What a commit record says of its batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Commit {
    pub(crate) sequence: u64,
    pub(crate) stamp: Nanos,
    pub(crate) records: u32,
    pub(crate) bytes: u32,
    pub(crate) chain: Chain,
}

/// Bytes of a record with `payload` bytes of payload.
pub(crate) const fn record_bytes(payload: usize) -> usize {
    (HEAD_BYTES + payload + CRC_BYTES).next_multiple_of(8)
}

/// Most bytes of a batch with its commit record in a segment of `size` bytes.
pub(crate) fn batch_bytes_max(size: u64) -> usize {
    BATCH_BYTES_MAX.min(size as usize - HEADER_BYTES)
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut word = [0; N];
    word.copy_from_slice(&bytes[at..at + N]);
    word
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(word(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(word(bytes, at))
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.index.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.created.0.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.size.to_le_bytes());
        bytes[48..80].copy_from_slice(&self.previous.0);
        let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - CRC_BYTES]);
        bytes[HEADER_BYTES - CRC_BYTES..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The fields, or nothing when any byte is not what [`encode`](Header::encode) writes.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let header = Header {
            index: u64_at(bytes, 16),
            first_sequence: u64_at(bytes, 24),
            created: Nanos(u64_at(bytes, 32)),
            size: u64_at(bytes, 40),
            previous: Chain(word(bytes, 48)),
        };
        let sized = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&header.size)
            && header.size.is_multiple_of(8);
        let numbered = (1..=NUMBER_MAX).contains(&header.first_sequence);
        let fits = sized && numbered && header.index <= NUMBER_MAX;
        (fits && header.encode() == *bytes).then_some(header)
    }

    /// Whether these are the bytes of a journal that this version cannot read: the version found.
    pub(crate) fn other_version(bytes: &[u8; HEADER_BYTES]) -> Option<u32> {
        let version = u32_at(bytes, 8);
        let crc = u32_at(bytes, HEADER_BYTES - CRC_BYTES);
        let ours = bytes[..8] == MAGIC
            && crc == crc32c::crc32c(&bytes[..HEADER_BYTES - CRC_BYTES])
            && version != VERSION;
        ours.then_some(version)
    }
}

impl Head {
    /// The fixed part at the start of `bytes`, which has at least [`HEAD_BYTES`]; nothing when it
    /// has no mark or says more payload than allowed.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Head> {
        let length = u32_at(bytes, 0) as usize;
        let kind = u16::from_le_bytes(word(bytes, 4));
        let known = u16::from_le_bytes(word(bytes, 6)) == MARK
            && length <= PAYLOAD_BYTES_MAX
            && (kind != KIND_COMMIT || length == COMMIT_PAYLOAD_BYTES);
        known.then(|| Head {
            length,
            kind,
            sequence: u64_at(bytes, 8),
            stamp: Nanos(u64_at(bytes, 16)),
        })
    }

    /// Bytes of the whole record.
    pub(crate) fn record_bytes(&self) -> usize {
        record_bytes(self.length)
    }

    /// The bytes 6..16 of any record of this sequence.
    pub(crate) fn fixed(sequence: u64) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&MARK.to_le_bytes());
        bytes[2..].copy_from_slice(&sequence.to_le_bytes());
        bytes
    }
}

/// Appends a record to `to`.
pub(crate) fn put_record(to: &mut Vec<u8>, kind: u16, sequence: u64, stamp: Nanos, payload: &[u8]) {
    let start = to.len();
    to.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    to.extend_from_slice(&kind.to_le_bytes());
    to.extend_from_slice(&Head::fixed(sequence));
    to.extend_from_slice(&stamp.0.to_le_bytes());
    to.extend_from_slice(payload);
    to.resize(start + record_bytes(payload.len()) - CRC_BYTES, 0);
    let crc = crc32c::crc32c(&to[start..]);
    to.extend_from_slice(&crc.to_le_bytes());
}

/// Closes the batch in `to` and gives the chain value after it.
pub(crate) fn put_commit(
    to: &mut Vec<u8>,
    records: u32,
    sequence: u64,
    stamp: Nanos,
    before: Chain,
) -> Chain {
    let bytes = to.len();
    let mut payload = [0; COMMIT_PAYLOAD_BYTES];
    payload[..4].copy_from_slice(&records.to_le_bytes());
    payload[4..8].copy_from_slice(&(bytes as u32).to_le_bytes());
    // The head and the counts come first, because the chain value depends on them.
    put_record(to, KIND_COMMIT, sequence, stamp, &payload);
    let (batch, commit) = to.split_at(bytes);
    let chain = before.after(batch, &commit[..COMMIT_CHAINED_BYTES]);
    to.truncate(bytes);
    payload[8..].copy_from_slice(&chain.0);
    put_record(to, KIND_COMMIT, sequence, stamp, &payload);
    chain
}

/// What the CRC of a record should be; `record` is the whole of it.
pub(crate) fn crc_of(record: &[u8]) -> u32 {
    crc32c::crc32c(&record[..record.len() - CRC_BYTES])
}

/// Whether the CRC of a record is right and its padding zero.
pub(crate) fn is_whole(record: &[u8], head: &Head) -> bool {
    let crc = record.len() - CRC_BYTES;
    u32_at(record, crc) == crc_of(record)
        && record[HEAD_BYTES + head.length..crc].iter().all(|byte| *byte == 0)
}

/// What a commit record says, whose head and CRC have been looked at.
pub(crate) fn commit(record: &[u8], head: &Head) -> Commit {
    Commit {
        sequence: head.sequence,
        stamp: head.stamp,
        records: u32_at(record, HEAD_BYTES),
        bytes: u32_at(record, HEAD_BYTES + 4),
        chain: Chain(word(record, COMMIT_CHAINED_BYTES)),
    }
}

/// The chain value that a commit record should have after `records`.
pub(crate) fn chain_after(before: Chain, records: &[u8], commit: &[u8]) -> Chain {
    before.after(records, &commit[..COMMIT_CHAINED_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            index: 3,
            first_sequence: 77,
            created: Nanos(1_700_000_000_000_000_000),
            size: 1 << 20,
            previous: Chain([7; 32]),
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let bytes = header().encode();
        assert_eq!(Header::decode(&bytes), Some(header()));
        for bit in 0..8 * HEADER_BYTES {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bad), None, "bit {bit}");
            assert_eq!(Header::other_version(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        let mut bytes = header().encode();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!((Header::decode(&bytes), Header::other_version(&bytes)), (None, Some(2)));
    }

    #[test]
    fn records_have_the_documented_bytes() {
        let mut bytes = Vec::new();
        put_record(&mut bytes, 0x0102, 5, Nanos(6), b"abc");
        assert_eq!(bytes.len(), 32);
        assert_eq!(bytes[..8], [3, 0, 0, 0, 2, 1, b'R', b'C']);
        assert_eq!(bytes[8..28], *b"\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0abc\0");
        let head = Head::decode(&bytes).unwrap();
        assert_eq!(head, Head { length: 3, kind: 0x0102, sequence: 5, stamp: Nanos(6) });
        assert!(is_whole(&bytes, &head));

        let chain = put_commit(&mut bytes, 1, 5, Nanos(9), Chain::NONE);
        let (batch, closing) = bytes.split_at(32);
        let head = Head::decode(closing).unwrap();
        assert_eq!((closing.len(), head.record_bytes()), (COMMIT_BYTES, COMMIT_BYTES));
        assert!(is_whole(closing, &head));
        let said = Commit { sequence: 5, stamp: Nanos(9), records: 1, bytes: 32, chain };
        assert_eq!(commit(closing, &head), said);
        assert_eq!(chain, chain_after(Chain::NONE, batch, closing));
    }
}
