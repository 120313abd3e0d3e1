//! Ports: choosing free ones, and seeing who has a taken one.

use std::collections::HashSet;
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

/// Ports that [`free_port`] gave out, which nobody may have bound yet.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port that is free on the IPv4 loopback address, and that this process did not give out before.
///
/// Nothing holds it: until the service binds it, another process can take it. The system gives out
/// such ports in random order, so that is rare.
///
/// # Errors
///
/// If the system has no free port, or loopback cannot be bound at all.
pub fn free_port() -> io::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    // Held until one is new, lest the system offer the same port again.
    let mut tried = Vec::new();
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if given.insert(port) {
            return Ok(port);
        }
        tried.push(listener);
    }
}

/// The number for each port, so that it can be filled in wherever the project file names it.
///
/// # Errors
///
/// As [`free_port`].
pub fn allocate(ports: &[(String, PortSpec)]) -> io::Result<Vec<(String, u16)>> {
    ports
        .iter()
        .map(|(name, spec)| {
            let number = match spec {
                PortSpec::Auto => free_port()?,
                PortSpec::Fixed(number) => *number,
            };
            Ok((name.clone(), number))
        })
        .collect()
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
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
    }

    #[test]
    fn a_fixed_port_stays_and_an_auto_port_is_chosen() {
        let specs = [
            ("http".to_owned(), PortSpec::Fixed(8080)),
            ("grpc".to_owned(), PortSpec::Auto),
        ];
        let allocated = allocate(&specs).unwrap();
        assert_eq!(allocated[0], ("http".to_owned(), 8080));
        assert_eq!(allocated[1].0, "grpc");
        assert_ne!(allocated[1].1, 0);
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
