//! Ports: choosing free ones, and seeing who has a taken one.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A port as the project file writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSpec {
    /// Whichever is free.
    Auto,
    /// This one.
    Fixed(u16),
}

/// Ports that are given out are taken from here: below those that systems choose by themselves for
/// whoever asks for any port, so that none of them is taken before our service has bound it, and
/// below those that Kubernetes has for its services.
const OURS: std::ops::Range<u16> = 20_000..30_000;

/// So many are tried before the system is asked for any.
const TRIES: usize = 200;

/// Ports that [`free_port`] gave out, which nobody may have bound yet, each with the lock that
/// tells other processes of ours.
static GIVEN: Mutex<Option<HashMap<u16, Option<File>>>> = Mutex::new(None);

/// A port that is free on the IPv4 loopback address, and that neither this process nor another one
/// that uses spanspec has given out: tests side by side never get the same.
///
/// Nothing else holds it: until the service binds it, a stranger can take it.
///
/// # Errors
///
/// If the system has no free port, or loopback cannot be bound at all.
pub fn free_port() -> io::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..TRIES {
        let port = rand::random_range(OURS);
        if given.contains_key(&port) || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            continue;
        }
        if let Claim::Ours(lock) = claim(port) {
            given.insert(port, lock);
            return Ok(port);
        }
    }
    any_port(given)
}

/// Whichever the system offers, where so many of ours are taken.
fn any_port(given: &mut HashMap<u16, Option<File>>) -> io::Result<u16> {
    // Held until one is new, lest the system offer the same port again.
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

/// Whether a port may be given out.
enum Claim {
    /// It may. Holds the lock until the process ends, if there could be one.
    Ours(Option<File>),
    /// Another process has given it out.
    Theirs,
}

/// Locks a file that stands for the port. The lock ends with the process, however that ends.
fn claim(port: u16) -> Claim {
    let folder = std::env::temp_dir().join("spanspec-ports");
    // Without a folder that all may write to, chance has to do.
    let opened = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut options = File::options();
        options
            .create(true)
            .append(true)
            .open(folder.join(port.to_string()))
    });
    match opened.map(|file| (file.try_lock(), file)) {
        Ok((Ok(()), file)) => Claim::Ours(Some(file)),
        Ok((Err(std::fs::TryLockError::WouldBlock), _)) => Claim::Theirs,
        // A file of another user: whether he uses the port now, nobody can tell.
        Ok((Err(std::fs::TryLockError::Error(_)), _)) => Claim::Ours(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Claim::Theirs,
        Err(_) => Claim::Ours(None),
    }
}

/// Whether somebody listens on this port of this machine, on any address that reaches loopback.
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

/// The process that listens on this port, as `node (pid 4242)`; nothing if the system does not
/// tell, or the crate was built without the feature `cli`.
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
        assert!(matches!(claim(port), Claim::Theirs));
    }

    #[test]
    fn a_port_is_taken_while_somebody_listens_on_any_address() {
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
