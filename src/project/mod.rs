//! The project file, `spanspec.yaml`: specs, services, and defaults for all specs.
//!
//! It is read in two steps: first the ports of the services, and after their numbers are assigned,
//! the services.

mod lint;
mod profile;
mod receiver;
mod services;
mod source;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::profile::Profiles;
pub use self::receiver::parse_address;
use self::receiver::receiver;
use self::services::{configured_by_file, services, without_ready};
pub use self::source::parse_source;
use crate::instrumentation::Settings as LintSettings;
use crate::service::{PortSpec, Service};
use crate::source::backend::SourceSettings;
use crate::source::receiver::ServerTls;
use crate::spec::{
    Defaults, ErrorList, Globals, IgnoredFaults, Kind, Location, Node, Reader, RunDefaults, Scope,
    Source, SpecError, SpecErrors, Variables, keys, parse_documents, variables,
};
use crate::trace::Value;

/// Default name of the project file.
pub const FILE_NAME: &str = "spanspec.yaml";

/// A project file, or the defaults without one.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its folder, the base of its relative paths.
    pub dir: PathBuf,
    /// Files, folders and globs of specs.
    pub specs: Vec<String>,
    /// Names of secret variables.
    pub secrets: Vec<String>,
    /// Places of the entries of `secrets`.
    pub(crate) secret_places: Vec<Location>,
    /// Addresses of the OTLP receiver. `None` for the default.
    pub listen: Option<Vec<SocketAddr>>,
    /// Origins of web pages that can send telemetry, in addition to those of this machine.
    pub cors: Vec<String>,
    /// Hosts that requests of web pages and to the HTTP API can name, in addition to those of this machine.
    pub hosts: Vec<String>,
    /// Defaults for specs.
    pub defaults: Defaults,
    /// Its `vars`.
    pub vars: Variables,
    /// The ports of its services.
    pub ports: Vec<Port>,
    /// The names of its further receivers, with their ports.
    pub receivers: Vec<(String, PortSpec)>,
    /// The rules of `spanspec lint --traces`.
    pub(crate) lint: LintSettings,
    /// Warnings.
    pub warnings: Vec<SpecError>,
    source: Option<Source>,
    services: Vec<(String, Arc<Node>)>,
    /// Variables of the environment of all services.
    env: Option<Arc<Node>>,
    /// The profiles.
    pub profiles: Profiles,
    /// `source`.
    backend: Option<Arc<Node>>,
    /// `mutate`.
    mutate: Option<Arc<Node>>,
    /// `token` of `receiver`.
    token: Option<Arc<Node>>,
    /// `tls` of `receiver`.
    tls: Option<Arc<Node>>,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name of the service.
    pub service: String,
    /// The name of the port within the service.
    pub name: String,
    /// The number, or a free port.
    pub spec: PortSpec,
}

impl Port {
    /// Its variable in specs: `services.shop.http`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("services.{}.{}", self.service, self.name)
    }
}

impl Project {
    /// The defaults without a project file: specs in `specs`, no services.
    #[must_use]
    pub fn none(dir: PathBuf) -> Self {
        Self {
            dir,
            specs: vec!["specs".to_owned()],
            secrets: Vec::new(),
            secret_places: Vec::new(),
            listen: None,
            cors: Vec::new(),
            hosts: Vec::new(),
            defaults: Defaults::default(),
            vars: Variables::default(),
            ports: Vec::new(),
            receivers: Vec::new(),
            lint: LintSettings::default(),
            warnings: Vec::new(),
            source: None,
            services: Vec::new(),
            env: None,
            profiles: Profiles::default(),
            backend: None,
            mutate: None,
            token: None,
            tls: None,
        }
    }

    /// Reads a project file, except the services, which need port numbers.
    ///
    /// # Errors
    /// All errors in the file, except errors in services, in `source` and in `mutate`.
    pub fn read(source: &Source, dir: &Path) -> Result<Self, SpecErrors> {
        let (project, errors) = Self::read_with_errors(source, dir, None);
        match errors {
            Some(errors) => Err(errors),
            None => Ok(project),
        }
    }

    /// Reads a project file with errors, too: the parts of it that are valid, and all errors except
    /// those in services, in `source` and in `mutate`. The entries of `profile` replace others.
    pub(crate) fn read_with_errors(
        source: &Source,
        dir: &Path,
        profile: Option<&str>,
    ) -> (Self, Option<SpecErrors>) {
        let errors = ErrorList::new(source);
        let none = || Self {
            source: Some(source.clone()),
            ..Self::none(dir.to_path_buf())
        };
        let documents = parse_documents(&errors);
        let project = match documents.as_slice() {
            // A file that is empty or has only comments is valid.
            [] => Some(none()),
            [root] => read(root, &errors, dir, profile),
            [_, second, ..] => errors.note(
                second.place,
                "a project file must have one document",
                "second document",
                "remove the `---` before it".to_owned(),
            ),
        };
        let project = project.unwrap_or_else(none);
        (project, errors.check(Some(())).err())
    }

    /// Returns `true` if there is a project file.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.source.is_some()
    }

    /// The project without its services.
    #[must_use]
    pub fn without_services(mut self) -> Self {
        self.services = Vec::new();
        self.ports = Vec::new();
        self.warnings = Vec::new();
        self
    }

    /// The text of the project file.
    #[cfg(feature = "cli")]
    pub(crate) fn source_text(&self) -> Option<&str> {
        self.source.as_ref().map(Source::text)
    }

    /// Returns `true` if there are services to start.
    #[must_use]
    pub fn has_services(&self) -> bool {
        !self.services.is_empty()
    }

    /// The services, with variables substituted.
    ///
    /// # Errors
    /// All errors in them.
    pub fn services(&self, globals: &Arc<Globals>) -> Result<Vec<Service>, SpecErrors> {
        let Some(source) = &self.source else {
            return Ok(Vec::new());
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, &self.dir);
        let names: Vec<&str> = self
            .services
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let services = reader.all(&self.services, |(name, node)| {
            self.service(name, node, &names, &reader)
        });
        errors.check(services)
    }

    /// The backend from which traces are read, with variables substituted.
    ///
    /// # Errors
    /// All errors in it.
    pub fn backend(&self, globals: &Arc<Globals>) -> Result<Option<SourceSettings>, SpecErrors> {
        let Some((source, node)) = self.source.as_ref().zip(self.backend.as_ref()) else {
            return Ok(None);
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, &self.dir);
        let read = source::source(node, &reader).map(Some);
        errors.check(read)
    }

    /// The token that clients of the receiver must send, with variables substituted.
    ///
    /// # Errors
    /// It is empty, or cannot be in a header.
    pub fn token(&self, globals: &Arc<Globals>) -> Result<Option<String>, SpecErrors> {
        let Some((source, node)) = self.source.as_ref().zip(self.token.as_ref()) else {
            return Ok(None);
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, &self.dir);
        let token = receiver::token(node, &reader).map(Some);
        errors.check(token)
    }

    /// TLS of the receiver, with variables substituted, and warnings.
    ///
    /// # Errors
    /// A file cannot be used.
    pub(crate) fn tls(
        &self,
        globals: &Arc<Globals>,
    ) -> Result<Option<(ServerTls, Vec<SpecError>)>, SpecErrors> {
        let Some((source, node)) = self.source.as_ref().zip(self.tls.as_ref()) else {
            return Ok(None);
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, &self.dir);
        let tls = receiver::tls(node, &reader).map(Some);
        errors.check(tls)
    }

    /// The faults that all specs accept, with variables substituted.
    ///
    /// # Errors
    /// All errors in them.
    pub fn ignored_faults(&self, globals: &Arc<Globals>) -> Result<Vec<IgnoredFaults>, SpecErrors> {
        let Some((source, node)) = self.source.as_ref().zip(self.mutate.as_ref()) else {
            return Ok(Vec::new());
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, &self.dir);
        let ignored = reader.ignored_faults(node);
        errors.check(ignored)
    }

    /// The values of `vars`, of files of variables and of the command line, in this precedence.
    ///
    /// # Errors
    /// All errors in them.
    pub fn variables(&self, globals: &Arc<Globals>) -> Result<BTreeMap<String, Value>, SpecErrors> {
        let mut all = globals.file.clone();
        let arguments = globals.arguments.iter();
        all.extend(arguments.map(|(name, text)| (name.clone(), Value::from(text.as_str()))));
        let Some(source) = &self.source else {
            return Ok(all);
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader::new(&errors, &scope, &self.dir);
        let own = reader.all(&self.vars.entries, |(name, node)| {
            Some((name.clone(), reader.value(node)?))
        });
        for (name, value) in errors.check(own)? {
            all.entry(name).or_insert(value);
        }
        Ok(all)
    }
}

fn read(root: &Node, errors: &ErrorList, dir: &Path, profile: Option<&str>) -> Option<Project> {
    let scope = Scope::new(Arc::default(), Variables::default());
    let reader = Reader::new(errors, &scope, dir);
    let mut project = Project::none(dir.to_path_buf());
    project.source = Some(errors.source().clone());
    reader.map(root, "a project file", keys::PROJECT)?;
    // An error in the profiles does not hide those in the project.
    let (merged, profiles) = profile::apply(root, profile, &reader)
        .unwrap_or_else(|| (root.clone(), Profiles::default()));
    let root = &merged;
    project.profiles = profiles;
    let specs = reader.optional(root, "specs", |node| reader.texts(node, "`specs`"));
    let secrets = reader.optional(root, "secrets", |node| reader.texts(node, "`secrets`"));
    let vars = reader.optional(root, "vars", |node| variables(node, &reader));
    let receiver = reader.optional(root, "receiver", |node| receiver(node, &reader));
    let receivers = reader.optional(root, "receivers", |node| receivers(node, &reader));
    let defaults = reader.optional(root, "defaults", |node| defaults(node, &reader));
    let services = reader.optional(root, "services", |node| services(node, &reader));
    let lint = reader.optional(root, "lint", |node| lint::lint(node, &reader));
    project.lint = lint.flatten().unwrap_or_default();
    // An error in one part does not hide those in the others.
    let receiver = receiver.flatten().unwrap_or_default();
    let of_receiver = |key| root.get("receiver").and_then(|node| node.get(key));
    project.token = of_receiver("token").cloned().map(Arc::new);
    project.tls = of_receiver("tls").cloned().map(Arc::new);
    let (ports, services) = services.flatten().unwrap_or_default();
    project.specs = specs.flatten().unwrap_or(project.specs);
    // The errors of services quote values, of which it must be known whether they are secret.
    let is_quotable = vars.is_some() && secrets.is_some();
    let services = if is_quotable { services } else { Vec::new() };
    project.secrets = secrets.flatten().unwrap_or_default();
    project.secret_places = places(root.get("secrets"), errors.source());
    project.vars = Variables {
        entries: vars.flatten().unwrap_or_default(),
        source: project.source.clone(),
    };
    project.defaults = defaults.flatten().unwrap_or_default();
    project.warnings = without_ready(&services, &reader);
    let configured = services.iter();
    let configured = configured.flat_map(|(name, node)| {
        configured_by_file(&format!("the service `{name}`"), node, &reader)
    });
    project.warnings.extend(configured);
    project
        .warnings
        .extend(configured_by_file("all services", root, &reader));
    let env = root.get("env");
    let env = env.filter(|env| reader.any_map(env, "`env`").is_some());
    project.env = env.cloned().map(Arc::new);
    project.backend = root.get("source").cloned().map(Arc::new);
    project.mutate = root.get("mutate").cloned().map(Arc::new);
    (project.listen, project.cors) = (receiver.listen, receiver.cors);
    project.hosts = receiver.hosts;
    project.receivers = receivers.flatten().unwrap_or_default();
    (project.ports, project.services) = (ports, services);
    Some(project)
}

/// The names in `secrets` and the scalars in `vars` of a project file with errors, to mask the
/// lines that the errors quote.
pub(crate) fn secrets_and_vars(source: &Source) -> (Vec<String>, Vec<(String, String)>) {
    let documents = parse_documents(&ErrorList::new(source));
    let Some(root) = documents.first() else {
        return Default::default();
    };
    let text = |node: &Node| match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.text.clone()),
        Kind::List(_) | Kind::Map(_) => None,
    };
    let names = match root.get("secrets").map(|node| &node.kind) {
        Some(Kind::List(items)) => items.iter().filter_map(text).collect(),
        _ => root.get("secrets").and_then(text).into_iter().collect(),
    };
    let vars = match root.get("vars").map(|node| &node.kind) {
        Some(Kind::Map(entries)) => entries
            .iter()
            .filter_map(|entry| Some((entry.key.text.clone(), text(&entry.value)?)))
            .collect(),
        _ => Vec::new(),
    };
    (names, vars)
}

/// The places of the elements of a list, or of a single value.
fn places(list: Option<&Node>, source: &Source) -> Vec<Location> {
    let nodes = list.into_iter().flat_map(Node::items);
    nodes.map(|node| source.at(node.place)).collect()
}

/// Names of further receivers, each with a port.
fn receivers(node: &Node, reader: &Reader<'_>) -> Option<Vec<(String, PortSpec)>> {
    reader.all(reader.any_map(node, "`receivers`")?, |entry| {
        let name = reader.key(entry)?;
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_-".contains(sign);
        if name.is_empty() || !name.chars().all(is_plain) {
            return reader.wrong(
                entry.key.place,
                format!("invalid name of a receiver `{name}`"),
                "here",
                "use letters, digits, `_` and `-`",
            );
        }
        Some((name, services::port(&entry.value, reader)?))
    })
}

fn defaults(node: &Node, reader: &Reader<'_>) -> Option<Defaults> {
    reader.map(node, "`defaults`", keys::DEFAULTS)?;
    let wait = reader.optional(node, "wait", |wait| reader.wait(wait));
    let request = reader.optional(node, "request", |request| {
        reader.map(request, "`request`", keys::REQUEST_DEFAULTS)?;
        reader.optional(request, "timeout", |timeout| {
            reader.duration(timeout, "a timeout")
        })
    });
    let run = reader.optional(node, "run", |run| {
        reader.map(run, "`run`", keys::RUN_DEFAULTS)?;
        Some(Arc::new(RunDefaults {
            node: run.clone(),
            source: reader.errors.source().clone(),
            dir: reader.dir.to_path_buf(),
        }))
    });
    Some(Defaults {
        wait: wait?.unwrap_or_default(),
        request_timeout: request?.flatten(),
        run: run?,
    })
}

/// Names and values of a file of variables: one map in YAML or JSON.
///
/// # Errors
/// All errors in the file.
pub fn read_variables(source: &Source) -> Result<BTreeMap<String, Value>, SpecErrors> {
    let errors = ErrorList::new(source);
    let scope = Scope::new(Arc::default(), Variables::default());
    let reader = Reader::new(&errors, &scope, Path::new("."));
    let documents = parse_documents(&errors);
    let entries = |root| {
        let entries = reader.any_map(root, "a file of variables")?;
        reader.all(entries, |entry| {
            Some((entry.key.text.clone(), reader.value(&entry.value)?))
        })
    };
    let read = documents.first().map_or_else(|| Some(Vec::new()), entries);
    errors.check(read.map(|entries| entries.into_iter().collect()))
}
