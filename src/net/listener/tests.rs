//! What can be listened at, and what stays behind.

use tempfile::TempDir;

use super::*;

fn unix_address(folder: &TempDir) -> (Address, PathBuf) {
    let path = folder.path().join("metergate.sock");
    (Address::Unix(path.clone()), path)
}

fn refusal(address: &Address) -> io::ErrorKind {
    Listener::bind(address, 2).map(|_| ()).unwrap_err().kind()
}

#[test]
fn all_shares_have_one_port() {
    let listeners = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 4).unwrap();
    let addresses: Vec<_> = listeners.iter().map(Listener::address).collect();
    assert_eq!(addresses.len(), 4);
    assert!(addresses.iter().all(|address| *address == addresses[0]));
    assert_ne!(addresses[0].to_string(), "127.0.0.1:0");
}

#[test]
fn a_port_in_use_is_refused_and_free_again_after() {
    let listeners = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 2).unwrap();
    let address = listeners[0].address().clone();
    assert_eq!(refusal(&address), io::ErrorKind::AddrInUse);
    drop(listeners);
    assert!(Listener::bind(&address, 2).is_ok());
}

#[test]
fn a_port_another_program_listens_at_is_refused() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(other.local_addr().unwrap());
    assert_eq!(refusal(&address), io::ErrorKind::AddrInUse);
}

#[test]
fn a_port_with_connections_just_closed_is_not_in_use() {
    let listeners = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 1).unwrap();
    let address = listeners[0].address().clone();
    let Socket::Tcp(listener) = &listeners[0].socket else { panic!("no TCP socket") };
    listener.set_nonblocking(false).unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    // The side that closes first is the one the kernel remembers.
    drop(listener.accept().unwrap());
    drop(client);
    drop(listeners);
    assert!(Listener::bind(&address, 2).is_ok());
}

#[tokio::test]
async fn a_listener_can_be_made_inside_a_runtime() {
    let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
    let Address::Tcp(address) = listener.address().clone() else { panic!("no TCP address") };
    let acceptor = listener.open(LONGEST_WAIT).unwrap();
    let _client = TcpStream::connect(address).await.unwrap();
    let Accepted::Tcp(stream, ip) = acceptor.accept().await else { panic!("no TCP stream") };
    assert_eq!(ip, address.ip());
    assert!(socket2::SockRef::from(&stream).keepalive().unwrap(), "peers that vanish are noticed");
}

#[test]
fn a_socket_file_is_removed_with_the_last_share() {
    let folder = tempfile::tempdir().unwrap();
    let (address, path) = unix_address(&folder);
    let mut listeners = Listener::bind(&address, 2).unwrap();
    listeners.pop();
    assert!(path.exists());
    listeners.pop();
    assert!(!path.exists());
}

#[test]
fn a_socket_file_left_behind_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (address, path) = unix_address(&folder);
    drop(StdUnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert!(Listener::bind(&address, 1).is_ok());
}

#[test]
fn a_socket_file_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (address, path) = unix_address(&folder);
    let _live = StdUnixListener::bind(&path).unwrap();
    assert_eq!(refusal(&address), io::ErrorKind::AddrInUse);
    assert!(path.exists());
}

#[test]
fn any_other_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (address, path) = unix_address(&folder);
    fs::write(&path, "precious").unwrap();
    assert_eq!(refusal(&address), io::ErrorKind::AddrInUse);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_socket_file_of_a_successor_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (address, path) = unix_address(&folder);
    let listeners = Listener::bind(&address, 1).unwrap();
    // Moved into place as a successor does: two files at once never share an inode.
    let next = folder.path().join("next.sock");
    let _successor = StdUnixListener::bind(&next).unwrap();
    fs::rename(&next, &path).unwrap();
    drop(listeners);
    assert!(path.exists());
}
