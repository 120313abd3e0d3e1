//! A test as the parts of a spec, or of a step.

use super::expression::Expr;
use super::files::Files;
use super::output::capture;
use super::specs::{Assertions, fixed};
use super::subject::ResponseKind;
use super::trigger::{Converter, Trigger};
use super::variables::Variables;
use crate::import::matcher::syntax;
use crate::import::template::variable_name;
use crate::import::{Import, Map, Node, Written};

/// A test of a file.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// The value of `spec`.
    pub(super) node: Node,
    pub(super) name: String,
}

impl Test {
    pub(super) fn of(document: &Node) -> Self {
        let node = document.get("spec").unwrap_or(document).clone();
        let name = node.text_of("name").or_else(|| node.text_of("id"));
        Self {
            name: name.unwrap_or("test").to_owned(),
            node,
        }
    }

    /// Adds the trigger, `capture` and `expect` to a spec or step. Returns `false` if the trigger has no
    /// equivalent.
    pub(super) fn put_in(
        &self,
        map: &mut Map,
        variables: &mut Variables,
        files: &Files<'_>,
        stem: &str,
        import: &mut Import,
    ) -> bool {
        let Some(trigger) = self.node.get("trigger") else {
            import.remarks.lost(
                &self.node.at,
                "the test has no trigger, and is not imported",
            );
            return false;
        };
        let mut converter = Converter {
            variables,
            files,
            import,
            stem,
        };
        let Some(trigger) = converter.trigger(trigger) else {
            return false;
        };
        self.note_settings(import);
        let captures = self.captures(variables, &trigger, import);
        let expect = self.expect(variables, &trigger, import);
        map.put(trigger.key, trigger.value);
        if !captures.is_empty() {
            map.put("capture", captures);
        }
        map.put("expect", expect);
        true
    }

    fn expect(&self, variables: &Variables, trigger: &Trigger, import: &mut Import) -> Map {
        let mut assertions = Assertions {
            trigger,
            variables,
            remarks: &mut import.remarks,
            expect: Map::new(),
        };
        if let Some(specs) = self.node.get("specs") {
            specs.items().iter().for_each(|spec| assertions.add(spec));
            // In files of old versions, `specs` is a map of selectors.
            if !specs.entries().is_empty() {
                assertions.remarks.lost(&specs.at, "`specs` is not a list");
            }
        }
        let mut expect = in_order(&assertions.expect);
        if expect.is_empty() {
            import.remarks.note(
                &self.node.at,
                "the test has no assertions that are imported: the spec requires only that the trigger succeeds",
            );
            match trigger.response {
                ResponseKind::Http | ResponseKind::GraphQl => expect.put("status", syntax("< 400")),
                ResponseKind::Grpc => expect.put("status", syntax("OK")),
                ResponseKind::None => expect.put("span_count", syntax("1..")),
            }
        }
        expect
    }

    fn captures(&self, variables: &mut Variables, trigger: &Trigger, import: &mut Import) -> Map {
        let mut captures = Map::new();
        let outputs = self
            .node
            .get("outputs")
            .map(Node::items)
            .unwrap_or_default();
        for output in outputs {
            let Some(name) = output.text_of("name") else {
                import.remarks.lost(&output.at, "an output has no name");
                continue;
            };
            let read = Expr::parse(output.text_of("value").unwrap_or_default());
            let at = output.get("value").map_or(&output.at, |value| &value.at);
            let converted = read.and_then(|read| {
                fixed(&read.fixes, at, &mut import.remarks);
                capture(output, &read.value, trigger)
            });
            match converted {
                Ok(converted) => {
                    converted
                        .notes
                        .iter()
                        .for_each(|note| import.remarks.note(at, note.as_str()));
                    captures.put(&variable_name(name), converted.value);
                    variables.captured.insert(variable_name(name));
                }
                Err(reason) => {
                    let text = format!("the output {name} has no equivalent: {reason}");
                    import.remarks.lost(at, text);
                }
            }
        }
        captures
    }

    fn note_settings(&self, import: &mut Import) {
        if let Some(node) = self.node.get("pollingProfile") {
            let text = "`pollingProfile` is left out: spanspec waits until the trace is complete; `wait: { timeout: … }` limits the time";
            import.remarks.note(&node.at, text);
        }
    }

    /// Tells tests apart.
    pub(super) fn identity(&self) -> String {
        self.node.at.to_string()
    }
}

/// The response before the trace.
fn in_order(expect: &Map) -> Map {
    const RESPONSE: [&str; 5] = ["status", "headers", "json", "body", "response_time"];
    let (response, trace): (Vec<_>, Vec<_>) =
        expect.values().partition(|(key, _)| RESPONSE.contains(key));
    let mut ordered = Map::new();
    let by_name = RESPONSE
        .iter()
        .filter_map(|name| response.iter().find(|(key, _)| key == name));
    by_name
        .chain(&trace)
        .for_each(|(key, value)| ordered.put(key, (*value).clone()));
    ordered
}

/// Adds the name and the description of a test or suite.
pub(super) fn title(called: &str, node: &Node, map: &mut Map) {
    map.put("name", name(called));
    if let Some(description) = node.text_of("description").map(str::trim)
        && !description.is_empty()
    {
        map.put("description", Written::literal(description));
    }
}

/// A name, which has no variables.
pub(super) fn name(text: &str) -> String {
    text.trim().replace("${", "{")
}
