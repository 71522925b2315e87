//! Inherited: sockets that listen already when this process starts, passed by systemd.
//!
//! They stay open between two processes, so that nobody is turned away while one follows another.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;

use listenfd::ListenFd;

use super::{Listener, Socket};
use crate::net::address::Address;

/// Returns the sockets that were passed, each as so many shares.
///
/// Takes them, so that a second call finds none; before threads begin, since it changes the
/// environment.
pub(super) fn take(shares: usize) -> io::Result<Vec<Vec<Listener>>> {
    let mut passed = ListenFd::from_env();
    if passed.len() == 0 {
        let none = "systemd passed no socket: start metergate.socket";
        return Err(io::Error::new(ErrorKind::NotFound, none));
    }
    (0..passed.len()).map(|index| socket(&mut passed, index, shares)).collect()
}

fn socket(passed: &mut ListenFd, index: usize, shares: usize) -> io::Result<Vec<Listener>> {
    if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
        listener.set_nonblocking(true)?;
        let address = Address::Tcp(listener.local_addr()?);
        let share = |_| {
            Ok(Listener { socket: Socket::Tcp(listener.try_clone()?), address: address.clone() })
        };
        return (0..shares).map(share).collect();
    }
    if let Ok(Some(listener)) = passed.take_unix_listener(index) {
        return unix(&listener, shares);
    }
    let wrong = "systemd passed what is no stream socket: write ListenStream=";
    Err(io::Error::new(ErrorKind::InvalidInput, wrong))
}

fn unix(listener: &StdUnixListener, shares: usize) -> io::Result<Vec<Listener>> {
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    let address = Address::Unix(at.as_pathname().map_or_else(PathBuf::new, PathBuf::from));
    let share = |_| {
        // The file is systemd's.
        let socket = Socket::Unix(listener.try_clone()?, None);
        Ok(Listener { socket, address: address.clone() })
    };
    (0..shares).map(share).collect()
}
