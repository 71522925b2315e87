//! events --follow: a process that tells what happens until it is stopped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::Books;
use crate::support::eventually;

/// A command that goes on until it is stopped; killed when dropped.
struct Following {
    process: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Following {
    fn on(books: &Books, line: &str) -> Self {
        let mut command = books.command(line);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (heard, lines) = (said.clone(), BufReader::new(process.stdout.take().unwrap()).lines());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        Self { process, said }
    }

    /// Waits until it has said so many lines; returns them.
    fn said(&self, count: usize) -> Vec<String> {
        eventually(&format!("{count} lines"), || self.said.lock().unwrap().len() >= count);
        self.said.lock().unwrap().clone()
    }

    /// Sends a signal; returns how it ends.
    fn stop(mut self, signal: &str) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn what_happens_is_told_as_it_happens_until_it_is_stopped() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 1MB");
    books.done("use @alice media_bytes 2MB");
    let alice = Following::on(&books, "events @alice --follow -n 1");
    let all = Following::on(&books, "events -f --json --resource media_bytes -n 0");
    assert!(alice.said(1)[0].ends_with("2 MB of media_bytes"), "{:?}", alice.said(1));
    // So that the other one, which begins in silence, is known to listen.
    let told = (0..200).find_map(|index| {
        books.done(&format!("use @bob media_bytes {}", 100 + index));
        books.done("use @bob requests 1");
        all.said.lock().unwrap().first().cloned()
    });
    let first: Value = serde_json::from_str(&told.unwrap()).unwrap();
    assert_eq!((&first["subject"], &first["resource"]), (&"@bob".into(), &"media_bytes".into()));
    books.done("use @alice media_bytes 3MB");
    books.done("use @alice requests 4");
    let said = alice.said(3);
    assert!(said[1].ends_with("3 MB of media_bytes") && said[2].ends_with("4 of requests"));
    let last = || -> Value {
        let said = all.said.lock().unwrap();
        serde_json::from_str(said.last().unwrap()).unwrap()
    };
    eventually("the line of alice", || last()["amount"] == 3_000_000);
    assert_eq!(alice.stop("-INT"), Some(0));
    assert_eq!(all.stop("-TERM"), Some(0));
}

#[test]
fn a_follower_whose_reader_goes_away_ends() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 1MB");
    let mut command = books.command("events --follow");
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    books.done("use @alice media_bytes 1MB");
    eventually("its end", || process.try_wait().unwrap().is_some());
    assert_eq!(process.wait().unwrap().code(), Some(0));
}
