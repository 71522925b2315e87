//! check: what it answers, and that it changes nothing.

use super::Books;

#[test]
fn an_answer_to_check_is_one_line_that_starts_with_the_answer() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 498MB");
    let allowed = books.done("check @alice --cap upload_media --amount 2MB");
    let denied = books.run("check @alice --cap upload_media --amount 12MB");
    assert_eq!(denied.code, 1);
    for (answer, first, figures) in [
        (&allowed, "ALLOWED", ["498 MB", "500 MB", "2 MB left", "resets"]),
        (&denied.out, "DENIED", ["498 MB", "500 MB", "12 MB", "resets"]),
    ] {
        assert_eq!(answer.split(' ').next(), Some(first));
        assert_eq!(answer.lines().count(), 1, "{answer}");
        for figure in figures {
            assert!(answer.contains(figure), "{answer}");
        }
    }
}

#[test]
fn a_check_writes_nothing() {
    let books = Books::with_alice();
    let file = books.0.path().join("quota.db");
    let before = std::fs::read(&file).unwrap();
    books.done("check @alice --cap upload_media --amount 2MB");
    books.done("usage @alice");
    books.done("top media_bytes");
    assert!(std::fs::read(&file).unwrap() == before, "the database was written to");
}
