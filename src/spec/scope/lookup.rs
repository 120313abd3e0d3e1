//! Where a name is looked up, and what is said of one that is nowhere.

use std::sync::Arc;

use super::Scope;
use crate::spec::error::{Mistakes, suggest};
use crate::spec::yaml::Node;
use crate::spec::{Place, Source};
use crate::trace::Value;

/// What a name stands for.
pub(super) enum Found<'a> {
    Value(Value),
    Node(&'a Arc<Node>, Option<&'a Source>),
    Awaited,
    Withheld(Withheld),
    Missing,
}

/// Why a name that has a value elsewhere cannot be used here, and what to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Withheld {
    pub(crate) why: &'static str,
    pub(crate) help: &'static str,
}

impl Scope {
    /// What a name stands for, from the nearest place outwards.
    pub(super) fn find(&self, name: &str) -> Found<'_> {
        let globals = &*self.globals;
        if name == "trace_id" {
            return self.trace_id.map_or(Found::Awaited, |id| {
                Found::Value(Value::String(id.to_string()))
            });
        }
        if let Some(value) = self.own.get(name) {
            return value.clone().map_or(Found::Awaited, Found::Value);
        }
        if let Some(why) = self.withheld.get(name) {
            return Found::Withheld(*why);
        }
        if let Some(text) = globals.arguments.get(name) {
            return Found::Value(Value::String(text.clone()));
        }
        if let Some(value) = globals.file.get(name) {
            return Found::Value(value.clone());
        }
        if let Some(node) = self.vars.get(name) {
            return Found::Node(node, self.vars.source.as_ref());
        }
        if let Some(node) = globals.project.get(name) {
            return Found::Node(node, globals.project.source.as_ref());
        }
        if let Some(value) = globals.services.get(name) {
            return value.clone().map_or(Found::Awaited, Found::Value);
        }
        match globals.environment.get(name) {
            Some(text) => Found::Value(Value::String(text.clone())),
            None => Found::Missing,
        }
    }

    pub(super) fn missing<T>(&self, name: &str, place: Place, mistakes: &Mistakes) -> Option<T> {
        mistakes.note(
            place_of(name, place, mistakes),
            format!("there is no variable `{name}`"),
            "has no value",
            format!(
                "{}looked in captures and the matrix, --var, --var-file, the spec's vars, the project file's vars and the environment; `${{{name}:-…}}` gives a default",
                self.similar(name)
            ),
        )
    }

    fn similar(&self, name: &str) -> String {
        let globals = &*self.globals;
        let known: Vec<&str> = self
            .own
            .keys()
            .chain(globals.arguments.keys())
            .chain(globals.file.keys())
            .chain(globals.services.keys())
            .map(String::as_str)
            .chain(self.vars.entries.iter().map(|(name, _)| name.as_str()))
            .chain(
                globals
                    .project
                    .entries
                    .iter()
                    .map(|(name, _)| name.as_str()),
            )
            .chain(["trace_id"])
            .collect();
        let hint = suggest(name, &known);
        if hint.starts_with("did you mean") {
            format!("{hint} ")
        } else {
            String::new()
        }
    }

    /// What a name of a capture already stands for. The environment does not count: whether a
    /// spec is right must not depend on the machine, and captures are looked up first.
    pub(crate) fn shadowed(&self, name: &str) -> Option<&'static str> {
        let globals = &self.globals;
        if is_built_in(name) {
            Some("a built-in value")
        } else if self.own.contains_key(name) {
            Some("an earlier capture or a name of the matrix")
        } else if globals.arguments.contains_key(name) {
            Some("a `--var`")
        } else if globals.file.contains_key(name) {
            Some("a name in the `--var-file`")
        } else if self.vars.get(name).is_some() {
            Some("one of the spec's `vars`")
        } else if globals.project.get(name).is_some() {
            Some("one of the project file's `vars`")
        } else {
            None
        }
    }
}

fn is_built_in(name: &str) -> bool {
    name == "trace_id" || name.starts_with("services.")
}

/// Where a scalar names a variable.
pub(super) fn place_of(name: &str, place: Place, mistakes: &Mistakes) -> Place {
    let text = &mistakes.source().text()[place.start..place.end];
    text.find(&format!("${{{name}")).map_or(place, |offset| {
        let start = place.start + offset;
        let end = text[offset..]
            .find('}')
            .map_or(place.end, |length| start + length + 1);
        Place { start, end }
    })
}
