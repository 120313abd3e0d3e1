//! A spec of HTTP requests, as importers build it.
//!
//! All texts are in the notation of the language: `${x}` is a variable, `$${` a literal `${`.

use super::credentials::Credentials;
use super::http_expect::{HttpExpect, put_map};
use super::http_request::HttpRequest;
use super::{Import, Map, Written, first_free, matcher};
use crate::spec::Location;
use crate::trace::Value;

/// A spec, or several steps that share captures and cookies.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpSpec {
    pub(crate) name: String,
    /// Lines of comments above the spec.
    pub(crate) comments: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) vars: Vec<(String, Value)>,
    /// One step is written without `steps`.
    pub(crate) steps: Vec<HttpStep>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HttpStep {
    pub(crate) name: Option<String>,
    pub(crate) request: HttpRequest,
    pub(crate) captures: Vec<(String, Written)>,
    pub(crate) expect: HttpExpect,
    /// `every` and `timeout` of a poll until `expect` is met, in place of `expect`.
    pub(crate) poll: Option<(String, String)>,
}

impl HttpSpec {
    /// Changes relative paths, which are relative to a folder so far.
    pub(crate) fn find_files_in(&mut self, folder: &str) {
        for path in self.steps.iter_mut().flat_map(|step| step.request.files()) {
            if !path.starts_with(['/', '$']) && !path.contains(":\\") {
                path.insert_str(0, folder);
            }
        }
    }

    /// The text of the spec, with variables in place of credentials.
    pub(crate) fn text(&self) -> String {
        let mut credentials = Credentials::default();
        let mut vars = self.vars.clone();
        vars.retain(|(name, value)| !credentials.has_variable(name, value));
        let steps: Vec<HttpStep> = self
            .steps
            .iter()
            .map(|step| HttpStep {
                request: step.request.without(&mut credentials),
                ..step.clone()
            })
            .collect();
        let mut spec = Map::new();
        for comment in &self.comments {
            spec.comment_above(&credentials.hidden_in(comment));
        }
        for one in credentials.iter() {
            spec.comment_above(&format!(
                "{}: {}, not saved here; set it with --var or in the environment",
                one.variable, one.what
            ));
        }
        spec.put("name", self.name.as_str());
        if let Some(description) = &self.description {
            spec.put("description", description.as_str());
        }
        if !self.tags.is_empty() {
            let tags = self.tags.iter().map(|tag| tag.as_str().into());
            spec.put("tags", tags.collect::<Vec<Written>>());
        }
        for (name, value) in &vars {
            spec.map("vars").put(name, Written::json(value));
        }
        match steps.as_slice() {
            [one] => one.put_in(&mut spec),
            several => {
                for step in several {
                    let mut written = Map::new();
                    if let Some(name) = &step.name {
                        written.put("name", name.as_str());
                    }
                    step.put_in(&mut written);
                    spec.list("steps").push(written.into());
                }
            }
        }
        spec.document()
    }
}

impl HttpStep {
    fn put_in(&self, map: &mut Map) {
        map.put("request", self.request.written());
        put_map(map, "capture", &self.captures);
        if let Some((every, timeout)) = &self.poll {
            let poll = map.map("poll");
            poll.put("until", self.expect.written());
            poll.put("every", matcher::syntax(every));
            poll.put("timeout", matcher::syntax(timeout));
        } else {
            map.put("expect", self.expect.written());
        }
    }
}

/// The default name of a spec: the method and the path.
pub(crate) fn title(method: &str, url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => match url.starts_with("${") {
            true => url.find('}').map_or(url, |at| &url[at + 1..]),
            false => url,
        },
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = if path.is_empty() { "/" } else { path };
    // Names of specs have no variables.
    let path = path.replace("${", "{");
    format!("{method} {path}")
}

/// Adds a file with specs. `at` is their place in the source.
pub(crate) fn add_file(import: &mut Import, at: &Location, path: &str, specs: &[HttpSpec]) {
    let texts: Vec<String> = specs.iter().map(HttpSpec::text).collect();
    import.add_specs(at, path, texts.join("---\n"));
}

/// Names of specs in one file must differ.
pub(crate) fn name_apart(specs: &mut [HttpSpec]) {
    for at in 1..specs.len() {
        let (before, rest) = specs.split_at_mut(at);
        let spec = &mut rest[0];
        spec.name = first_free(
            &spec.name,
            |number| format!("{} ({number})", spec.name),
            |name| before.iter().any(|other| other.name == name),
        );
    }
}
