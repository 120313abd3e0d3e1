//! `poll`.

use std::time::Duration;

use super::expect::{TraceChecks, TriggerResult};
use super::{Reader, Refusal, parse_duration};
use crate::number::yaml;
use crate::spec::Poll;
use crate::spec::keys;
use crate::yaml::{Kind, Node};

const EXAMPLE: &str = "write `{ until: { status: 200 }, every: 200ms, timeout: 10s }`";

impl Reader<'_> {
    pub(crate) fn poll(&self, node: &Node, answer: TriggerResult) -> Option<Poll> {
        if !matches!(node.kind, Kind::Map(_)) {
            let what = format!("`poll` must be a map, found {}", node.describe());
            return self.wrong(node.place, what, "not a map", EXAMPLE);
        }
        if answer == TriggerResult::Nothing {
            return self.wrong(
                node.place,
                "`poll` needs a request or a command, but this trigger sends nothing",
                "conflict",
                "remove `poll`; `wait: { timeout: 30s }` sets how long to wait for the trace",
            );
        }
        if answer == TriggerResult::Output {
            return self.wrong(
                node.place,
                "`poll` repeats a trigger until its response is as expected, and `send` has none",
                "conflict",
                "remove `poll`; `wait: { timeout: 60s }` sets how long to wait for the output",
            );
        }
        if answer == TriggerResult::Cases {
            return self.wrong(
                node.place,
                "`poll` repeats a trigger until its response is as expected, and `conformance` has none",
                "conflict",
                "remove `poll`",
            );
        }
        self.map(node, "`poll`", keys::POLL)?;
        let until = match node.get("until") {
            Some(until) => self.expect(until, answer, TraceChecks::RefusedInUntil),
            None => self.wrong(
                node.place,
                "`poll` has no `until`",
                "missing `until`",
                EXAMPLE,
            ),
        };
        let every = self.optional(node, "every", |value| {
            self.some_time(value, "every", Duration::from_nanos(1))
        });
        let timeout = self.optional(node, "timeout", |value| {
            self.some_time(value, "timeout", Duration::MAX)
        });
        let (until, every, timeout) = (until?, every?, timeout?);
        let (every, timeout) = (
            every.unwrap_or(Poll::EVERY),
            timeout.unwrap_or(Poll::TIMEOUT),
        );
        if every >= timeout {
            let at = node.get("every").or(node.get("timeout")).unwrap_or(node);
            return self.wrong(
                at.place,
                format!(
                    "`every` of {} is not shorter than `timeout` of {}, so there is only one try",
                    yaml(every),
                    yaml(timeout)
                ),
                "only one try",
                "reduce `every`, or increase `timeout`",
            );
        }
        Some(Poll {
            until: until.checks,
            every,
            timeout,
            at: self.at(node.get("until").unwrap_or(node).place),
        })
    }

    /// A duration longer than 0; `awaited` is the placeholder if a variable has no value.
    fn some_time(&self, node: &Node, key: &str, awaited: Duration) -> Option<Duration> {
        self.parse(
            node,
            &format!("`{key}`"),
            awaited,
            |text| match parse_duration(text)? {
                0 => Err(Refusal::new(
                    format!("`{key}` must be longer than 0"),
                    "write a duration such as `200ms`",
                )),
                nanos => Ok(Duration::from_nanos(nanos)),
            },
        )
    }
}
