//! `mutate` of a spec: the faults that it accepts.

use super::Reader;
use super::selector::EntryIds;
use crate::spec::keys;
use crate::spec::{FaultKind, IgnoredFaults};
use crate::yaml::{Node, suggest};

impl Reader<'_> {
    /// The entries of `ignore`.
    pub(crate) fn ignored_faults(&self, node: &Node) -> Option<Vec<IgnoredFaults>> {
        self.map(node, "`mutate`", keys::MUTATE)?;
        let Some(list) = node.get("ignore") else {
            return Some(Vec::new());
        };
        self.all(self.list(list, "`ignore`")?, |entry| {
            self.ignored_fault(entry)
        })
    }

    fn ignored_fault(&self, node: &Node) -> Option<IgnoredFaults> {
        self.map(node, "an entry of `ignore`", keys::IGNORED_FAULTS)?;
        let kinds = self.optional(node, "fault", |node| self.fault_kinds(node));
        let find = self.optional(node, "find", |node| self.selector(node, &EntryIds::new()));
        let attribute = self.optional(node, "attribute", |node| self.named(node, "an attribute"));
        let Some(reason) = node.get("reason") else {
            return self.wrong(
                node.place,
                "missing `reason`",
                "this entry",
                "add the reason why no check needs to notice these faults: `reason: …`",
            );
        };
        if ["fault", "find", "attribute"]
            .iter()
            .all(|key| node.get(key).is_none())
        {
            return self.wrong(
                node.place,
                "this entry accepts every fault",
                "this entry",
                "add `fault`, `find` or `attribute`",
            );
        }
        let reason = self.named(reason, "a reason");
        Some(IgnoredFaults {
            kinds: kinds?.unwrap_or_default(),
            find: find?,
            attribute: attribute?,
            reason: reason?,
            at: self.at(node.place),
        })
    }

    fn fault_kinds(&self, node: &Node) -> Option<Vec<FaultKind>> {
        let names = self.texts(node, "a fault")?;
        let mut kinds = Vec::new();
        for name in names {
            let known = FaultKind::ALL.iter().find(|(known, _)| *known == name);
            let Some((_, kind)) = known else {
                let all: Vec<&str> = FaultKind::ALL.iter().map(|(name, _)| *name).collect();
                return self.wrong(
                    node.place,
                    format!("unknown fault `{name}`"),
                    "unknown",
                    suggest(&name, &all),
                );
            };
            kinds.push(*kind);
        }
        Some(kinds)
    }
}
