//! Load: connections that send the same request again and again for a while.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::origin::head_length;
use super::scenario::{Scenario, upload};

const BUFFER: usize = 256 * 1024;
/// The size of an upload that is held half way.
const HELD: usize = 1024 * 1024;

pub(crate) struct Load {
    runtime: Runtime,
}

impl Load {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime }
    }

    /// Sends requests for `span`; returns how many were answered, and in what time.
    pub(crate) fn run(
        &self,
        scenario: &Scenario,
        address: SocketAddr,
        span: Duration,
    ) -> (u32, Duration) {
        self.runtime.block_on(async {
            let mut clients = JoinSet::new();
            let begun = Instant::now();
            for user in 0..scenario.connections {
                clients.spawn(repeat(address, scenario.request(user), begun + span));
            }
            (clients.join_all().await.into_iter().sum(), begun.elapsed())
        })
    }

    /// Begins `count` uploads and stops half way.
    pub(crate) fn hold(&self, address: SocketAddr, count: usize) -> Vec<TcpStream> {
        self.runtime.block_on(async {
            let mut held = Vec::with_capacity(count);
            for user in 0..count {
                let mut stream = connect(address).await;
                stream.write_all(&upload(user % 64, HELD)).await.unwrap();
                held.push(stream);
            }
            for _ in 0..2 {
                for stream in &mut held {
                    stream.write_all(&vec![b'x'; HELD / 4]).await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            held
        })
    }

    /// Sends the other half of uploads, and reads the answers.
    pub(crate) fn let_go(&self, held: Vec<TcpStream>) {
        self.runtime.block_on(async {
            let mut clients = JoinSet::new();
            for mut stream in held {
                clients.spawn(async move {
                    stream.write_all(&vec![b'x'; HELD / 2]).await.unwrap();
                    read_answer(&mut stream, &mut vec![0; 4096]).await;
                });
            }
            clients.join_all().await;
        });
    }
}

async fn repeat(address: SocketAddr, request: Vec<u8>, until: Instant) -> u32 {
    let mut stream = connect(address).await;
    let mut buffer = vec![0; BUFFER];
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(&request).await.unwrap();
        read_answer(&mut stream, &mut buffer).await;
        answered += 1;
    }
    answered
}

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    let length = loop {
        let count = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(count > 0, "the proxy hung up");
        filled += count;
        if let Some(length) = head_length(&buffer[..filled]) {
            break length;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..length]).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (_, size) = head.split_once("content-length: ").unwrap();
    let size: usize = size.lines().next().unwrap().parse().unwrap();
    let mut left = size - (filled - length);
    while left > 0 {
        let count = stream.read(buffer).await.unwrap();
        assert!(count > 0, "the proxy hung up");
        left -= count;
    }
}
