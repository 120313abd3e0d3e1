//! `spanspec conformance`: the cases of trace context, sent to URLs.
//!
//! The arguments become specs with `conformance`, which run as those of files do.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use serde_json::{Map, Value as Json, json};

use crate::number::yaml;
use crate::report::{Look, text};
use crate::result::{Report, Trouble};
use crate::source::{self, Connection};
use crate::spec::{Context, Source, Spec};
use crate::trace::Response;
use crate::workspace::Workspace;

use super::arguments::{ExecutionArguments, Format, JunitGranularity, RunArguments};
use super::conformance_arguments::ConformanceArguments;
use super::exit::{Exit, fail};
use super::load::{fail_load, project_search};
use super::output;
use super::reporters::Reporters;
use super::run::report;
use super::session::{block_on, fail_with, ports};

/// The file name in messages about the arguments.
const PLACE: &str = "the arguments as a spec";

/// The arguments of `run` with their defaults, those of the environment included.
#[derive(Debug, Parser)]
struct Defaults {
    #[command(flatten)]
    run: RunArguments,
}

/// Sends the cases, and prints the table.
pub(super) fn conformance(arguments: &ConformanceArguments) -> Exit {
    let run = match run_arguments(arguments) {
        Ok(run) => run,
        Err(error) => return fail(Exit::Usage, error.to_string().trim_end()),
    };
    block_on(run_cases(arguments, &run))
}

/// The arguments of `run` that have the same effect.
fn run_arguments(arguments: &ConformanceArguments) -> Result<RunArguments, clap::Error> {
    let defaults = Defaults::try_parse_from(["spanspec"])?.run;
    Ok(RunArguments {
        list: false,
        execution: ExecutionArguments {
            receiver: arguments.receiver.clone(),
            source: None,
            ..defaults.execution
        },
        reports: arguments.reports.clone(),
        junit_granularity: arguments
            .junit_granularity
            .unwrap_or(JunitGranularity::Check),
        format: arguments.format,
        quiet: arguments.quiet,
        verbose: arguments.verbose,
        ..defaults
    })
}

async fn run_cases(arguments: &ConformanceArguments, run: &RunArguments) -> Exit {
    let connection = match connection(arguments).await {
        Ok(connection) => connection,
        Err(exit) => return exit,
    };
    let search = project_search(&arguments.project, ports(connection.as_ref()));
    let mut workspace = match Workspace::without_specs(&search) {
        Ok(workspace) => workspace,
        Err(error) => return fail_load(&error),
    };
    if let Some(backend) = &workspace.backend {
        let message = format!(
            "error: the cases observe spans as they arrive, and `source` names {}\nhelp: choose a profile without `source`",
            backend.name()
        );
        return fail(Exit::Usage, &message);
    }
    if workspace.project.profiles.is_read_only {
        let message = "error: the profile does not permit requests (`read_only: true`)\nhelp: choose another profile";
        return fail(Exit::Usage, message);
    }
    let context = Context {
        globals: Arc::clone(&workspace.globals),
        defaults: workspace.project.defaults.clone(),
    };
    let written = Source::new(PLACE, &*specs(arguments));
    let specs = match Spec::read_all(&written, Path::new("."), &context) {
        Ok(specs) => specs,
        Err(errors) => return fail_load(&errors.into()),
    };
    workspace.start_for(&specs);
    let reporters = Reporters::new(run);
    let report = report(&workspace, connection, run, &specs, &reporters).await;
    let exit = Exit::of(&report);
    let is_written = reporters.finish(&report);
    if matches!(arguments.format, Format::Text | Format::Github) && !arguments.quiet {
        print_tables(&report);
    }
    match is_written {
        true => exit,
        false => exit.or_errored(),
    }
}

async fn connection(arguments: &ConformanceArguments) -> Result<Option<Connection>, Exit> {
    let Some(receiver) = &arguments.receiver.url else {
        return Ok(None);
    };
    match source::connect(receiver).await {
        Ok(connection) => Ok(Some(connection)),
        Err(error) => Err(fail_with(&[Trouble::from_error(&error)])),
    }
}

/// A spec for each URL.
fn specs(arguments: &ConformanceArguments) -> String {
    let specs = arguments.urls.iter().map(|url| spec(url, arguments));
    let specs: Vec<String> = specs.collect();
    specs.join("---\n")
}

/// JSON is YAML.
fn spec(url: &str, arguments: &ConformanceArguments) -> String {
    let mut keys = Map::new();
    keys.insert("url".to_owned(), url.into());
    let mut optional = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            keys.insert(key.to_owned(), value);
        }
    };
    optional("echo", arguments.echo.as_deref().map(Json::from));
    optional(
        "echo_header",
        arguments.echo_header.as_deref().map(Json::from),
    );
    optional("level", Some(arguments.level.into()));
    optional("strict", arguments.strict.then_some(true.into()));
    optional("baggage", arguments.no_baggage.then_some(false.into()));
    let formats: Vec<&str> = arguments
        .formats
        .iter()
        .map(|format| format.name())
        .collect();
    optional("formats", (!formats.is_empty()).then(|| json!(formats)));
    let allow = &arguments.allow;
    optional("allow", (!allow.is_empty()).then(|| json!(allow)));
    optional("headers", headers(arguments));
    optional("timeout", arguments.timeout.map(|time| yaml(time).into()));
    let mut text = format!("name: {}\n", Json::from(format!("conformance of {url}")));
    if let Some(flush) = arguments.flush {
        text.push_str(&format!("wait: {{ flush: {} }}\n", yaml(flush)));
    }
    text + &format!("conformance: {}\n", Json::Object(keys))
}

/// The headers of the arguments. A repeated one has a list.
fn headers(arguments: &ConformanceArguments) -> Option<Json> {
    let mut headers: Map<String, Json> = Map::new();
    for header in &arguments.headers {
        let values = headers.entry(&*header.name).or_insert_with(|| json!([]));
        if let Json::Array(values) = values {
            values.push(header.value.as_str().into());
        }
    }
    (!headers.is_empty()).then_some(Json::Object(headers))
}

/// Prints a table for each URL to standard output.
fn print_tables(report: &Report) {
    let look = Look::of_stdout();
    for spec in &report.specs {
        let steps = spec.last_attempt().into_iter().flat_map(|last| &last.steps);
        for step in steps {
            if let Some(Response::Conformance(of)) = &step.response {
                let table = format!("\n{}\n{}", step.trigger, text::table(of, &look));
                // Without a reader, the exit code is all that is left.
                let _ = output::stdout().write_all(table.as_bytes());
            }
        }
    }
}
