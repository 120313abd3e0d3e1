//! The receiver with its HTTP API, and the services, for tests that other programs run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::api::{Api, REMEMBERED, SystemInfo};
use crate::exec::Environment;
use crate::report::text;
use crate::result::{RunEvent, Trouble};
use crate::secret::Secrets;
use crate::session::{Listener, Session, Stopper, receiver, telemetry, unbound};
use crate::source::Store;
use crate::spec::{Context, Globals};
use crate::step::{Flush, Options, Stop};
use crate::trace::Value;
use crate::workspace::{LoadError, Ports, Workspace};

use super::exec_arguments::SystemArguments;
use super::exit::{Exit, fail, note};
use super::load::{fail_load, project_search};
use super::session::{Interruptions, block_on, fail_with, warn_of_exposure};

/// A project that was read, without specs.
pub(super) struct HostSetup {
    workspace: Workspace,
    listen: Vec<SocketAddr>,
    verbose: bool,
    /// Variables of the project file, of files and of arguments.
    variables: BTreeMap<String, Value>,
    /// The environment of this process.
    given: BTreeMap<String, String>,
}

/// A running receiver and running services.
pub(super) struct Host {
    session: Session,
    pub(super) environment: Environment,
    /// The token of the receiver, which is not printed.
    pub(super) token: Secrets,
    store: Store,
    stopper: Stopper,
}

impl HostSetup {
    /// Reads the project file.
    ///
    /// # Errors
    /// If it has errors; they have been printed.
    pub(super) fn read(arguments: &SystemArguments) -> Result<Self, Exit> {
        let search = project_search(&arguments.project, Ports::Allocated);
        let workspace = Workspace::without_specs(&search).map_err(|error| fail_load(&error))?;
        let globals = &workspace.globals;
        let errors = |errors| fail_load(&LoadError::from(errors));
        workspace.project.services(globals).map_err(errors)?;
        let variables = workspace.project.variables(globals).map_err(errors)?;
        Ok(Self {
            listen: arguments.listen.clone(),
            verbose: arguments.verbose,
            workspace,
            variables,
            given: search.environment,
        })
    }

    /// Listens, and starts the services. Dropping the future kills what was started.
    pub(super) async fn start(&self) -> Result<Host, Vec<Trouble>> {
        let more = ", and read traces and judge specs through the HTTP API";
        warn_of_exposure(&self.workspace, &self.listen, more);
        let store = Store::remembering(REMEMBERED);
        let api = Api::new(store.clone());
        let receiver = receiver(&self.workspace, &self.listen)
            .store(store.clone())
            .routes(api.routes());
        let receiver = receiver
            .start()
            .await
            .map_err(|error| vec![unbound(&error)])?;
        let telemetry = telemetry(&self.workspace, &receiver);
        let stopper = Stopper::default();
        let listener = listener(self.verbose);
        let session =
            Session::with_receiver(receiver, &self.workspace, stopper.clone(), listener).await?;
        let listened = session.source().addresses().to_vec();
        api.ready(self.known(&session, listened));
        let token = Secrets::default();
        token.add(self.workspace.token.iter().cloned());
        Ok(Host {
            token,
            environment: Environment::new(&telemetry, &self.texts(), &self.given),
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

    /// Variables that specs sent to the API can use. The environment is not among them, because
    /// every client could then read it.
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

    fn known(&self, session: &Session, listened: Vec<SocketAddr>) -> SystemInfo {
        let project = &self.workspace.project;
        // The project file overrides an unknown bound.
        let declared = project.defaults.wait.flush.map(Flush::Known);
        let options = session.informed(Options::default());
        let ports = self.workspace.globals.services.iter();
        let number = |value: &Option<Value>| match value {
            Some(Value::Int(number)) => u16::try_from(*number).ok(),
            _ => None,
        };
        SystemInfo {
            listened,
            scheme: session.source().scheme(),
            flush: declared.unwrap_or(options.flush),
            log_flush: declared.unwrap_or(options.log_flush),
            metric_flush: project
                .defaults
                .wait
                .metrics
                .map_or(options.metric_flush, Flush::Known),
            services: options.services,
            ports: ports
                .filter_map(|(name, value)| Some((name.clone(), number(value)?)))
                .collect(),
            context: Context {
                globals: Arc::new(self.globals()),
                defaults: project.defaults.clone(),
            },
        }
    }
}

/// Starts the receiver and the services, does the work, and stops them. Interruptions during the
/// work are left to it; one before or after the work ends the command.
pub(super) fn with_host(
    setup: &HostSetup,
    work: impl AsyncFnOnce(&Host, &mut Interruptions) -> Exit,
) -> Exit {
    block_on(async {
        let mut interruptions = match Interruptions::listen() {
            Ok(interruptions) => interruptions,
            Err(error) => {
                let text = format!("error: cannot listen for Ctrl-C: {error}");
                return fail(Exit::Errored, &text);
            }
        };
        let host = tokio::select! {
            started = setup.start() => started,
            _ = interruptions.next() => return Exit::Interrupted,
        };
        let host = match host {
            Ok(host) => host,
            Err(troubles) => return fail_with(&troubles),
        };
        let exit = work(&host, &mut interruptions).await;
        tokio::select! {
            () = host.stop() => exit,
            _ = interruptions.next() => Exit::Interrupted,
        }
    })
}

impl Host {
    /// The addresses of the receiver.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        self.session.source().addresses()
    }

    /// Number of spans received.
    pub(super) fn spans(&self) -> u64 {
        self.store.stats().spans
    }

    /// Waits until a service ends unexpectedly.
    pub(super) async fn died(&self) -> Trouble {
        match self.stopper.stopped().await {
            Stop::Died(trouble) => trouble,
            // The stopper of a host has no other user.
            Stop::Interrupted => std::future::pending().await,
        }
    }

    /// Stops the services.
    pub(super) async fn stop(self) {
        self.session.stop().await;
    }
}

/// Prints builds, which take long, and with `--verbose` the output of services.
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
