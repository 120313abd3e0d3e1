//! Fires what makes a trace: a request, or a command, with a trace context of our own.
//!
//! What came back is a [`Response`]; whether it is right is for `check` to say, and whether a
//! failed attempt is worth another is for `run`.

mod body;
mod command;
mod context;
mod error;
mod hop;
mod http;
mod session;

pub use command::DEFAULT_TIMEOUT as COMMAND_TIMEOUT;
pub use context::TraceContext;
pub use error::{Attempted, Stage, TriggerError};
pub use http::DEFAULT_TIMEOUT as REQUEST_TIMEOUT;
pub use session::Session;

pub use crate::process::{LaunchError, Searched};
use crate::spec::Trigger;
use crate::trace::Response;

/// Fires a trigger and waits for what comes back. Dropping the future ends everything: it closes
/// the connection, and kills the command's process group.
///
/// # Errors
///
/// Only what kept us from getting a response: a status of 500 and an exit code of 1 are responses.
pub async fn fire(
    trigger: &Trigger,
    context: &TraceContext,
    session: &Session,
) -> Result<Response, TriggerError> {
    match trigger {
        Trigger::Request(request) => http::send(request, context, session)
            .await
            .map(Response::Http),
        Trigger::Run(run) => command::run(run, context).await.map(Response::Command),
        Trigger::TraceId(_) => Ok(Response::None),
    }
}
