//! What these tests speak in.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use metergate::store::redis::Redis;
use metergate::store::{StoreError, StoreUrl};

/// Returns a handle on the books at `url`.
pub(crate) fn open(url: &str) -> Redis {
    Redis::open(&StoreUrl::new(url)).unwrap()
}

/// Sends a command of many words to a server, and returns what it answers: the first of it.
pub(crate) fn tell(address: &str, words: &[&str]) -> String {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        write!(command, "${}\r\n{word}\r\n", word.len()).unwrap();
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(command.as_bytes()).unwrap();
    let mut answer = vec![0; 1 << 20];
    let mut length = stream.read(&mut answer).unwrap();
    // The length of a long answer stands at its beginning.
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    let head = text.strip_prefix('$').and_then(|rest| rest.split_once("\r\n"));
    let whole = head.and_then(|(digits, _)| digits.parse::<usize>().ok());
    while whole.is_some_and(|whole| length < whole) {
        length += stream.read(&mut answer[length..]).unwrap();
    }
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Asserts that the answer is that the store is unavailable, or set up wrong, and says this.
pub(crate) fn assert_no_answer<T: std::fmt::Debug>(answer: Result<T, StoreError>, says: &str) {
    let error = answer.expect_err("it answered");
    let is_it = matches!(error, StoreError::Unavailable { .. } | StoreError::Misconfigured(_));
    assert!(is_it, "{error:?}");
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(said, ": {error}").unwrap();
        cause = error.source();
    }
    assert!(said.contains(says), "\"{said}\" does not say \"{says}\"");
}
