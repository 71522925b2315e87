//! serve, config check; and commands beside a server that runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use metergate::clock::System;
use metergate::engine::{Ask, Engine};
use metergate::quota::{Amount, Subject};
use metergate::store::{self, StorageSpec};
use serde_json::Value;

use super::Books;

#[tokio::test]
async fn a_change_counts_at_the_next_decision_of_a_running_instance() {
    let books = Books::with_alice();
    let storage: StorageSpec = books.storage().parse().unwrap();
    let store = store::open(&storage).unwrap();
    let engine = Engine::start(store, Arc::new(System)).await.unwrap();
    let alice: Subject = "@alice".parse().unwrap();
    let ask = Ask::upload(Amount::new(400_000_000));
    assert!(engine.check(&alice, &ask).await.unwrap().allowed);
    books.done("use @alice media_bytes 200MB");
    assert!(!engine.check(&alice, &ask).await.unwrap().allowed);
    books.done("override set @alice media_bytes=1GB");
    assert!(engine.check(&alice, &ask).await.unwrap().allowed);
    let hold = engine.reserve(&alice, &ask).await.unwrap().hold.unwrap();
    assert_eq!(books.json("usage @alice media_bytes")["reserved"], 400_000_000);
    let _charge = hold.settle(Amount::new(300_000_000)).await.unwrap();
    engine.close().await.unwrap();
    assert_eq!(books.used("media_bytes"), 500_000_000);
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let books = Books::new();
    let file = books.0.path().join("metergate.toml");
    std::fs::write(&file, "[upstream]\nurl = \"http://127.0.0.1:8008\"\n[policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"500MB/month\"\n").unwrap();
    assert!(books.done("config check metergate.toml").contains("is fine"));
    assert_eq!(books.json("config check metergate.toml")["fine"], true);
    assert!(!books.0.path().join("metergate.db").exists());
}

#[test]
fn every_mistake_in_a_configuration_is_told_with_its_line() {
    let books = Books::new();
    let file = books.0.path().join("wrong.toml");
    std::fs::write(
        &file,
        "[upstrem]\nurl = \"http://127.0.0.1:8008\"\n[limits]\nconnections = \"many\"\n",
    )
    .unwrap();
    let said = books.run("config check wrong.toml");
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.lines().count() >= 2, "{said:?}");
    assert!(said.err.lines().all(|line| line.starts_with("error: wrong.toml")), "{said:?}");
    assert!(said.err.contains("wrong.toml:4"), "{said:?}");
    let told = books.json("config check wrong.toml");
    assert_eq!(told["fine"], false);
    assert_eq!(told["complaints"].as_array().unwrap().len(), said.err.lines().count());
    books.refused("config check nothing.toml", 2);
}

#[test]
fn what_is_wrong_with_serve_is_told_before_it_starts() {
    let books = Books::new();
    for line in [
        "serve --upstream http://127.0.0.1:8008 --limit media_bytes=5G",
        "serve --upstream 127.0.0.1",
        "serve --config nothing.toml",
        "serve --port 99999",
        "serve --token a --token-file b",
    ] {
        let said = books.run(line);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{line}: {said:?}");
        assert!(said.err.starts_with("error: "), "{line}: {said:?}");
    }
}

/// A running `metergate serve`, ended when dropped.
struct Served {
    process: Child,
    /// Where its API listens.
    address: String,
}

impl Served {
    /// Starts the quota API alone, on a free port.
    fn on(books: &Books) -> Self {
        Self::with(books, "")
    }

    /// Starts it with more flags.
    fn with(books: &Books, flags: &str) -> Self {
        let mut command = books.command(&format!("serve --port 0 --token s3cret {flags}"));
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = log.by_ref().find_map(|line| {
            let line = line.unwrap();
            let address = line.split("address=").nth(1)?.split_whitespace().next()?;
            line.contains("API").then(|| address.to_owned())
        });
        // Read to the end, so that the process can always write.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, address: address.unwrap() }
    }

    /// Returns what `GET path` answers.
    fn asked(&self, path: &str) -> Value {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    /// Tells it to stop; returns its exit code.
    fn stop(mut self) -> i32 {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_command_counts_at_once_in_a_server_on_the_same_file() {
    let books = Books::with_alice();
    let served = Served::on(&books);
    let check = "/v1/check?subject=@alice&capability=upload_media&amount=400MB";
    assert_eq!(served.asked(check)["allowed"], true);
    books.done("use @alice media_bytes 200MB");
    assert_eq!(served.asked(check)["allowed"], false);
    books.done("user exempt @alice");
    assert_eq!(served.asked(check)["allowed"], true);
    let by_command = books.json("check @alice --cap upload_media --amount 400MB");
    assert_eq!(served.asked(check), by_command);
    assert_eq!(served.stop(), 0);
}

#[test]
fn what_a_file_declares_is_changed_there_and_nowhere_else() {
    let books = Books::new();
    let file = books.0.path().join("quotas.toml");
    let policy =
        "[policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"1MB\"\n";
    std::fs::write(&file, policy).unwrap();
    let served = Served::with(&books, "--config quotas.toml");
    for line in ["group set free media_bytes=5MB", "group remove free", "group set other --default"]
    {
        let said = books.refused(line, 4);
        assert!(said.contains(file.to_str().unwrap()), "{line}: {said}");
    }
    assert_eq!(books.json("usage @alice media_bytes")["limit"], 1_000_000);
    assert_eq!(served.stop(), 0);
}
