//! Servers that vanish without a word: nothing is refused, and nothing answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metergate::conformance::words::*;
use metergate::store::Store;
use metergate::store::redis::Redis as Books;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::servers::Redis;
use crate::words::open;

/// A way to a server, of which connections can fall silent.
struct Way {
    port: u16,
    /// Connections that came before this one lead nowhere.
    silent: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
}

impl Way {
    async fn to(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (silent, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let way = Self { port, silent: silent.clone(), made: made.clone() };
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let number = made.fetch_add(1, Ordering::SeqCst);
                let mut far = TcpStream::connect(&address).await.unwrap();
                let silent = silent.clone();
                tokio::spawn(async move {
                    let falls_silent = async {
                        while number >= silent.load(Ordering::SeqCst) {
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                        () = falls_silent => {}
                    }
                    // Both stay open, and whoever sends is told that it arrived.
                    std::future::pending::<()>().await;
                });
            }
        });
        way
    }

    /// Lets all connections fall silent that there are; those that come lead to the server.
    async fn fall_silent(&self) {
        self.silent.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Asks for what is used, with little patience, until there is an answer; returns how long it took.
async fn answered(store: &Books, used: i64) -> Duration {
    let begin = Instant::now();
    loop {
        let plan = asks(0, &[MONTH_10MB]);
        let call = store.read(&plan, noon());
        if let Ok(Ok(Some(readings))) = tokio::time::timeout(Duration::from_millis(250), call).await
        {
            assert_eq!(readings[0][0].used.get(), used);
            return begin.elapsed();
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing is answered any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fell_silent_is_given_up() {
    let server = Redis::start().unwrap();
    let way = Way::to(server.address()).await;
    let store = open(&format!("redis://127.0.0.1:{}?prefix=books", way.port));
    recorded(&store, &asks(MB, &[MONTH_10MB])).await;
    way.fall_silent().await;
    // One that is patient is not left behind with it.
    let plan = asks(MB, &[MONTH_10MB]);
    let patient = store.record(&plan, None, noon());
    let (patient, took) = tokio::join!(patient, answered(&store, MB));
    assert!(patient.is_err());
    assert!(took >= Duration::from_secs(1), "a short pause is no reason: {took:?}");
    recorded(&store, &plan).await;
    assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (2 * MB, 0));
}
