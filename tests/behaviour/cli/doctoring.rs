//! doctor: what is told of the store, and whether it keeps its contract.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Books;

impl Books {
    fn database(&self) -> PathBuf {
        self.0.path().join("quota.db")
    }

    /// Lets the file be read and written as `mode` says.
    fn allow(&self, mode: u32) {
        fs::set_permissions(self.database(), Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn healthy_books_are_told_so_finding_by_finding() {
    let books = Books::with_alice();
    let told = books.done("doctor");
    assert!(told.starts_with("sqlite:") && told.contains("quota.db"), "{told}");
    for about in ["schema", "journal", "durability", "integrity", "space", "permissions"] {
        assert!(told.contains(&format!("good  {about}")), "{about}: {told}");
    }
    let json = books.json("doctor");
    assert_eq!(json["healthy"], true);
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.len() >= 8, "{json}");
    assert!(findings.iter().all(|finding| finding["severity"] == "good"), "{json}");
}

#[test]
fn a_warning_ends_well_and_a_fault_does_not() {
    let books = Books::with_alice();
    books.allow(0o644);
    let warned = books.done("doctor");
    assert!(warned.contains("warning  permissions"), "{warned}");
    assert!(warned.contains("every user of this machine may read"), "{warned}");
    books.allow(0o666);
    let faulty = books.run("doctor");
    assert_eq!(faulty.code, 1, "{faulty:?}");
    // The worst comes first.
    let first = faulty.out.lines().find(|line| line.contains("  ") && !line.contains("ABOUT"));
    assert!(first.unwrap().starts_with("fault  permissions"), "{faulty:?}");
    assert!(faulty.out.contains("chmod 600"), "{faulty:?}");
    let memory = books.run("doctor --storage memory:");
    assert_eq!(memory.code, 1);
    assert!(memory.out.contains("nothing is kept"), "{memory:?}");
}

#[test]
fn a_store_that_keeps_its_contract_is_told_so_and_its_books_are_not_touched() {
    let books = Books::with_alice();
    let before = fs::read(books.database()).unwrap();
    let told = books.done("doctor --conformance --only admission");
    assert!(told.contains("keeps its contract: all 13 clauses hold"), "{told}");
    assert!(told.contains("admission"), "{told}");
    let json = books.json("doctor --conformance --only ending::");
    assert_eq!((json["holds"].as_bool(), json["clauses"].as_u64()), (Some(true), Some(4)));
    assert_eq!(json["groups"]["ending"]["held"], 4);
    assert_eq!(fs::read(books.database()).unwrap(), before);
    let left: Vec<_> = fs::read_dir(books.0.path()).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, [books.database()]);
    books.done("doctor --conformance --only policy --storage memory:");
}

#[test]
fn a_suite_that_cannot_begin_says_why_in_one_sentence() {
    let books = Books::new();
    let nowhere = books.refused("doctor --conformance --storage sqlite:nowhere/quota.db", 5);
    assert!(nowhere.contains("nowhere"), "{nowhere}");
    let nothing = books.refused("doctor --conformance --only gravity", 2);
    assert!(nothing.contains("no clause has this in its name"), "{nothing}");
    books.refused("doctor --only pools", 2);
}
