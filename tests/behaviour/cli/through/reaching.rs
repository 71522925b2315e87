//! Reaching a server: where it is, who may, and what is said where that fails.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{Side, Twins};
use crate::cli::{Books, Said};
use crate::support::{Sidecar, eventually};

/// Runs a command without any environment but these variables.
fn run(line: &str, variables: &[(&str, &str)]) -> Said {
    let books = Books::new();
    let mut command = books.command(line);
    command.env_remove("METERGATE_STORAGE").envs(variables.iter().copied());
    Said::of(command.output().unwrap())
}

/// Runs a command that must end with `code` and one sentence, in which `parts` stand.
#[track_caller]
fn refused(line: &str, variables: &[(&str, &str)], code: i32, parts: &[&str]) {
    let said = run(line, variables);
    assert_eq!((said.code, said.out.as_str()), (code, ""), "{line}: {said:?}");
    assert_eq!(said.err.lines().count(), 1, "{line}: {said:?}");
    let told = parts.iter().all(|part| said.err.contains(part));
    assert!(told && !said.err.contains("hunter2"), "{line}: {said:?}");
}

#[test]
fn a_token_is_shown_from_wherever_it_is_named_and_never_told() {
    let sidecar = Sidecar::alone().admin_token("hunter2-hunter2-hunter2").start();
    let url = format!("http://{}", sidecar.admin_address());
    let server = ("METERGATE_SERVER", url.as_str());
    let list = |line: &str, variables: &[(&str, &str)]| {
        let said = run(line, variables);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{line}: {said:?}");
        assert!(!said.out.contains("hunter2") && said.out.contains("free"), "{said:?}");
    };
    list("group list", &[server, ("METERGATE_TOKEN", "hunter2-hunter2-hunter2")]);
    list(&format!("group list --server {url} --token hunter2-hunter2-hunter2"), &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "hunter2-hunter2-hunter2\n").unwrap();
    let file = file.display();
    list(&format!("--token-file {file} group list"), &[server, ("METERGATE_TOKEN", "another")]);
    refused("group list", &[server], 2, &[&url, "METERGATE_TOKEN", "--token-file"]);
    let wrong = ("METERGATE_TOKEN", "hunter2");
    refused("group list", &[server, wrong], 2, &[&url, "METERGATE_TOKEN", "[admin] token"]);
    refused("group list --token hunter2", &[server], 2, &["the token of --token"]);
    refused("group list --token 'hunter2 x'", &[server], 2, &["no spaces"]);
    refused("group list --token-file missing", &[server], 2, &["missing", "cannot be read"]);
    let both = format!("group list --token hunter2 --token-file {file}");
    refused(&both, &[server], 2, &["keep one"]);
}

#[test]
fn one_place_is_meant() {
    let (server, storage) =
        (("METERGATE_SERVER", "http://127.0.0.1:1"), ("METERGATE_STORAGE", "x"));
    let both = "group list --server http://127.0.0.1:1 --storage sqlite:x.db";
    refused(both, &[], 2, &["--storage and --server"]);
    refused("group list", &[server, storage], 2, &["METERGATE_STORAGE and METERGATE_SERVER"]);
    // What is typed comes before what is set.
    assert_eq!(run("group list --storage sqlite:x.db", &[server]).code, 0);
    refused("group list --server http://127.0.0.1:1", &[storage], 5, &["cannot be reached"]);
    refused("group list --token hunter2", &[], 2, &["--server"]);
}

#[test]
fn what_asks_no_server_says_so() {
    for line in ["serve", "config check x.toml", "completions bash", "man"] {
        refused(&format!("{line} --server http://127.0.0.1:1"), &[], 2, &["leave --server out"]);
    }
    for line in ["move --to sqlite:x.db", "doctor --conformance"] {
        refused(&format!("{line} --server http://127.0.0.1:1"), &[], 2, &["--storage URL"]);
        refused(line, &[("METERGATE_SERVER", "http://127.0.0.1:1")], 2, &["METERGATE_SERVER"]);
    }
    // Set for all commands, it is no mistake of one that asks nobody.
    assert_eq!(run("completions bash", &[("METERGATE_SERVER", "http://127.0.0.1:1")]).code, 0);
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_secrets() {
    let refused = |url: &str, code: i32, part: &str| {
        refused(&format!("subjects --server {url} --token hunter2"), &[], code, &[part]);
    };
    refused("http://127.0.0.1:1", 5, "http://127.0.0.1:1 cannot be reached: ");
    refused("unix:/nowhere/metergate.sock", 5, "unix:/nowhere/metergate.sock cannot be reached: ");
    refused("http://admin:hunter2@127.0.0.1:1", 2, "holds no user");
    refused("127.0.0.1:8400", 2, "write http://127.0.0.1:8400");
    refused("ftp://127.0.0.1", 2, "write http://127.0.0.1:8400");
}

#[test]
fn the_door_of_clients_is_not_that_of_operators() {
    let homeserver = crate::support::Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let url = format!("http://{}", sidecar.proxy_address());
    refused(&format!("subjects --server {url}"), &[], 5, &[&url, "API of metergate"]);
}

#[test]
fn a_server_is_reached_over_a_socket_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:{}", folder.path().join("admin.sock").display());
    let sidecar = Sidecar::alone().limit("500MB/month").admin_at(&address).start();
    let said = run(&format!("use @alice media_bytes 300MB --server {address}"), &[]);
    assert!(said.out.contains("200 MB left"), "{said:?}");
    drop(sidecar);
}

#[test]
fn what_happens_on_a_server_is_told_as_it_happens() {
    let twins = Twins::new();
    let mut command = twins.command(Side::There, "events @alice --follow --json");
    let mut follower = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    twins.run("use @alice media_bytes 1MB");
    twins.run("use @bob media_bytes 2MB");
    twins.run("use @alice media_bytes 3MB");
    let amounts: Vec<i64> = (0..2)
        .map(|_| {
            let line = lines.next().unwrap().unwrap();
            serde_json::from_str::<serde_json::Value>(&line).unwrap()["amount"].as_i64().unwrap()
        })
        .collect();
    assert_eq!(amounts, [1_000_000, 3_000_000]);
    let id = follower.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    eventually("its end", || follower.try_wait().unwrap().is_some());
    assert_eq!(follower.wait().unwrap().code(), Some(0));
}
