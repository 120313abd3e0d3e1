//! The project, its ports and its specs: everything that is understood before anything is fired.
//!
//! Where to look, and what the environment says, comes in as values; telling the user what is
//! wrong is left to whoever asked.

mod error;
mod files;
mod secrets;
mod selection;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::LoadError;
pub use files::{FileError, find_specs, read, read_bytes, read_regular, shown};
pub(crate) use selection::{has_tags, with_timeout};

use crate::project::{Project, read_variables};
use crate::secret::Secrets;
use crate::service::{PortSpec, free_port};
use crate::spec::{Context, Globals, Scope, Source, Spec, SpecError, SpecErrors, Variables};
use crate::trace::Value;

/// Where specs are, and what their variables stand for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Where the project file is looked for, from here upwards, and where `specs` start.
    pub dir: PathBuf,
    /// Files, folders and globs of specs; those of the project file if there are none.
    pub specs: Vec<String>,
    /// The project file, if it is not to be looked for.
    pub config: Option<PathBuf>,
    /// Names and values, as `--var` gives them.
    pub vars: BTreeMap<String, String>,
    /// Files of variables; later ones win.
    pub var_files: Vec<PathBuf>,
    /// Names of variables whose values must not be written.
    pub secrets: Vec<String>,
    /// Where their values are added, for whoever writes what becomes of the search.
    pub hidden: Secrets,
    /// The environment, which variables are looked up in last.
    pub environment: BTreeMap<String, String>,
    /// Which ports services get.
    pub ports: Ports,
}

/// Which numbers `ports: auto` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Those of free ports: services will be started.
    Allocated,
    /// None yet: nothing will be started.
    Unknown,
    /// None at all: the project is read as if it had no services.
    Absent,
    /// Those of services that somebody else started, by variable: `services.shop.http`.
    Given(BTreeMap<String, u16>),
}

/// A project that was read, with its specs.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The project file, or what holds without one.
    pub project: Project,
    /// What variables stand for, in specs and in the project file.
    pub globals: Arc<Globals>,
    /// Every spec, and every case of a matrix.
    pub specs: Vec<Spec>,
    /// The spec files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// What is allowed, but worth a thought.
    pub warnings: Vec<SpecError>,
}

impl Search {
    /// Looks in a folder and above it, with nothing but an environment.
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
            environment,
            ports: Ports::Allocated,
        }
    }
}

impl Workspace {
    /// Reads the project and its specs.
    ///
    /// # Errors
    /// With all mistakes in all files, and all files that cannot be read.
    pub fn load(search: &Search) -> Result<Self, LoadError> {
        let mut workspace = Self::without_specs(search)?;
        let paths = spec_files(search, &workspace.project)?;
        let context = Context {
            globals: Arc::clone(&workspace.globals),
            defaults: workspace.project.defaults,
        };
        let (specs, unreadable, mut mistakes) = read_specs(&paths, &context);
        // The services are understood too before anything is started.
        if let Err(errors) = workspace.project.services(&workspace.globals) {
            mistakes.extend(errors.0);
        }
        if !mistakes.is_empty() || !unreadable.is_empty() {
            return Err(LoadError::Wrong {
                unreadable,
                mistakes,
            });
        }
        workspace.specs = specs;
        workspace.files = paths;
        Ok(workspace)
    }

    /// Reads the project and gives its ports numbers; looks at no spec.
    ///
    /// # Errors
    /// With all mistakes in the project file and in files of variables that can be seen before
    /// its services are understood.
    pub fn without_specs(search: &Search) -> Result<Self, LoadError> {
        let mut project = read_project(search)?;
        if search.ports == Ports::Absent {
            project = project.without_services();
        }
        let globals = Arc::new(globals(search, &project)?);
        Scope::new(Arc::clone(&globals), Variables::default()).hide_secrets();
        secrets::check(search, &project, &globals)?;
        Ok(Self {
            warnings: project.warnings.clone(),
            project,
            globals,
            specs: Vec::new(),
            files: Vec::new(),
        })
    }
}

fn read_project(search: &Search) -> Result<Project, LoadError> {
    let path = match &search.config {
        Some(path) => Some(path.clone()),
        None => files::find_project(&search.dir)?,
    };
    let Some(path) = path else {
        return Ok(Project::none(search.dir.clone()));
    };
    let source = read(&path)?;
    let dir = path
        .canonicalize()
        .ok()
        .and_then(|path| path.parent().map(Path::to_path_buf));
    let dir = dir.unwrap_or_else(|| search.dir.clone());
    Project::read(&source, &dir).map_err(|errors| {
        secrets::hide_in_errors(search, &[], &source);
        errors.into()
    })
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
        environment: search.environment.clone(),
        secrets: secrets.cloned().collect(),
        hidden: search.hidden.clone(),
    })
}

/// The ports of the project's services, by the name that specs use.
fn numbered(
    ports: &Ports,
    project: &Project,
) -> Result<BTreeMap<String, Option<Value>>, LoadError> {
    let mut numbered = BTreeMap::new();
    for port in &project.ports {
        let name = port.variable();
        let number = match (ports, port.spec) {
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

/// The spec files that a search means, in the order in which they are read.
///
/// # Errors
/// With the first name that stands for nothing, or where there is no project at all.
pub fn spec_files(search: &Search, project: &Project) -> Result<Vec<PathBuf>, LoadError> {
    if !search.specs.is_empty() {
        return Ok(find_specs(&search.specs, Path::new(""))?);
    }
    if !project.is_written() && !project.dir.join("specs").is_dir() {
        return Err(LoadError::NoProject);
    }
    Ok(find_specs(&project.specs, &project.dir)?)
}

/// The specs of all files, the files that cannot be read, and the mistakes in the others.
fn read_specs(paths: &[PathBuf], context: &Context) -> (Vec<Spec>, Vec<FileError>, Vec<SpecError>) {
    let (mut specs, mut unreadable, mut mistakes) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let source: Source = match read(path) {
            Ok(source) => source,
            Err(error) => {
                unreadable.push(error);
                continue;
            }
        };
        // Of a bare name it is empty, and no folder.
        let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = parent.unwrap_or(Path::new("."));
        match Spec::read_all(&source, dir, context) {
            Ok(read) => specs.extend(read),
            Err(SpecErrors(errors)) => mistakes.extend(errors),
        }
    }
    (specs, unreadable, mistakes)
}
