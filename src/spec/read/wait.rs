//! `wait`.

use super::Reader;
use crate::spec::Wait;
use crate::spec::keys;
use crate::yaml::Node;

impl Reader<'_> {
    pub(crate) fn wait(&self, node: &Node) -> Option<Wait> {
        self.map(node, "`wait`", keys::WAIT)?;
        let part = |key| self.optional(node, key, |value| self.duration(value, "a time to wait"));
        let (timeout, tail, flush) = (part("timeout"), part("tail"), part("flush"));
        let metrics = part("metrics");
        Some(Wait {
            timeout: timeout?,
            tail: tail?,
            flush: flush?,
            metrics: metrics?,
        })
    }
}
