//! Lookup of variables, and the error for an undefined one.

use std::sync::Arc;

use super::Scope;
use crate::spec::{Place, Source};
use crate::trace::Value;
use crate::yaml::Node;
use crate::yaml::{ErrorList, closest};

/// The result of a lookup.
pub(super) enum Definition<'a> {
    Value(Value),
    Node(&'a Arc<Node>, Option<&'a Source>),
    Awaited,
    Withheld(Withheld),
    Missing,
}

/// The reason why a name that is defined elsewhere cannot be used here, and help.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Withheld {
    pub(crate) why: &'static str,
    pub(crate) help: &'static str,
}

impl Scope {
    /// Looks up a name, innermost definition first.
    pub(super) fn find(&self, name: &str) -> Definition<'_> {
        self.find_beyond(name, 0)
    }

    /// Looks up a name, but not in the innermost `vars` that define it, as many as `inner`.
    pub(super) fn find_beyond(&self, name: &str, mut inner: usize) -> Definition<'_> {
        let globals = &*self.globals;
        if name == "trace_id" {
            return self.trace_id.map_or(Definition::Awaited, |id| {
                Definition::Value(Value::String(id.to_string()))
            });
        }
        if let Some(value) = self.own.get(name) {
            return value.clone().map_or(Definition::Awaited, Definition::Value);
        }
        if let Some(why) = self.withheld.get(name) {
            return Definition::Withheld(*why);
        }
        if let Some(text) = globals.arguments.get(name) {
            return Definition::Value(Value::String(text.clone()));
        }
        if let Some(value) = globals.file.get(name) {
            return Definition::Value(value.clone());
        }
        for vars in [&self.vars, &globals.project] {
            if let Some(node) = vars.get(name) {
                if inner == 0 {
                    return Definition::Node(node, vars.source.as_ref());
                }
                inner -= 1;
            }
        }
        if let Some(value) = globals.services.get(name) {
            return value.clone().map_or(Definition::Awaited, Definition::Value);
        }
        match globals.environment.get(name) {
            Some(text) => Definition::Value(Value::String(text.clone())),
            None if self.is_idle => Definition::Awaited,
            None => Definition::Missing,
        }
    }

    /// A variable of the environment.
    pub(crate) fn environment(&self, name: &str) -> Option<&str> {
        self.globals.environment.get(name).map(String::as_str)
    }

    pub(super) fn missing<T>(&self, name: &str, place: Place, errors: &ErrorList) -> Option<T> {
        errors.note(
            place_of(name, place, errors),
            format!("undefined variable `{name}`"),
            "undefined",
            self.known_as(name).unwrap_or_else(|| match self.is_after_others {
                true => "a spec does not get the captures of those in `needs`: write them as `steps` of one spec, or define the variable in `vars`".to_owned(),
                false => format!(
                    "define it in `vars`, with --var, --var-file or an environment variable, or add a default: `${{{name}:-…}}`"
                ),
            }),
        )
    }

    /// Help that depends on the names that are defined.
    fn known_as(&self, name: &str) -> Option<String> {
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
        if known.contains(&name) {
            // Only its own definition refers to it.
            return Some(format!(
                "nothing else defines `{name}`: write `${{{name}:-…}}` or pass --var {name}=…"
            ));
        }
        closest(name, &known).map(|word| format!("did you mean `{word}`?"))
    }

    /// The existing definition of the name of a capture. The environment does not count, because
    /// the validity of a spec must not depend on the machine, and captures have precedence.
    pub(crate) fn shadowed(&self, name: &str) -> Option<&'static str> {
        let globals = &self.globals;
        if is_built_in(name) {
            Some("a built-in value")
        } else if self.own.contains_key(name) {
            Some("an earlier capture or a variable of the matrix")
        } else if globals.arguments.contains_key(name) {
            Some("a `--var`")
        } else if globals.file.contains_key(name) {
            Some("a variable of the `--var-file`")
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

/// The place of a variable in a scalar.
pub(super) fn place_of(name: &str, place: Place, errors: &ErrorList) -> Place {
    let text = &errors.source().text()[place.start..place.end];
    text.find(&format!("${{{name}")).map_or(place, |offset| {
        let start = place.start + offset;
        let end = text[offset..]
            .find('}')
            .map_or(place.end, |length| start + length + 1);
        Place { start, end }
    })
}
