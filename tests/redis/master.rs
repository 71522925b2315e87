//! Servers that Sentinels watch: books go on with the next master.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use metergate::conformance::words::*;
use metergate::store::Store;

use tokio::time::Instant;

use crate::servers::Redis;
use crate::words::{open, tell};

/// A Sentinel; ended when dropped.
struct Sentinel {
    child: Child,
    port: u16,
}

impl Sentinel {
    /// Starts one that watches the server at `address` as `books`.
    fn start(address: &str, folder: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (host, of_server) = address.split_once(':').unwrap();
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nlogfile log\n\
             sentinel monitor books {host} {of_server} 1\n\
             sentinel down-after-milliseconds books 500\n\
             sentinel failover-timeout books 3000\n",
            folder.display()
        );
        let file = folder.join("sentinel.conf");
        std::fs::write(&file, settings).unwrap();
        let child = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is not installed: apt-get install redis-server");
        let sentinel = Self { child, port };
        for _ in 0..500 {
            if std::net::TcpStream::connect(sentinel.address()).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        sentinel
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn books_go_on_with_the_master_that_sentinels_choose() {
    go_on_after(Redis::kill).await;
}

/// A machine that loses its power says nothing to those it was connected to.
#[tokio::test(flavor = "multi_thread")]
async fn books_go_on_with_the_next_master_when_one_falls_silent() {
    go_on_after(|server| server.pause()).await;
}

async fn go_on_after(goes: fn(&mut Redis)) {
    let mut first = Redis::start().unwrap();
    let address = first.address();
    let (host, port) = address.split_once(':').unwrap();
    let second = Redis::start_with(&["--replicaof", &format!("{host} {port}")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sentinel = Sentinel::start(&address, folder.path());
    let url = format!("redis+sentinel://{}?master=books&prefix=books", sentinel.address());
    let store = open(&url);
    recorded(&store, &asks(MB, &[MONTH_10MB])).await;
    let has =
        |address: &str| tell(address, &["EXISTS", "{books}:policy", "{books}:line"]).contains(":1");
    let knows = || {
        let slaves = tell(&sentinel.address(), &["SENTINEL", "REPLICAS", "books"]);
        slaves.contains(&second.address())
    };
    for _ in 0..1000 {
        if has(&second.address()) && knows() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    goes(&mut first);
    let plan = asks(MB, &[MONTH_10MB]);
    let begin = Instant::now();
    loop {
        let call = store.record(&plan, None, noon());
        if matches!(tokio::time::timeout(Duration::from_secs(1), call).await, Ok(Ok(_))) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "no other master was found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (2 * MB, 0));
    assert!(has(&second.address()));
}
