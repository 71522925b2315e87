//! A file of an older schema is brought to the present one without losing a line.

use rusqlite::Connection;

use super::*;
use crate::quota::Per;

/// What an earlier metergate wrote, by its own statements.
const OLD: &str = "
INSERT INTO event VALUES
  (1, '@alice:example.org', 'media_bytes', 'use', 5, 1781784000000, 1781784000000, NULL, NULL, 'k', x'01'),
  (2, '@alice:example.org', 'media_bytes', 'settle', 7, 1781784000000, 1781784000001,
   '0000000000000000000000000000000a', NULL, NULL, NULL),
  (3, '@bob:example.org', 'media_bytes', 'use', 9, 1781784000000, 1781784000002, NULL, NULL, NULL, NULL),
  (4, '@bob:example.org', 'media_bytes', 'reset', 0, 1781784000000, 1781784000003, NULL, 'all', NULL, NULL);
INSERT INTO bucket VALUES (1, 'media_bytes', 'all', -377705023201000, 9223372036854775807);
INSERT INTO counter VALUES (1, '@alice:example.org', 12), (1, '@bob:example.org', 0);
INSERT INTO hold VALUES
  ('0000000000000000000000000000000a', '@alice:example.org', 1781784000000, 1781787600000, NULL,
   'settled', 7, 0, 1781784000001),
  ('0000000000000000000000000000000b', '@alice:example.org', 1781784000000, 1781787600000, NULL,
   'open', NULL, 0, NULL);
INSERT INTO hold_item VALUES
  ('0000000000000000000000000000000a', 0, 'media_bytes', 10, 7),
  ('0000000000000000000000000000000b', 0, 'media_bytes', 3, NULL),
  ('0000000000000000000000000000000b', 1, 'media_uploads', 1, NULL);
INSERT INTO grants VALUES ('@carol:example.org', '{}');
";

#[tokio::test]
async fn a_file_of_the_first_schema_loses_no_line() {
    let (_folder, file) = folder();
    let old = Connection::open(&file).unwrap();
    old.execute_batch(include_str!("../schema.sql")).unwrap();
    old.execute_batch("PRAGMA application_id = 0x4D475445; PRAGMA user_version = 1;").unwrap();
    old.execute_batch(OLD).unwrap();
    drop(old);
    let store = Sqlite::open(&file).unwrap();
    let lines = store.lines(&Lines { most: 9, ..Lines::default() }).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.id, line.event.amount.get())).collect();
    assert_eq!(told, [(1, 5), (2, 7), (3, 9), (4, 0)]);
    assert!(lines.iter().all(|line| line.event.group.is_none() && line.event.member.is_none()));
    let key = lines[0].key.as_ref().unwrap();
    assert_eq!((key.name.as_str(), key.fingerprint.as_slice()), ("k", &[1][..]));
    // What was counted goes on being counted, and what is open is charged as it was meant.
    assert_eq!(used(&store, "@alice:example.org").await, 12);
    assert_eq!(used(&store, "@bob:example.org").await, 0);
    let opened = store.opened().await.unwrap();
    assert_eq!(opened.len(), 1);
    assert_eq!((opened[0].per, &opened[0].bucket), (Per::Subject, &Bucket::all()));
    assert_eq!(store.recount(&opened[0], None, true).await.unwrap(), []);
    let open = store.open(noon(), 9).await.unwrap();
    let metered: Vec<_> = open[0].items.iter().map(|item| item.metered).collect();
    assert_eq!(metered, [true, false]);
    store.settle(open[0].id, Amount::new(2), None, noon()).await.unwrap().unwrap();
    assert_eq!(used(&store, "@alice:example.org").await, 14);
    drop(store);
    assert_eq!(used(&Sqlite::open(&file).unwrap(), "@alice:example.org").await, 14);
}
