//! `spanspec watch`: runs specs, and again whenever a file that matters changes.
//!
//! Services stay up between runs; they are started anew when the project file or their sources
//! changed, one of them died, or a spec needs another one. An error in a file is printed, and watching goes on.

mod changes;
mod interest;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::project::Project;
use crate::run::{OpenRun, propose_shapes};
use crate::session::{Session, Stopper};
use crate::spec::{NamedFiles, ServiceSet, Spec};
use crate::step::Stop;
use crate::trace::Value;
use crate::workspace::{LoadError, Ports, Search, Workspace, shown, with_needed, with_timeout};

use super::arguments::{RunArguments, WatchArguments};
use super::exit::{Exit, fail, note};
use super::load::fail_load;
use super::reporters::Reporters;
use super::run;
use super::selection::{nothing_selected, select};
use super::session::{Interruptions, Start, block_on, fail_with, started};
use changes::{Changes, News};
use interest::{Interest, Role, real};

/// Watches until the user ends it.
pub(super) fn watch(arguments: WatchArguments) -> Exit {
    if arguments.run.list {
        return run::run(arguments.run);
    }
    let search = Search {
        files: NamedFiles::collected(),
        ..run::run_search(&arguments.run, Ports::Allocated)
    };
    if let Err(error @ LoadError::NoProject) = Workspace::load(&search) {
        return fail_load(&error);
    }
    let project = Workspace::without_specs(&search).ok();
    let project = project.as_ref().map(|workspace| &workspace.project);
    let changes = match Changes::new(Interest::new(
        &search,
        project,
        &arguments.also,
        &BTreeSet::new(),
    )) {
        Ok(changes) => changes,
        Err(error) => return blind(&error.to_string()),
    };
    block_on(async {
        let user = Stopper::default();
        match Interruptions::listen() {
            // Not aborted: a second Ctrl-C ends the process at any time.
            Ok(interruptions) => tokio::spawn(interruptions.stop([user.clone()])),
            Err(error) => {
                let text = format!("error: cannot listen for Ctrl-C: {error}");
                return fail(Exit::Errored, &text);
            }
        };
        let watch = Watch {
            arguments: &arguments.run,
            also: &arguments.also,
            search,
            reporters: Reporters::new(&arguments.run),
            user,
            running: None,
            named: BTreeSet::new(),
        };
        watch.run_until_ended(changes).await
    })
}

fn blind(why: &str) -> Exit {
    fail(Exit::Errored, &format!("error: cannot watch files: {why}"))
}

/// The next specs to run.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    All,
    File(PathBuf),
}

struct Watch<'a> {
    arguments: &'a RunArguments,
    also: &'a [PathBuf],
    search: Search,
    reporters: Reporters,
    /// Stopped by Ctrl-C only.
    user: Stopper,
    running: Option<Running>,
    /// The files that specs named in the last round.
    named: BTreeSet<PathBuf>,
}

/// Services that are up, and what they were started with.
struct Running {
    session: Session,
    stopper: Stopper,
    ports: BTreeMap<String, u16>,
    /// The services that were started.
    services: ServiceSet,
    /// Spans that earlier runs received.
    received: u64,
    /// The last run: late spans may change its verdicts until the next one.
    open: Option<OpenRun>,
}

impl Watch<'_> {
    async fn run_until_ended(mut self, mut changes: Changes) -> Exit {
        let mut next = Next::All;
        let exit = loop {
            if let Err(error) = self.round(&next, &mut changes).await {
                break blind(&error);
            }
            if self.user.why().is_some() {
                break Exit::Interrupted;
            }
            let news = tokio::select! {
                news = changes.next() => news,
                () = self.user.interrupted() => break Exit::Interrupted,
            };
            next = match news {
                News::Quit => break Exit::Passed,
                News::Blind(why) => break blind(&why),
                News::Enter => Next::All,
                News::Changed(files) => self.react(&files, &changes.interest).await,
            };
        };
        self.stop().await;
        exit
    }

    /// Prints the changed files, and stops services that are out of date.
    async fn react(&mut self, files: &BTreeSet<PathBuf>, interest: &Interest) -> Next {
        let names: Vec<String> = files.iter().map(|file| shown(file)).collect();
        note(&format!("\nchanged: {}", names.join(", ")));
        let roles: Vec<Role> = files
            .iter()
            .filter_map(|file| interest.role(file))
            .collect();
        if roles.contains(&Role::Project) || roles.contains(&Role::Source) {
            self.stop().await;
        }
        match (files.first(), roles.as_slice()) {
            (Some(file), [Role::Spec]) if file.exists() => Next::File(file.clone()),
            _ => Next::All,
        }
    }

    /// Watches the files of the project, and those that specs name.
    ///
    /// # Errors
    /// If files cannot be watched any more.
    fn look_at(&self, project: &Project, changes: &mut Changes) -> Result<(), String> {
        let interest = Interest::new(&self.search, Some(project), self.also, &self.named);
        let looked = changes.look_at(interest);
        looked.map_err(|error| error.to_string())
    }

    /// Reads the project, and runs the specs. Errors are printed.
    ///
    /// # Errors
    /// If files cannot be watched any more.
    async fn round(&mut self, next: &Next, changes: &mut Changes) -> Result<(), String> {
        self.bury().await;
        self.search.ports = match &self.running {
            Some(running) => Ports::Given(running.ports.clone()),
            None => Ports::Allocated,
        };
        // The relevant files may have changed; if the project cannot be read, they stay the same.
        let project = Workspace::without_specs(&self.search).map(|workspace| workspace.project);
        if let Ok(project) = &project {
            self.look_at(project, changes)?;
        }
        self.search.files.take();
        let loaded = Workspace::load(&self.search);
        let mut named = self.search.files.take();
        if loaded.is_err() {
            // After an error, files were possibly not read that specs name.
            named.extend(self.named.iter().cloned());
        }
        if let Ok(project) = &project
            && named != self.named
        {
            self.named = named;
            self.look_at(project, changes)?;
        }
        match loaded {
            Ok(workspace) => {
                let replaced = self.run(workspace, next).await;
                changes.overlook(&replaced);
            }
            Err(error) => {
                fail_load(&error);
            }
        }
        if self.user.why().is_none() {
            note("watching; Enter runs all, q and Enter ends");
        }
        Ok(())
    }

    /// Returns the files that were replaced by the results.
    async fn run(&mut self, mut workspace: Workspace, next: &Next) -> Vec<PathBuf> {
        let known = workspace.specs.len();
        let selected = select(
            workspace.specs.clone(),
            &workspace.project.dir,
            &self.arguments.specs,
        );
        workspace.start_for(&selected);
        let mut specs = with_timeout(selected, self.arguments.execution.timeout);
        if specs.is_empty() {
            fail(
                Exit::Nothing,
                &nothing_selected(known, &self.arguments.specs),
            );
            return Vec::new();
        }
        if let Next::File(file) = next {
            specs = of_file(specs, file, &workspace);
            if specs.is_empty() {
                let message = format!("no spec of {} was selected", shown(file));
                fail(Exit::Nothing, &message);
                return Vec::new();
            }
        }
        self.close_earlier().await;
        self.reporters.renew(self.arguments);
        let is_short = |running: &Running| !running.services.covers(&workspace.started);
        if self.running.as_ref().is_some_and(is_short) {
            self.stop().await;
        }
        if self.running.is_none() {
            self.start(&workspace).await;
        }
        let Some(running) = &mut self.running else {
            return Vec::new();
        };
        let user = self.user.clone();
        let stopper = running.stopper.clone();
        let forward = tokio::spawn(async move {
            user.interrupted().await;
            stopper.stop(Stop::Interrupted);
        });
        let options = run::options(&workspace, self.arguments);
        let open = running.session.run_open(&specs, options).await;
        let mut report = running.session.provisional(&open).await;
        running.open = Some(open);
        forward.abort();
        let budgets = self.arguments.budgets.budgeting(&workspace.project);
        let replaced = propose_shapes(&mut report, &specs, budgets.update);
        // The receiver counts for as long as it runs, and a report is about one run.
        let received = std::mem::replace(&mut running.received, report.telemetry.spans);
        report.telemetry.spans -= received.min(report.telemetry.spans);
        self.reporters.finish(&report);
        replaced
    }

    async fn start(&mut self, workspace: &Workspace) {
        let stopper = Stopper::default();
        let start = Start {
            workspace,
            listen: &self.arguments.execution.receiver.listen,
            connection: None,
            listener: self.reporters.listener(),
        };
        match started(start, &stopper, self.user.interrupted()).await {
            Ok(session) => {
                let ports = numbers(workspace);
                self.running = Some(Running {
                    session,
                    stopper,
                    ports,
                    services: workspace.started.clone(),
                    received: 0,
                    open: None,
                });
            }
            Err(reason) => {
                reason.exit();
            }
        }
    }

    /// After a service has died, all of them are started anew.
    async fn bury(&mut self) {
        let died = self
            .running
            .as_ref()
            .and_then(|running| running.stopper.why());
        if let Some(Stop::Died(trouble)) = died {
            fail_with(&[trouble]);
            self.stop().await;
        }
    }

    /// Judges the late spans of the last run. A spec that does not pass any more is printed.
    async fn close_earlier(&mut self) {
        if let Some(running) = &mut self.running
            && let Some(open) = running.open.take()
        {
            running.session.close(open).await;
        }
    }

    async fn stop(&mut self) {
        if let Some(running) = &mut self.running {
            running.session.stop_services().await;
        }
        self.close_earlier().await;
        if let Some(running) = self.running.take() {
            running.session.stop().await;
        }
    }
}

fn of_file(specs: Vec<Spec>, file: &std::path::Path, workspace: &Workspace) -> Vec<Spec> {
    let same = workspace.files.iter().find(|one| real(one) == file);
    let name = same.map(|one| shown(one)).unwrap_or_default();
    let is_of = |spec: &Spec| spec.at.source.name() == name;
    with_needed(specs, is_of)
}

/// The ports of the services that were started.
fn numbers(workspace: &Workspace) -> BTreeMap<String, u16> {
    let services = workspace.globals.services.iter();
    services
        .filter_map(|(name, value)| match value {
            Some(Value::Int(number)) => Some((name.clone(), u16::try_from(*number).ok()?)),
            _ => None,
        })
        .collect()
}
