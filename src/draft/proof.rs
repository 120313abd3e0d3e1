//! Checks a draft against the recorded executions.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::part::{DraftPart, Execution};
use super::request::Request;
use crate::check::{Evidence, Outcome, judge};
use crate::spec::{Context, Globals, Source, Spec, SpecErrors};

/// Replacement of a part that a recorded execution does not pass.
const NOTE: &str = "an expectation was left out here: the recorded executions do not pass it";

/// The text of these parts, without those that a recorded execution does not pass.
pub(super) fn hold(
    mut parts: Vec<DraftPart>,
    request: &Request,
    seen: &[Execution],
    (folder, context): (&Path, &Context),
) -> Result<String, SpecErrors> {
    let context = with_credentials(request, context);
    loop {
        let (text, lines) = assembled(&parts);
        let wrong = wrong_lines(&text, seen, (folder, &context))?;
        let is_wrong = |at: usize| wrong.range(lines[at]..lines[at + 1]).next().is_some();
        let doubtful = (0..parts.len()).find(|&at| parts[at].under.is_some() && is_wrong(at));
        let Some(at) = doubtful else {
            return Ok(text);
        };
        parts[at].text = format!("    # {NOTE}\n");
        // A key with only comments below it would be an error.
        let under = parts[at].under;
        let is_comment = |part: &DraftPart| part.text.trim_start().starts_with('#');
        if parts
            .iter()
            .filter(|part| part.under == under)
            .all(is_comment)
        {
            parts.retain(|part| part.under != under);
        }
    }
}

/// The text, with the first line of each part, from 1, and the line after the last part.
fn assembled(parts: &[DraftPart]) -> (String, Vec<usize>) {
    let (mut text, mut lines) = (String::new(), Vec::new());
    let mut under = None;
    for part in parts {
        if let Some(key) = part.under.filter(|_| part.under != under) {
            text.push_str(key);
        }
        under = part.under;
        lines.push(text.lines().count() + 1);
        text.push_str(&part.text);
    }
    lines.push(text.lines().count() + 1);
    (text, lines)
}

/// The lines of checks that fail.
fn wrong_lines(
    text: &str,
    seen: &[Execution],
    (folder, context): (&Path, &Context),
) -> Result<BTreeSet<usize>, SpecErrors> {
    let source = Source::new("draft.yaml", text);
    let specs = Spec::read_all(&source, folder, context)?;
    let mut wrong = BTreeSet::new();
    for step in specs.iter().flat_map(|spec| &spec.steps) {
        let expect = step.expect(&specs[0].scope())?;
        for one in seen {
            let evidence = Evidence::new(&one.response, Some(&one.trace), true);
            let judgements = judge(&expect, &evidence).into_iter().map(|one| one.judged);
            let lines = judgements
                .filter(|judged| judged.outcome != Outcome::Pass)
                .map(|judged| judged.at.line());
            wrong.extend(lines);
        }
    }
    Ok(wrong)
}

/// The context with values for the variables that replace credentials.
fn with_credentials(request: &Request, context: &Context) -> Context {
    let mut globals = Globals::clone(&context.globals);
    let values = request.credentials().into_iter();
    globals
        .arguments
        .extend(values.map(|one| (one.variable, one.value)));
    Context {
        globals: Arc::new(globals),
        defaults: context.defaults.clone(),
    }
}
