//! Chooses free ports, and finds the owners of taken ones.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process::ProcessGroup;

/// A port in the project file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSpec {
    /// Any free port.
    Auto,
    /// This port.
    Fixed(u16),
}

/// The range of ports that are allocated: below the ephemeral ports of operating systems, so that
/// none of them is taken before the service has bound it, and below the node ports of Kubernetes.
const OURS: std::ops::Range<u16> = 20_000..30_000;

/// Number of attempts before an ephemeral port is used.
const TRIES: usize = 200;

/// The allocated ports, which may not be bound yet, each with the lock that other processes of
/// spanspec see.
static GIVEN: Mutex<Option<HashMap<u16, Option<File>>>> = Mutex::new(None);

/// Allocates a port that is free on the IPv4 loopback address. Concurrent processes that use spanspec
/// never get the same port.
///
/// Other programs can bind the port before the service does.
///
/// # Errors
///
/// When the system has no free port, or loopback cannot be bound.
pub fn free_port() -> io::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..TRIES {
        let port = rand::random_range(OURS);
        if given.contains_key(&port) || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            continue;
        }
        if let PortClaim::Ours(lock) = claim(port) {
            given.insert(port, lock);
            return Ok(port);
        }
    }
    any_port(given)
}

/// An ephemeral port, if too many ports of the range are taken.
fn any_port(given: &mut HashMap<u16, Option<File>>) -> io::Result<u16> {
    // Held until one is new, so that the system does not return the same port again.
    let mut tried = Vec::new();
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if let std::collections::hash_map::Entry::Vacant(free) = given.entry(port) {
            free.insert(None);
            return Ok(port);
        }
        tried.push(listener);
    }
}

/// The result of claiming a port.
enum PortClaim {
    /// The port is free. Has the lock, which is held until the process ends, if there is one.
    Ours(Option<File>),
    /// Another process has allocated it.
    Theirs,
}

/// Locks the file of a port. The lock ends with the process.
fn claim(port: u16) -> PortClaim {
    let folder = std::env::temp_dir().join("spanspec-ports");
    // Without a writable folder, ports are not coordinated between processes.
    let opened = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut options = File::options();
        options
            .create(true)
            .append(true)
            .open(folder.join(port.to_string()))
    });
    match opened.map(|file| (file.try_lock(), file)) {
        Ok((Ok(()), file)) => PortClaim::Ours(Some(file)),
        Ok((Err(std::fs::TryLockError::WouldBlock), _)) => PortClaim::Theirs,
        // The file of another user, who may use the port.
        Ok((Err(std::fs::TryLockError::Error(_)), _)) => PortClaim::Ours(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => PortClaim::Theirs,
        Err(_) => PortClaim::Ours(None),
    }
}

/// Returns `true` if a process listens on this port, on any address that reaches loopback.
pub(super) fn is_taken(port: u16) -> bool {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    loopback
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .any(|address| cannot_be_bound(address) || answers(address))
}

fn cannot_be_bound(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// Some systems let a second socket bind an address that a wildcard socket listens on.
fn answers(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

/// The process that listens on this port, such as `node (pid 4242)`. `None` if it is unknown, or
/// without the feature `cli`.
#[must_use]
pub fn port_owner(port: u16) -> Option<String> {
    #[cfg(feature = "cli")]
    {
        let listens = |socket: &listeners::Listener| {
            socket.socket.port() == port && socket.state == listeners::SocketState::Listen
        };
        let owner = listeners::get_all().ok()?.into_iter().find(listens)?;
        Some(format!(
            "{} (pid {})",
            owner.process.name, owner.process.pid
        ))
    }
    #[cfg(not(feature = "cli"))]
    {
        let _ = port;
        None
    }
}

/// The addresses on which the processes of a group listen, sorted. `None` if they are unknown, or
/// without the feature `cli`.
pub(super) fn listened_by(group: &ProcessGroup) -> Option<Vec<SocketAddr>> {
    #[cfg(all(unix, feature = "cli"))]
    {
        let listens = |one: &listeners::Listener| {
            one.state == listeners::SocketState::Listen && group.has(one.process.pid)
        };
        let sockets = listeners::get_all().ok()?.into_iter();
        let mut found: Vec<SocketAddr> = sockets.filter(listens).map(|one| one.socket).collect();
        found.sort();
        found.dedup();
        Some(found)
    }
    #[cfg(not(all(unix, feature = "cli")))]
    {
        let _ = group;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        let ports: Vec<_> = (0..200).map(|_| free_port().unwrap()).collect();
        let different: std::collections::HashSet<_> = ports.iter().collect();
        assert_eq!(different.len(), ports.len());
    }

    #[test]
    fn a_port_that_another_process_has_given_out_is_not_given_out_again() {
        let port = free_port().unwrap();
        // The lock belongs to the open file, so that a second one stands for a second process.
        assert!(matches!(claim(port), PortClaim::Theirs));
    }

    #[test]
    fn a_port_is_taken_while_a_process_listens_on_any_address() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue; // This machine has no IPv6.
            };
            let port = listener.local_addr().unwrap().port();
            assert!(is_taken(port), "{address}");
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn the_owner_of_a_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let owner = port_owner(listener.local_addr().unwrap().port()).unwrap();
        assert!(
            owner.contains(&format!("(pid {})", std::process::id())),
            "{owner}"
        );
    }
}
