//! Users, passwords, and TLS.

use std::path::Path;
use std::process::Command;

use metergate::conformance::words::*;
use metergate::quota::held::Instance;
use metergate::store::{INSTANCE_LEASE, Store};

use crate::servers::Redis;
use crate::words::{assert_no_answer, open, tell};

/// Where a process of this program finds the books that it is to write to.
const BOOKS: &str = "METERGATE_TEST_BOOKS";

/// What the manual says that a user has to be allowed.
const RULES: [&str; 7] =
    ["on", ">s3cret", "resetkeys", "~{books}:*", "nocommands", "+@all", "-@admin"];

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_do_no_more_than_is_needed_keeps_books() {
    let server = Redis::start().unwrap();
    let set: Vec<_> = ["ACL", "SETUSER", "quota"].into_iter().chain(RULES).collect();
    assert!(tell(&server.address(), &set).contains("OK"));
    tell(&server.address(), &["CONFIG", "SET", "requirepass", "other"]);
    let address = server.address();
    let store = open(&format!("redis://quota:s3cret@{address}?prefix=books"));
    let id = granted(&store, &asks(MB, &[MONTH_10MB])).await;
    store.settle(id, metergate::quota::Amount::new(MB), None, noon()).await.unwrap().unwrap();
    let named = Instance::named("a");
    store.join(&named, noon()).await.unwrap();
    // Whom it may not see it believes alive for as long as the sign of life lasts.
    let other = open(&format!("redis://quota:s3cret@{address}?prefix=books"));
    assert_conflict(&other.join(&named, noon()).await);
    other.join(&named, noon().after(INSTANCE_LEASE)).await.unwrap();
    assert!(!store.examine(noon()).await.unwrap().is_empty());
    let elsewhere = open(&format!("redis://quota:s3cret@{address}?prefix=others"));
    assert_no_answer(elsewhere.policy().await, "does not allow this user");
    let wrong = open(&format!("redis://quota:wrong@{address}?prefix=books"));
    assert_no_answer(wrong.policy().await, "does not take this user and password");
    let nobody = open(&format!("redis://{address}?prefix=books"));
    assert_no_answer(nobody.policy().await, "asks for a password");
}

/// Makes a certificate for this machine that nobody else knows.
fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", "cert.pem"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder)
        .output()
        .expect("openssl is not installed: apt-get install openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn books_are_kept_over_tls_if_the_certificate_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let [cert, key] = ["cert.pem", "key.pem"].map(|file| folder.path().join(file));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = port.to_string();
    let _server = Redis::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        cert.to_str().unwrap(),
        "--tls-key-file",
        key.to_str().unwrap(),
        "--tls-auth-clients",
        "no",
    ])
    .unwrap();
    let books = format!("rediss://localhost:{port}?prefix=books");
    let child = |trusted: &Path| {
        // What is trusted is read from the environment, once in a process.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["secured::child", "--exact", "--ignored", "--nocapture"])
            .env(BOOKS, &books)
            .env("SSL_CERT_FILE", trusted)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = child(&cert);
    assert!(said.contains("kept (1, 0)"), "{said}");
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    let said = child(&other.path().join("cert.pem"));
    assert!(said.contains("refused: store is unavailable"), "{said}");
}

#[tokio::test]
#[ignore = "another test here runs it as a process of its own"]
async fn child() {
    let store = open(&std::env::var(BOOKS).unwrap());
    match store.record(&asks(1, &[MONTH_10MB]), None, noon()).await {
        Ok(_) => println!("kept {:?}", reads(&store, &asks(0, &[MONTH_10MB])).await),
        Err(error) => println!("refused: {error}"),
    }
}
