//! Reads the configuration of a Collector: its samplers and their pipelines, with findings.
//!
//! Everything that the Collector refuses is an error; what it accepts, and decides otherwise than it
//! reads, is a warning. Other components are read as ids.

mod finding;
mod jaeger;
mod keys;
mod patterns;
mod pipelines;
mod policies;
mod processors;
mod replicas;
mod shape;
mod value;

use std::cell::RefCell;
use std::collections::HashSet;

pub(crate) use finding::{Finding, Level, LintRule};
pub(crate) use pipelines::Pipeline;
pub(crate) use replicas::of_replicas;

use super::policy::TailSampling;
use super::probabilistic::ProbabilisticSampler;
use super::version::CollectorVersion;
use crate::yaml::foreign::{self, Node, SyntaxError};
use crate::yaml::{Location, Source, suggest};
use pipelines::{Defined, Pipelines, kind};
use processors::Processors;
use value::{Expander, Key};

/// The samplers of a Collector and their pipelines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) tail_sampling: Vec<TailSampling>,
    pub(crate) probabilistic: Vec<ProbabilisticSampler>,
    /// Empty for a part of a configuration, which has no `service`.
    pub(crate) pipelines: Vec<Pipeline>,
    /// Number of Jaeger's remote sampling strategies.
    pub(crate) strategies: usize,
    /// Exporters of type `loadbalancing`, with their `routing_key`; empty: by trace id.
    pub(crate) load_balancers: Vec<(String, Location)>,
}

/// A configuration that has been read, perhaps in part.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The parts that could be read: complete if no finding is an error.
    pub(crate) configuration: Configuration,
    /// In the order of their places.
    pub(crate) findings: Vec<Finding>,
}

/// The reason why a file is not a configuration with a sampler.
#[derive(Debug)]
pub(crate) enum NotASampler {
    Syntax(SyntaxError),
    /// No document, or only comments.
    Empty,
    /// Not a map, or without a section of a Collector.
    NotACollector,
    /// A configuration of a Collector without `tail_sampling` and `probabilistic_sampler`.
    NoSampler,
}

/// Conditions of a reading.
pub(crate) struct Environment<'e> {
    pub(crate) version: CollectorVersion,
    /// The value of an environment variable.
    pub(crate) variable: &'e dyn Fn(&str) -> Option<String>,
}

/// The sections of a configuration.
const SECTIONS: &[&str] = &[
    "receivers",
    "processors",
    "exporters",
    "connectors",
    "extensions",
    "service",
];

impl Reading {
    /// The findings that prevent a decision about traces: errors, and values that are not known.
    pub(crate) fn obstacles(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| {
            finding.level == Level::Error
                || matches!(
                    finding.rule,
                    LintRule::UnresolvedVariable | LintRule::UnknownValue
                )
        })
    }
}

/// Reads a file with the configuration of a Collector, or with the part that has its samplers.
///
/// # Errors
/// If it is not YAML, or has no sampler.
pub(crate) fn read(source: &Source, environment: &Environment<'_>) -> Result<Reading, NotASampler> {
    let documents = foreign::read(source);
    if let Some(error) = documents.error {
        return Err(NotASampler::Syntax(error));
    }
    let mut roots = documents.roots.into_iter();
    let root = roots.next().filter(|root| !root.is_null());
    let root = root.ok_or(NotASampler::Empty)?;
    if root
        .entries()
        .iter()
        .any(|(key, _)| key.text().is_some_and(jaeger::is_section))
    {
        return Ok(strategies(source, &root));
    }
    let is_collector = root.entries().iter().any(|(key, _)| {
        key.text()
            .is_some_and(|key| SECTIONS.contains(&key) || is_sampler(key))
    });
    if !is_collector {
        return Err(NotASampler::NotACollector);
    }
    let findings = RefCell::new(Vec::new());
    let reader = FileReader {
        root: &root,
        environment,
        expander: Expander::new(environment.variable),
        findings: &findings,
    };
    let configuration = reader.read()?;
    findings
        .borrow_mut()
        .extend(reader.expander.into_findings());
    if let Some(second) = roots.find(|document| !document.is_null()) {
        let what = "the Collector reads only the first document of a file";
        let at = second
            .entries()
            .first()
            .map_or(&second.at, |(key, _)| &key.at);
        let finding = Finding::new(LintRule::Documents, at, what);
        findings
            .borrow_mut()
            .push(finding.help("write the documents to files of their own"));
    }
    Ok(Reading {
        configuration,
        findings: sorted(findings.into_inner()),
    })
}

/// Jaeger's strategies. It does not expand variables.
fn strategies(source: &Source, root: &Node) -> Reading {
    let nothing = |_: &str| None;
    let expander = Expander::new(&nothing);
    let findings = RefCell::new(Vec::new());
    let strategies = jaeger::check(&expander.value(root), &findings);
    findings.borrow_mut().extend(jaeger::not_json(source));
    let duplicates = expander.into_findings().into_iter();
    let duplicates = duplicates.filter(|finding| finding.rule == LintRule::DuplicateKey);
    findings
        .borrow_mut()
        .extend(duplicates.map(Finding::warning));
    Reading {
        configuration: Configuration {
            strategies,
            ..Configuration::default()
        },
        findings: sorted(findings.into_inner()),
    }
}

fn is_sampler(id: &str) -> bool {
    matches!(kind(id), "tail_sampling" | "probabilistic_sampler")
}

/// In the order of their places, without duplicates.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.at.place, finding.rule));
    let mut known = HashSet::new();
    findings.retain(|finding| known.insert((finding.at.place, finding.what.clone())));
    findings
}

struct FileReader<'r> {
    root: &'r Node,
    environment: &'r Environment<'r>,
    expander: Expander<'r>,
    findings: &'r RefCell<Vec<Finding>>,
}

impl FileReader<'_> {
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    fn read(&self) -> Result<Configuration, NotASampler> {
        let samplers = self.samplers();
        if samplers.is_empty() {
            return Err(NotASampler::NoSampler);
        }
        self.look_at_structure();
        let extensions = self.ids("extensions");
        let processors = Processors {
            version: self.environment.version,
            extensions: &extensions,
            findings: self.findings,
        };
        let mut configuration = Configuration {
            load_balancers: self.load_balancers(),
            pipelines: self.pipelines(),
            ..Configuration::default()
        };
        for (key, node) in &samplers {
            let value = self.expander.value(node);
            let key = Key {
                text: key.text().unwrap_or_default().trim().to_owned(),
                at: key.at.clone(),
            };
            match kind(&key.text) {
                "tail_sampling" => {
                    let read = processors.tail_sampling(&key, &value);
                    configuration.tail_sampling.push(read);
                }
                _ => {
                    let read = processors.probabilistic(&key, &value);
                    configuration.probabilistic.push(read);
                }
            }
        }
        self.look_at_use(&samplers, &configuration.pipelines);
        Ok(configuration)
    }

    /// The samplers below `processors`, else at the top, as in the examples of their documentation.
    fn samplers(&self) -> Vec<(&Node, &Node)> {
        let below = self.root.get("processors").map(Node::entries);
        let entries = below.unwrap_or_default().iter().chain(self.root.entries());
        let samplers = entries.filter(|(key, _)| key.text().is_some_and(is_sampler));
        samplers.map(|(key, value)| (key, value)).collect()
    }

    fn is_part(&self) -> bool {
        self.root.get("service").is_none()
    }

    /// Unknown sections, and keys that occur twice in the parts that are not read.
    fn look_at_structure(&self) {
        let nothing = |_: &str| None;
        let expander = Expander::new(&nothing);
        expander.value(self.root);
        let findings = expander.into_findings().into_iter();
        let duplicates = findings.filter(|finding| finding.rule == LintRule::DuplicateKey);
        self.findings.borrow_mut().extend(duplicates);
        if self.is_part() {
            return;
        }
        for (key, _) in self.root.entries() {
            let text = key.text().unwrap_or_default();
            if !SECTIONS.contains(&text) {
                let what = format!("unknown section `{text}`");
                let help = match is_sampler(text) {
                    true => "move it below `processors`".to_owned(),
                    false => suggest(text, SECTIONS),
                };
                self.note(Finding::new(LintRule::UnknownKey, &key.at, what).help(help));
            }
        }
    }

    fn ids(&self, section: &str) -> Vec<String> {
        let section = self
            .root
            .get(section)
            .map(Node::entries)
            .unwrap_or_default();
        let ids = section.iter().filter_map(|(key, _)| key.text());
        ids.map(|id| id.trim().to_owned()).collect()
    }

    fn pipelines(&self) -> Vec<Pipeline> {
        let Some(node) = self
            .root
            .get("service")
            .and_then(|service| service.get("pipelines"))
        else {
            return Vec::new();
        };
        let defined = Defined {
            receivers: self.ids("receivers"),
            processors: self.ids("processors"),
            exporters: self.ids("exporters"),
            connectors: self.ids("connectors"),
        };
        let reader = Pipelines {
            version: self.environment.version,
            defined: &defined,
            findings: self.findings,
        };
        reader.read(&self.expander.value(node))
    }

    fn load_balancers(&self) -> Vec<(String, Location)> {
        let exporters = self.root.get("exporters").map(Node::entries);
        let balancers = exporters.unwrap_or_default().iter().filter(|(key, _)| {
            key.text()
                .is_some_and(|id| kind(id) == "loadbalancing" || kind(id) == "load_balancing")
        });
        balancers
            .map(|(key, value)| {
                let routing = value.get("routing_key");
                let text = routing.and_then(Node::text).unwrap_or_default().to_owned();
                (text, routing.map_or(&key.at, |routing| &routing.at).clone())
            })
            .collect()
    }

    fn look_at_use(&self, samplers: &[(&Node, &Node)], pipelines: &[Pipeline]) {
        if pipelines.is_empty() {
            return;
        }
        for (key, _) in samplers {
            let id = key.text().unwrap_or_default().trim();
            let uses = |pipeline: &Pipeline| pipeline.processors.iter().any(|(used, _)| used == id);
            if !pipelines.iter().any(uses) {
                let what = format!("`{id}` stands in no pipeline, and has no effect");
                let finding = Finding::new(LintRule::UnusedProcessor, &key.at, what);
                self.note(finding.help(format!(
                    "add `{id}` to `processors` of a pipeline of traces"
                )));
            }
        }
    }
}
