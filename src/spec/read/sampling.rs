//! `sampling` of `expect`.

use super::Reader;
use crate::spec::expect::{Condition, Expect};
use crate::spec::keys;
use crate::yaml::Node;

impl Reader<'_> {
    pub(super) fn sampling(&self, node: &Node) -> Option<Expect> {
        self.map(node, "`sampling`", keys::SAMPLING)?;
        let Some(head) = node.get("head") else {
            return self.wrong(
                node.place,
                "`sampling` is empty",
                "empty",
                "write `sampling: { head: consistent }`",
            );
        };
        let word = self.named(head, "`head`")?;
        if word != "consistent" {
            return self.wrong(
                head.place,
                format!("`{word}` is not a kind of head sampling"),
                "not available",
                "write `head: consistent`",
            );
        }
        Some(self.one(Condition::HeadSampling, head))
    }
}
