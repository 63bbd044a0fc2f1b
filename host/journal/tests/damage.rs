//! What was altered is found and named; what a crash leaves is cut.

mod harness;

use harness::{append, config, copy, open, patch, records, segments, verify};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use tercel_journal::{
    Damage, DamageKind, Journal, JournalError, Reader, SEGMENT_BYTES_MIN, TornTail, Verified,
};
use tercel_types::Nanos;

const SIZE: usize = SEGMENT_BYTES_MIN as usize;

/// Three segments, each with a few batches.
fn journal(folder: &Path) -> Verified {
    let mut journal = open(folder, SIZE as u64);
    while segments(folder).len() < 3 || !journal.next_sequence().is_multiple_of(7) {
        append(&mut journal).unwrap();
        append(&mut journal).unwrap();
        append(&mut journal).unwrap();
        journal.commit(Nanos(9)).unwrap();
    }
    journal.close(Nanos(9)).unwrap();
    verify(folder).unwrap()
}

fn damage(result: Result<impl std::fmt::Debug, JournalError>) -> Damage {
    match result {
        Err(JournalError::Damaged(damage)) => damage,
        other => panic!("{other:?}"),
    }
}

/// Where the bytes end that are not zero.
fn end_of(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[test]
fn every_flipped_byte_is_found_and_named() {
    let folder = harness::folder();
    let folder = folder.path();
    let whole = journal(folder);
    let files = segments(folder);
    let mut torn = 0;
    for (index, path) in files.iter().enumerate() {
        let is_last = index + 1 == files.len();
        let bytes = fs::read(path).unwrap();
        assert_eq!(bytes.len(), SIZE);
        let end = end_of(&bytes).next_multiple_of(8);
        for (offset, byte) in bytes.iter().enumerate() {
            let flip = if offset % 3 == 0 { 0xFF } else { 1 << (offset % 8) };
            patch(path, offset as u64, &[byte ^ flip]);
            match verify(folder) {
                Err(JournalError::Damaged(damage)) => {
                    assert_eq!(&damage.file, path, "{damage}");
                    assert!(damage.offset <= offset as u64, "offset {offset}: {damage}");
                    assert!(damage.sequence >= 1 && damage.sequence <= whole.records + 1);
                }
                // Only in the zeros after the last batch: maybe the beginning of the next.
                Ok(Verified { torn: Some(tail), records, .. }) => {
                    assert!(is_last && offset >= end, "offset {offset}: {tail:?}");
                    // Length and kind may be anything; or a sector seems to be missing.
                    let next_sector = (end + 1).next_multiple_of(512);
                    let may_be_torn = offset < end + 6 || offset >= next_sector;
                    assert!(may_be_torn, "offset {offset} after {end}");
                    assert_eq!((&tail.file, records), (path, whole.records));
                    assert_eq!(tail.offset + tail.bytes, offset as u64 + 1);
                    torn += 1;
                }
                other => panic!("offset {offset}: {other:?}"),
            }
            patch(path, offset as u64, &[*byte]);
        }
    }
    assert!(torn > 0);
    assert_eq!(verify(folder).unwrap(), whole);
}

#[test]
fn a_record_altered_together_with_its_crc_breaks_the_chain() {
    let folder = harness::folder();
    let folder = folder.path();
    let whole = journal(folder);
    let path = &segments(folder)[1];
    let bytes = fs::read(path).unwrap();
    let (mut at, mut tried) = (128, 0);
    while bytes[at + 6..at + 8] == *b"RC" {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let end = at + (24 + length + 4).next_multiple_of(8);
        // The stamp, which is the commit's in a commit record.
        let mut record = bytes[at..end].to_vec();
        record[16] ^= 1;
        let crc = crc32c::crc32c(&record[..end - at - 4]).to_le_bytes();
        record[end - at - 4..].copy_from_slice(&crc);
        patch(path, at as u64, &record);
        let found = damage(verify(folder));
        assert_eq!((&found.file, found.kind), (path, DamageKind::Chain), "{found}");
        assert!(found.offset >= at as u64);
        damage(Journal::open(config(folder, SIZE as u64), Nanos(1)));
        patch(path, at as u64, &bytes[at..end]);
        (at, tried) = (end, tried + 1);
    }
    assert!(tried > 10);
    assert_eq!(verify(folder).unwrap(), whole);
}

#[test]
fn damage_is_never_cut_by_opening() {
    let folder = harness::folder();
    let folder = folder.path();
    journal(folder);
    let files = segments(folder);
    let path = &files[2];
    let bytes = fs::read(path).unwrap();
    for offset in (0..end_of(&bytes)).step_by(3) {
        patch(path, offset as u64, &[bytes[offset] ^ 0x10]);
        let altered = fs::read(path).unwrap();
        damage(Journal::open(config(folder, SIZE as u64), Nanos(1)));
        assert_eq!(fs::read(path).unwrap(), altered, "offset {offset}");
        patch(path, offset as u64, &[bytes[offset]]);
    }
    open(folder, SIZE as u64);
}

#[test]
fn a_missing_renamed_or_foreign_segment_is_found() {
    let original = harness::folder();
    let whole = journal(original.path());
    let try_with = |change: &dyn Fn(&Path, &[std::path::PathBuf])| {
        let folder = harness::folder();
        copy(original.path(), folder.path());
        change(folder.path(), &segments(folder.path()));
        let opened = damage(Journal::open(config(folder.path(), SIZE as u64), Nanos(1))).kind;
        let verified = damage(verify(folder.path())).kind;
        let read = damage(records(folder.path()).map(|found| found.len())).kind;
        assert!(read == verified || read == DamageKind::MissingSegment, "{read:?}");
        (opened, verified)
    };
    let both = |kind| (kind, kind);
    let removed = try_with(&|_, files| fs::remove_file(&files[0]).unwrap());
    assert_eq!(removed, both(DamageKind::MissingSegment));
    let renamed = try_with(&|folder, files| {
        fs::rename(&files[2], folder.join("journal-00000000000000009999.tcj")).unwrap();
    });
    assert_eq!(renamed, both(DamageKind::Name));
    let misnamed = try_with(&|folder, files| {
        fs::rename(&files[2], folder.join("journal-3.tcj")).unwrap();
    });
    assert_eq!(misnamed, both(DamageKind::NotASegment));
    let is_folder = try_with(&|_, files| {
        fs::remove_file(&files[0]).unwrap();
        fs::create_dir(&files[0]).unwrap();
    });
    assert_eq!(is_folder, both(DamageKind::NotASegment));
    // The same records, but made at another time: only the chain tells.
    let foreign = harness::folder();
    let config_of = |folder| config(folder, SIZE as u64);
    let (mut other, _) = Journal::open(config_of(foreign.path()), Nanos(2)).unwrap();
    for _ in 0..whole.batches {
        for _ in 0..3 {
            append(&mut other).unwrap();
        }
        other.commit(Nanos(9)).unwrap();
    }
    let swapped = try_with(&|_, files| {
        fs::copy(&segments(foreign.path())[1], &files[1]).unwrap();
    });
    assert_eq!(swapped, both(DamageKind::Chain));

    let hole = try_with(&|_, files| fs::remove_file(&files[1]).unwrap());
    assert_eq!(hole, both(DamageKind::MissingSegment));
}

#[test]
fn a_segment_of_another_length_is_found() {
    let folder = harness::folder();
    let folder = folder.path();
    journal(folder);
    let files = segments(folder);
    let set_len =
        |path, length| fs::File::options().write(true).open(path).unwrap().set_len(length);
    let length = |found| DamageKind::Length { found, expected: SIZE as u64 };
    for file in &files[..2] {
        set_len(file, SIZE as u64 - 1).unwrap();
        assert_eq!(damage(verify(folder)).kind, length(SIZE as u64 - 1));
        set_len(file, SIZE as u64 + 1).unwrap();
        assert_eq!(damage(verify(folder)).kind, length(SIZE as u64 + 1));
        set_len(file, SIZE as u64).unwrap();
    }
    // The last one may have lost its reserved end; it gets it back.
    set_len(&files[2], SIZE as u64 - 8).unwrap();
    let (_, recovery) = Journal::open(config(folder, SIZE as u64), Nanos(1)).unwrap();
    let cut = recovery.cut.unwrap();
    assert_eq!((cut.bytes, cut.records, cut.short_bytes), (0, 0, 8));
    assert_eq!(verify(folder).unwrap().torn, None);
    set_len(&files[2], 100).unwrap();
    assert_eq!(damage(verify(folder)).kind, DamageKind::Header);
}

#[test]
fn an_expected_chain_value_shows_batches_that_are_gone() {
    let folder = harness::folder();
    let folder = folder.path();
    let mut journal = open(folder, SIZE as u64);
    let mut chains = vec![journal.chain()];
    for _ in 0..40 {
        append(&mut journal).unwrap();
        chains.push(journal.commit(Nanos(9)).unwrap().chain);
    }
    drop(journal);
    for (at, chain) in chains.iter().enumerate() {
        let found = tercel_journal::verify(folder, Some(*chain), |_, _| ()).unwrap();
        assert_eq!(found.records_after_expected, Some(40 - at as u64));
    }
    // The last batch, taken away as if it had never been.
    let last = segments(folder).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let gone = 72 + 300;
    let end = end_of(&bytes);
    patch(&last, (end - gone.min(end - 128)) as u64, &vec![0; gone.min(end - 128)]);
    let (journal, recovery) = Journal::open(config(folder, SIZE as u64), Nanos(1)).unwrap();
    assert!(recovery.next_sequence <= 40);
    drop(journal);
    verify(folder).unwrap();
    let error = tercel_journal::verify(folder, chains.last().copied(), |_, _| ());
    assert_eq!(damage(error).kind, DamageKind::HeadNotFound(*chains.last().unwrap()));
}

#[test]
fn sectors_missing_from_the_last_write_are_a_torn_tail() {
    let folder = harness::folder();
    let folder = folder.path();
    let size = 1 << 16;
    let mut journal = open(folder, size);
    append(&mut journal).unwrap();
    let before = journal.commit(Nanos(9)).unwrap();
    let path = segments(folder).pop().unwrap();
    let start = end_of(&fs::read(&path).unwrap()).next_multiple_of(8);
    for _ in 0..12 {
        journal.append(1, Nanos(5), &[0xAB; 700]).unwrap();
    }
    journal.close(Nanos(9)).unwrap();
    let bytes = fs::read(&path).unwrap();
    let end = end_of(&bytes);
    for sector in start / 512..=end / 512 {
        let from = (sector * 512).max(start);
        patch(&path, from as u64, &vec![0; sector * 512 + 512 - from]);
        let found = verify(folder).unwrap();
        assert_eq!((found.records, found.chain), (1, before.chain), "sector {sector}");
        let mut reader = Reader::open(folder).unwrap();
        assert_eq!(reader.by_ref().count(), 1);
        // A batch without its first sector is behind zeros, where a reader does not look.
        let seen = found.torn.clone().filter(|_| sector > start / 512);
        assert_eq!(reader.torn(), seen.as_ref(), "sector {sector}");
        let TornTail { offset, bytes: torn, .. } = found.torn.unwrap();
        assert_eq!(offset, start as u64);
        assert!(torn as usize <= end - start);
        patch(&path, from as u64, &bytes[from..]);
    }
    // The same with another batch after it: that one was written later.
    let mut journal = open(folder, size);
    append(&mut journal).unwrap();
    journal.close(Nanos(9)).unwrap();
    patch(&path, 1024, &[0; 512]);
    assert_eq!(damage(verify(folder)).kind, DamageKind::Crc);
    damage(Journal::open(config(folder, size), Nanos(1)));
}

/// Reads a folder in every way; only errors and records may come of it.
fn read_all(folder: &Path) {
    let _ = verify(folder);
    for from in [0, 1, 5, u64::MAX] {
        if let Ok(reader) = Reader::starting_at(folder, from) {
            assert!(reader.take(100_000).count() < 100_000);
        }
    }
    let _ = Journal::open(config(folder, SIZE as u64), Nanos(1));
}

fn with_crc(header: &mut [u8]) {
    let crc = crc32c::crc32c(&header[..124]).to_le_bytes();
    header[124..128].copy_from_slice(&crc);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn altered_segments_never_panic(
        changes in proptest::collection::vec(
            (0..3_usize, 0..SIZE, proptest::collection::vec(any::<u8>(), 1..40)), 1..8),
        repaired in any::<bool>(),
        cuts in proptest::collection::vec((0..3_usize, 0..2 * SIZE as u64), 0..2),
    ) {
        let folder = harness::folder();
        journal(folder.path());
        let files = segments(folder.path());
        for (file, offset, bytes) in changes {
            let mut all = fs::read(&files[file]).unwrap();
            let end = (offset + bytes.len()).min(all.len());
            all[offset..end].copy_from_slice(&bytes[..end - offset]);
            if repaired {
                with_crc(&mut all[..128]);
            }
            fs::write(&files[file], all).unwrap();
        }
        for (file, length) in cuts {
            fs::File::options().write(true).open(&files[file]).unwrap().set_len(length).unwrap();
        }
        read_all(folder.path());
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
        fields in any::<[u64; 4]>(),
        is_headed in any::<bool>(),
    ) {
        let folder = harness::folder();
        let first = if is_headed { fields[0] } else { 1 };
        let path = folder.path().join(format!("journal-{first:020}.tcj"));
        let mut all = bytes;
        if is_headed {
            let mut header = vec![0; 128];
            header[..12].copy_from_slice(b"TCLJRNL\n\x01\0\0\0");
            header[16..24].copy_from_slice(&(fields[1] % 2).to_le_bytes());
            header[24..32].copy_from_slice(&first.to_le_bytes());
            header[40..48].copy_from_slice(&((4096 + fields[3] % (1 << 20)) & !7).to_le_bytes());
            with_crc(&mut header);
            header.append(&mut all);
            all = header;
        }
        fs::write(path, all).unwrap();
        read_all(folder.path());
    }
}
