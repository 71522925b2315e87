//! The journal, whole, torn and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Entry, Journal, JournalError, Noted, Shelf};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::held::{HeldItem, HoldId};

fn charge(total: i64) -> Entry {
    let item = |name: &str, amount, metered| HeldItem {
        resource: name.parse().unwrap(),
        amount: Amount::new(amount),
        metered,
    };
    Entry::Charge(Noted {
        id: HoldId::fresh(),
        subject: "@älice:example.org".parse().unwrap(),
        at: Timestamp::from_millis(1_781_784_000_123),
        since: Timestamp::from_millis(1_781_784_000_000 + total),
        seen: total % 2 == 0,
        total: Amount::new(total),
        items: vec![item("media_bytes", total, true), item("uploads", 1, false)],
    })
}

fn some() -> Vec<Entry> {
    let moment = Timestamp::from_millis(1_781_784_000_001);
    vec![
        charge(700),
        Entry::Refund(HoldId::fresh(), moment),
        charge(1),
        Entry::GiveBack(HoldId::fresh(), moment),
    ]
}

/// Returns a journal that holds `entries`, let go.
async fn written(folder: &Path, entries: &[Entry]) -> PathBuf {
    let path = folder.join("journal");
    let journal = Journal::open(&path).unwrap();
    for entry in entries {
        journal.append(entry.clone()).await.unwrap();
    }
    path
}

#[test]
fn an_entry_survives_being_written_and_read() {
    for entry in some() {
        let line = entry.line();
        assert_eq!(Entry::read(line.trim_end().as_bytes()), Some(entry));
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_the_process_is_gone_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let entries = some();
    let path = written(folder.path(), &entries).await;
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.waiting(), (4, Some(entries[0].noted())));
    let first = journal.next(3).unwrap();
    assert_eq!(first.entries, entries[..3]);
    journal.done(&first).await.unwrap();
    assert_eq!(journal.waiting().0, 1);
    let more = charge(5);
    journal.append(more.clone()).await.unwrap();
    let rest = journal.next(64).unwrap();
    assert_eq!(rest.entries, [entries[3].clone(), more]);
    journal.done(&rest).await.unwrap();
    assert_eq!(journal.waiting(), (0, None));
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

#[tokio::test]
async fn two_processes_never_share_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let first = Journal::open(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Locked(_))));
    assert!(matches!(Shelf::at(Some(path.clone()), true), Err(JournalError::Locked(_))));
    // Where nothing passes it can be done without.
    let without = Shelf::at(Some(path.clone()), false).unwrap();
    assert!(!without.is_usable());
    drop(first);
    assert!(Journal::open(&path).is_ok());
}

#[tokio::test]
async fn one_that_is_not_needed_yet_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let shelf = Shelf::at(Some(path.clone()), false).unwrap();
    assert!(!path.exists());
    shelf.note(charge(1)).await.unwrap();
    assert!(path.exists());
    assert_eq!((shelf.waiting().0, shelf.written()), (1, 1));
}

#[tokio::test]
async fn one_that_cannot_be_written_is_not_usable_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/journal");
    let shelf = Shelf::at(Some(path.clone()), true).unwrap();
    assert!(!shelf.is_usable());
    assert!(shelf.note(charge(1)).await.is_err());
    fs::create_dir(folder.path().join("later")).unwrap();
    assert!(shelf.is_usable());
    shelf.note(charge(1)).await.unwrap();
}

#[tokio::test]
async fn a_journal_on_a_full_disk_keeps_what_it_has() {
    let journal = Journal::open(Path::new("/dev/full"));
    // Whatever it says of that file, it does not say that something is written.
    if let Ok(journal) = journal {
        assert!(journal.append(charge(1)).await.is_err());
        assert_eq!(journal.waiting().0, 0);
    }
}

#[tokio::test]
async fn cut_off_at_any_byte_it_holds_every_whole_entry() {
    let folder = tempfile::tempdir().unwrap();
    let entries = some();
    let path = written(folder.path(), &entries).await;
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        let left = &whole[..length];
        fs::write(&path, left).unwrap();
        let ends = left.split_inclusive(|byte| *byte == b'\n').filter(|it| it.ends_with(b"\n"));
        let ends = ends.count();
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.next(64).unwrap().entries, entries[..ends], "{length}");
        // What comes behind it is not torn with it.
        journal.append(entries[0].clone()).await.unwrap();
        let all = journal.next(64).unwrap().entries;
        assert_eq!(all.len(), ends + 1);
        assert_eq!(all.last(), entries.first());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is set aside");
}

#[tokio::test]
async fn what_is_damaged_otherwise_is_kept_aside_and_the_rest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let entries = some();
    let path = written(folder.path(), &entries).await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.waiting().0, 3);
    let batch = journal.next(64).unwrap();
    assert_eq!(batch.entries, entries[1..]);
    journal.done(&batch).await.unwrap();
    assert_eq!(journal.waiting().0, 0);
    let copy = folder.path().join("journal.damaged-1");
    assert_eq!(fs::read(copy).unwrap(), bytes);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_an_entry_out_of_nothing(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        prop_assert_eq!(Entry::read(&bytes), None);
        let line = charge(700).line();
        let mut damaged = line.trim_end().as_bytes().to_vec();
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        prop_assert_eq!(Entry::read(&damaged), None);
    }
}
