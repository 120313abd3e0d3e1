//! `sampling` of `expect`.

use std::sync::Arc;

use super::rate::parse_percent;
use super::{Reader, Refusal};
use crate::sampling::config::{self, Environment, NotASampler};
use crate::sampling::{CollectorVersion, ProbabilisticSampler, TailSampling};
use crate::spec::Location;
use crate::spec::expect::{Condition, Expect};
use crate::spec::keys;
use crate::spec::tail_sampling::{
    Sampler, ShareExpectation, ShareRange, SpanSamplingExpectation, TailExpectation,
};
use crate::yaml::{Node, suggest};

/// The keys with expected decisions about each trace.
const DECISIONS: [&str; 3] = ["kept", "kept_by", "policies"];

const SHARES: &str = "write a range of percent, such as `9%..11%`, `>= 9%` or `<= 11%`";

impl Reader<'_> {
    pub(super) fn sampling(&self, node: &Node) -> Option<Expect> {
        self.map(node, "`sampling`", keys::SAMPLING)?;
        let (head, config) = (node.get("head"), node.get("config"));
        if head.is_none() && config.is_none() {
            let mut decisions = DECISIONS.iter().chain(&["share"]);
            let has_decision = decisions.find(|key| node.get(key).is_some());
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
        let sampler = self.processor(node, config, version)?;
        if let Some(share) = node.get("share") {
            return self.kept_share(node, share, sampler);
        }
        let processor = match sampler {
            Sampler::Tail(processor, _) => processor,
            Sampler::Probabilistic(processor) => {
                return self.span_sampling(node, config, processor);
            }
        };
        let expected = TailExpectation {
            kept: self.kept(node)?,
            kept_by: self.kept_by(node, &processor)?,
            policies: self.policy_votes(node, &processor)?,
            processor,
            version,
        };
        if expected.kept.is_none() && expected.kept_by.is_none() && expected.policies.is_empty() {
            return self.wrong(
                node.place,
                "`sampling` expects nothing of this configuration",
                "no expectation",
                "add `kept: true`, `kept_by: POLICY`, `policies: { POLICY: true }`, or of many traces `share: 9%..11%`",
            );
        }
        Some(self.one(Condition::TailSampling(Box::new(expected)), config))
    }

    /// The expectation for a processor that decides about single spans.
    fn span_sampling(
        &self,
        node: &Node,
        config: &Node,
        processor: Arc<ProbabilisticSampler>,
    ) -> Option<Expect> {
        for key in ["kept_by", "policies"] {
            if let Some(other) = node.get(key) {
                return self.wrong(
                    other.place,
                    format!("`{}` has no policies", processor.id),
                    "not available",
                    "write `kept: true` or `kept: false`, for each span",
                );
            }
        }
        let Some(kept) = self.kept(node)? else {
            return self.wrong(
                node.place,
                "`sampling` expects nothing of this configuration",
                "no expectation",
                "add `kept: true` or `kept: false`, for each span",
            );
        };
        let expected = SpanSamplingExpectation { processor, kept };
        Some(self.one(Condition::SpanSampling(Box::new(expected)), config))
    }

    /// The share of many traces that are kept.
    fn kept_share(&self, node: &Node, share: &Node, sampler: Sampler) -> Option<Expect> {
        for key in DECISIONS {
            if let Some(other) = node.get(key) {
                return self.wrong(
                    other.place,
                    format!("`{key}` is about each trace, and `share` about all of them"),
                    "conflict",
                    format!("remove `{key}`, or `share`"),
                );
            }
        }
        let any = ShareRange {
            least: 0.0,
            most: 1.0,
            written: String::new(),
        };
        let within = self.parse(share, "`share`", any, parse_shares)?;
        let expected = ShareExpectation { sampler, within };
        Some(self.one(Condition::KeptShare(Box::new(expected)), share))
    }

    /// Refuses a share in a spec that has one trace.
    pub(crate) fn refuse_share_of_one<T>(&self, at: &Location) -> Option<T> {
        self.wrong(
            at.place,
            "`share` is about many traces, and this request has one",
            "one trace",
            "add `repeat: { times: 1000 }`, or write `kept: true`",
        )
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
    fn processor(&self, node: &Node, config: &Node, version: CollectorVersion) -> Option<Sampler> {
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
        let tail = reading.configuration.tail_sampling.iter();
        let probabilistic = reading.configuration.probabilistic.iter();
        let name = match node.get("processor") {
            None => None,
            Some(id) => Some((self.named(id, "`processor`")?, id)),
        };
        let is_it = |id: &str| name.as_ref().is_none_or(|(name, _)| name == id);
        let mut found: Vec<Sampler> = tail
            .clone()
            .filter(|one| is_it(&one.id))
            .map(|one| Sampler::Tail(Arc::new(one.clone()), version))
            .collect();
        // It decides about spans, so it is meant only if it is named, or alone.
        if found.is_empty() {
            let named = probabilistic.clone().filter(|one| is_it(&one.id));
            found.extend(named.map(|one| Sampler::Probabilistic(Arc::new(one.clone()))));
        }
        let ids: Vec<&str> = tail
            .map(|one| one.id.as_str())
            .chain(probabilistic.map(|one| one.id.as_str()))
            .collect();
        match (found.len(), name) {
            (1, _) => found.pop(),
            (0, None) => self.no_sampler(config, NotASampler::NoSampler),
            (0, Some((name, id))) => self.wrong(
                id.place,
                format!("the configuration has no processor `{name}`"),
                "unknown processor",
                suggest(&name, &ids),
            ),
            _ => self.wrong(
                config.place,
                "this file has several samplers",
                "which one?",
                format!("add `processor`: {}", ids.join(", ")),
            ),
        }
    }

    fn no_sampler<T>(&self, config: &Node, error: NotASampler) -> Option<T> {
        let what = match error {
            NotASampler::Syntax(error) => format!("{}: {}", error.at, error.text),
            NotASampler::Empty => "this file is empty".to_owned(),
            NotASampler::NotACollector => "this is no configuration of a Collector".to_owned(),
            NotASampler::NoSampler => {
                "this file has no `tail_sampling` and no `probabilistic_sampler`".to_owned()
            }
        };
        let help = "name the file that the Collector gets with `--config`";
        self.wrong(config.place, what, "this file", help)
    }
}

fn names(processor: &TailSampling) -> Vec<&str> {
    let policies = processor.policies.iter();
    policies.map(|policy| policy.name.as_str()).collect()
}

/// `9%..11%`, `9%..`, `..11%`, `>= 9%`, `<= 11%`.
fn parse_shares(text: &str) -> Result<ShareRange, Refusal> {
    let refuse = || Refusal::new(format!("invalid `share`: `{text}`"), SHARES);
    let end = |end: &str| {
        let percent = end.trim().strip_suffix('%');
        let share = percent.and_then(parse_percent);
        share.filter(|share| *share <= 1.0).ok_or_else(refuse)
    };
    let open_end = |text: &str, open: f64| match text.trim().is_empty() {
        true => Ok(open),
        false => end(text),
    };
    let (least, most) = if let Some(least) = text.strip_prefix(">=") {
        (end(least)?, 1.0)
    } else if let Some(most) = text.strip_prefix("<=") {
        (0.0, end(most)?)
    } else if let Some((least, most)) = text.split_once("..") {
        (open_end(least, 0.0)?, open_end(most, 1.0)?)
    } else if end(text).is_ok() {
        let what = format!("no number of traces proves exactly `{text}`");
        return Err(Refusal::new(what, SHARES));
    } else {
        return Err(refuse());
    };
    if least > most {
        let what = format!("empty range `{text}`: the first share is greater than the second");
        return Err(Refusal::new(what, "write the smaller share first"));
    }
    if least == most {
        let what = format!("no number of traces proves exactly `{text}`");
        return Err(Refusal::new(what, SHARES));
    }
    if least <= 0.0 && most >= 1.0 {
        let what = format!("every share is in `{text}`");
        return Err(Refusal::new(what, SHARES));
    }
    Ok(ShareRange {
        least,
        most,
        written: text.to_owned(),
    })
}
