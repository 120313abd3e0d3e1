//! `spanspec ab`: compares two versions.

mod versions;

use std::net::SocketAddr;

use crate::ab::{
    AbComparison, AbOutcome, AbPlan, AbSide, Both, SpecPair, compare, fires_alike, pair_specs,
};
use crate::report::markdown::comparisons;
use crate::report::{Look, ab as report, write_file};
use crate::result::Trouble;
use crate::secret::Format;
use crate::session::{Session, addresses};
use crate::spec::Spec;
use crate::step::Options;
use crate::workspace::{Workspace, with_timeout};

use super::budget_arguments::AbArguments;
use super::exit::{Exit, fail};
use super::live::Live;
use super::output;
use super::selection::{nothing_to_measure, select};
use super::session::{NotStarted, Start, block_on, fail_with, with_session};
use versions::{AbVersions, versions};

/// Runs both versions, and prints the verdict.
pub(super) fn ab(arguments: &AbArguments) -> Exit {
    let versions = match versions(arguments) {
        Ok(versions) => versions,
        Err(why) => return fail(Exit::Usage, &format!("error: {why}")),
    };
    let mut workspaces = match versions.workspaces(arguments) {
        Ok(workspaces) => workspaces,
        Err(exit) => return exit,
    };
    let specs = match spec_pairs(&workspaces, &versions, arguments) {
        Ok(specs) => specs,
        Err(exit) => return exit,
    };
    for side in [AbSide::A, AbSide::B] {
        let specs = specs.iter().map(|pair| pair.specs.of(side));
        workspaces.of_mut(side).start_for(specs);
    }
    let run = AbRun {
        workspaces: &workspaces,
        versions: &versions,
        specs: &specs,
        arguments,
        live: Live::new(arguments.session.verbose),
    };
    block_on(run.decide())
}

/// The selected specs in pairs. An error has been printed.
fn spec_pairs(
    workspaces: &Both<Workspace>,
    versions: &AbVersions,
    arguments: &AbArguments,
) -> Result<Vec<SpecPair>, Exit> {
    let wrong = |why: String| fail(Exit::Usage, &format!("error: {why}; nothing was run"));
    let specs = Both {
        a: selected(&workspaces.a, arguments),
        b: selected(&workspaces.b, arguments),
    };
    let names = versions.names();
    if specs.a.is_empty() && specs.b.is_empty() {
        let why = |side: &Workspace| nothing_to_measure(side, &arguments.specs, "compared");
        let (a, b) = (why(&workspaces.a), why(&workspaces.b));
        let why = match a == b {
            true => a,
            false => format!("{}: {a}; {}: {b}", names.a, names.b),
        };
        return Err(fail(Exit::Nothing, &why));
    }
    let projects = Both {
        a: (&workspaces.a, names.a.as_str()),
        b: (&workspaces.b, names.b.as_str()),
    };
    let pairs = pair_specs(specs, projects).map_err(|error| wrong(error.to_string()))?;
    if let AbVersions::Urls { variable, .. } = versions
        && let Some(alike) = pairs.iter().find(|pair| fires_alike(pair))
    {
        let spec = &alike.specs.a;
        return Err(wrong(format!(
            "the spec {} › {} sends the same request to both URLs: write ${{{variable}}} into it, or name its variable with --url-variable",
            spec.at.source.name(),
            alike.name(),
        )));
    }
    if let Some(why) = too_few_pairs(&pairs, arguments) {
        return Err(wrong(why));
    }
    if let AbVersions::Projects(_) = versions
        && let Some(address) = contended(workspaces)
    {
        return Err(wrong(format!(
            "{} and {} both listen for OTLP on {address}: give one of them `receiver: {{ listen: [127.0.0.1:0] }}`, or another port",
            names.a, names.b
        )));
    }
    Ok(pairs)
}

fn selected(workspace: &Workspace, arguments: &AbArguments) -> Vec<Spec> {
    let mut specs = select(
        workspace.specs.clone(),
        &workspace.project.dir,
        &arguments.specs,
    );
    specs.retain(|spec| spec.skip.is_none() && crate::ab::is_comparable(spec));
    with_timeout(specs, arguments.session.timeout)
}

fn plan(arguments: &AbArguments) -> AbPlan {
    AbPlan {
        pairs: arguments.pairs,
        requests: arguments.requests as u64,
        is_strict: arguments.strict,
    }
}

/// The reason why `--pairs` is too small for a spec.
fn too_few_pairs(pairs: &[SpecPair], arguments: &AbArguments) -> Option<String> {
    let (plan, given) = (plan(arguments), arguments.pairs?);
    let mut short = pairs.iter().filter(|pair| plan.least_pairs(pair) > given);
    let pair = short.next()?;
    Some(format!(
        "`--pairs {given}` can prove nothing for the spec {} › {}, whose compared quantiles share the probability of an error: use `--pairs {}`, or omit it",
        pair.specs.a.at.source.name(),
        pair.name(),
        plan.least_pairs(pair),
    ))
}

/// An address on which both projects listen.
fn contended(workspaces: &Both<Workspace>) -> Option<SocketAddr> {
    let [a, b] = [&workspaces.a, &workspaces.b].map(|one| addresses(one, &[]));
    a.into_iter()
        .find(|address| address.port() != 0 && b.contains(address))
}

/// The settings of a comparison.
struct AbRun<'a> {
    workspaces: &'a Both<Workspace>,
    versions: &'a AbVersions,
    specs: &'a [SpecPair],
    arguments: &'a AbArguments,
    live: Live,
}

impl AbRun<'_> {
    async fn decide(&self) -> Exit {
        let ran = with_session(self.start(AbSide::A), async |a| match self.versions {
            AbVersions::Urls { .. } => Ok(self.run(a, a).await),
            AbVersions::Projects(_) => {
                with_session(self.start(AbSide::B), async |b| self.run(a, b).await).await
            }
        });
        let ran = ran.await.flatten();
        self.live.clear();
        match ran {
            Ok(exit) => exit,
            Err(NotStarted::Interrupted) => Exit::Interrupted,
            Err(NotStarted::Failed(trouble)) => self.summarized(fail_with(&trouble), &[], &trouble),
        }
    }

    /// The start of one session per project; URLs share the first.
    fn start(&self, side: AbSide) -> Start<'_> {
        Start {
            workspace: self.workspaces.of(side),
            listen: &self.arguments.session.listen,
            connection: None,
            listener: self.live.listener(&format!("{side} ")),
        }
    }

    async fn run(&self, a: &Session, b: &Session) -> Exit {
        let plan = plan(self.arguments);
        let pairs: usize = self.specs.iter().map(|pair| plan.pairs_of(pair)).sum();
        self.live.expect(2 * pairs);
        let options = Both::<Options>::default();
        let look = Look::of_stdout();
        let tell = |comparison: &AbComparison| {
            let text = report::comparison(comparison, &look);
            self.live.print(&(text + "\n"));
        };
        let all = compare(self.specs, Both { a, b }, &options, plan, tell).await;
        let names = self.versions.names();
        let verdict = report::verdict(&all, self.specs.len(), names, &look);
        self.live.print(&verdict);
        self.summarized(exit(&all), &all, &[])
    }

    /// Writes the Markdown summary if requested, and returns the exit code.
    fn summarized(&self, exit: Exit, all: &[AbComparison], trouble: &[Trouble]) -> Exit {
        let Some(path) = &self.arguments.markdown else {
            return exit;
        };
        let (known, names) = (self.specs.len(), self.versions.names());
        let page = comparisons(all, known, names, trouble);
        match write_file(path, &page, Format::Text, &output::secrets()) {
            Ok(()) => exit,
            Err(error) => fail(exit.or_errored(), &format!("error: {error}")),
        }
    }
}

fn exit(all: &[AbComparison]) -> Exit {
    let has = |outcome| all.iter().any(|one| one.outcome() == outcome);
    if has(AbOutcome::Interrupted) {
        Exit::Interrupted
    } else if has(AbOutcome::Regressed) || has(AbOutcome::Failed) {
        Exit::Failed
    } else if has(AbOutcome::Unjudged) {
        Exit::Errored
    } else if all.iter().all(AbComparison::passes) {
        Exit::Passed
    } else {
        Exit::Failed
    }
}
