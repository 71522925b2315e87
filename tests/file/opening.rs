//! The file of the SQLite store: made, found, or refused in words that say what to do.

use std::fs;
use std::path::{Path, PathBuf};

use metergate::store::sqlite::Sqlite;
use metergate::store::{Store, StoreError};
use rusqlite::Connection;

fn refusal(file: &Path) -> StoreError {
    Sqlite::open(file).expect_err("a file that is refused")
}

#[track_caller]
fn assert_corrupt(file: &Path, words: &str) {
    let error = refusal(file);
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(words) && text.contains("metergate.db"), "{text}");
}

#[track_caller]
fn assert_unavailable(file: &Path, words: &[&str]) {
    let error = refusal(file);
    let StoreError::Unavailable { source, .. } = &error else { panic!("{error:?}") };
    let text = source.to_string();
    for word in words {
        assert!(text.contains(word), "{text}");
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    (folder, file)
}

#[tokio::test]
async fn a_new_file_is_only_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    store.policy().await.unwrap();
    store
        .join(&metergate::quota::held::Instance::named("a"), metergate::conformance::words::noon())
        .await
        .unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let (_folder, file) = folder();
    fs::write(&file, "").unwrap();
    Sqlite::open(&file).unwrap().policy().await.unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let (_folder, file) = folder();
    let letter = "Dear diary, ".repeat(1000);
    fs::write(&file, &letter).unwrap();
    assert_corrupt(&file, "is not a database");
    assert_eq!(fs::read_to_string(&file).unwrap(), letter);
}

#[test]
fn the_database_of_another_application_is_refused_and_kept() {
    let (_folder, file) = folder();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE diary (day TEXT)").unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    assert_corrupt(&file, "belongs to another application");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_database_of_a_newer_metergate_is_refused() {
    let (_folder, file) = folder();
    drop(Sqlite::open(&file).unwrap());
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 7).unwrap();
    drop(newer);
    assert_corrupt(&file, "was written by a newer metergate (schema 7, this one knows ");
}

#[test]
fn a_damaged_database_is_refused() {
    let (_folder, file) = folder();
    drop(Sqlite::open(&file).unwrap());
    let mut bytes = fs::read(&file).unwrap();
    bytes[100..2000].fill(0xA5);
    fs::write(&file, bytes).unwrap();
    assert_corrupt(&file, "is damaged");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_corrupt() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute("UPDATE policy SET store = '{\"groups\": 5}'", []).unwrap();
    let error = store.policy().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    other.execute("UPDATE policy SET store = '{}'", []).unwrap();
    store.policy().await.unwrap();
}

#[test]
fn a_missing_directory_is_named() {
    let (folder, _) = folder();
    let file = folder.path().join("nowhere").join("metergate.db");
    assert_unavailable(&file, &["metergate.db", "nowhere", "create it"]);
}

#[test]
fn a_directory_is_no_file() {
    let (folder, _) = folder();
    assert_unavailable(folder.path(), &["is a directory", "name a file in it"]);
}

#[test]
fn a_store_that_forgets_is_named_otherwise() {
    assert_unavailable(Path::new(":memory:"), &["write memory:"]);
}

#[test]
fn it_tells_its_name_as_it_was_given() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    assert_eq!(store.describe(), format!("sqlite:{}", file.display()));
}
