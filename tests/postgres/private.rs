//! Who may listen: each `sslmode` against servers with TLS and without.

use std::path::Path;
use std::process::Command;

use metergate::store::{Store, StoreError, StoreUrl};
use tempfile::TempDir;

use crate::servers::Postgres;
use crate::{opened, server, tell, told};

fn run(folder: &Path, program: &str, arguments: &str) {
    let said = Command::new(program).args(arguments.split(' ')).current_dir(folder).output();
    let said = said.unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// Makes the certificate of `db.example`, and that of whoever signed it: `ca.pem`.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let extensions = "subjectAltName=DNS:db.example\nbasicConstraints=CA:FALSE\n";
    std::fs::write(folder.path().join("extensions"), extensions).unwrap();
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let at = folder.path();
    for name in ["ca", "other"] {
        let own = format!("req -x509 {new} -keyout {name}.key -out {name}.pem -subj /CN={name}");
        run(at, "openssl", &own);
    }
    run(at, "openssl", &format!("req {new} -keyout db.key -out db.csr -subj /CN=db.example"));
    let sign = "x509 -req -in db.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out db.pem \
                -extfile extensions";
    run(at, "openssl", sign);
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if is_root {
        run(at, "chown", "-R postgres .");
    }
    folder
}

async fn refused(url: &str) -> String {
    let store = metergate::store::postgres::Postgres::open(&StoreUrl::new(url)).unwrap();
    let error = store.policy().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{}", told(&error));
    told(&error)
}

#[tokio::test]
async fn a_server_proves_as_much_as_it_is_asked_to() {
    let files = certificates();
    let file = |name: &str| files.path().join(name).display().to_string();
    let options = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("db.pem")),
        format!("ssl_key_file={}", file("db.key")),
    ];
    let server = Postgres::start_with(&options.each_ref().map(String::as_str)).unwrap();
    let (base, ca, other) = (server.base(), file("ca.pem"), file("other.pem"));
    let named = base.replace("127.0.0.1", "db.example");
    let encrypted = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'metergate'";
    for (url, is_private) in [
        (format!("{base}?sslmode=disable"), "f"),
        (base.clone(), "t"),
        (format!("{base}?sslmode=prefer"), "t"),
        (format!("{base}?sslmode=require"), "t"),
        (format!("{base}?sslmode=verify-ca&sslrootcert={ca}"), "t"),
        (format!("{named}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={ca}"), "t"),
    ] {
        let store = opened(&url);
        store.policy().await.unwrap_or_else(|error| panic!("{url}: {}", told(&error)));
        assert_eq!(tell(&server, "public", encrypted), is_private, "{url}");
        drop(store);
        crate::until(&server, "public", &format!("SELECT count(*) FROM ({encrypted}) x"), "0");
    }
    for url in [
        format!("{base}?sslmode=verify-full&sslrootcert={ca}"),
        format!("{base}?sslmode=verify-ca&sslrootcert={other}"),
        format!("{base}?sslmode=require&sslrootcert={other}"),
        format!("{named}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={other}"),
    ] {
        let why = refused(&url).await;
        assert!(why.contains("certificate"), "{url}: {why}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_taken_only_where_that_is_asked_for() {
    let base = server().base();
    for mode in ["require", "verify-ca", "verify-full"] {
        let why = refused(&format!("{base}?schema=clear&sslmode={mode}")).await;
        assert!(why.contains("TLS"), "{mode}: {why}");
    }
    for mode in ["disable", "prefer"] {
        opened(&format!("{base}?schema=clear&sslmode={mode}")).policy().await.unwrap();
    }
}
