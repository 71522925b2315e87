//! Origin: a homeserver that does next to nothing, fast.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BUFFER: usize = 256 * 1024;

/// Starts it on a thread of its own, for as long as the process lives.
pub(crate) fn start() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime.block_on(accept(listener)));
    address
}

async fn accept(listener: std::net::TcpListener) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        // However it ends: whoever is at the other end notices.
        tokio::spawn(serve(stream));
    }
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let length = loop {
            if let Some(length) = head_length(&buffer[..filled]) {
                break length;
            }
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                count => filled += count,
            }
        };
        let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
        read_body(&mut stream, &head, &mut buffer, filled - length, filled).await?;
        filled = 0;
        answer(&mut stream, &head, &mut buffer).await?;
    }
}

/// Reads a body away of which `here` bytes are there already, the last of them before `end`.
async fn read_body(
    stream: &mut TcpStream,
    head: &str,
    buffer: &mut [u8],
    here: usize,
    end: usize,
) -> io::Result<()> {
    let head = head.to_ascii_lowercase();
    if let Some((_, length)) = head.split_once("content-length: ") {
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        let mut left = length - here;
        while left > 0 {
            match stream.read(buffer).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => left -= count,
            }
        }
    } else if head.contains("transfer-encoding: chunked") {
        // Nothing follows a body here until it is answered: its end is the end of a read.
        let mut tail = buffer[end - here.min(5)..end].to_vec();
        while !tail.ends_with(b"0\r\n\r\n") {
            let count = stream.read(buffer).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            tail.extend_from_slice(&buffer[count.saturating_sub(5)..count]);
            tail.drain(..tail.len().saturating_sub(5));
        }
    }
    Ok(())
}

async fn answer(stream: &mut TcpStream, head: &str, buffer: &mut [u8]) -> io::Result<()> {
    let path = head.split(' ').nth(1).unwrap();
    if let Some(size) = path.strip_prefix("/download/") {
        let mut left: usize = size.parse().unwrap();
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").as_bytes())
            .await?;
        while left > 0 {
            let next = left.min(buffer.len());
            stream.write_all(&buffer[..next]).await?;
            left -= next;
        }
        return Ok(());
    }
    let json = if path.ends_with("/whoami") {
        let lower = head.to_ascii_lowercase();
        let (_, user) = lower.split_once("bearer ").unwrap();
        format!(r#"{{"user_id":"@{}:example.org"}}"#, user.lines().next().unwrap())
    } else {
        r#"{"content_uri":"mxc://example.org/abcdefghijklmnop"}"#.to_owned()
    };
    let length = json.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
    );
    stream.write_all(answer.as_bytes()).await
}

/// Returns where the head ends, if all of it is there.
pub(crate) fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}
