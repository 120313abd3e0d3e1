//! `sampling` of `expect`.

use std::sync::Arc;

use super::{Reader, Refusal};
use crate::sampling::config::{self, Environment, NotASampler};
use crate::sampling::{CollectorVersion, TailSampling};
use crate::spec::expect::{Condition, Expect};
use crate::spec::keys;
use crate::spec::tail_sampling::TailExpectation;
use crate::yaml::{Node, suggest};

/// What a configuration is expected to decide.
const DECISIONS: [&str; 3] = ["kept", "kept_by", "policies"];

impl Reader<'_> {
    pub(super) fn sampling(&self, node: &Node) -> Option<Expect> {
        self.map(node, "`sampling`", keys::SAMPLING)?;
        let (head, config) = (node.get("head"), node.get("config"));
        if head.is_none() && config.is_none() {
            let has_decision = DECISIONS.iter().find(|key| node.get(key).is_some());
            return match has_decision {
                Some(key) => self.wrong(
                    node.place,
                    format!("`{key}` needs the configuration that decides"),
                    "no `config`",
                    "add `config`, the file of the Collector",
                ),
                None => self.wrong(
                    node.place,
                    "`sampling` is empty",
                    "empty",
                    "write `sampling: { head: consistent }`, or `config` and `kept_by`",
                ),
            };
        }
        let head = head.map(|head| self.head_sampling(head));
        let tail = config.map(|config| self.tail_sampling(node, config));
        let mut expect = Expect::default();
        for part in [head, tail].into_iter().flatten() {
            expect.checks.extend(part?.checks);
        }
        Some(expect)
    }

    fn head_sampling(&self, head: &Node) -> Option<Expect> {
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

    fn tail_sampling(&self, node: &Node, config: &Node) -> Option<Expect> {
        let version = match node.get("collector_version") {
            None => CollectorVersion::default(),
            Some(version) => self.parse(
                version,
                "`collector_version`",
                CollectorVersion::default(),
                |text| {
                    let what = format!("`{text}` is not a version of the Collector");
                    text.parse()
                        .map_err(|help: String| Refusal::new(what, help))
                },
            )?,
        };
        let processor = self.processor(node, config, version)?;
        let expected = TailExpectation {
            kept: self.kept(node)?,
            kept_by: self.kept_by(node, &processor)?,
            policies: self.policy_votes(node, &processor)?,
            processor,
            version,
            config: self.at(config.place),
        };
        if expected.kept.is_none() && expected.kept_by.is_none() && expected.policies.is_empty() {
            return self.wrong(
                node.place,
                "`sampling` expects nothing of this configuration",
                "no expectation",
                "add `kept: true`, `kept_by: POLICY`, or `policies: { POLICY: true }`",
            );
        }
        Some(self.one(Condition::TailSampling(Box::new(expected)), config))
    }

    /// `kept`; `None` inside if it is absent.
    fn kept(&self, node: &Node) -> Option<Option<bool>> {
        match node.get("kept") {
            None => Some(None),
            Some(kept) => self.bool(kept, "`kept`").map(Some),
        }
    }

    fn kept_by(&self, node: &Node, processor: &TailSampling) -> Option<Option<String>> {
        let Some(kept_by) = node.get("kept_by") else {
            return Some(None);
        };
        let name = self.named(kept_by, "`kept_by`")?;
        self.check_policy(&name, kept_by, processor)?;
        let policy = processor.policies.iter().find(|policy| policy.name == name);
        if policy.is_some_and(|policy| policy.is_drop()) {
            return self.wrong(
                kept_by.place,
                format!("`{name}` is a policy that drops traces"),
                "keeps nothing",
                format!("write `kept: false` and `policies: {{ {name}: true }}`"),
            );
        }
        if node.get("kept").and_then(|kept| self.bool(kept, "`kept`")) == Some(false) {
            return self.wrong(
                kept_by.place,
                "a trace that is not kept is kept by no policy",
                "contradicts `kept: false`",
                "remove `kept: false` or `kept_by`",
            );
        }
        Some(Some(name))
    }

    fn policy_votes(&self, node: &Node, processor: &TailSampling) -> Option<Vec<(String, bool)>> {
        let Some(policies) = node.get("policies") else {
            return Some(Vec::new());
        };
        let entries = self.any_map(policies, "`policies`")?;
        self.all(entries, |entry| {
            let name = self.key(entry)?;
            let known: Vec<&str> = names(processor);
            if !known.contains(&name.as_str()) {
                return self.wrong(
                    entry.key.place,
                    format!("{} has no policy `{name}`", processor.id),
                    "unknown policy",
                    suggest(&name, &known),
                );
            }
            Some((name, self.bool(&entry.value, "the vote of a policy")?))
        })
    }

    fn check_policy(&self, name: &str, node: &Node, processor: &TailSampling) -> Option<()> {
        let known = names(processor);
        match known.contains(&name) {
            true => Some(()),
            false => self.wrong(
                node.place,
                format!("{} has no policy `{name}`", processor.id),
                "unknown policy",
                suggest(name, &known),
            ),
        }
    }

    /// The processor of the file that `config` names.
    fn processor(
        &self,
        node: &Node,
        config: &Node,
        version: CollectorVersion,
    ) -> Option<Arc<TailSampling>> {
        let path = self.file(config, "`config`")?;
        let source = self.source_of(&path, config)?;
        let environment = Environment {
            version,
            variable: &|_| None,
        };
        let reading = match config::read(&source, &environment) {
            Ok(reading) => reading,
            Err(error) => return self.no_sampler(config, error),
        };
        if let Some(obstacle) = reading.obstacles().next() {
            return self.wrong(
                config.place,
                format!("{}: {}", obstacle.at, obstacle.what),
                "this configuration",
                obstacle.help.clone(),
            );
        }
        let all = &reading.configuration.tail_sampling;
        let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
        let Some(id) = node.get("processor") else {
            return match all.as_slice() {
                [only] => Some(Arc::new(only.clone())),
                [] => self.no_sampler(config, NotASampler::NoSampler),
                _ => self.wrong(
                    config.place,
                    "this file has several processors of type `tail_sampling`",
                    "which one?",
                    format!("add `processor`: {}", ids.join(", ")),
                ),
            };
        };
        let name = self.named(id, "`processor`")?;
        match all.iter().find(|one| one.id == name) {
            Some(found) => Some(Arc::new(found.clone())),
            None => self.wrong(
                id.place,
                format!("the configuration has no processor `{name}`"),
                "unknown processor",
                suggest(&name, &ids),
            ),
        }
    }

    fn no_sampler<T>(&self, config: &Node, error: NotASampler) -> Option<T> {
        let what = match error {
            NotASampler::Syntax(error) => format!("{}: {}", error.at, error.text),
            NotASampler::Empty => "this file is empty".to_owned(),
            NotASampler::NotACollector => "this is no configuration of a Collector".to_owned(),
            NotASampler::NoSampler => "this file has no processor `tail_sampling`".to_owned(),
        };
        let help = "name the file that the Collector gets with `--config`";
        self.wrong(config.place, what, "this file", help)
    }
}

fn names(processor: &TailSampling) -> Vec<&str> {
    let policies = processor.policies.iter();
    policies.map(|policy| policy.name.as_str()).collect()
}
