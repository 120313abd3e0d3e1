//! The receiver and the services of a project while tests run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::environment::Settings;
use super::results::Results;
use crate::background;
use crate::report::{Json, Reporter};
use crate::result::{Report, Trouble};
use crate::run::OpenRun;
use crate::session::{Session, Stopper, saved_traces};
use crate::source::Connection;
use crate::spec::Spec;
use crate::step::{Budgeting, Options, SaveTraces};
use crate::workspace::Workspace;

/// A session on a runtime of its own, which any thread can run specs in.
pub(super) struct Live {
    session: Session,
    options: Options,
    results: Results,
    /// The last runs with verdicts that late spans may change, with the files of their results.
    open: Mutex<VecDeque<(OpenRun, Option<Json>)>>,
}

/// Verdicts of more runs are final; the oldest are given up.
const MOST_OPEN: usize = 1_024;

impl Live {
    /// Listens and starts the services. They end when this is stopped, and with the process at
    /// the latest.
    pub(super) fn start(
        workspace: &Workspace,
        settings: &Settings,
        connection: Option<Connection>,
    ) -> Result<Self, Vec<Trouble>> {
        let session = background::block_on(open(workspace, settings, connection))?;
        Ok(Self {
            session,
            options: options(workspace, settings),
            results: Results::new(settings),
            open: Mutex::default(),
        })
    }

    /// Runs specs, and waits for them on this thread.
    pub(super) fn run(&self, specs: &[Spec]) -> Report {
        let mut report = background::block_on(self.session.run(specs, self.options.clone()));
        if let Err(error) = self.results.write(&report) {
            report.trouble.push(Trouble::new(&error.to_string()));
        }
        report
    }

    /// As [`run`](Self::run), but spans that arrive until the services have ended are judged too,
    /// by [`stop`](Self::stop).
    pub(super) fn run_open(&self, specs: &[Spec]) -> Report {
        let (open, mut report) = background::block_on(async {
            let open = self.session.run_open(specs, self.options.clone()).await;
            let report = self.session.provisional(&open).await;
            (open, report)
        });
        let mut file = self.results.file();
        let written = file.as_mut().map_or(Ok(()), |file| file.finish(&report));
        if let Err(error) = written {
            report.trouble.push(Trouble::new(&error.to_string()));
        }
        if open.is_watching() {
            let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            all.push_back((open, file));
            if all.len() > MOST_OPEN.min(self.session.source().most_watched()) {
                all.pop_front();
            }
        }
        report
    }

    /// Stops the services. Returns the reports of runs whose verdicts late spans have overturned.
    pub(super) fn stop(mut self) -> Vec<Report> {
        let open = std::mem::take(&mut self.open).into_inner();
        let open = open.unwrap_or_else(PoisonError::into_inner);
        background::block_on(async {
            self.session.stop_services().await;
            let mut overturned = Vec::new();
            for (open, file) in open {
                let before = open.report().exit_code();
                let mut report = self.session.close(open).await;
                if report.exit_code() == before {
                    continue;
                }
                let written = file.map_or(Ok(()), |mut file| file.finish(&report));
                if let Err(error) = written {
                    report.trouble.push(Trouble::new(&error.to_string()));
                }
                overturned.push(report);
            }
            self.session.stop().await;
            overturned
        })
    }
}

/// The one place where a session of tests is made: beside another process that receives the spans
/// and has started the services, or else with a receiver and services of its own.
async fn open(
    workspace: &Workspace,
    settings: &Settings,
    connection: Option<Connection>,
) -> Result<Session, Vec<Trouble>> {
    let no_listener = Arc::new(|_: &crate::result::RunEvent<'_>| {});
    if let Some(connection) = connection {
        return Ok(Session::attached(
            connection,
            workspace,
            Stopper::default(),
            no_listener,
        ));
    }
    let started =
        Session::start(workspace, &settings.listen, Stopper::default(), no_listener).await;
    started.map_err(|mut troubles| {
        if !workspace.project.has_services() {
            troubles.iter_mut().for_each(explain_ports);
        }
        troubles
    })
}

/// Adds help for services that run already: only one process can receive their spans.
fn explain_ports(trouble: &mut Trouble) {
    trouble.help = vec![
        "a runner with a process for each test, such as cargo nextest, needs one receiver for all of them: `spanspec exec -- cargo nextest run`".to_owned(),
        "`SPANSPEC_LISTEN=127.0.0.1:0` takes a port that is free, for services that are told where to export".to_owned(),
    ];
}

fn options(workspace: &Workspace, settings: &Settings) -> Options {
    Options {
        retries: settings.retries,
        save_traces: match settings.save_no_traces {
            true => SaveTraces::Never,
            false => saved_traces(workspace, settings.save_traces.as_deref()),
        },
        budgets: Budgeting {
            root: workspace.project.dir.clone(),
            ..settings.budgets.clone()
        },
        ..Options::default()
    }
}
