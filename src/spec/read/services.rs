//! `services` of a spec, and conditions on spans of services that are not started for it.

use super::Reader;
use crate::spec::Matcher;
use crate::spec::services::{DeclaredService, ServiceSet};
use crate::trace::Value;
use crate::yaml::Node;
use crate::yaml::suggest;

impl Reader<'_> {
    /// `services` of a spec. Unknown names are errors, unless the project file is not known.
    pub(crate) fn needed_services(
        &self,
        node: &Node,
        declared: Option<&[DeclaredService]>,
    ) -> Option<ServiceSet> {
        let names = self.texts(node, "a service")?;
        let Some(declared) = declared else {
            return Some(ServiceSet::Only(names.into_iter().collect()));
        };
        let known: Vec<&str> = declared.iter().map(|one| one.name.as_str()).collect();
        let items = node.items();
        let named: Vec<(&Node, &String)> = items.iter().zip(&names).collect();
        self.all(&named, |(item, name)| {
            if known.contains(&name.as_str()) {
                return Some(());
            }
            let help = match known.as_slice() {
                [] => "remove it: the project file has no `services`".to_owned(),
                known => suggest(name, known),
            };
            self.wrong(
                item.place,
                format!("unknown service `{name}`"),
                "here",
                help,
            )
        })?;
        let names = names.into_iter().collect();
        Some(ServiceSet::with_dependencies(names, declared))
    }

    /// Refuses a condition on spans if this `service.name` belongs to a service that is not started for
    /// the spec: `count: 0` would pass for that reason alone.
    pub(super) fn refuse_left_out(&self, service_name: &str, node: &Node) -> Option<()> {
        self.refuse(self.scope.left_out(service_name), node)
    }

    /// The same for a condition on `service.name`.
    pub(super) fn refuse_matcher_left_out(&self, matcher: &Matcher, node: &Node) -> Option<()> {
        self.refuse(self.only_left_out(matcher), node)
    }

    /// The service that is not started, if only such services have a name that matches. An unknown name
    /// may be that of a service outside the project.
    fn only_left_out(&self, matcher: &Matcher) -> Option<&str> {
        let of_pattern = || {
            // A pattern that matches everything may be one whose variable has no value yet.
            let is_met = |name: &str| !is_met(matcher, "") && is_met(matcher, name);
            self.scope.only_left_out(is_met)
        };
        match matcher {
            Matcher::OneOf(alternatives) => {
                let each = alternatives.iter().map(|one| self.only_left_out(one));
                each.collect::<Option<Vec<_>>>()?.first().copied()
            }
            Matcher::Every(all) => {
                let mut each = all.iter().map(|one| self.only_left_out(one));
                each.find_map(|one| one).or_else(of_pattern)
            }
            _ => of_pattern(),
        }
    }

    fn refuse(&self, left_out: Option<&str>, node: &Node) -> Option<()> {
        let Some(name) = left_out else {
            return Some(());
        };
        self.wrong(
            node.place,
            format!("the service `{name}` is not started for this spec"),
            "its spans are expected here",
            format!("add `{name}` to `services` of the spec, or remove this condition"),
        )
    }
}

/// Returns `true` if the matcher is about the text of a name, and this name meets it.
fn is_met(matcher: &Matcher, name: &str) -> bool {
    match matcher {
        Matcher::Equal(Value::String(text)) => name == text,
        Matcher::Regex(regex) => regex.is_match(name),
        Matcher::StartsWith(start) => name.starts_with(start.as_str()),
        Matcher::EndsWith(end) => name.ends_with(end.as_str()),
        Matcher::Contains(Value::String(part)) => name.contains(part.as_str()),
        Matcher::OneOf(alternatives) => alternatives.iter().any(|one| is_met(one, name)),
        Matcher::Every(all) => all.iter().all(|one| is_met(one, name)),
        _ => false,
    }
}
