//! The receiver with its HTTP API, and the services, for those who bring tests of their own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::api::{Api, Known, REMEMBERED};
use crate::exec::{Environment, Interruption};
use crate::report::{Look, text};
use crate::result::{RunEvent, Trouble};
use crate::session::{Listener, Session, Stopper, receiver, unbound};
use crate::source::receiver::Store;
use crate::spec::{Context, Globals};
use crate::step::{Flush, Options, Stop};
use crate::trace::Value;
use crate::workspace::{LoadError, Ports, Search, Workspace};

use super::exec_arguments::SystemArguments;
use super::exit::{Exit, fail, note};
use super::load::{environment, fail_load};
use super::output;

/// A project that was understood, without specs.
pub(super) struct HostSetup {
    workspace: Workspace,
    listen: Vec<SocketAddr>,
    verbose: bool,
    /// Its `vars` and what was given beside them.
    variables: BTreeMap<String, Value>,
    given: BTreeMap<String, String>,
}

/// All of it, running.
pub(super) struct Host {
    session: Session,
    pub(super) environment: Environment,
    store: Store,
    stopper: Stopper,
}

impl HostSetup {
    /// Reads what the arguments name. Where that fails, the user has been told.
    pub(super) fn read(arguments: &SystemArguments) -> Result<Self, Exit> {
        let given = environment();
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let vars = arguments.vars.iter();
        let search = Search {
            config: arguments.config.clone(),
            vars: vars
                .map(|one| (one.name.clone(), one.value.clone()))
                .collect(),
            var_files: arguments.var_file.clone(),
            secrets: arguments.secrets.clone(),
            hidden: output::secrets(),
            ports: Ports::Allocated,
            ..Search::from(here, given.clone())
        };
        let workspace = Workspace::without_specs(&search).map_err(|error| fail_load(&error))?;
        let globals = &workspace.globals;
        let mistakes = |errors| fail_load(&LoadError::from(errors));
        workspace.project.services(globals).map_err(mistakes)?;
        let variables = workspace.project.variables(globals).map_err(mistakes)?;
        Ok(Self {
            listen: arguments.listen.clone(),
            verbose: arguments.verbose,
            workspace,
            variables,
            given,
        })
    }

    /// Listens, and starts the services. Dropping the future kills what was started.
    pub(super) async fn start(&self) -> Result<Host, Vec<Trouble>> {
        let store = Store::remembering(REMEMBERED);
        let api = Api::new(store.clone());
        let receiver = receiver(&self.workspace, &self.listen)
            .store(store.clone())
            .routes(api.routes());
        let receiver = receiver
            .start()
            .await
            .map_err(|error| vec![unbound(&error)])?;
        let stopper = Stopper::default();
        let listener = listener(self.verbose);
        let session =
            Session::with_receiver(receiver, &self.workspace, stopper.clone(), listener).await?;
        let listened = session.source().addresses().to_vec();
        let address = listened.first().copied();
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        api.ready(self.known(&session, listened));
        Ok(Host {
            environment: Environment::new(address, &self.texts(), &self.given),
            session,
            store,
            stopper,
        })
    }

    fn texts(&self) -> Vec<(String, String)> {
        let variables = self.variables.iter();
        variables
            .map(|(name, value)| (name.clone(), value.to_text()))
            .collect()
    }

    /// What specs that are sent may refer to: not the environment, for whoever can send one could
    /// read it then.
    fn globals(&self) -> Globals {
        let globals = &self.workspace.globals;
        Globals {
            file: self.variables.clone(),
            services: globals.services.clone(),
            secrets: globals.secrets.clone(),
            hidden: globals.hidden.clone(),
            ..Globals::default()
        }
    }

    fn known(&self, session: &Session, listened: Vec<SocketAddr>) -> Known {
        let project = &self.workspace.project;
        // What the author of the project says wins over nothing being known.
        let said = project.defaults.wait.flush.map(Flush::Known);
        let options = session.informed(Options::default());
        let ports = self.workspace.globals.services.iter();
        let number = |value: &Option<Value>| match value {
            Some(Value::Int(number)) => u16::try_from(*number).ok(),
            _ => None,
        };
        Known {
            listened,
            flush: said.unwrap_or(options.flush),
            services: options.services,
            ports: ports
                .filter_map(|(name, value)| Some((name.clone(), number(value)?)))
                .collect(),
            context: Context {
                globals: Arc::new(self.globals()),
                defaults: project.defaults,
            },
        }
    }
}

impl Host {
    /// Where it listens.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        self.session.source().addresses()
    }

    /// Spans received so far.
    pub(super) fn spans(&self) -> u64 {
        self.store.census().spans
    }

    /// Resolves when a service ends though nobody stopped it.
    pub(super) async fn died(&self) -> Trouble {
        match self.stopper.stopped().await {
            Stop::Died(trouble) => trouble,
            // Interruptions are told to nobody but us.
            Stop::Interrupted => std::future::pending().await,
        }
    }

    /// Stops the services.
    pub(super) async fn stop(self) {
        self.session.stop().await;
    }
}

/// Tells the user what was in the way.
pub(super) fn fail_with(troubles: &[Trouble]) -> Exit {
    let look = Look::of_stderr();
    let texts: Vec<String> = troubles
        .iter()
        .map(|trouble| format!("error: {}", text::trouble(trouble, &look).trim()))
        .collect();
    fail(Exit::Errored, &texts.join("\n"))
}

/// Builds take long, so they are told; the rest only who asks for it.
fn listener(verbose: bool) -> Listener {
    Arc::new(move |event| match event {
        RunEvent::Building { service } => {
            note(&format!("building {service}"));
        }
        RunEvent::Output { service, line } if verbose => {
            note(&text::output(service, line));
        }
        _ => {}
    })
}

/// Everything that asks us to end, from now on: none is missed, whenever it is looked for.
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
    /// Begins to listen. Where that fails, the user has been told.
    pub(super) fn listen() -> Result<Self, Exit> {
        Self::register().map_err(|error| {
            let text = format!("error: cannot listen for Ctrl-C: {error}");
            fail(Exit::Errored, &text)
        })
    }

    #[cfg(unix)]
    fn register() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: super::hangup::listen(),
        })
    }

    #[cfg(windows)]
    fn register() -> std::io::Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(Self { interrupt })
    }

    /// Resolves when somebody wants us to end. Cancel-safe.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Interruption {
        tokio::select! {
            _ = self.interrupt.recv() => Interruption::Interrupt,
            _ = self.terminate.recv() => Interruption::Terminate,
            () = super::hangup::next(&mut self.hangup) => Interruption::Terminate,
        }
    }

    /// Resolves when somebody wants us to end. Cancel-safe.
    #[cfg(windows)]
    pub(super) async fn next(&mut self) -> Interruption {
        self.interrupt.recv().await;
        Interruption::Interrupt
    }
}

/// What everything above runs on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    built.map_err(|error| {
        fail(
            Exit::Errored,
            &format!("error: cannot start threads: {error}"),
        )
    })
}
