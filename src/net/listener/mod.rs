//! Listening sockets, TCP and Unix: one share of each per runtime thread; accepting survives errors.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::time::sleep;

use crate::net::address::Address;
use crate::net::vanishing::cut_vanished;

mod inherited;

/// Connections the kernel keeps for us until they are accepted; it lowers this to `somaxconn`.
const BACKLOG: u32 = 4096;
/// The first wait after an accept error; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// The longest wait after an accept error.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// One share of a listening address, for one runtime.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: Address,
}

#[derive(Debug)]
enum Socket {
    Tcp(std::net::TcpListener),
    /// The file is absent where it is not ours.
    Unix(StdUnixListener, Option<Arc<SocketFile>>),
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A host, by its address.
    Ip(IpAddr),
    /// A process of this machine.
    Unix,
}

impl Listener {
    /// Listens at an address, as many times as there are runtimes to serve it.
    ///
    /// May be called with or without a runtime. The kernel spreads TCP connections over the
    /// shares, so every share has to be served. Port 0 is any free one, the same for all.
    ///
    /// # Errors
    /// When the address cannot be bound; a port or socket file another process listens at is one
    /// that cannot, while a socket file left behind is replaced.
    pub fn bind(address: &Address, shares: usize) -> io::Result<Vec<Self>> {
        match address {
            Address::Tcp(address) => bind_tcp(*address, shares),
            Address::Unix(path) => bind_unix(path, shares),
            Address::Systemd => Ok(inherited::take(shares)?.into_iter().flatten().collect()),
        }
    }

    /// Likewise, as one list for each runtime: an address may stand for several sockets.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub fn bind_for(address: &Address, runtimes: usize) -> io::Result<Vec<Vec<Self>>> {
        let sockets = match address {
            Address::Systemd => inherited::take(runtimes)?,
            other => vec![Self::bind(other, runtimes)?],
        };
        let mut each: Vec<Vec<Self>> = (0..runtimes).map(|_| Vec::new()).collect();
        for shares in sockets {
            for (runtime, share) in each.iter_mut().zip(shares) {
                runtime.push(share);
            }
        }
        Ok(each)
    }

    /// Returns where this listens: never port 0.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Begins to accept, as part of the current runtime, connections whose other side may take
    /// nothing for `untaken`.
    ///
    /// # Errors
    /// When the runtime cannot take the socket.
    pub(in crate::net) fn open(self, untaken: Duration) -> io::Result<Acceptor> {
        Ok(match self.socket {
            Socket::Tcp(listener) => Acceptor::Tcp(TcpListener::from_std(listener)?, untaken),
            Socket::Unix(listener, file) => Acceptor::Unix(UnixListener::from_std(listener)?, file),
        })
    }
}

/// A listener that is part of a runtime.
#[derive(Debug)]
pub(in crate::net) enum Acceptor {
    Tcp(TcpListener, Duration),
    Unix(UnixListener, #[expect(dead_code, reason = "kept for its drop")] Option<Arc<SocketFile>>),
}

/// An accepted connection, before its first byte.
#[derive(Debug)]
pub(in crate::net) enum Accepted {
    Tcp(TcpStream, IpAddr),
    Unix(UnixStream),
}

impl Acceptor {
    /// Waits for a connection; errors are logged and waited out. Dropped half way, none is lost.
    pub(in crate::net) async fn accept(&self) -> Accepted {
        let mut wait = FIRST_WAIT;
        loop {
            let error = match self.try_accept().await {
                Ok(accepted) => return accepted,
                Err(error) => error,
            };
            // These are about one connection that has gone again; the rest about us.
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::Interrupted
            ) {
                continue;
            }
            tracing::warn!(%error, wait_ms = wait.as_millis(), "cannot accept connections");
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn try_accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, untaken) => {
                let (stream, peer) = listener.accept().await?;
                // Only a connection that is gone refuses these, and reading it tells.
                let _gone = stream.set_nodelay(true);
                let _gone = cut_vanished(&stream, *untaken);
                Ok(Accepted::Tcp(stream, peer.ip().to_canonical()))
            }
            Self::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

fn bind_tcp(address: SocketAddr, shares: usize) -> io::Result<Vec<Listener>> {
    // Sockets learn to listen inside a runtime only; ours leave it again at once.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    let listeners = bind_shares(address, shares);
    drop(entered);
    runtime.shutdown_background();
    listeners
}

fn bind_shares(address: SocketAddr, shares: usize) -> io::Result<Vec<Listener>> {
    // Sockets that share a port also share it with another process that shares it. One that does
    // not share finds out whether there is such a process, and holds the port until we have it.
    let probe = tcp_socket(address)?;
    probe.bind(address)?;
    let address = probe.local_addr()?;
    let mut sockets = Vec::with_capacity(shares);
    for _ in 0..shares {
        let socket = tcp_socket(address)?;
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        sockets.push(socket);
    }
    drop(probe);
    let listen = |socket: TcpSocket| {
        let socket = Socket::Tcp(socket.listen(BACKLOG)?.into_std()?);
        Ok(Listener { socket, address: Address::Tcp(address) })
    };
    sockets.into_iter().map(listen).collect()
}

/// Returns a socket that may take over a port with closed connections still in the kernel's memory.
fn tcp_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

fn bind_unix(path: &Path, shares: usize) -> io::Result<Vec<Listener>> {
    remove_stale(path)?;
    let listener = StdUnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    let file = Arc::new(SocketFile::at(path)?);
    let share = |_| {
        let socket = Socket::Unix(listener.try_clone()?, Some(Arc::clone(&file)));
        Ok(Listener { socket, address: Address::Unix(path.to_owned()) })
    };
    (0..shares).map(share).collect()
}

/// Removes a socket file nobody listens at; any other file is left for `bind` to fail on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    match StdUnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

/// A socket's file, removed with the last share, unless another process has replaced it.
#[derive(Debug)]
pub(in crate::net) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove the socket file");
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

#[cfg(test)]
mod tests;
