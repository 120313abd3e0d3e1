//! `spanspec doctor`: examines the backend from which traces are read.

use std::time::{Duration, Instant};

use crate::project::Project;
use crate::source::backend::{Backend, Finding, Grade};
use crate::trigger::{Session, TraceContext, fire};
use crate::workspace::{Ports, Workspace};

use super::arguments::DoctorArguments;
use super::exit::{Exit, fail};
use super::{load, output, session};

/// Maximum time until the spans of the fired request can be read.
const LONGEST: Duration = Duration::from_secs(120);

/// Prints what is known about the backend, with remedies.
pub(super) fn doctor(arguments: &DoctorArguments) -> Exit {
    let mut search = load::search(&arguments.specs, Ports::Absent);
    search.backend.clone_from(&arguments.source);
    let workspace = match arguments.fire {
        true => Workspace::load(&search),
        false => Workspace::without_specs(&search),
    };
    let workspace = match workspace {
        Ok(workspace) => workspace,
        Err(error) => return load::fail_load(&error),
    };
    let Some(settings) = workspace.backend.clone() else {
        return fail(Exit::Usage, &no_backend(&workspace.project));
    };
    let title = settings.name();
    let backend = match Backend::new(settings) {
        Ok(backend) => backend,
        Err(error) => return fail(Exit::Usage, &format!("error: {error}")),
    };
    session::block_on(async {
        print(&format!("{title}\n"));
        let mut findings = backend.examine().await;
        show(&findings);
        let is_well = findings.iter().all(|of| of.grade < Grade::Error);
        if arguments.fire && is_well {
            let fired = fire_one(&backend, &workspace).await;
            show(std::slice::from_ref(&fired));
            findings.push(fired);
        }
        match findings.iter().any(|of| of.grade == Grade::Error) {
            true => Exit::Errored,
            false => Exit::Passed,
        }
    })
}

fn no_backend(project: &Project) -> String {
    let profiles = match project.profiles.names.as_slice() {
        [] => String::new(),
        names => format!(", or use one of the profiles: {}", names.join(", ")),
    };
    format!(
        "error: there is no `source`, so that spans are received by spanspec itself\nhelp: add `source` to spanspec.yaml{profiles}, or use `--source tempo=http://127.0.0.1:3200`"
    )
}

/// Sends the first request of the specs, and measures the time until its spans can be read.
async fn fire_one(backend: &Backend, workspace: &Workspace) -> Finding {
    let steps = workspace.specs.iter().filter(|spec| spec.skip.is_none());
    let triggers = steps.filter_map(|spec| spec.steps[0].trigger(&spec.scope()).ok());
    let mut requests = triggers.filter(|trigger| trigger.url().is_some());
    let Some(trigger) = requests.next() else {
        return Finding {
            grade: Grade::Error,
            what: "no spec has a request without captured values".to_owned(),
            help: Some("name a file of specs with one".to_owned()),
        };
    };
    let mut context = TraceContext::of(&trigger);
    context.mark();
    print(&format!(
        "  sends {}\n",
        output::secrets().text(&trigger.describe())
    ));
    if let Err(error) = fire(&trigger, &context, &Session::new()).await {
        return Finding {
            grade: Grade::Error,
            what: format!("no response: {error}"),
            help: error.help().map(str::to_owned),
        };
    }
    backend
        .time_delay(context.trace_id, Instant::now(), LONGEST)
        .await
}

fn show(findings: &[Finding]) {
    for Finding { grade, what, help } in findings {
        let grade = match grade {
            Grade::Ok => "ok     ",
            Grade::Warning => "warning",
            Grade::Error => "error  ",
        };
        let help = help
            .as_ref()
            .map(|help| format!("          help: {help}\n"));
        let text = format!("  {grade} {what}\n{}", help.unwrap_or_default());
        print(&output::secrets().text(&text));
    }
}

/// A reader that is gone does not change the result.
fn print(text: &str) {
    use std::io::Write;
    let _ = write!(output::stdout(), "{text}");
}
