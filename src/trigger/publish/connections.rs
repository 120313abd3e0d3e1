//! Connections to brokers that the messages of a session share.

#![cfg_attr(
    not(any(feature = "kafka", feature = "nats", feature = "amqp")),
    allow(dead_code, reason = "only clients of brokers use it")
)]

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use crate::spec::{Login, Tls};

/// The connections of a session that are not in use. One that failed is not used again.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<Vec<(Peer, Box<dyn Any + Send>)>>);

/// A broker with everything that distinguishes connections to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Peer {
    pub(super) address: String,
    pub(super) login: Option<Login>,
    pub(super) tls: Option<Tls>,
    /// The SASL mechanism, the virtual host, or the scheme.
    pub(super) of: String,
}

impl Connections {
    /// A connection of this kind that is alive.
    pub(super) fn take<C: Any>(&self, peer: &Peer, is_alive: impl Fn(&mut C) -> bool) -> Option<C> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(at) = idle
            .iter()
            .position(|(of, connection)| of == peer && connection.is::<C>())
        {
            let (_, connection) = idle.swap_remove(at);
            if let Ok(mut connection) = connection.downcast::<C>()
                && is_alive(&mut connection)
            {
                return Some(*connection);
            }
        }
        None
    }

    pub(super) fn keep<C: Any + Send>(&self, peer: Peer, connection: C) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((peer, Box::new(connection)));
    }
}
