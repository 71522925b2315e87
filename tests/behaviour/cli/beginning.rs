//! How a command begins: what it is called with, and where its books are.

use std::process::Stdio;

use super::{Books, Said};

#[test]
fn the_command_lines_of_the_ancestor_work_word_for_word() {
    let books = Books::new();
    let lines = "\
metergate group set free media_bytes=500MB requests=10000
metergate cap set upload_media media_bytes
metergate user set @alice --group free
metergate use @alice media_bytes 300MB
metergate check @alice --cap upload_media     # prints ALLOWED/DENIED, exits 0/1
metergate over media_bytes                    # who's over this month
metergate top media_bytes -n 10               # biggest users";
    let said: Vec<_> =
        lines.lines().map(|line| books.done(line.strip_prefix("metergate ").unwrap())).collect();
    assert!(said[4].starts_with("ALLOWED "), "{said:?}");
    assert!(said[6].contains("@alice"), "{said:?}");
    books.done("use @alice media_bytes 200MB");
    let denied = books.run("check @alice --cap upload_media");
    assert_eq!(denied.code, 1);
    assert!(denied.out.starts_with("DENIED "), "{denied:?}");
    assert!(books.done("over media_bytes").contains("@alice"));
}

#[test]
fn the_storage_can_be_named_as_the_ancestor_named_it() {
    let books = Books::new();
    let said = books.run("--storage memory check @alice --cap upload_media");
    assert_eq!(said.code, 0);
    assert!(said.err.starts_with("warning: memory"), "{said:?}");
    books.done("--storage sqlite:other.db use @alice media_bytes 1MB");
    assert!(books.0.path().join("other.db").exists());
    assert!(!books.0.path().join("quota.db").exists());
    assert_eq!(books.used("media_bytes"), 0);
}

#[test]
fn without_a_storage_the_file_is_metergate_db() {
    let books = Books::new();
    for storage in [None, Some("")] {
        let mut command = books.command("use @alice media_bytes 1MB");
        command.env_remove("METERGATE_STORAGE");
        storage.map(|storage| command.env("METERGATE_STORAGE", storage));
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
    }
    assert!(books.0.path().join("metergate.db").exists());
}

#[test]
fn without_arguments_it_helps_and_exits_2() {
    let said = Books::new().run("");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("metergate group set free"), "{said:?}");
    let said = Books::new().run("--help");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("metergate serve --upstream"), "{said:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let books = Books::with_alice();
    for line in ["group list", "--help"] {
        let mut command = books.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{line}");
    }
}
