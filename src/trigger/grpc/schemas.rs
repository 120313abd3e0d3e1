//! The schemas that servers have sent.

use std::collections::HashMap;

use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::proto::Schema;
use crate::spec::{GrpcCall, Tls};

/// The schemas of a session.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Mutex<Known>);

type Known = HashMap<Key, Schema>;

/// A server, and a symbol of its schema.
type Key = (Url, Tls, String);

impl Schemas {
    /// Waits until no other request of the session asks a server.
    pub(super) async fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().await
    }
}

pub(super) fn key(call: &GrpcCall, symbol: &str) -> Key {
    (call.server.clone(), call.tls.clone(), symbol.to_owned())
}
