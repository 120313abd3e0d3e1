//! Files of hurl: entries become steps.

mod assertion;
mod entry;
mod options;
mod request;
mod token;

use std::collections::HashMap;
use std::path::Path;

use super::http_expect::HttpExpect;
use super::http_request::HttpBody;
use super::http_spec::{HttpSpec, HttpStep, add_file, title};
use super::matcher::{equal, keyed, syntax};
use super::place::{self, LineRemarks};
use super::template::{from_mustache, variable_name};
use super::{Import, Map, Remarks, Written, file_stem, first_free};
use crate::spec::{JsonPath, Source};
use crate::trace::Value;
use assertion::{Query, Target};
use entry::{Entry, Line, Message, Response};
use token::{Token, key_rest, key_value, tokens};

/// Adds the spec of a file. `folder` is the way from the output to the folder of the file.
pub(crate) fn import(source: &Source, folder: &str, import: &mut Import) {
    let entries = match entry::entries(source.text()) {
        Ok(entries) => entries,
        Err(error) => {
            let at = place::line(source, error.line);
            return import.remarks.lost(&at, error.text);
        }
    };
    if entries.is_empty() {
        let at = place::line(source, 1);
        return import.remarks.lost(&at, "this file has no request");
    }
    let stem = Path::new(source.name()).file_stem();
    let stem = stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut spec = Converter::new(source, &mut import.remarks).spec(&stem, &entries);
    spec.find_files_in(folder);
    if !spec.steps.is_empty() {
        let path = format!("{}.yaml", file_stem(&stem));
        add_file(import, &place::line(source, 1), &path, &[spec]);
    }
}

/// Converts the entries of a file in order, because captures are known to later entries only.
struct Converter<'a> {
    remarks: LineRemarks<'a>,
    /// The names of captures and variables in the spec.
    names: HashMap<String, String>,
    vars: Vec<(String, Value)>,
}

impl<'a> Converter<'a> {
    fn new(source: &'a Source, remarks: &'a mut Remarks) -> Self {
        Self {
            remarks: LineRemarks { source, remarks },
            names: HashMap::new(),
            vars: Vec::new(),
        }
    }

    fn spec(mut self, stem: &str, entries: &[Entry]) -> HttpSpec {
        let steps: Vec<HttpStep> = entries
            .iter()
            .filter_map(|entry| self.step(entry))
            .collect();
        let name = match steps.as_slice() {
            [
                HttpStep {
                    name: Some(name), ..
                },
            ] => name.clone(),
            _ => stem.to_owned(),
        };
        HttpSpec {
            name,
            vars: self.vars,
            steps,
            ..HttpSpec::default()
        }
    }

    /// `None` for an entry that is skipped.
    fn step(&mut self, entry: &Entry) -> Option<HttpStep> {
        let options = self.options(&entry.request)?;
        let mut step = HttpStep {
            request: self.request(entry, &options),
            ..HttpStep::default()
        };
        let comment = entry.comment.as_ref().filter(|text| text.len() <= 100);
        step.name = Some(match comment {
            Some(text) => crate::draft::yaml::escaped(text),
            None => title(&step.request.method, &step.request.url),
        });
        match &entry.response {
            Some(response) => self.response(response, &mut step),
            // hurl accepts any status then.
            None => step.expect.status = Some(syntax("100..599")),
        }
        if let Some((retries, interval)) = options.retry {
            let total = retries.saturating_mul(interval);
            step.poll = Some((format!("{interval}ms"), format!("{total}ms")));
            self.remarks.note(
                entry.url.number,
                format!("`retry` becomes a `poll` of {total} ms"),
            );
        }
        Some(step)
    }

    fn response(&mut self, response: &Response, step: &mut HttpStep) {
        let number = response.head.number;
        let mut words = response.head.text.split_whitespace();
        let version = words.next().unwrap_or_default();
        if !matches!(version, "HTTP" | "HTTP/*") {
            self.remarks
                .lost(number, format!("the version `{version}` cannot be checked"));
        }
        match words.next() {
            Some("*") | None => {}
            Some(status) if status.parse::<u16>().is_ok() => {
                step.expect.status = Some(syntax(status))
            }
            Some(status) => self
                .remarks
                .lost(number, format!("`{status}` is not a status")),
        }
        for line in &response.message.headers {
            match key_value(&line.text) {
                Some((name, value)) => {
                    let value = self.text(&value);
                    step.expect.any_header(&name, Written::equal(&value));
                }
                None => self
                    .remarks
                    .lost(line.number, format!("`{}` is not a header", line.text)),
            }
        }
        for section in &response.message.sections {
            for line in &section.lines {
                match section.name.as_str() {
                    "Captures" => self.capture(line, step),
                    "Asserts" => self.assert(line, &mut step.expect),
                    other => self.remarks.lost(
                        line.number,
                        format!("the section [{other}] is not one of a response"),
                    ),
                }
            }
        }
        if let Some(body) = &response.message.body {
            self.expected_body(body, &mut step.expect);
        }
        if step.expect.status.is_none() {
            // Without a status, a step of ours would accept the same.
            step.expect.status = Some(syntax("100..599"));
        }
    }

    fn assert(&mut self, line: &Line, expect: &mut HttpExpect) {
        let result = match tokens(&line.text) {
            None => Err("a quote is not closed".to_owned()),
            Some(tokens) => assertion::assertion(&tokens, &|text| self.text(text), expect),
        };
        if let Err(why) = result {
            self.remarks
                .lost(line.number, format!("`{}`: {why}", line.text));
        }
    }

    fn capture(&mut self, line: &Line, step: &mut HttpStep) {
        let result = self.captured(line);
        match result {
            Ok((name, value)) => {
                let free = self.free_name(&name);
                if free != name {
                    self.remarks.note(
                        line.number,
                        format!("`{name}` is captured again, as `{free}`"),
                    );
                }
                self.names.insert(name, free.clone());
                step.captures.push((free, value));
            }
            Err(why) => self
                .remarks
                .lost(line.number, format!("`{}`: {why}", line.text)),
        }
    }

    fn captured(&self, line: &Line) -> Result<(String, Written), String> {
        let (name, rest) = key_rest(&line.text).ok_or("it has no colon")?;
        let tokens = tokens(rest).ok_or("a quote is not closed")?;
        let (query, rest) = assertion::query(&tokens, &|text| self.text(text))?;
        if let [token, ..] = rest {
            let word = match token {
                Token::Word(word) | Token::Text(word) | Token::Regex(word) | Token::Bytes(word) => {
                    word
                }
            };
            return Err(format!("`{word}` after the query has no equivalent"));
        }
        Ok((variable_name(&name), captured_value(&query)?))
    }

    /// A name that no capture or variable has.
    fn free_name(&self, name: &str) -> String {
        first_free(
            name,
            |number| format!("{name}_{number}"),
            |name| self.names.values().any(|taken| taken == name),
        )
    }

    fn expected_body(&mut self, body: &Line, expect: &mut HttpExpect) {
        match self.body(body) {
            Some(HttpBody::Json(json)) => {
                expect.json("$", equal(&json));
                self.remarks
                    .note(body.number, "the body is compared as JSON, not as text");
            }
            Some(HttpBody::Text(text)) => expect.body(keyed("equals", text)),
            _ => self
                .remarks
                .lost(body.number, "the bytes of a body cannot be checked"),
        }
    }

    /// A text of hurl in our notation.
    fn text(&self, text: &str) -> String {
        from_mustache(text, |name| Some(self.expression(name)))
    }

    fn expression(&self, name: &str) -> String {
        match name {
            "newUuid" => "uuid()".to_owned(),
            "newDate" => "now()".to_owned(),
            name => self
                .names
                .get(name)
                .cloned()
                .unwrap_or_else(|| variable_name(name)),
        }
    }
}

/// The source of a capture.
fn captured_value(query: &Query) -> Result<Written, String> {
    if query.change.is_some() {
        return Err("a filter of a capture has no equivalent".to_owned());
    }
    let (key, value): (&str, Written) = match &query.target {
        Target::Json(path) if !JsonPath::parse(path).is_ok_and(|path| path.is_singular()) => {
            return Err("a capture of several values is not possible".to_owned());
        }
        Target::Json(path) => ("json", syntax(path)),
        Target::Header(name) => ("header", name.as_str().into()),
        Target::Cookie(name, None) => ("cookie", name.as_str().into()),
        Target::Cookie(_, Some(_)) => {
            return Err("an attribute of a cookie cannot be captured".to_owned());
        }
        Target::Status => ("status", syntax("true")),
        Target::Body => ("body", syntax("=~ (?s)^(.*)$")),
        Target::Regex(expression) => ("body", super::matcher::regex(expression)),
        Target::Duration => return Err("the duration cannot be captured".to_owned()),
    };
    let mut map = Map::flow(key, value.clone());
    match (query.is_secret, key) {
        (true, _) => map.put("secret", syntax("true")),
        (false, "json") => return Ok(value),
        (false, _) => {}
    }
    Ok(map.into())
}

impl Message {
    /// The lines of the sections with one of these names.
    fn section<'m>(&'m self, names: &[&str]) -> impl Iterator<Item = &'m Line> {
        let sections = self.sections.iter();
        let found = sections.filter(move |section| names.contains(&section.name.as_str()));
        found.flat_map(|section| &section.lines)
    }
}

#[cfg(test)]
mod tests;
