//! `propagation` of `expect`.

use super::Reader;
use crate::spec::expect::{Condition, Expect};
use crate::spec::keys;
use crate::yaml::{Kind, Node};

const HELP: &str = "write `propagation: continued`, or `propagation: { restarted: [gateway] }` if a service may begin a new trace";

impl Reader<'_> {
    /// `continued`, or the services that may begin a new trace.
    pub(super) fn continued(&self, node: &Node) -> Option<Expect> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "continued" => {
                Some(self.one(Condition::Continued(Vec::new()), node))
            }
            Kind::Map(_) => self.restarted(node),
            Kind::Scalar(_) | Kind::List(_) => self.wrong(
                node.place,
                "`propagation` must be `continued` or a map",
                "neither",
                HELP,
            ),
        }
    }

    fn restarted(&self, node: &Node) -> Option<Expect> {
        let entries = self.map(node, "`propagation`", keys::CONTINUED)?;
        if entries.is_empty() {
            return self.wrong(node.place, "`propagation` is empty", "empty", HELP);
        }
        // An unknown key is reported.
        let list = node.get("restarted")?;
        let items = self.not_empty(list, "`restarted`")?;
        let mut names: Vec<String> = Vec::new();
        for item in items {
            let name = self.named(item, "a service")?;
            self.refuse_left_out(&name, item)?;
            if names.contains(&name) {
                let help = "remove one of them";
                return self.wrong(
                    item.place,
                    format!("duplicate service `{name}`"),
                    "again",
                    help,
                );
            }
            names.push(name);
        }
        Some(self.one(Condition::Continued(names), node))
    }
}
