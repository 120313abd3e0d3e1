//! The project, its ports and its specs: everything that is understood before anything is fired.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spanspec::project::{FILE_NAME, Project, read_variables};
use spanspec::report::{Diagnostic, Look, snippet};
use spanspec::service::{PortSpec, free_port};
use spanspec::spec::{Context, Globals, Source, Spec, SpecError, SpecErrors};
use spanspec::trace::Value;

use super::arguments::SpecArguments;
use super::exit::{Exit, refuse};
use super::files;

/// Whether ports get numbers: only where something is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    Allocated,
    Unknown,
}

/// A project that was read, with its specs.
pub(super) struct Workspace {
    pub(super) project: Project,
    pub(super) globals: Arc<Globals>,
    pub(super) specs: Vec<Spec>,
    /// How many spec files there are.
    pub(super) files: usize,
    pub(super) warnings: Vec<SpecError>,
}

impl Workspace {
    /// Reads everything. Where that fails, the user has been told all mistakes.
    pub(super) fn load(arguments: &SpecArguments, ports: Ports) -> Result<Self, Exit> {
        let project = load_project(arguments)?;
        let globals = Arc::new(globals(arguments, &project, ports)?);
        let paths = find(arguments, &project)?;
        let context = Context {
            globals: Arc::clone(&globals),
            defaults: project.defaults,
        };
        let (specs, mut mistakes) = read_specs(&paths, &context)?;
        // The services are understood too before anything is started.
        if let Err(errors) = project.services(&globals) {
            mistakes.extend(errors.0);
        }
        if !mistakes.is_empty() {
            return Err(tell(&mistakes));
        }
        let warnings = project.warnings.clone();
        Ok(Self {
            project,
            globals,
            specs,
            files: paths.len(),
            warnings,
        })
    }
}

fn load_project(arguments: &SpecArguments) -> Result<Project, Exit> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let path = match &arguments.config {
        Some(path) => path.clone(),
        None => match here
            .ancestors()
            .map(|dir| dir.join(FILE_NAME))
            .find(|path| path.is_file())
        {
            Some(path) => path,
            None => return Ok(Project::none(here)),
        },
    };
    let source = read(&path)?;
    let dir = path
        .canonicalize()
        .ok()
        .and_then(|path| path.parent().map(Path::to_path_buf));
    Project::read(&source, &dir.unwrap_or(here)).map_err(|errors| tell(&errors.0))
}

fn globals(arguments: &SpecArguments, project: &Project, ports: Ports) -> Result<Globals, Exit> {
    let mut file = BTreeMap::new();
    for path in &arguments.var_file {
        let source = read(path)?;
        file.extend(read_variables(&source).map_err(|errors| tell(&errors.0))?);
    }
    let mut services = BTreeMap::new();
    for port in &project.ports {
        let number = match (ports, port.spec) {
            (_, PortSpec::Fixed(number)) => Some(number),
            (Ports::Unknown, PortSpec::Auto) => None,
            (Ports::Allocated, PortSpec::Auto) => Some(free_port().map_err(|error| {
                refuse(Exit::Errored, &format!("error: no port is free: {error}"))
            })?),
        };
        services.insert(
            port.variable(),
            number.map(|number| Value::Int(number.into())),
        );
    }
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let assignments = arguments.vars.iter();
    Ok(Globals {
        arguments: assignments
            .map(|one| (one.name.clone(), one.value.clone()))
            .collect(),
        file,
        project: project.vars.clone(),
        services,
        environment,
        secrets: project
            .secrets
            .iter()
            .chain(&arguments.secrets)
            .cloned()
            .collect(),
    })
}

fn find(arguments: &SpecArguments, project: &Project) -> Result<Vec<PathBuf>, Exit> {
    let found = if arguments.specs.is_empty() {
        if !project.is_written() && !project.dir.join("specs").is_dir() {
            let message = format!(
                "error: there is no {FILE_NAME} here or in a folder above, and no folder specs/ here: name a spec, or create one of them"
            );
            return Err(refuse(Exit::Usage, &message));
        }
        files::find_specs(&project.specs, &project.dir)
    } else {
        files::find_specs(&arguments.specs, Path::new(""))
    };
    found.map_err(|error| refuse(Exit::Usage, &format!("error: {error}")))
}

/// The specs of all files, and the mistakes in them.
fn read_specs(paths: &[PathBuf], context: &Context) -> Result<(Vec<Spec>, Vec<SpecError>), Exit> {
    let (mut specs, mut mistakes, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let source = match files::read(path) {
            Ok(source) => source,
            Err(error) => {
                unreadable.push(format!("error: {error}"));
                continue;
            }
        };
        let dir = path.parent().unwrap_or(Path::new("."));
        match Spec::read_all(&source, dir, context) {
            Ok(read) => specs.extend(read),
            Err(SpecErrors(errors)) => mistakes.extend(errors),
        }
    }
    if unreadable.is_empty() {
        return Ok((specs, mistakes));
    }
    refuse(Exit::Usage, &unreadable.join("\n"));
    if !mistakes.is_empty() {
        tell(&mistakes);
    }
    Err(Exit::Usage)
}

fn read(path: &Path) -> Result<Source, Exit> {
    files::read(path).map_err(|error| refuse(Exit::Usage, &format!("error: {error}")))
}

/// So many mistakes are shown; who has more will not read them all at once.
const MOST_SHOWN: usize = 100;

/// Shows mistakes, each with its line.
fn tell(mistakes: &[SpecError]) -> Exit {
    let diagnostics: Vec<Diagnostic> = mistakes
        .iter()
        .take(MOST_SHOWN)
        .map(Diagnostic::from)
        .collect();
    let look = Look::of_stderr();
    let count = mistakes.len();
    let mistakes = match count {
        1 => "mistake",
        2..=MOST_SHOWN => "mistakes",
        _ => "mistakes, of which the first 100 are shown",
    };
    let text = snippet::diagnostics(&diagnostics, &look);
    refuse(
        Exit::Usage,
        &format!("{text}\n{count} {mistakes}; nothing was run"),
    )
}
