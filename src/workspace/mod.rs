//! The project, its ports and its specs, read before anything is started or sent.
//!
//! Search paths and environment variables are parameters. The caller reports errors.

#[cfg(feature = "cli")]
mod collector;
mod error;
mod files;
mod recognized;
mod secrets;
mod selection;
mod specs;
#[cfg(feature = "cli")]
mod unused;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::LoadError;
pub use files::{FileError, find_specs, read, read_bytes, read_regular, shown};
pub use recognized::FileKind;
#[cfg(feature = "cli")]
pub(crate) use recognized::{has_budgets, has_keys, mentions_shape};
#[cfg(feature = "cli")]
pub(crate) use selection::with_needed;
pub(crate) use selection::{has_tags, with_timeout};
use specs::{SpecsRead, read_specs};

use crate::project::{Project, read_variables};
use crate::secret::Secrets;
use crate::send;
use crate::service::{PortSpec, Service, free_port};
use crate::source::backend::SourceSettings;
use crate::source::receiver::ServerTls;
use crate::spec::{
    Context, DeclaredService, Globals, IgnoredFaults, NamedFiles, NeedGraph, Scope, SendTelemetry,
    ServiceSet, Spec, SpecError, SpecErrors, Step, Trigger, Variables,
};
use crate::trace::Value;

/// Parameters of the search for specs, with their variables.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folder of the search for the project file, upwards, and of `specs`.
    pub dir: PathBuf,
    /// Files, folders and globs of specs. Empty for those of the project file.
    pub specs: Vec<String>,
    /// The project file. `None` to search for it.
    pub config: Option<PathBuf>,
    /// Names and values of `--var`.
    pub vars: BTreeMap<String, String>,
    /// Files of variables. Later ones have precedence.
    pub var_files: Vec<PathBuf>,
    /// Names of secret variables.
    pub secrets: Vec<String>,
    /// Collects their values, for the masking of output.
    pub hidden: Secrets,
    /// Collects the files that specs name.
    pub files: NamedFiles,
    /// Environment variables, with the lowest precedence.
    pub environment: BTreeMap<String, String>,
    /// Ports of the services.
    pub ports: Ports,
    /// The profile of the project file.
    pub profile: Option<String>,
    /// The backend from which traces are read, instead of that of the project file.
    pub backend: Option<SourceSettings>,
}

/// Numbers for `ports: auto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Free ports: services will be started.
    Allocated,
    /// Unknown: nothing will be started.
    Unknown,
    /// The project is read without its services.
    Absent,
    /// Ports of running services of another session, by variable: `services.shop.http`.
    Given(BTreeMap<String, u16>),
}

/// A project with its specs.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The project file, or the defaults without one.
    pub project: Project,
    /// Variables of specs and of the project file.
    pub globals: Arc<Globals>,
    /// All specs; each case of a matrix is one.
    pub specs: Vec<Spec>,
    /// The spec files, in reading order.
    pub files: Vec<PathBuf>,
    /// The services to start.
    pub started: ServiceSet,
    /// Warnings.
    pub warnings: Vec<SpecError>,
    /// The backend from which traces are read.
    pub(crate) backend: Option<SourceSettings>,
    /// The token that clients of the receiver must send.
    pub(crate) token: Option<String>,
    /// TLS of the receiver.
    pub(crate) tls: Option<ServerTls>,
    /// Warnings of its certificates, which are also in `warnings`.
    pub(crate) tls_warnings: Vec<SpecError>,
    /// The faults that all specs accept.
    pub(crate) ignored_faults: Vec<IgnoredFaults>,
}

impl Search {
    /// Searches in a folder and its parents, with these environment variables.
    #[must_use]
    pub fn from(dir: PathBuf, environment: BTreeMap<String, String>) -> Self {
        Self {
            dir,
            specs: Vec::new(),
            config: None,
            vars: BTreeMap::new(),
            var_files: Vec::new(),
            secrets: Vec::new(),
            hidden: Secrets::default(),
            files: NamedFiles::default(),
            environment,
            ports: Ports::Allocated,
            profile: None,
            backend: None,
        }
    }
}

impl Workspace {
    /// Reads the project and its specs.
    ///
    /// # Errors
    /// All errors in all files, and all files that cannot be read.
    pub fn load(search: &Search) -> Result<Self, LoadError> {
        let mut workspace = Self::without_specs(search)?;
        let paths = spec_files(search, &workspace.project)?;
        let context = Context {
            globals: Arc::clone(&workspace.globals),
            defaults: workspace.project.defaults.clone(),
        };
        let SpecsRead {
            specs,
            warnings,
            unreadable,
            mut errors,
        } = read_specs(&paths, &context);
        match workspace.project.ignored_faults(&workspace.globals) {
            Ok(ignored) => workspace.ignored_faults = ignored,
            Err(SpecErrors(found)) => errors.extend(found),
        }
        // Errors of services are reported before anything is started.
        if let Err(SpecErrors(found)) = workspace.project.services(&workspace.globals) {
            errors.extend(found);
        }
        if errors.is_empty() && unreadable.is_empty() {
            errors.extend(NeedGraph::new(&specs).errors());
        }
        if errors.is_empty() {
            errors.extend(unsendable(&specs));
        }
        if workspace.backend.is_some() {
            errors.extend(specs.iter().filter_map(refused_with_backend));
        }
        if workspace.project.profiles.is_read_only {
            errors.extend(specs.iter().filter_map(refused_when_reading));
        }
        if !errors.is_empty() || !unreadable.is_empty() {
            return Err(LoadError::Wrong { unreadable, errors });
        }
        workspace.specs = specs;
        workspace.warnings.extend(warnings);
        workspace.files = paths;
        Ok(workspace)
    }

    /// Reads the project without its specs, and assigns its ports.
    ///
    /// # Errors
    /// All errors in the project file and in files of variables, except errors in services.
    pub fn without_specs(search: &Search) -> Result<Self, LoadError> {
        let mut project = read_project(search)?;
        if search.ports == Ports::Absent {
            project = project.without_services();
        }
        let mut globals = Arc::new(globals(search, &project)?);
        Scope::new(Arc::clone(&globals), Variables::default()).hide_secrets();
        secrets::check(search, &project, &globals)?;
        if search.ports != Ports::Absent {
            let services = project.services(&globals).ok();
            let declared = services.map(|all| all.iter().map(declared).collect());
            Arc::make_mut(&mut globals).declared = declared;
        }
        let backend = match &search.backend {
            Some(backend) => Some(backend.clone()),
            None => project.backend(&globals)?,
        };
        if let Some(backend) = &backend {
            search.hidden.add(backend.credentials());
        }
        let token = project.token(&globals)?;
        search.hidden.add(token.iter().cloned());
        let (tls, tls_warnings) = match &search.ports {
            // The receiver of another process has read them.
            Ports::Given(_) => None,
            _ => project.tls(&globals)?,
        }
        .unzip();
        let tls_warnings = tls_warnings.unwrap_or_default();
        let warnings = project.warnings.iter().chain(&tls_warnings).cloned();
        Ok(Self {
            backend,
            token,
            tls,
            ignored_faults: Vec::new(),
            warnings: warnings.collect(),
            tls_warnings,
            project,
            globals,
            specs: Vec::new(),
            files: Vec::new(),
            started: ServiceSet::All,
        })
    }

    /// The addresses of the named receivers, as far as their ports are known.
    pub(crate) fn named_receivers(&self) -> Vec<(&str, SocketAddr)> {
        let address = |name: &str| match self.globals.services.get(&receiver_variable(name))? {
            Some(Value::Int(port)) => {
                let port = u16::try_from(*port).ok()?;
                Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            }
            _ => None,
        };
        let names = self.project.receivers.iter().map(|(name, _)| name.as_str());
        names
            .filter_map(|name| Some((name, address(name)?)))
            .collect()
    }

    /// Starts only the services that these specs need.
    pub fn start_for<'s>(&mut self, specs: impl IntoIterator<Item = &'s Spec>) {
        let run = specs.into_iter().filter(|spec| spec.skip.is_none());
        self.started = run.fold(ServiceSet::none(), |all, spec| all.union(&spec.services));
    }

    /// The services to start, with variables substituted.
    ///
    /// # Errors
    /// All errors in services.
    pub fn services_to_start(&self) -> Result<Vec<Service>, SpecErrors> {
        let mut services = self.project.services(&self.globals)?;
        services.retain(|service| self.started.has(&service.name));
        Ok(services)
    }
}

fn declared(service: &Service) -> DeclaredService {
    DeclaredService {
        name: service.name.clone(),
        telemetry_name: service
            .telemetry_name()
            .map_or_else(|| service.name.clone(), Cow::into_owned),
        depends_on: service.depends_on.clone(),
    }
}

fn read_project(search: &Search) -> Result<Project, LoadError> {
    let path = match &search.config {
        Some(path) => Some(path.clone()),
        None => match files::find_project(&search.dir)? {
            Some(path) => Some(path),
            None => project_of_specs(search)?,
        },
    };
    let Some(path) = path else {
        let project = Project::none(search.dir.clone());
        return with_known_profile(project, search);
    };
    let source = read(&path)?;
    let dir = path
        .canonicalize()
        .ok()
        .and_then(|path| path.parent().map(Path::to_path_buf));
    let dir = dir.unwrap_or_else(|| search.dir.clone());
    let (project, errors) = Project::read_with_errors(&source, &dir, search.profile.as_deref());
    let Some(mut errors) = errors else {
        return with_known_profile(project, search);
    };
    // Their errors quote values of variables, so it must be known which are secret.
    if search.ports != Ports::Absent
        && let Ok(globals) = globals(search, &project)
    {
        let globals = Arc::new(globals);
        Scope::new(Arc::clone(&globals), Variables::default()).hide_secrets();
        if let Err(of_services) = project.services(&globals) {
            errors.0.extend(of_services.0);
            errors.0.sort_by_key(|error| error.at.place);
        }
    }
    secrets::hide_in_errors(search, &[], &source);
    Err(errors.into())
}

/// The project, if it has the profile that was asked for.
fn with_known_profile(project: Project, search: &Search) -> Result<Project, LoadError> {
    match &search.profile {
        Some(given) if project.profiles.chosen.is_none() => Err(LoadError::UnknownProfile {
            given: given.clone(),
            known: project.profiles.names,
        }),
        _ => Ok(project),
    }
}

/// The error for a spec that sends something, under a profile that only reads.
fn refused_when_reading(spec: &Spec) -> Option<SpecError> {
    if spec.skip.is_some() {
        return None;
    }
    let mut steps = spec.setup.iter().chain(&spec.steps).chain(&spec.teardown);
    let sends = steps.find(|step| !step.only_reads())?;
    Some(SpecError {
        what: "this spec sends a request, which the profile does not permit (`read_only: true`)"
            .to_owned(),
        at: sends.at.clone(),
        label: "sends something".to_owned(),
        help: Some(
            "limit the spec to other profiles with `profiles: { not: [ … ] }`, or use `search`, `observe` or `trace_id`"
                .to_owned(),
        ),
    })
}

/// The inputs of `send`, as far as captures and ports do not determine them.
fn inputs(specs: &[Spec]) -> impl Iterator<Item = Box<SendTelemetry>> {
    let steps = specs.iter().flat_map(|spec| {
        let sending = spec.all_steps().filter(|step| step.sends_telemetry());
        sending.map(move |step| step.trigger(&spec.scope()))
    });
    steps.filter_map(|trigger| match trigger {
        Ok(Trigger::Send(input)) => Some(input),
        _ => None,
    })
}

/// The errors in the files of `send`, as far as captures and ports do not determine them.
fn unsendable(specs: &[Spec]) -> Vec<SpecError> {
    let mut errors: Vec<SpecError> = Vec::new();
    for error in inputs(specs).filter_map(|input| send::check(&input).err()) {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors
}

/// The error for a spec with `send`, `conformance` or `observe`, if traces are read from a backend and spans do not
/// come here.
fn refused_with_backend(spec: &Spec) -> Option<SpecError> {
    let is_refused = |step: &&Step| step.sends_telemetry() || step.runs_cases() || step.observes();
    let sends = spec.all_steps().find(is_refused);
    let sends = sends.filter(|_| spec.skip.is_none())?;
    if sends.observes() {
        return Some(SpecError {
            what: "`observe` sees what arrives here, and traces are read from a backend".to_owned(),
            at: sends.at.clone(),
            label: "needs the receiver".to_owned(),
            help: Some(
                "use `search`, which checks traces that the backend has; or limit the spec to profiles without `source`: `profiles: { not: [ … ] }`".to_owned(),
            ),
        });
    }
    let what = match sends.runs_cases() {
        true => "`conformance` observes spans as they arrive, and traces are read from a backend",
        false => {
            "`send` checks what a pipeline exports to spanspec, and traces are read from a backend"
        }
    };
    Some(SpecError {
        what: what.to_owned(),
        at: sends.at.clone(),
        label: "needs the receiver".to_owned(),
        help: Some(
            "limit the spec to profiles without `source`: `profiles: { not: [ … ] }`".to_owned(),
        ),
    })
}

/// The project file of the given specs, if there is none in this folder or above it: that of a part
/// of a repository.
fn project_of_specs(search: &Search) -> Result<Option<PathBuf>, LoadError> {
    let mut found: Vec<PathBuf> = Vec::new();
    for given in &search.specs {
        let path = search.dir.join(given);
        let folder = if path.is_dir() {
            Some(path.as_path())
        } else {
            path.parent().filter(|_| path.is_file())
        };
        let project = folder.map(files::find_project).transpose()?.flatten();
        found.extend(project.filter(|path| !found.contains(path)));
    }
    match found.as_slice() {
        [one, other, ..] => Err(LoadError::SeveralProjects {
            one: one.clone(),
            other: other.clone(),
        }),
        _ => Ok(found.pop()),
    }
}

fn globals(search: &Search, project: &Project) -> Result<Globals, LoadError> {
    let mut file = BTreeMap::new();
    for path in &search.var_files {
        let source = read(path)?;
        file.extend(read_variables(&source).inspect_err(|_| {
            secrets::hide_in_errors(search, &project.secrets, &source);
        })?);
    }
    let secrets = project.secrets.iter().chain(&search.secrets);
    Ok(Globals {
        arguments: search.vars.clone(),
        file,
        project: project.vars.clone(),
        services: numbered(&search.ports, project)?,
        declared: None,
        environment: search.environment.clone(),
        secrets: secrets.cloned().collect(),
        profiles: project.profiles.names.clone(),
        profile: project.profiles.chosen.clone(),
        lint: Arc::new(project.lint.clone()),
        hidden: search.hidden.clone(),
        files: search.files.clone(),
    })
}

/// The variable with the port of a named receiver.
pub(crate) fn receiver_variable(name: &str) -> String {
    format!("receivers.{name}.otlp")
}

/// The ports of services and of named receivers, by their variables in specs.
fn numbered(
    ports: &Ports,
    project: &Project,
) -> Result<BTreeMap<String, Option<Value>>, LoadError> {
    let mut numbered = BTreeMap::new();
    let of_services = project
        .ports
        .iter()
        .map(|port| (port.variable(), port.spec));
    let receivers = project.receivers.iter();
    let receivers = receivers.map(|(name, port)| (receiver_variable(name), *port));
    for (name, spec) in of_services.chain(receivers) {
        let number = match (ports, spec) {
            (Ports::Given(given), _) if given.contains_key(&name) => given.get(&name).copied(),
            (_, PortSpec::Fixed(number)) => Some(number),
            (Ports::Allocated, PortSpec::Auto) => Some(free_port().map_err(LoadError::NoPort)?),
            (Ports::Given(_), PortSpec::Auto) => {
                return Err(LoadError::UnknownPort { variable: name });
            }
            (Ports::Unknown | Ports::Absent, PortSpec::Auto) => None,
        };
        numbered.insert(name, number.map(|number| Value::Int(number.into())));
    }
    Ok(numbered)
}

/// The spec files of a search, in reading order.
///
/// # Errors
/// The first name without a match, or the lack of a project.
pub fn spec_files(search: &Search, project: &Project) -> Result<Vec<PathBuf>, LoadError> {
    if !search.specs.is_empty() {
        return Ok(find_specs(&search.specs, Path::new(""))?);
    }
    if !project.is_written() && !project.dir.join("specs").is_dir() {
        return Err(LoadError::NoProject);
    }
    Ok(find_specs(&project.specs, &project.dir)?)
}
