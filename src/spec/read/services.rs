//! `services` of a spec, and conditions on spans of services that are not started for it.

use super::Reader;
use crate::spec::error::suggest;
use crate::spec::services::{DeclaredService, ServiceSet};
use crate::spec::yaml::Node;

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

    /// Refuses a condition on spans if all of these values of `service.name` belong to services that
    /// are not started for the spec: `count: 0` would pass for that reason alone.
    pub(super) fn refuse_left_out(&self, names: &[impl AsRef<str>], node: &Node) -> Option<()> {
        let left_out = names.iter().map(|name| self.scope.left_out(name.as_ref()));
        match left_out.collect::<Option<Vec<_>>>().as_deref() {
            Some([name, ..]) => self.left_out(name, node),
            _ => Some(()),
        }
    }

    /// The same for a pattern of `service.name`, if it matches no service that is started.
    pub(super) fn refuse_pattern_left_out(
        &self,
        matches: impl Fn(&str) -> bool,
        node: &Node,
    ) -> Option<()> {
        match self.scope.only_left_out(matches) {
            Some(name) => self.left_out(name, node),
            None => Some(()),
        }
    }

    fn left_out(&self, name: &str, node: &Node) -> Option<()> {
        self.wrong(
            node.place,
            format!("the service `{name}` is not started for this spec"),
            "its spans are expected here",
            format!("add `{name}` to `services` of the spec, or remove this condition"),
        )
    }
}
