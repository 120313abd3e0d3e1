//! A package's project as its tests see it: read once a process, with the files of its specs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::environment::Settings;
use super::error_text;
use super::live::Live;
use crate::background;
use crate::report::{Look, text};
use crate::result::{Report, Trouble};
use crate::secret::Secrets;
use crate::source::{self, Connection};
use crate::spec::{Context, Names, ServiceSet, Source, Spec, SpecErrors};
use crate::workspace::{
    FileError, Ports, Search, Workspace, find_specs, read, shown, with_timeout,
};

/// The name that errors in variables have in place of a file's.
const ENVIRONMENT: &str = "the environment";

/// A project whose services run as soon as a test needs them.
pub(super) struct Project {
    pub(super) settings: Settings,
    pub(super) workspace: Workspace,
    /// The package's folder, which paths of specs start from.
    folder: PathBuf,
    /// The receiver of the session, if it is in another process.
    connection: Mutex<Option<Connection>>,
    live: OnceLock<Result<Live, Vec<Trouble>>>,
    /// The services that are started; all if it is not set.
    services: OnceLock<ServiceSet>,
}

/// An error that prevents tests, as text.
pub(super) struct Mistake {
    /// The source of the error: a file, or `the environment`.
    pub(super) of: String,
    pub(super) text: String,
}

impl Project {
    /// Reads the project file that is found from a package's folder upwards, and the environment.
    /// Ports are those of the receiver that the environment names, unless nothing will run.
    pub(super) fn read(folder: &str, ports: Ports) -> Result<Self, Mistake> {
        let settings = Settings::of_process().map_err(|wrong| Mistake {
            of: ENVIRONMENT.to_owned(),
            text: wrong
                .iter()
                .map(|line| format!("error: {line}\n"))
                .collect(),
        })?;
        let folder = existing(folder);
        let connection = match ports {
            Ports::Unknown => None,
            _ => connect(&settings)?,
        };
        let ports = connection.as_ref().map_or(ports, |connection| {
            Ports::Given(connection.health.ports.clone())
        });
        let search = Search {
            config: settings.config.clone(),
            vars: settings.vars.clone(),
            var_files: settings.var_files.clone(),
            secrets: settings.secrets.clone(),
            ports,
            ..Search::from(folder.clone(), settings.all.clone())
        };
        let hidden = search.hidden.clone();
        let of_file = |text| Mistake {
            of: crate::project::FILE_NAME.to_owned(),
            text,
        };
        let workspace = Workspace::without_specs(&search)
            .map_err(|error| of_file(error_text::of_load(&error, &hidden)))?;
        // The services are understood too before anything is started.
        workspace
            .project
            .services(&workspace.globals)
            .map_err(|errors| of_file(error_text::of_specs(&errors.0, &hidden)))?;
        Ok(Self {
            settings,
            workspace,
            folder,
            connection: Mutex::new(connection),
            live: OnceLock::new(),
            services: OnceLock::new(),
        })
    }

    /// Values that no test may write.
    pub(super) fn hidden(&self) -> &Secrets {
        &self.workspace.globals.hidden
    }

    /// The files that a path of a macro stands for: at least one.
    pub(super) fn files(&self, given: &str) -> Result<Vec<PathBuf>, Mistake> {
        let mistake = |text| Mistake {
            of: given.to_owned(),
            text,
        };
        let found = find_specs(&[given.to_owned()], &self.folder).map_err(|error| {
            mistake(format!(
                "error: {error}; looked in {}\n",
                self.folder.display()
            ))
        })?;
        if found.is_empty() {
            return Err(mistake(format!(
                "error: there is no spec in {}: write one, or correct the path in the test's source\n",
                shown(&self.folder.join(given))
            )));
        }
        Ok(found)
    }

    /// A file as names of tests have it: from the package's folder, with `/`.
    pub(super) fn name(&self, file: &Path) -> String {
        match file.strip_prefix(&self.folder) {
            Ok(relative) => relative.to_string_lossy().replace('\\', "/"),
            Err(_) => shown(file),
        }
    }

    /// The specs of a file, with the timeout that the environment sets.
    pub(super) fn specs(&self, file: &Path) -> Result<Vec<Spec>, Mistake> {
        let mistake = |text| Mistake {
            of: self.name(file),
            text,
        };
        let source = read(file).map_err(|error| mistake(format!("error: {error}\n")))?;
        let specs = Spec::read_all(&source, folder_of(file), &self.context())
            .map_err(|SpecErrors(errors)| mistake(error_text::of_specs(&errors, self.hidden())))?;
        Ok(with_timeout(specs, self.settings.timeout))
    }

    /// The names of a file's specs, for a file that has errors.
    pub(super) fn names(&self, file: &Path) -> Names {
        let source = match read(file) {
            Ok(source) => source,
            Err(FileError::NotUtf8 { .. }) => {
                let bytes = std::fs::read(file).unwrap_or_default();
                Source::new(shown(file), String::from_utf8_lossy(&bytes))
            }
            Err(_) => return Names::unknown(),
        };
        Names::of(&source, folder_of(file), &self.context())
    }

    fn context(&self) -> Context {
        Context {
            globals: Arc::clone(&self.workspace.globals),
            defaults: self.workspace.project.defaults.clone(),
        }
    }

    /// An error if these files have specs, and the tags of the environment select none of them.
    pub(super) fn nothing_tagged(&self, files: &[PathBuf]) -> Option<Mistake> {
        if self.settings.tags.is_empty() {
            return None;
        }
        let read = files.iter().filter_map(|file| self.specs(file).ok());
        let specs: Vec<Spec> = read.flatten().collect();
        if specs.is_empty() || specs.iter().any(|spec| self.settings.selects(spec)) {
            return None;
        }
        Some(Mistake {
            of: ENVIRONMENT.to_owned(),
            text: self.settings.nothing_selected(&specs),
        })
    }

    /// Starts only these services. Has no effect after they were started.
    pub(super) fn start_only(&self, services: ServiceSet) {
        self.services.get_or_init(|| services);
    }

    /// The running session; the first call starts it, and others wait for that.
    pub(super) fn live(&self) -> Result<&Live, &[Trouble]> {
        let live = self.live.get_or_init(|| {
            let mut connection = self
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let mut workspace = self.workspace.clone();
            workspace.started = self.services.get().cloned().unwrap_or(ServiceSet::All);
            Live::start(&workspace, &self.settings, connection.take())
        });
        live.as_ref().map_err(Vec::as_slice)
    }

    /// Stops what was started. Returns the reports of runs whose verdicts late spans have
    /// overturned.
    pub(super) fn stop(self) -> Vec<Report> {
        match self.live.into_inner() {
            Some(Ok(live)) => live.stop(),
            Some(Err(_)) | None => Vec::new(),
        }
    }
}

/// The receiver that the environment names.
fn connect(settings: &Settings) -> Result<Option<Connection>, Mistake> {
    let Some(receiver) = &settings.receiver else {
        return Ok(None);
    };
    match background::block_on(source::connect(receiver)) {
        Ok(connection) => Ok(Some(connection)),
        Err(error) => Err(Mistake {
            of: ENVIRONMENT.to_owned(),
            text: text::trouble(&Trouble::from_error(&error), &Look::plain()),
        }),
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

/// The package's folder as the compiler saw it; where the tests were moved to another machine, as
/// runners of archived tests do, it is where the runner says.
fn existing(folder: &str) -> PathBuf {
    let compiled = PathBuf::from(folder);
    if compiled.is_dir() {
        return compiled;
    }
    std::env::var_os("CARGO_MANIFEST_DIR").map_or(compiled, PathBuf::from)
}
