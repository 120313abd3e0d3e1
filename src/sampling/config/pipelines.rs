//! The pipelines of a configuration, and the places of samplers in them.

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use super::keys::PIPELINE;
use super::shape::Shapes;
use super::value::{Data, Key, Value, shown};
use crate::sampling::version::CollectorVersion;
use crate::yaml::{Location, did_you_mean};

/// A pipeline of `service.pipelines`.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    /// The id, such as `traces` or `traces/eu`.
    pub(crate) id: String,
    /// The ids of its processors, in order.
    pub(crate) processors: Vec<(String, Location)>,
}

/// The ids of the components that a file defines.
pub(super) struct Defined {
    pub(super) receivers: Vec<String>,
    pub(super) processors: Vec<String>,
    pub(super) exporters: Vec<String>,
    pub(super) connectors: Vec<String>,
}

impl Pipeline {
    /// The kind of data: `traces`, `metrics` or `logs`.
    pub(crate) fn signal(&self) -> &str {
        kind(&self.id)
    }
}

/// The type of a component, without its name.
pub(super) fn kind(id: &str) -> &str {
    id.split('/').next().unwrap_or_default().trim()
}

/// Reads pipelines. Findings are recorded.
pub(super) struct Pipelines<'f> {
    pub(super) version: CollectorVersion,
    pub(super) defined: &'f Defined,
    pub(super) findings: &'f RefCell<Vec<Finding>>,
}

impl Pipelines<'_> {
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    pub(super) fn read(&self, pipelines: &Value) -> Vec<Pipeline> {
        let entries = pipelines.entries().iter();
        let read: Vec<Pipeline> = entries
            .map(|(key, value)| self.pipeline(key, value))
            .collect();
        for pipeline in &read {
            self.look_at_order(pipeline);
        }
        read
    }

    fn pipeline(&self, key: &Key, value: &Value) -> Pipeline {
        let shapes = Shapes {
            version: self.version,
            findings: self.findings,
        };
        shapes.block(value, &format!("the pipeline `{}`", key.text), PIPELINE);
        let ids = |name: &str| value.get(name).map(Value::as_texts).unwrap_or_default();
        let (receivers, processors, exporters) =
            (ids("receivers"), ids("processors"), ids("exporters"));
        if !matches!(kind(&key.text), "traces" | "metrics" | "logs" | "profiles") {
            let what = format!(
                "a pipeline is of traces, metrics or logs, not `{}`",
                key.text
            );
            let finding = Finding::new(LintRule::Pipeline, &key.at, what);
            self.note(finding.help(format!("write `traces/{}`, or another signal", key.text)));
        }
        for (name, list) in [("receivers", &receivers), ("exporters", &exporters)] {
            let is_known = value
                .get(name)
                .is_none_or(|list| !matches!(list.data, Data::Unknown));
            if list.is_empty() && is_known {
                let what = format!("the pipeline `{}` has no {name}", key.text);
                let finding = Finding::new(LintRule::Pipeline, &key.at, what);
                self.note(finding.help(format!("add `{name}`")));
            }
        }
        let Defined {
            connectors,
            exporters: known_exporters,
            receivers: known_receivers,
            processors: known_processors,
        } = self.defined;
        let with_connectors = |known: &[String]| [known, connectors.as_slice()].concat();
        self.look_at_ids("receiver", &receivers, &with_connectors(known_receivers));
        self.look_at_ids("exporter", &exporters, &with_connectors(known_exporters));
        self.look_at_ids("processor", &processors, known_processors);
        self.look_at_repeated(&processors);
        Pipeline {
            id: key.text.clone(),
            processors,
        }
    }

    fn look_at_ids(&self, noun: &str, ids: &[(String, Location)], known: &[String]) {
        for (id, at) in ids.iter().filter(|(id, _)| !known.contains(id)) {
            let what = format!("no {noun} `{}` is defined", shown(id, at));
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let help = did_you_mean(id, &names)
                .unwrap_or_else(|| format!("define it below `{noun}s`, or remove it here"));
            self.note(Finding::new(LintRule::UndefinedComponent, at, what).help(help));
        }
    }

    fn look_at_repeated(&self, processors: &[(String, Location)]) {
        for (number, (id, at)) in processors.iter().enumerate() {
            if let Some((_, first)) = processors[..number].iter().find(|(other, _)| other == id) {
                let what = format!("the processor `{id}` stands twice in this pipeline");
                let finding = Finding::new(LintRule::Pipeline, at, what);
                self.note(finding.also(first, "first here").help("remove one of them"));
            }
        }
    }

    fn look_at_order(&self, pipeline: &Pipeline) {
        self.look_at_signals(pipeline);
        let of = |sampler: &str| {
            let places = pipeline.processors.iter().enumerate();
            places
                .filter(|(_, (id, _))| kind(id) == sampler)
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        let tails = of("tail_sampling");
        let Some(first) = tails.first().copied() else {
            return;
        };
        if let Some(second) = tails.get(1) {
            let (id, at) = &pipeline.processors[*second];
            let what = format!(
                "`{id}` is the second tail sampling of this pipeline, and decides only what the first one keeps"
            );
            self.note(
                Finding::new(LintRule::SeveralSamplers, at, what)
                    .also(&pipeline.processors[first].1, "the first")
                    .help("join their policies, or use a pipeline for each"),
            );
        }
        for (number, (id, at)) in pipeline.processors.iter().enumerate() {
            let is_before = number < first;
            let finding = match (kind(id), is_before) {
                ("batch", true) => Finding::new(
                    LintRule::BatchBefore,
                    at,
                    "`batch` before tail sampling delays spans, and the sampler takes its batches apart",
                )
                .help(format!("move `{id}` after `{}`", pipeline.processors[first].0)),
                ("probabilistic_sampler", true) => Finding::new(
                    LintRule::SeveralSamplers,
                    at,
                    format!("`{id}` drops spans before tail sampling, errors and slow traces too"),
                )
                .help("use a policy of type `probabilistic` instead"),
                ("probabilistic_sampler", false) => Finding::new(
                    LintRule::SeveralSamplers,
                    at,
                    format!("`{id}` drops spans of traces that tail sampling keeps"),
                )
                .help("use a policy of type `probabilistic` instead"),
                ("k8sattributes" | "k8s_attributes", false) => Finding::new(
                    LintRule::ContextAfter,
                    at,
                    format!("`{id}` finds a pod by its connection, which spans lose in tail sampling"),
                )
                .help(format!("move it before `{}`", pipeline.processors[first].0)),
                ("resourcedetection" | "resource_detection", false) => Finding::new(
                    LintRule::ContextAfter,
                    at,
                    format!("the policies cannot see what `{id}` adds to the resource"),
                )
                .help(format!("move it before `{}`", pipeline.processors[first].0)),
                _ => continue,
            };
            self.note(finding.also(&pipeline.processors[first].1, "the sampler"));
        }
    }

    /// Samplers in pipelines of signals that they do not have.
    fn look_at_signals(&self, pipeline: &Pipeline) {
        let signal = pipeline.signal();
        for (id, at) in &pipeline.processors {
            let has = match kind(id) {
                "tail_sampling" => signal == "traces",
                "probabilistic_sampler" => matches!(signal, "traces" | "logs"),
                _ => true,
            };
            if !has {
                let what = format!("`{id}` cannot stand in a pipeline of {signal}");
                let finding = Finding::new(LintRule::Pipeline, at, what);
                self.note(finding.help("move it to a pipeline of traces"));
            }
        }
    }
}
