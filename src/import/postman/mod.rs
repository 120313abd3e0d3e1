//! Collections and environments of Postman (formats 2.0 and 2.1).
//!
//! A request becomes a spec. Requests that use a variable which a script of another one sets become
//! steps of one spec. Scripts are not interpreted: the usual forms of assertions are recognised.

mod assertion;
mod request;
mod script;
mod subject;

use std::collections::BTreeSet;

use super::http_spec::{HttpSpec, HttpStep, add_file, name_apart};
use super::matcher::syntax;
use super::template::{from_mustache, literal, variable_name};
use super::{Content, Import, Map, Node, Remarks, Written, file_stem, place, roots};
use crate::secret::is_credential_header;
use crate::spec::{Location, Source, names_in};
use crate::trace::Value;
use script::{Statement, bracket, function_body, split, statements, without_comments};
use subject::{Names, Subject, string};

/// Adds the files of a collection or an environment. `folder` is the way from the output to the
/// folder of the source.
pub(crate) fn import(source: &Source, folder: &str, import: &mut Import) {
    for root in roots(source, &mut import.remarks) {
        document(source, &root, folder, import);
    }
}

fn document(source: &Source, root: &Node, folder: &str, import: &mut Import) {
    if root.get("item").is_some() {
        collection(root, folder, import);
    } else if root.get("values").is_some() {
        environment(root, import);
    } else {
        import.remarks.lost(
            &place::line(source, 1),
            "neither a collection of Postman (expected `info` and `item`) nor an environment (`values`): export it as \"Collection v2.1\"",
        );
    }
}

/// A request with its place in the collection.
struct Item {
    at: Location,
    folders: Vec<String>,
    name: String,
    step: HttpStep,
    sets: BTreeSet<String>,
    uses: BTreeSet<String>,
}

/// Values that folders pass on to their requests.
#[derive(Clone, Default)]
struct Inherited<'a> {
    folders: Vec<String>,
    auth: Option<&'a Node>,
    scripts: Vec<&'a Node>,
}

/// Converts requests in their order.
struct Converter<'a> {
    remarks: &'a mut Remarks,
    /// Variables with a value in the collection.
    vars: Vec<(String, Value)>,
    items: Vec<Item>,
    /// Scripts of folders whose remarks are reported already.
    reported: BTreeSet<usize>,
}

fn collection(root: &Node, folder: &str, import: &mut Import) {
    let name = root
        .get("info")
        .and_then(|info| info.text_of("name"))
        .unwrap_or("collection");
    let mut converter = Converter {
        remarks: &mut import.remarks,
        vars: Vec::new(),
        items: Vec::new(),
        reported: BTreeSet::new(),
    };
    converter.variables(root);
    converter.folder(root, &Inherited::default());
    let Converter { vars, items, .. } = converter;
    if items.is_empty() {
        import
            .remarks
            .lost(&root.at, "this collection has no request");
        return;
    }
    for (path, mut specs) in grouped(name, items, &mut import.remarks) {
        let way = format!("{}{folder}", "../".repeat(path.matches('/').count()));
        for spec in &mut specs {
            add_vars(spec, &vars);
            spec.find_files_in(&way);
        }
        name_apart(&mut specs);
        add_file(import, &root.at, &format!("{path}.yaml"), &specs);
    }
}

/// The variables that a spec uses, with the values of the collection.
fn add_vars(spec: &mut HttpSpec, vars: &[(String, Value)]) {
    let captured: BTreeSet<&str> = spec
        .steps
        .iter()
        .flat_map(|step| &step.captures)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut used: BTreeSet<String> = names_in(&spec.text()).map(str::to_owned).collect();
    // Values can have variables.
    for _ in 0..vars.len() {
        let more: Vec<String> = vars
            .iter()
            .filter(|(name, _)| used.contains(name))
            .flat_map(|(_, value)| {
                names_in(value.as_str().unwrap_or_default())
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        used.extend(more);
    }
    let wanted = vars
        .iter()
        .filter(|(name, _)| used.contains(name) && !captured.contains(name.as_str()));
    spec.vars = wanted.cloned().collect();
}

/// Files with their specs.
fn grouped(name: &str, items: Vec<Item>, remarks: &mut Remarks) -> Vec<(String, Vec<HttpSpec>)> {
    let flows = flows(&items);
    if flows
        .iter()
        .any(|(from, to)| items[*from].folders != items[*to].folders)
    {
        return vec![(file_stem(name), vec![sequence(name, items, remarks)])];
    }
    let linked: BTreeSet<Vec<String>> = flows
        .iter()
        .map(|(from, _)| items[*from].folders.clone())
        .collect();
    let mut folders: Vec<(Vec<String>, Vec<Item>)> = Vec::new();
    for item in items {
        match folders
            .iter_mut()
            .find(|(folder, _)| *folder == item.folders)
        {
            Some((_, known)) => known.push(item),
            None => folders.push((item.folders.clone(), vec![item])),
        }
    }
    let files = folders.into_iter().map(|(folder, items)| {
        let stems: Vec<String> = folder.iter().map(|part| file_stem(part)).collect();
        let path = match stems.is_empty() {
            true => file_stem(name),
            false => stems.join("/"),
        };
        let specs = match linked.contains(&folder) {
            true => vec![sequence(
                folder.last().map_or(name, String::as_str),
                items,
                remarks,
            )],
            false => items
                .into_iter()
                .map(|item| sequence(&item.name.clone(), vec![item], remarks))
                .collect(),
        };
        (path, specs)
    });
    files.collect()
}

/// Pairs of requests of which the first sets a variable that the second uses.
fn flows(items: &[Item]) -> Vec<(usize, usize)> {
    let pairs = (0..items.len()).flat_map(|to| (0..to).map(move |from| (from, to)));
    pairs
        .filter(|(from, to)| !items[*from].sets.is_disjoint(&items[*to].uses))
        .collect()
}

/// A spec with these requests as steps.
fn sequence(name: &str, items: Vec<Item>, remarks: &mut Remarks) -> HttpSpec {
    let mut taken = BTreeSet::new();
    let steps = items.into_iter().map(|item| {
        let mut step = HttpStep {
            name: Some(literal(&item.name)),
            ..item.step
        };
        step.captures.retain(|(name, _)| {
            let is_new = taken.insert(name.clone());
            if !is_new {
                remarks.lost(&item.at, format!("`{name}` is set again, but a capture has one value: give the second one another name, and use it in the requests below"));
            }
            is_new
        });
        step
    });
    HttpSpec {
        name: literal(name),
        steps: steps.collect(),
        ..HttpSpec::default()
    }
}

impl<'a> Converter<'a> {
    fn variables(&mut self, root: &Node) {
        for variable in root.get("variable").map_or(&[][..], Node::items) {
            let Some(name) = variable.text_of("key").or_else(|| variable.text_of("id")) else {
                continue;
            };
            let text = variable.text_of("value").unwrap_or_default();
            if text.is_empty() || variable.text_of("disabled") == Some("true") {
                continue;
            }
            if is_secret(name, variable) {
                self.remarks.note(&variable.at, not_written(name));
                continue;
            }
            let value = from_mustache(text, expression);
            self.vars.push((variable_name(name), Value::String(value)));
        }
    }

    fn folder(&mut self, folder: &'a Node, inherited: &Inherited<'a>) {
        let mut inherited = inherited.clone();
        inherited.auth = folder.get("auth").or(inherited.auth);
        inherited
            .scripts
            .extend(folder.get("event").map_or(&[][..], Node::items));
        for item in folder.get("item").map_or(&[][..], Node::items) {
            let name = item.text_of("name").unwrap_or("request");
            if item.get("item").is_some() {
                let mut inner = inherited.clone();
                inner.folders.push(name.to_owned());
                self.folder(item, &inner);
            } else if let Some(request) = item.get("request") {
                self.item(name, item, request, &inherited);
            } else {
                self.remarks
                    .lost(&item.at, format!("`{name}` has no `request`"));
            }
        }
    }

    fn item(&mut self, name: &str, item: &'a Node, request: &Node, inherited: &Inherited<'a>) {
        let mut step = HttpStep::default();
        let mut names = Names::default();
        let own = item.get("event").map_or(&[][..], Node::items);
        for event in inherited.scripts.iter().copied().chain(own) {
            let is_new = event.at.place.start;
            let mut ignored = Remarks::default();
            let is_repeated = !self.reported.insert(is_new);
            let remarks = if is_repeated {
                &mut ignored
            } else {
                &mut *self.remarks
            };
            event_script(event, &mut step, &mut names, &mut self.vars, remarks);
        }
        step.request = request::request(request, item, inherited.auth, self.remarks);
        if step.expect.is_empty() {
            // Postman accepts any response then.
            step.expect.status = Some(syntax("100..599"));
        }
        let alone = HttpSpec {
            steps: vec![step.clone()],
            ..HttpSpec::default()
        };
        self.items.push(Item {
            at: item.at.clone(),
            folders: inherited.folders.clone(),
            name: name.to_owned(),
            sets: step.captures.iter().map(|(name, _)| name.clone()).collect(),
            uses: names_in(&alone.text()).map(str::to_owned).collect(),
            step,
        });
    }
}

/// Our expression for `{{name}}`.
fn expression(name: &str) -> Option<String> {
    Some(match name {
        "$guid" | "$randomUUID" => "uuid()".to_owned(),
        "$isoTimestamp" => "now()".to_owned(),
        "$randomInt" => "random(0,1000)".to_owned(),
        name => variable_name(name.trim_start_matches('$')),
    })
}

fn is_secret(name: &str, variable: &Node) -> bool {
    variable.text_of("type") == Some("secret") || is_secret_name(name)
}

fn is_secret_name(name: &str) -> bool {
    is_credential_header(name) || name.to_ascii_lowercase().contains("key")
}

fn not_written(name: &str) -> String {
    format!(
        "the value of `{name}` is not written: it may be a secret; set it with --var or in the environment"
    )
}

/// The script of an event.
fn event_script(
    event: &Node,
    step: &mut HttpStep,
    names: &mut Names,
    vars: &mut Vec<(String, Value)>,
    remarks: &mut Remarks,
) {
    let Some(exec) = event.get("script").and_then(|script| script.get("exec")) else {
        return;
    };
    // A line of the script is a line of the file, or the script is one text.
    let mut script = String::new();
    let mut places: Vec<(usize, &Location)> = Vec::new();
    let lines = match &exec.content {
        Content::List(items) => items.as_slice(),
        _ => std::slice::from_ref(exec),
    };
    for line in lines {
        places.push((script.len(), &line.at));
        script.push_str(line.text().unwrap_or_default());
        script.push('\n');
    }
    let script = without_comments(&script);
    let mut reader = ScriptReader {
        script: &script,
        places: &places,
        is_test: event.text_of("listen") != Some("prerequest"),
        step,
        names,
        vars,
        remarks,
    };
    let all = statements(&script, 0..script.len());
    all.iter().for_each(|statement| reader.statement(statement));
}

struct ScriptReader<'a> {
    script: &'a str,
    /// The start of each line, and its place in the collection.
    places: &'a [(usize, &'a Location)],
    is_test: bool,
    step: &'a mut HttpStep,
    names: &'a mut Names,
    vars: &'a mut Vec<(String, Value)>,
    remarks: &'a mut Remarks,
}

impl ScriptReader<'_> {
    fn statement(&mut self, statement: &Statement<'_>) {
        let text = statement.text;
        let is_idle =
            text.starts_with("console.") || matches!(text, "\"use strict\"" | "'use strict'");
        if is_idle
            || self.test(statement).is_some()
            || self.declaration(text)
            || self.setting(statement).is_some()
        {
            return;
        }
        let is_known = self.is_test
            && assertion::assertion(statement, self.names, &mut self.step.expect).is_some();
        if !is_known {
            let start: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = start.chars().take(100).collect();
            let more = if short.len() < start.len() { "…" } else { "" };
            let at = self.place(statement.start);
            self.remarks.lost(
                &at,
                format!("`{short}{more}` of a script has no equivalent"),
            );
        }
    }

    fn place(&self, offset: usize) -> Location {
        let before = self.places.partition_point(|(start, _)| *start <= offset);
        self.places[before.saturating_sub(1)].1.clone()
    }

    /// `pm.test("name", function () { … })`.
    fn test(&mut self, statement: &Statement<'_>) -> Option<()> {
        let (arguments, rest) = bracket(statement.text.strip_prefix("pm.test")?)?;
        let parts = split(arguments, b',');
        // The function contains commas too, but in brackets.
        let [_, function] = parts.as_slice() else {
            return None;
        };
        if !rest.trim().is_empty() {
            return None;
        }
        let body = function_body(statement, function)?;
        let script = self.script;
        let inner = statements(script, body);
        inner.iter().for_each(|statement| self.statement(statement));
        Some(())
    }

    /// `const name = value`. A value that is unknown matters only where the name is used.
    fn declaration(&mut self, text: &str) -> bool {
        let rest = ["const ", "let ", "var "]
            .iter()
            .find_map(|word| text.strip_prefix(word));
        let Some((name, value)) = rest.and_then(|rest| rest.split_once('=')) else {
            return rest.is_some();
        };
        let (name, value) = (name.trim(), value.trim());
        const CALLS: [&str; 5] = [
            "sendRequest",
            "pm.test",
            "pm.expect",
            "pm.response.to",
            "tests[",
        ];
        let declares = |value: &str| !CALLS.iter().any(|call| value.contains(call));
        if let Some(fields) = name
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            if let Some(Subject::Json(path)) = self.names.subject(value) {
                for field in fields
                    .split(',')
                    .map(str::trim)
                    .filter(|field| field.chars().all(|c| c.is_alphanumeric() || c == '_'))
                {
                    let subject = Subject::Json(crate::spec::member(&path, field));
                    self.names.subjects.insert(field.to_owned(), subject);
                }
            }
            return declares(value);
        }
        let (subject, known) = (self.names.subject(value), self.names.value(value));
        // A name of another script can have another meaning here.
        self.names.subjects.remove(name);
        self.names.values.remove(name);
        if let Some(subject) = subject {
            self.names.subjects.insert(name.to_owned(), subject);
        } else if let Some(value) = known {
            self.names.values.insert(name.to_owned(), value);
        }
        declares(value)
    }

    /// `pm.environment.set("name", value)`.
    fn setting(&mut self, statement: &Statement<'_>) -> Option<()> {
        const SETTERS: [&str; 6] = [
            "pm.environment.set",
            "pm.collectionVariables.set",
            "pm.globals.set",
            "pm.variables.set",
            "postman.setEnvironmentVariable",
            "postman.setGlobalVariable",
        ];
        let rest = SETTERS
            .iter()
            .find_map(|setter| statement.text.strip_prefix(setter))?;
        let (arguments, rest) = bracket(rest)?;
        let parts = split(arguments, b',');
        let [name, value] = parts.as_slice() else {
            return None;
        };
        let name = variable_name(&string(name)?);
        if !rest.trim().is_empty() {
            return None;
        }
        let captured: Option<Written> = match self.names.subject(value) {
            Some(Subject::Json(path)) => Some(syntax(path)),
            Some(Subject::Header(header)) => Some(Map::flow("header", header).into()),
            Some(Subject::Code) => Some(Map::flow("status", syntax("true")).into()),
            Some(Subject::Body) => Some(Map::flow("body", syntax("=~ (?s)^(.*)$")).into()),
            Some(_) => return None,
            None => None,
        };
        if let (Some(captured), true) = (captured, self.is_test) {
            self.step.captures.push((name, captured));
            return Some(());
        }
        let value = self.names.value(value)?;
        if is_secret_name(&name) {
            let at = self.place(statement.start);
            self.remarks.note(&at, not_written(&name));
            return Some(());
        }
        self.vars.retain(|(known, _)| *known != name);
        self.vars.push((name, value));
        Some(())
    }
}

/// A file for `--var-file`.
fn environment(root: &Node, import: &mut Import) {
    let name = root.text_of("name").unwrap_or("environment");
    let mut values = serde_json::Map::new();
    for variable in root.get("values").map_or(&[][..], Node::items) {
        let Some(key) = variable.text_of("key") else {
            continue;
        };
        if variable.text_of("enabled") == Some("false") {
            continue;
        }
        if is_secret(key, variable) {
            import.remarks.note(&variable.at, not_written(key));
            continue;
        }
        let value = variable.text_of("value").unwrap_or_default();
        if value.contains("{{") {
            import.remarks.lost(&variable.at, format!("the value of `{key}` contains other variables: write it under `vars` of a spec or of spanspec.yaml"));
            continue;
        }
        let value = literal(value);
        values.insert(variable_name(key), value.into());
    }
    let text = serde_json::to_string_pretty(&values).unwrap_or_default();
    let path = format!("{}.vars.json", file_stem(name));
    let path = import.add(&path, format!("{text}\n")).to_owned();
    import.remarks.note(
        &root.at,
        format!("the environment is a file of variables: spanspec run --var-file {path}"),
    );
}

#[cfg(test)]
mod tests;
