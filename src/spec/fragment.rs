//! The expectations of a file for a trace that exists.

use std::path::Path;
use std::sync::Arc;

use super::expect::Expect;
use super::file::variables;
use super::globals::{Globals, Variables};
use super::keys;
use super::read::Reader;
use super::read::expect::{TraceChecks, TriggerResult};
use super::scope::Scope;
use super::{Place, Source};
use crate::trace::Value;
use crate::yaml::{self, Kind, Node};
use crate::yaml::{ErrorList, SpecErrors, closest};

impl Expect {
    /// The expectations of a file for a trace. The file has the content of `expect`, or it is a
    /// spec, of which the trigger, the matrix and the checks of the response are ignored.
    ///
    /// `values` are those of captures and other variables. Checks that use a capture without a
    /// value are unjudged.
    ///
    /// # Errors
    /// All errors in the file, or the values that it does not use.
    pub fn of_trace(
        source: &Source,
        dir: &Path,
        globals: &Arc<Globals>,
        values: &[(&str, Value)],
    ) -> Result<Self, SpecErrors> {
        let errors = ErrorList::new(source);
        let documents = yaml::parse(&errors);
        let fragment = Fragment {
            errors: &errors,
            dir,
            globals,
            values,
        };
        let expect = match documents.as_slice() {
            [root] => fragment.read(root),
            [] if errors.is_empty() => errors.note(
                Place::default(),
                "this file has no expectation",
                "empty",
                "add a check such as `errors: 0`".to_owned(),
            ),
            [] => None,
            [_, second, ..] => errors.note(
                second.place,
                "this file has several documents",
                "second document",
                "move each document to a separate file".to_owned(),
            ),
        };
        errors.check(expect)
    }
}

#[cfg(feature = "_pure")]
impl Expect {
    /// The expectations of a text for the result of a trigger, such as `grpc`, and for its trace. Nothing is
    /// implied.
    ///
    /// # Errors
    /// All errors in the text.
    pub(crate) fn of_trigger(
        source: &Source,
        trigger: &str,
        globals: &Arc<Globals>,
    ) -> Result<Self, SpecErrors> {
        let errors = ErrorList::new(source);
        let documents = yaml::parse(&errors);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, Path::new("."));
        let result = TriggerResult::of(Some(trigger));
        let root = documents.first();
        let expect = root.and_then(|root| reader.expect(root, result, TraceChecks::Allowed));
        errors.check(expect)
    }
}

struct Fragment<'a> {
    errors: &'a ErrorList,
    dir: &'a Path,
    globals: &'a Arc<Globals>,
    values: &'a [(&'a str, Value)],
}

impl Fragment<'_> {
    fn read(&self, root: &Node) -> Option<Expect> {
        let is_spec = ["expect", "steps", "capture"]
            .into_iter()
            .chain(keys::TRIGGERS.names())
            .any(|key| root.get(key).is_some());
        if is_spec {
            return self.spec(root);
        }
        let scope = self.scope(Variables::default());
        let expect =
            self.reader(&scope)
                .expect(root, TriggerResult::Nothing, TraceChecks::Allowed)?;
        self.refuse_surplus(&scope, root, &[]);
        Some(expect)
    }

    fn spec(&self, root: &Node) -> Option<Expect> {
        let scope = self.scope(Variables::default());
        let reader = self.reader(&scope);
        reader.map(root, "a spec", keys::SPEC)?;
        if let Some(steps) = root.get("steps") {
            let help = "move the `expect` of one step to a separate file";
            return reader.wrong(
                steps.place,
                "each of `steps` has its own trace",
                "several traces",
                help,
            );
        }
        let Some(node) = root.get("expect") else {
            let help = "add checks such as `expect: { errors: 0 }`";
            return reader.wrong(
                root.place,
                "this spec has no `expect`",
                "missing `expect`",
                help,
            );
        };
        let entries = match root.get("vars") {
            Some(vars) => variables(vars, &reader)?,
            None => Vec::new(),
        };
        let mut scope = self.scope(Variables {
            entries,
            source: Some(self.errors.source().clone()),
        });
        let captures: Vec<&str> = names(root.get("capture")).collect();
        captures.iter().for_each(|name| scope.expect(*name));
        let reader = self.reader(&scope);
        let mut triggers = keys::TRIGGERS.names().into_iter();
        let trigger = triggers.find(|key| root.get(key).is_some());
        let result = TriggerResult::of(trigger);
        let mut expect = reader.expect(node, result, TraceChecks::Allowed)?;
        self.refuse_surplus(&scope, node, &captures);
        expect.checks.retain(|check| check.ask.is_about_trace());
        if !expect.is_about_trace() {
            let help = "add `spans`, `errors` or another check of the trace";
            return reader.wrong(
                node.place,
                "this `expect` has no check of the trace",
                "checks the response only",
                help,
            );
        }
        Some(expect)
    }

    /// Records an error for each value that nothing uses: its name is probably misspelled, and a check
    /// is without the value that it needs.
    fn refuse_surplus(&self, scope: &Scope, expect: &Node, captures: &[&str]) {
        let first = match &expect.kind {
            Kind::Map(entries) => entries.first(),
            _ => None,
        };
        let place = first.map_or(expect.place, |entry| entry.key.place);
        let surplus = self.values.iter().map(|(name, _)| *name);
        for name in surplus.filter(|name| !scope.has_used(name)) {
            let open: Vec<&str> = captures
                .iter()
                .copied()
                .filter(|capture| self.values.iter().all(|(given, _)| given != capture))
                .collect();
            self.errors.note::<()>(
                place,
                format!("`{name}` has a value, but no check uses it"),
                format!("no `${{{name}}}` from here on"),
                closest(name, &open).map_or_else(
                    || "remove the value from the assertion".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                ),
            );
        }
    }

    fn scope(&self, vars: Variables) -> Scope {
        let mut scope = Scope::new(Arc::clone(self.globals), vars);
        for (name, value) in self.values {
            scope.set(*name, value.clone());
        }
        scope
    }

    fn reader<'r>(&'r self, scope: &'r Scope) -> Reader<'r> {
        Reader::new(self.errors, scope, self.dir)
    }
}

fn names(captures: Option<&Node>) -> impl Iterator<Item = &str> {
    let entries = match captures.map(|node| &node.kind) {
        Some(Kind::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|entry| entry.key.text.as_str())
}
