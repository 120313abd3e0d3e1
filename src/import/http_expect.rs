//! Expectations of a response, as importers build them.

use std::sync::LazyLock;

use regex::Regex;

use super::{Map, Written, matcher};

/// Expectations of the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpExpect {
    pub(crate) status: Option<Written>,
    pub(crate) headers: Vec<(String, Written)>,
    pub(crate) json: Vec<(String, Written)>,
    pub(crate) body: Option<Written>,
    pub(crate) response_time: Option<Written>,
}

impl HttpExpect {
    /// Adds a condition on the value at a path.
    pub(crate) fn json(&mut self, path: &str, matcher: Written) {
        let known = self.json.iter_mut().find(|(key, _)| key == path);
        let merged = known.map(|(_, earlier)| {
            let merged = matcher::merged(earlier, &matcher);
            merged.map(|merged| *earlier = merged).is_some()
        });
        if merged == Some(true) {
            return;
        }
        // Each condition has a key of its own.
        let is_free = |key: &String| self.json.iter().all(|(other, _)| other != key);
        let key = path_spellings(path).find(is_free);
        merge(&mut self.json, key.as_deref().unwrap_or(path), matcher);
    }

    /// Adds a condition on the values of a header.
    pub(crate) fn header(&mut self, name: &str, matcher: Written) {
        merge(&mut self.headers, &name.to_ascii_lowercase(), matcher);
    }

    /// Adds a condition that another value of the header may meet than earlier ones.
    pub(crate) fn any_header(&mut self, name: &str, matcher: Written) {
        let lower = name.to_ascii_lowercase();
        if self
            .headers
            .iter()
            .any(|(key, other)| *key == lower && *other == matcher)
        {
            return;
        }
        // Names ignore case, so that each condition has a key of its own.
        let is_free = |key: &String| self.headers.iter().all(|(other, _)| other != key);
        let key = spellings(&lower)
            .find(is_free)
            .unwrap_or_else(|| lower.clone());
        merge(&mut self.headers, &key, matcher);
    }

    pub(crate) fn status(&mut self, matcher: Written) {
        add(&mut self.status, Some(matcher));
    }

    pub(crate) fn response_time(&mut self, matcher: Written) {
        add(&mut self.response_time, Some(matcher));
    }

    pub(crate) fn body(&mut self, matcher: Written) {
        add(&mut self.body, Some(matcher));
    }

    /// Adds the conditions of other expectations.
    pub(crate) fn add(&mut self, other: Self) {
        for (path, matcher) in other.json {
            self.json(&path, matcher);
        }
        for (name, matcher) in other.headers {
            self.header(&name, matcher);
        }
        add(&mut self.status, other.status);
        add(&mut self.body, other.body);
        add(&mut self.response_time, other.response_time);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.headers.is_empty()
            && self.json.is_empty()
            && self.body.is_none()
            && self.response_time.is_none()
    }

    pub(super) fn written(&self) -> Map {
        let mut written = Map::new();
        put_some(&mut written, "status", self.status.as_ref());
        put_map(&mut written, "headers", &self.headers);
        put_map(&mut written, "json", &self.json);
        put_some(&mut written, "body", self.body.as_ref());
        put_some(&mut written, "response_time", self.response_time.as_ref());
        written
    }
}

fn add(condition: &mut Option<Written>, matcher: Option<Written>) {
    *condition = match (condition.take(), matcher) {
        (Some(earlier), Some(matcher)) => Some(matcher::both(earlier, matcher)),
        (earlier, matcher) => earlier.or(matcher),
    };
}

fn put_some(map: &mut Map, key: &str, value: Option<&Written>) {
    if let Some(value) = value {
        map.put(key, value.clone());
    }
}

/// Adds a map, unless it is empty.
pub(super) fn put_map(map: &mut Map, key: &str, entries: &[(String, Written)]) {
    if !entries.is_empty() {
        let inner = map.map(key);
        entries
            .iter()
            .for_each(|(key, value)| inner.put(key, value.clone()));
    }
}

/// A path with brackets in place of more and more of its dots.
fn path_spellings(path: &str) -> impl Iterator<Item = String> {
    static DOT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\.([A-Za-z_][A-Za-z0-9_]*)").expect("it is valid"));
    let dots = match path.contains(['?', '(', '"', '\'']) {
        true => 0,
        false => DOT.find_iter(path).count(),
    };
    (0..=dots).map(move |dots| match dots {
        0 => path.to_owned(),
        dots => DOT.replacen(path, dots, "['$1']").into_owned(),
    })
}

/// A name with more and more of its letters in upper case.
fn spellings(name: &str) -> impl Iterator<Item = String> {
    let length = name.len();
    (0..=length).map(move |upper| {
        let (start, end) = name.split_at_checked(upper).unwrap_or((name, ""));
        format!("{}{end}", start.to_ascii_uppercase())
    })
}

fn merge(entries: &mut Vec<(String, Written)>, key: &str, matcher: Written) {
    match entries.iter_mut().find(|(other, _)| other == key) {
        Some((_, earlier)) => *earlier = matcher::both(earlier.clone(), matcher),
        None => entries.push((key.to_owned(), matcher)),
    }
}
