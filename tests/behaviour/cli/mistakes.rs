//! Mistakes: which exit code they have, and which sentence.

use super::Books;

#[test]
fn what_makes_no_sense_exits_2_and_what_is_not_there_3() {
    let books = Books::with_alice();
    for (line, code) in [
        ("grop list", 2),
        ("group set free media_bytes", 2),
        ("group set free media_bytes=5G", 2),
        ("group set free media_bytes=5MB/fortnight", 2),
        ("group set free media_bytes=1MB media_bytes=2MB", 2),
        ("group set free timezone=UTC", 2),
        ("group set 'a b' media_bytes=1MB", 2),
        ("use @alice media_bytes many", 2),
        ("use @alice requests 5MB", 2),
        ("use '@al ice' requests 5", 2),
        ("use @alice", 2),
        ("check @alice", 2),
        ("check @alice --cap nothing", 2),
        ("check @alice --cap upload_media --amount=-5", 2),
        ("usage @alice nothing", 2),
        ("usage @alice media_bytes --range 2026-02-01 2026-01-01", 2),
        ("usage @alice media_bytes --period fortnight", 2),
        ("user set @alice --group free --until tomorrow", 2),
        ("top media_bytes -n many", 2),
        ("top media_bytes --period fortnight", 2),
        ("summary", 2),
        ("rebuild --subject '@al ice'", 2),
        ("override set @alice nothing=5", 2),
        ("--storage mysql:x over media_bytes", 2),
        ("group show nothing", 3),
        ("group remove nothing", 3),
        ("cap remove nothing", 3),
        ("rule add '@*' --group nothing", 3),
        ("rule remove '@*'", 3),
        ("user set @alice --group nothing", 3),
        ("user remove @nobody", 3),
        ("override remove @nobody", 3),
        ("user forget @nobody", 3),
        ("--storage sqlite:/nowhere/at/all.db over media_bytes", 5),
        ("--storage sqlite:. over media_bytes", 5),
    ] {
        books.refused(line, code);
    }
}

#[test]
fn a_mistyped_name_suggests_the_nearest() {
    let books = Books::with_alice();
    for (line, code, nearest) in [
        ("over media_byte", 2, "media_bytes"),
        ("use @alice media-bytes 5MB", 2, "media_bytes"),
        ("override set @alice media_byte=5MB", 2, "media_bytes"),
        ("check @alice --cap upload-media", 2, "upload_media"),
        ("user set @alice --group fre", 3, "free"),
        ("group show fre", 3, "free"),
        ("group set free media_bytes=5MB/mnth", 2, "month"),
        ("usge @alice", 2, "usage"),
        ("usage @alice --perod day", 2, "--period"),
    ] {
        let sentence = books.refused(line, code);
        assert!(sentence.contains(nearest), "{line}: {sentence}");
    }
}

#[test]
fn an_amount_or_limit_that_cannot_be_is_told_apart_from_one_that_is_too_large() {
    let books = Books::with_alice();
    books.done("resource set credits --unit points --decimals 2");
    for (line, hint) in [
        ("use @alice media_bytes lots", "\"lots\" is not an amount: write a number like 500MB"),
        ("use @alice requests lots", "\"lots\" is not an amount: write a number like 10000"),
        ("use @alice media_bytes 5XB", "\"XB\" is not a unit"),
        ("use @alice media_bytes 1.5B", "\"1.5B\" is not a whole number of bytes"),
        ("use @alice media_bytes 1.0000000000000000001MB", "not a whole number of bytes"),
        ("use @alice requests 1.5", "\"1.5\" is not a whole number"),
        ("use @alice credits 1.005", "more than 2 decimals"),
        ("use @alice media_bytes 9EiB", "too large"),
        ("group set free media_bytes=unlimited,5MB/day", "unlimited stands alone"),
        ("group set free requests=unlimited/day", "unlimited stands alone"),
        ("group set free 'requests=5/day hard soft'", "not both"),
        ("group set free 'requests=5 per day'", "write /day"),
    ] {
        let sentence = books.refused(line, 2);
        assert!(sentence.contains(hint), "{line}: {sentence}");
    }
}

#[test]
fn a_value_that_makes_no_sense_is_told_once_with_what_would() {
    let books = Books::with_alice();
    for (line, sentence) in [
        (
            "use @alice requests 1 --at tomorrow",
            "--at: \"tomorrow\" is not a time: write 2026-12-01 or 2026-12-01T00:00:00Z",
        ),
        (
            "group set 'a b' requests=1",
            "NAME: \"a b\" is not the name of a group: 1 to 64 letters, digits, \"_\", \"-\" and \".\"",
        ),
        ("top media_bytes -n 0", "--number: \"0\" counts nothing: write a whole number from 1"),
        ("events -n -1", "--number: \"-1\" is no number of lines: write a whole one from 0"),
        (
            "boost remove @alice media_bytes --number first",
            "--number: \"first\" counts nothing: write a whole number from 1",
        ),
        (
            "check @alice --cap upload_media --amount -5",
            "an action has no size below zero: write 10MB",
        ),
    ] {
        assert_eq!(books.refused(line, 2), sentence, "{line}");
    }
}

#[test]
fn a_store_that_cannot_be_read_is_named() {
    let books = Books::new();
    let file = books.0.path().join("quota.db");
    std::fs::write(&file, "this is a letter, and no database at all").unwrap();
    let sentence = books.refused("over media_bytes", 5);
    assert!(sentence.contains("quota.db"), "{sentence}");
}

#[test]
fn a_password_in_the_storage_is_not_repeated() {
    let books = Books::new();
    let sentence =
        books.refused("--storage postgresql://u:hunter2@127.0.0.1:1/x over media_bytes", 5);
    assert!(!sentence.contains("hunter2"), "{sentence}");
}
