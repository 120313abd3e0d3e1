//! The runtime, the signals that end a command, and the start and stop of sessions.
//!
//! The same for every command that runs something. The work of a command is left to the command.

use std::net::SocketAddr;

use crate::exec::Interruption;
use crate::report::{Look, text};
use crate::result::Trouble;
use crate::session::{Listener, Session, Stopper, exposures};
use crate::source::Connection;
use crate::step::Stop;
use crate::workspace::{Ports, Workspace};

use super::exit::{Exit, fail, note};

/// Runs a future on a runtime with one thread for each core.
pub(super) fn block_on(work: impl Future<Output = Exit>) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let text = format!("error: cannot start threads: {error}");
            return fail(Exit::Errored, &text);
        }
    };
    let exit = runtime.block_on(work);
    // A command that ignores its termination must not delay ours.
    runtime.shutdown_background();
    exit
}

/// Ports of the services: those of the receiver in another process, or free ones.
pub(super) fn ports(connection: Option<&Connection>) -> Ports {
    connection.map_or(Ports::Allocated, |connection| {
        Ports::Given(connection.health.ports.clone())
    })
}

/// The error if traces come from a backend and from a receiver in another process.
pub(super) fn two_sources(
    workspace: &Workspace,
    connection: Option<&Connection>,
) -> Option<Trouble> {
    let (backend, _) = workspace.backend.as_ref().zip(connection)?;
    Some(Trouble::new(&format!(
        "`source` names {}, and `--receiver` (SPANSPEC_RECEIVER) another source: use one of them",
        backend.name()
    )))
}

/// The parameters of a session.
pub(super) struct Start<'a> {
    pub(super) workspace: &'a Workspace,
    /// Overrides the addresses of the project file.
    pub(super) listen: &'a [SocketAddr],
    /// A receiver in another process, which has started the services too.
    pub(super) connection: Option<Connection>,
    pub(super) listener: Listener,
}

/// The reason why a session did not start.
pub(super) enum NotStarted {
    Interrupted,
    Failed(Vec<Trouble>),
}

impl NotStarted {
    /// Prints the reason, unless the user interrupted the start.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Failed(troubles) => fail_with(troubles),
        }
    }
}

/// Starts the receiver and the services, does the work, and stops them. The first interruption
/// stops the work; the second ends the process.
pub(super) async fn with_session<T>(
    start: Start<'_>,
    work: impl AsyncFnOnce(&mut Session) -> T,
) -> Result<T, NotStarted> {
    let stopper = Stopper::default();
    let interruptions = Interruptions::listen().map_err(|error| {
        let text = format!("cannot listen for Ctrl-C: {error}");
        NotStarted::Failed(vec![Trouble::new(&text)])
    })?;
    let stopping = tokio::spawn(interruptions.stop([stopper.clone()]));
    let mut session = started(start, &stopper, stopper.interrupted()).await?;
    let result = work(&mut session).await;
    session.stop().await;
    stopping.abort();
    Ok(result)
}

/// Starts a session, unless `interrupted` resolves first.
pub(super) async fn started(
    start: Start<'_>,
    stopper: &Stopper,
    interrupted: impl Future<Output = ()>,
) -> Result<Session, NotStarted> {
    let (workspace, stopper, listener) = (start.workspace, stopper.clone(), start.listener);
    let starting = async {
        match start.connection {
            Some(connection) => Ok(Session::attached(connection, workspace, stopper, listener)),
            None => {
                warn_of_exposure(workspace, start.listen, "");
                Session::start(workspace, start.listen, stopper, listener).await
            }
        }
    };
    tokio::select! {
        session = starting => session.map_err(NotStarted::Failed),
        () = interrupted => Err(NotStarted::Interrupted),
    }
}

/// Warns about a receiver that others can use, and about certificates that clients refuse.
pub(super) fn warn_of_exposure(workspace: &Workspace, listen: &[SocketAddr], more: &str) {
    let of_certificates = workspace.tls_warnings.iter().map(ToString::to_string);
    for text in of_certificates.chain(exposures(workspace, listen, more)) {
        note(&format!("warning: {text}"));
    }
}

/// Prints troubles as errors.
pub(super) fn fail_with(troubles: &[Trouble]) -> Exit {
    let look = Look::of_stderr();
    let texts: Vec<String> = troubles
        .iter()
        .map(|trouble| format!("error: {}", text::trouble(trouble, &look).trim()))
        .collect();
    fail(Exit::Errored, &texts.join("\n"))
}

/// The signals that ask this process to end: SIGINT, SIGTERM and SIGHUP, or Ctrl-C on Windows.
/// Signals are kept from [`listen`](Self::listen) on.
pub(super) struct Interruptions {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Interruptions {
    /// Registers the handlers.
    #[cfg(unix)]
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: super::hangup::listen(),
        })
    }

    /// Registers the handlers.
    #[cfg(windows)]
    pub(super) fn listen() -> std::io::Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(Self { interrupt })
    }

    /// Waits for the next signal. Cancel-safe.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Interruption {
        tokio::select! {
            _ = self.interrupt.recv() => Interruption::Interrupt,
            _ = self.terminate.recv() => Interruption::Terminate,
            () = super::hangup::next(&mut self.hangup) => Interruption::Terminate,
        }
    }

    /// Waits for the next signal. Cancel-safe.
    #[cfg(windows)]
    pub(super) async fn next(&mut self) -> Interruption {
        self.interrupt.recv().await;
        Interruption::Interrupt
    }

    /// Stops the sessions at the first signal, and ends the process at the second.
    pub(super) async fn stop(mut self, stoppers: impl IntoIterator<Item = Stopper>) {
        self.next().await;
        for stopper in stoppers {
            stopper.stop(Stop::Interrupted);
        }
        self.next().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
}
