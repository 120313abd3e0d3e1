//! The two versions that the arguments name.

use std::path::{Path, PathBuf};

use crate::ab::Both;
use crate::project::FILE_NAME;
use crate::workspace::{FileKind, Ports, Search, Workspace, has_keys, shown};
use url::Url;

use super::super::budget_arguments::AbArguments;
use super::super::exit::Exit;
use super::super::load::{fail_load, search};

/// The default variable for the address of the system.
const URL_VARIABLE: &str = "BASE_URL";

/// The two versions.
#[derive(Debug)]
pub(super) enum AbVersions {
    /// Two project files, which start the versions.
    Projects(Both<String>),
    /// Two URLs of running versions, which export to spanspec.
    Urls {
        /// As typed.
        urls: Both<String>,
        /// Without credentials and query.
        names: Both<String>,
        /// The variable that has the URLs as values.
        variable: String,
    },
}

/// An argument.
enum Typed {
    Project,
    Url(Url),
}

/// Parses A and B.
///
/// # Errors
/// They are of different kinds, or another flag contradicts them.
pub(super) fn versions(arguments: &AbArguments) -> Result<AbVersions, String> {
    let (a, b) = (&arguments.a, &arguments.b);
    match (typed(a)?, typed(b)?) {
        (Typed::Project, Typed::Project) => projects(arguments),
        (Typed::Url(at_a), Typed::Url(at_b)) => {
            let names = Both {
                a: name(at_a),
                b: name(at_b),
            };
            urls(arguments, names)
        }
        (Typed::Url(url), Typed::Project) => Err(mixed(b, url)),
        (Typed::Project, Typed::Url(url)) => Err(mixed(a, url)),
    }
}

fn typed(text: &str) -> Result<Typed, String> {
    if !text.contains("://") {
        return project_file(text).map(|()| Typed::Project);
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Typed::Url(url)),
        _ => Err(format!(
            "`{text}` is not an HTTP URL: write http://127.0.0.1:8080, or a project file"
        )),
    }
}

fn project_file(text: &str) -> Result<(), String> {
    let path = Path::new(text);
    if path.is_dir() {
        let file = path.join(FILE_NAME);
        return Err(match file.is_file() {
            true => format!("{text} is a folder: name its project file {}", shown(&file)),
            false => format!("{text} is a folder without {FILE_NAME}: name a project file"),
        });
    }
    if !path.exists() && is_address(text) {
        return Err(format!(
            "there is no project file {text}; for an address, write http://{text}"
        ));
    }
    if !path.is_file() {
        return Err(format!(
            "there is no project file {text}; A and B are two project files that start a version each, or two URLs"
        ));
    }
    match FileKind::of(path) {
        Some(FileKind::Spec) => Err(format!(
            "{text} is a spec, not a project file: write `spanspec ab A B {text}`, where A and B are two project files or two URLs"
        )),
        Some(FileKind::Project) => Ok(()),
        Some(kind) => Err(format!(
            "{text} is {}, not a project file: {}",
            kind.name(),
            kind.command(path)
        )),
        // Errors in its keys are reported with their places.
        None if has_keys(path) => Ok(()),
        None => Err(format!(
            "{text} is not a project file: it has no key, such as `services`; A and B are two project files that start a version each, or two URLs"
        )),
    }
}

/// `127.0.0.1:8080`, `staging.example.com:80/shop`
fn is_address(text: &str) -> bool {
    Url::parse(&format!("http://{text}")).is_ok_and(|url| url.port().is_some())
}

fn mixed(file: &str, url: Url) -> String {
    format!(
        "{file} is a project file and {} is a URL; use two project files or two URLs",
        name(url)
    )
}

/// The URL without credentials and query.
fn name(mut url: Url) -> String {
    // Fails for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string().trim_end_matches('/').to_owned()
}

fn projects(arguments: &AbArguments) -> Result<AbVersions, String> {
    if let Some(config) = &arguments.specs.project.config {
        return Err(format!(
            "A and B are the project files, and --config names a third, {}: remove it",
            shown(config)
        ));
    }
    if arguments.url_variable.is_some() {
        return Err(
            "--url-variable is for two URLs, and A and B are project files: remove it".to_owned(),
        );
    }
    if !arguments.session.listen.is_empty() {
        return Err(
            "--listen is for two URLs; two project files have a receiver each: to set its port, write `receiver: { listen: [127.0.0.1:4317] }` into the file"
                .to_owned(),
        );
    }
    Ok(AbVersions::Projects(Both {
        a: arguments.a.clone(),
        b: arguments.b.clone(),
    }))
}

fn urls(arguments: &AbArguments, names: Both<String>) -> Result<AbVersions, String> {
    let variable = arguments.url_variable.as_deref().unwrap_or(URL_VARIABLE);
    let mut vars = arguments.specs.project.vars.iter();
    if vars.any(|one| one.name == variable) {
        return Err(format!(
            "the values of {variable} are A and B: remove --var {variable}"
        ));
    }
    Ok(AbVersions::Urls {
        urls: Both {
            a: arguments.a.clone(),
            b: arguments.b.clone(),
        },
        names,
        variable: variable.to_owned(),
    })
}

impl AbVersions {
    /// Their names in messages.
    pub(super) fn names(&self) -> &Both<String> {
        match self {
            Self::Projects(files) => files,
            Self::Urls { names, .. } => names,
        }
    }

    /// Loads both projects. An error has been printed.
    pub(super) fn workspaces(&self, arguments: &AbArguments) -> Result<Both<Workspace>, Exit> {
        let load = |search: Search| Workspace::load(&search).map_err(|error| fail_load(&error));
        let load = |one: &String| match self {
            Self::Projects(_) => load(Search {
                config: Some(PathBuf::from(one)),
                ..search(&arguments.specs, Ports::Allocated)
            }),
            Self::Urls { variable, .. } => {
                let mut search = search(&arguments.specs, Ports::Absent);
                // Specs write the slash before the path.
                let url = one.trim_end_matches('/').to_owned();
                search.vars.insert(variable.clone(), url);
                load(search)
            }
        };
        let (Self::Projects(both) | Self::Urls { urls: both, .. }) = self;
        Ok(Both {
            a: load(&both.a)?,
            b: load(&both.b)?,
        })
    }
}
