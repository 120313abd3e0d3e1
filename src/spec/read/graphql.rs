//! `graphql`: an operation over HTTP, and `graphql_errors`.

use std::ops::Range;

use http::header::ACCEPT;

use super::Reader;
use super::trigger::TriggerDefaults;
use crate::spec::expect::{Condition, ExpectedGraphQlError, GraphQlErrors};
use crate::spec::graphql::{GraphQlDocument, Operation};
use crate::spec::keys;
use crate::spec::trigger::{Body, GraphQl, Request};
use crate::spec::{Check, Limits, Location, Matcher, Place, Source};
use crate::trace::Value;
use crate::yaml::{ErrorList, suggest};
use crate::yaml::{Kind, Node, Style};

/// Both media types of GraphQL over HTTP. The new one has an error status if there is no `data`.
const ACCEPTED: &str = "application/graphql-response+json, application/json;q=0.9";

const EXAMPLE: &str = "write `{ url: \"${BASE_URL}/graphql\", query: \"{ orders { id } }\" }`";

/// The text of a query, and the way from its offsets to a place for messages.
struct Query<'n> {
    text: String,
    from: QuerySource<'n>,
}

enum QuerySource<'n> {
    Spec(&'n Node),
    File(Source),
}

impl Reader<'_> {
    pub(super) fn graphql(&self, node: &Node, defaults: &TriggerDefaults) -> Option<GraphQl> {
        if !matches!(node.kind, Kind::Map(_)) {
            let what = format!("`graphql` must be a map, found {}", node.describe());
            return self.wrong(node.place, what, "not a map", EXAMPLE);
        }
        self.map(node, "`graphql`", keys::GRAPHQL)?;
        let url = match node.get("url") {
            Some(url) => self.url(url),
            None => self.wrong(
                node.place,
                "`graphql` has no `url`",
                "missing `url`",
                EXAMPLE,
            ),
        };
        let method = self.optional(node, "method", |value| self.graphql_method(value));
        let query = self.graphql_query(node);
        let operation = self.optional(node, "operation", |value| {
            // A name that is not known yet cannot be compared with the query.
            let text = self.text(value, "the name of an operation")?;
            self.named(value, "the name of an operation")?;
            Some(text)
        });
        let variables = self.json_map(node, "variables");
        let extensions = self.json_map(node, "extensions");
        let transport = self.transport(node, defaults);
        let (query, operation) = (query?, operation?);
        let method = method?.unwrap_or(http::Method::POST);
        let title = match (&query, &operation) {
            // Its parts have no value yet.
            (None, _) | (_, Some(None)) => "query".to_owned(),
            (Some(query), operation) => {
                let name = operation.as_ref().and_then(Option::as_deref);
                self.checked_operation(query, name, node, &method)?
            }
        };
        let fields = [
            ("query", query.map(|query| Value::String(query.text))),
            ("operationName", operation.flatten().map(Value::String)),
            ("variables", variables?),
            ("extensions", extensions?),
        ];
        let fields: Vec<(String, Value)> = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        let mut request = Request {
            method,
            url: url?,
            ..transport?
        };
        if !request.headers.iter().any(|(name, _)| name == ACCEPT) {
            let accepted = http::HeaderValue::from_static(ACCEPTED);
            request.headers.push((ACCEPT, accepted));
        }
        if request.method == http::Method::GET {
            request.query = fields
                .into_iter()
                .map(|(name, value)| match value {
                    Value::String(text) => (name, text),
                    value => (name, value.to_json_text()),
                })
                .collect();
        } else {
            request.body = Body::Json(Value::Map(fields));
        }
        Some(GraphQl { request, title })
    }

    /// Headers, time, certificates and propagation, as of a `request`.
    fn transport(&self, node: &Node, defaults: &TriggerDefaults) -> Option<Request> {
        let headers = self.optional(node, "headers", |map| self.headers(map));
        let timeout = self.optional(node, "timeout", |value| self.duration(value, "a timeout"));
        let redirects = self.optional(node, "redirects", |value| {
            self.number(value, "a number of redirects", 0)
        });
        let tls = self.optional(node, "tls", |map| self.tls(map));
        let propagation = self.propagation(node, "headers");
        Some(Request {
            headers: headers?.unwrap_or_default(),
            timeout: timeout?.or(defaults.timeout),
            redirects: redirects?.unwrap_or(0),
            tls: tls?.unwrap_or_default(),
            propagation: propagation?,
            ..Request::new(http::Method::POST, super::trigger::unknown_url())
        })
    }

    fn graphql_method(&self, node: &Node) -> Option<http::Method> {
        self.parse(node, "a method", http::Method::POST, |text| match text {
            "GET" => Ok(http::Method::GET),
            "POST" => Ok(http::Method::POST),
            _ => Err(super::Refusal::new(
                format!("`{text}` is no method of GraphQL over HTTP"),
                "write `POST`, or `GET` for a query; the default is `POST`",
            )),
        })
    }

    /// A map of JSON values.
    fn json_map(&self, node: &Node, key: &str) -> Option<Option<Value>> {
        self.optional(node, key, |map| {
            self.any_map(map, &format!("`{key}`"))?;
            self.value(map)
        })
    }

    /// The query, inline or from a file; the inner `None` if a variable has no value yet.
    #[expect(
        clippy::option_option,
        reason = "the outer one is an error, as in all readers"
    )]
    fn graphql_query<'n>(&self, node: &'n Node) -> Option<Option<Query<'n>>> {
        let Some(query) = node.get("query") else {
            return self.wrong(
                node.place,
                "`graphql` has no `query`",
                "missing `query`",
                "add `query: \"{ orders { id } }\"`, or `query: { file: orders.graphql }`",
            );
        };
        let Kind::Map(_) = &query.kind else {
            self.refuse_braces(query)?;
            let text = self.text(query, "a query")?;
            return Some(text.map(|text| Query {
                text,
                from: QuerySource::Spec(query),
            }));
        };
        if query.get("file").is_none() {
            return self.wrong(
                query.place,
                "YAML reads this query as a map",
                "a map in YAML",
                "quote the query, or write it on the lines after `query: |`",
            );
        }
        self.map(query, "`query`", keys::QUERY_FILE)?;
        let file = query.get("file")?;
        let is_known = self.text(file, "a file")?.is_some();
        let path = self.file(file, "a file")?;
        if !is_known {
            return Some(None);
        }
        let source = self.source_of(&path, file)?;
        Some(Some(Query {
            text: source.text().to_owned(),
            from: QuerySource::File(source),
        }))
    }

    /// A query that is not quoted and begins with a brace is a map or list in YAML.
    fn refuse_braces(&self, query: &Node) -> Option<()> {
        match &query.kind {
            Kind::List(_) => self.wrong(
                query.place,
                "a query must be a text, found a list",
                "a list",
                "quote the query, or write it on the lines after `query: |`",
            ),
            _ => Some(()),
        }
    }

    /// Checks the query, the operation and the variables against each other. Returns the title of the
    /// operation.
    fn checked_operation(
        &self,
        query: &Query<'_>,
        name: Option<&str>,
        node: &Node,
        method: &http::Method,
    ) -> Option<String> {
        let document = match GraphQlDocument::parse(&query.text) {
            Ok(document) => document,
            Err(error) => {
                let what = format!("invalid GraphQL: {}", error.what);
                let help = "correct the query";
                return self.wrong_query(query, &error.range, what, "here", help);
            }
        };
        if let Some(range) = &document.of_schema {
            return self.wrong_query(
                query,
                range,
                "this defines a schema, and a query cannot contain it",
                "not an operation",
                "write an operation such as `query { orders { id } }`",
            );
        }
        let operation = self.chosen(&document, query, name, node)?;
        self.refuse_kind(operation, query, method)?;
        self.compare_variables(operation, query, node)?;
        Some(operation.title())
    }

    /// The operation that the server executes.
    fn chosen<'d>(
        &self,
        document: &'d GraphQlDocument,
        query: &Query<'_>,
        name: Option<&str>,
        node: &Node,
    ) -> Option<&'d Operation> {
        let named = |name: &str| {
            let mut operations = document.operations.iter();
            operations.find(|operation| operation.name.as_deref() == Some(name))
        };
        match (name, document.operations.as_slice()) {
            (_, []) => self.wrong_query(
                query,
                &(0..0),
                "this query has no operation",
                "no operation",
                "add an operation such as `query { orders { id } }`",
            ),
            (None, [only]) => Some(only),
            (None, several) => self.wrong(
                node.get("query")?.place,
                format!("this query has {} operations", several.len()),
                "several operations",
                format!(
                    "choose one: `operation: {}`",
                    document.names().first().unwrap_or(&"Name")
                ),
            ),
            (Some(name), _) => named(name).or_else(|| {
                let names = document.names();
                let help = match names.as_slice() {
                    [] => "name the operation in the query, or remove `operation`".to_owned(),
                    names => suggest(name, names),
                };
                self.wrong(
                    node.get("operation")?.place,
                    format!("the query has no operation `{name}`"),
                    "unknown operation",
                    help,
                )
            }),
        }
    }

    fn refuse_kind(
        &self,
        operation: &Operation,
        query: &Query<'_>,
        method: &http::Method,
    ) -> Option<()> {
        let (what, help) = match operation.kind.as_str() {
            "subscription" => (
                "a subscription has a stream of responses, which `graphql` does not read",
                "test it with a client of your own: `run: …`",
            ),
            "mutation" if *method == http::Method::GET => {
                ("a mutation cannot be sent with GET", "remove `method: GET`")
            }
            _ => return Some(()),
        };
        let label = format!("a {}", operation.kind);
        let start = operation.range.start;
        let keyword = start..start + operation.kind.len();
        self.wrong_query(query, &keyword, what, label, help)
    }

    /// Compares the variables that the operation declares with those that it uses, and those that
    /// `variables` has.
    fn compare_variables(
        &self,
        operation: &Operation,
        query: &Query<'_>,
        node: &Node,
    ) -> Option<()> {
        let declared: Vec<&str> = operation
            .variables
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let given: &[_] = match node.get("variables").map(|map| &map.kind) {
            Some(Kind::Map(entries)) => entries,
            _ => &[],
        };
        let mut is_right = true;
        for (name, range) in &operation.undeclared {
            is_right = false;
            self.wrong_query::<()>(
                query,
                range,
                format!("the operation does not declare the variable `${name}`"),
                "not declared",
                match declared.as_slice() {
                    [] => format!("declare it: `{} (${name}: ID!)`", operation.title()),
                    names => suggest(name, names),
                },
            );
        }
        for one in operation.variables.iter().filter(|one| !one.is_used) {
            is_right = false;
            self.wrong_query::<()>(
                query,
                &one.range,
                format!("the operation does not use its variable `${}`", one.name),
                "not used",
                "remove it: servers refuse such a query",
            );
        }
        for entry in given {
            if !declared.contains(&entry.key.text.as_str()) {
                is_right = false;
                self.wrong::<()>(
                    entry.key.place,
                    format!("the operation has no variable `{}`", entry.key.text),
                    "unknown variable",
                    match declared.as_slice() {
                        [] => "remove it: the operation declares no variables".to_owned(),
                        names => suggest(&entry.key.text, names),
                    },
                );
            }
        }
        let is_given = |name: &str| given.iter().any(|entry| entry.key.text == name);
        let required = operation.variables.iter().filter(|one| one.is_required);
        for one in required.filter(|one| !is_given(&one.name)) {
            is_right = false;
            let at = node.get("variables").unwrap_or(node).place;
            self.wrong::<()>(
                at,
                format!(
                    "the variable `${}` of type `{}` has no value",
                    one.name, one.of_type
                ),
                format!("missing `{}`", one.name),
                format!("add it: `variables: {{ {}: … }}`", one.name),
            );
        }
        is_right.then_some(())
    }

    /// Reports an error in a query, at its place in the spec or in its file.
    fn wrong_query<T>(
        &self,
        query: &Query<'_>,
        range: &Range<usize>,
        what: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        match &query.from {
            QuerySource::Spec(node) => {
                let place = self.place_in(node, &query.text, range);
                let mut label = label.into();
                if place == node.place {
                    // The text differs from the file: the place is in the text after substitution.
                    let (line, column) = Source::new("", query.text.as_str()).position(range.start);
                    label = format!("{label}: line {line}, column {column} of the query");
                }
                self.wrong(place, what, label, help)
            }
            QuerySource::File(source) => {
                let errors = ErrorList::new(source);
                let place = Place {
                    start: range.start,
                    end: range.end,
                };
                errors.note::<()>(place, what, label, Some(help.into()));
                self.errors.adopt(errors, None)
            }
        }
    }

    /// The place of a part of a scalar, if the file has the same text; else that of the scalar.
    fn place_in(&self, node: &Node, text: &str, range: &Range<usize>) -> Place {
        let file = self.errors.source().text();
        let found = match node.scalar() {
            Some(scalar) if scalar.style == Style::Block => {
                in_block(file, node.place.start, text, range.start)
            }
            Some(_) => {
                let written = file.get(node.place.start..node.place.end);
                let offset = written.and_then(|written| written.find(text));
                offset.map(|offset| node.place.start + offset + range.start)
            }
            None => None,
        };
        match found {
            Some(start) => Place {
                start,
                end: start + range.len(),
            },
            None => node.place,
        }
    }

    /// `graphql_errors`: a number of errors, or exactly these.
    pub(super) fn graphql_errors(&self, node: &Node) -> Option<Condition> {
        let is_list_of_errors = match &node.kind {
            Kind::List(items) => items.iter().any(|item| item.scalar().is_none()),
            Kind::Map(entries) => entries
                .iter()
                .any(|entry| keys::GRAPHQL_ERROR.contains(&entry.key.text)),
            Kind::Scalar(_) => false,
        };
        if !is_list_of_errors {
            let count = self.count(node, "`graphql_errors`")?;
            return Some(Condition::GraphQlErrors(GraphQlErrors::Count(count)));
        }
        if let Kind::Map(_) = &node.kind {
            return self.wrong(
                node.place,
                "`graphql_errors` must be a number or a list of errors",
                "one error",
                "write `[{ message: =~ not found }]`",
            );
        }
        let items = self.list(node, "`graphql_errors`")?;
        let each = self.all(items, |item| self.graphql_error(item))?;
        Some(Condition::GraphQlErrors(GraphQlErrors::Each(each)))
    }

    fn graphql_error(&self, node: &Node) -> Option<ExpectedGraphQlError> {
        if node.scalar().is_some() {
            return self.wrong(
                node.place,
                "an expected error must be a map, found a single value",
                "not a map",
                "write `{ message: =~ not found }`",
            );
        }
        let entries = self.map(node, "an expected error", keys::GRAPHQL_ERROR)?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "this expected error has no conditions",
                "empty",
                "write `{ message: =~ not found }`, or a number of errors",
            );
        }
        let text = |key: &str| self.optional(node, key, |value| self.text_matcher(value));
        let message = text("message");
        let code = text("code");
        let path = self.optional(node, "path", |value| match &value.kind {
            Kind::List(items) => {
                let segments = self.all(items, |item| self.text(item, "a segment of a path"))?;
                let segments: Vec<String> = segments
                    .into_iter()
                    .map(Option::unwrap_or_default)
                    .collect();
                Some(Matcher::Equal(Value::String(segments.join("."))))
            }
            _ => self.text_matcher(value),
        });
        Some(ExpectedGraphQlError {
            message: message?,
            path: path?,
            code: code?,
            at: self.at(node.place),
        })
    }

    /// The default check of a GraphQL operation: no errors.
    pub(crate) fn no_graphql_errors(at: Location) -> Check {
        let none = Limits::range(Some(0), Some(0), "0");
        Check {
            ask: Condition::GraphQlErrors(GraphQlErrors::Count(none)),
            at,
            awaits: Vec::new(),
            receiver: None,
        }
    }
}

/// The offset in the file of an offset in the text of a block scalar, whose lines are indented there.
fn in_block(file: &str, start: usize, text: &str, offset: usize) -> Option<usize> {
    let first = text.lines().next()?;
    let start_of_line = file[..start].rfind('\n').map_or(0, |at| at + 1);
    let mut at = start_of_line;
    let mut lines = file[start_of_line..].split_inclusive('\n').map(|line| {
        let found = (at, line.trim_end_matches(['\n', '\r']));
        at += line.len();
        found
    });
    // The text starts on this line, or after the line with `|`.
    let is_first = |line: &str| !first.is_empty() && line.trim_start() == first.trim_start();
    let mut here = lines.by_ref().take(2).find(|(_, line)| is_first(line))?;
    let mut before = 0;
    for line in text.split_inclusive('\n') {
        let written = line.trim_end_matches(['\n', '\r']);
        let indent = here.1.strip_suffix(written)?.len();
        if offset < before + line.len() || before + line.len() == text.len() {
            let within = (offset - before).min(written.len());
            return Some(here.0 + indent + within);
        }
        before += line.len();
        here = lines.next()?;
    }
    None
}
