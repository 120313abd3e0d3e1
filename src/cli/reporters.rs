//! The reporters that the arguments of `run` and `watch` name.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::report::text;
use crate::report::{
    Annotations, Detail, Github, Granularity, Html, Json, Junit, Look, Markdown, Progress,
    Reporter, Tap, Terminal,
};
use crate::result::{Report, RunEvent};
use crate::session::Listener;

use super::arguments::{Format, JunitGranularity, ReportKind, RunArguments};
use super::exit::{Exit, fail, note};
use super::output;

/// The reporters of a run, which share its events.
pub(super) struct Reporters(Arc<Mutex<Vec<Box<dyn Reporter + Send>>>>);

impl Reporters {
    /// The reporters that the arguments name.
    pub(super) fn new(arguments: &RunArguments) -> Self {
        Self(Arc::new(Mutex::new(reporters(arguments))))
    }

    /// The same, without text for people: the caller has printed what there is to say.
    pub(super) fn without_text(arguments: &RunArguments) -> Self {
        let mut all = files(arguments);
        match arguments.format {
            Format::Text if !is_on_github() => {}
            Format::Text | Format::Github => {
                all.push(Box::new(Github::stdout(Silent, shown(arguments))));
            }
            Format::Json => all.push(Box::new(Json::stdout())),
            Format::Tap => all.push(Box::new(Tap::stdout())),
        }
        Self(Arc::new(Mutex::new(all)))
    }

    /// Replaces the reporters for the next run.
    pub(super) fn renew(&self, arguments: &RunArguments) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all = reporters(arguments);
    }

    fn send(&self, event: &RunEvent<'_>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(|reporter| reporter.on_event(event));
    }

    pub(super) fn listener(&self) -> Listener {
        let this = Self(Arc::clone(&self.0));
        Arc::new(move |event| this.send(event))
    }

    /// Writes all reports, also if one of them fails. Returns `true` if all were written.
    pub(super) fn finish(&self, report: &Report) -> bool {
        let report = output::secrets().report(report.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<std::io::Error> = all
            .iter_mut()
            .filter_map(|reporter| reporter.finish(&report).err())
            .collect();
        for error in &failed {
            fail(Exit::Errored, &format!("error: {error}"));
        }
        failed.is_empty()
    }
}

/// Returns `true` in a job of GitHub Actions.
pub(super) fn is_on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn terminal(arguments: &RunArguments, detail: Detail) -> Terminal<impl Write + Send + use<>> {
    let progress = if arguments.quiet {
        Progress::hidden()
    } else {
        Progress::stderr()
    };
    Terminal::new(output::stdout(), Look::of_stdout(), detail, progress)
}

fn github(
    arguments: &RunArguments,
    detail: Detail,
) -> Github<impl Write + Send + use<>, impl Reporter + Send + use<>> {
    Github::stdout(terminal(arguments, detail), shown(arguments))
}

fn shown(arguments: &RunArguments) -> Annotations {
    match arguments.no_annotations {
        true => Annotations::LeftOut,
        false => Annotations::Shown,
    }
}

fn reporters(arguments: &RunArguments) -> Vec<Box<dyn Reporter + Send>> {
    let mut all: Vec<Box<dyn Reporter + Send>> = Vec::new();
    let detail = match (arguments.quiet, arguments.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    match arguments.format {
        Format::Text if is_on_github() => all.push(Box::new(github(arguments, detail))),
        Format::Text => all.push(Box::new(terminal(arguments, detail))),
        Format::Github => all.push(Box::new(github(arguments, detail))),
        Format::Json => all.push(Box::new(Json::stdout())),
        Format::Tap => all.push(Box::new(Tap::stdout())),
    }
    if arguments.verbose {
        all.push(Box::new(Outputs));
    }
    all.extend(files(arguments));
    all
}

/// The reporters that write files.
fn files(arguments: &RunArguments) -> Vec<Box<dyn Reporter + Send>> {
    let mut all: Vec<Box<dyn Reporter + Send>> = Vec::new();
    for file in &arguments.reports {
        all.push(match file.kind {
            ReportKind::Junit => {
                let granularity = match arguments.junit_granularity {
                    JunitGranularity::Spec => Granularity::Spec,
                    JunitGranularity::Check => Granularity::Check,
                };
                Box::new(Junit::file(&file.path, granularity))
            }
            ReportKind::Json => Box::new(Json::file(&file.path)),
            ReportKind::Html => Box::new(Html::file(&file.path)),
            ReportKind::Markdown => Box::new(Markdown::file(&file.path)),
        });
    }
    if let Some(folder) = &arguments.results {
        all.push(Box::new(Json::in_folder(folder)));
    }
    all
}

/// Prints the output of services, for `--verbose`.
struct Outputs;

impl Reporter for Outputs {
    fn on_event(&mut self, event: &RunEvent<'_>) {
        if let RunEvent::Output { service, line } = event {
            note(&text::output(service, line));
        }
    }

    fn finish(&mut self, _: &Report) -> std::io::Result<()> {
        Ok(())
    }
}

/// Prints nothing.
struct Silent;

impl Reporter for Silent {
    fn finish(&mut self, _: &Report) -> std::io::Result<()> {
        Ok(())
    }
}
