//! GraphQL documents: syntax, operations and their variables. A schema is not known here.

use std::collections::BTreeSet;
use std::ops::Range;

use apollo_parser::cst::{CstNode, Definition, Document, OperationDefinition, Type, Variable};
use apollo_parser::{Parser, SyntaxKind, SyntaxNode};

/// The operations of a document.
#[derive(Debug)]
pub(crate) struct GraphQlDocument {
    pub(crate) operations: Vec<Operation>,
    /// The first definition that a request cannot have: a type of a schema.
    pub(crate) of_schema: Option<Range<usize>>,
}

/// An operation of a document.
#[derive(Debug)]
pub(crate) struct Operation {
    /// `query`, `mutation` or `subscription`.
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) variables: Vec<DeclaredVariable>,
    /// The variables that it uses and does not declare.
    pub(crate) undeclared: Vec<(String, Range<usize>)>,
    pub(crate) range: Range<usize>,
}

/// A variable that an operation declares.
#[derive(Debug)]
pub(crate) struct DeclaredVariable {
    pub(crate) name: String,
    /// Its type, as written: `ID!`.
    pub(crate) of_type: String,
    /// A request without a value for it is refused.
    pub(crate) is_required: bool,
    /// The operation, or a fragment, uses it.
    pub(crate) is_used: bool,
    pub(crate) range: Range<usize>,
}

/// The first syntax error of a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GraphQlError {
    /// `expected a Name, found `}``.
    pub(crate) what: String,
    pub(crate) range: Range<usize>,
}

impl GraphQlDocument {
    pub(crate) fn parse(text: &str) -> Result<Self, GraphQlError> {
        let tree = Parser::new(text).parse();
        if let Some(error) = tree.errors().min_by_key(|error| error.index()) {
            return Err(GraphQlError {
                what: in_words(error),
                range: error.index()..error.index() + error.data().len(),
            });
        }
        let document = tree.document();
        let in_fragments = used_in_fragments(&document);
        let mut read = Self {
            operations: Vec::new(),
            of_schema: None,
        };
        for definition in document.definitions() {
            match definition {
                Definition::OperationDefinition(operation) => {
                    read.operations
                        .push(Operation::read(&operation, &in_fragments));
                }
                Definition::FragmentDefinition(_) => {}
                other => {
                    read.of_schema.get_or_insert(range(other.syntax()));
                }
            }
        }
        Ok(read)
    }

    /// The names of its operations.
    pub(crate) fn names(&self) -> Vec<&str> {
        let operations = self.operations.iter();
        operations
            .filter_map(|operation| operation.name.as_deref())
            .collect()
    }
}

impl Operation {
    fn read(operation: &OperationDefinition, in_fragments: &BTreeSet<String>) -> Self {
        let used = variables_in(operation.syntax());
        let declared = operation.variable_definitions();
        let declared = declared.iter().flat_map(|all| all.variable_definitions());
        let variables: Vec<DeclaredVariable> = declared
            .filter_map(|one| {
                let name = name_of(&one.variable()?)?;
                let of_type = one.ty()?;
                let is_required =
                    matches!(of_type, Type::NonNullType(_)) && one.default_value().is_none();
                let in_operation = used.iter().any(|(used, _)| *used == name);
                Some(DeclaredVariable {
                    is_used: in_operation || in_fragments.contains(&name),
                    of_type: of_type.syntax().text().to_string().trim().to_owned(),
                    is_required,
                    range: range(one.syntax()),
                    name,
                })
            })
            .collect();
        let is_declared = |name: &str| variables.iter().any(|one| one.name == name);
        Self {
            kind: operation.operation_type().map_or_else(
                || "query".to_owned(),
                |kind| kind.syntax().text().to_string().trim().to_owned(),
            ),
            name: operation.name().map(|name| name.text().to_string()),
            undeclared: used
                .into_iter()
                .filter(|(name, _)| !is_declared(name))
                .collect(),
            variables,
            range: range(operation.syntax()),
        }
    }

    /// `query Order`.
    pub(crate) fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("{} {name}", self.kind),
            None => self.kind.clone(),
        }
    }
}

fn used_in_fragments(document: &Document) -> BTreeSet<String> {
    let fragments = document
        .definitions()
        .filter(|one| matches!(one, Definition::FragmentDefinition(_)));
    fragments
        .flat_map(|fragment| variables_in(fragment.syntax()))
        .map(|(name, _)| name)
        .collect()
}

/// The variables that are used below a node, except where they are declared.
fn variables_in(node: &SyntaxNode) -> Vec<(String, Range<usize>)> {
    let is_declaration = |node: &SyntaxNode| {
        let parent = node.parent();
        parent.is_some_and(|parent| parent.kind() == SyntaxKind::VARIABLE_DEFINITION)
    };
    let variables = node
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::VARIABLE && !is_declaration(node));
    variables
        .filter_map(|node| {
            let range = range(&node);
            Some((name_of(&Variable::cast(node)?)?, range))
        })
        .collect()
}

fn name_of(variable: &Variable) -> Option<String> {
    Some(variable.name()?.text().to_string())
}

/// The range of a node, without the white space after it.
fn range(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    let text = node.text().to_string();
    let start = usize::from(range.start());
    start..start + text.trim_end().len()
}

/// The message of the parser in our words, with the text that it found.
fn in_words(error: &apollo_parser::Error) -> String {
    let message = error.message();
    if error.is_limit() {
        return "it is too large or too deeply nested".to_owned();
    }
    let expected = message.split(", got ").next().unwrap_or(message);
    let mut expected = expected.replace("exptected", "expected");
    for (kind, sign) in [
        ("R_CURLY", "`}`"),
        ("L_CURLY", "`{`"),
        ("R_PAREN", "`)`"),
        ("L_PAREN", "`(`"),
        ("R_BRACK", "`]`"),
        ("COLON", "`:`"),
    ] {
        expected = expected.replace(kind, sign);
    }
    if let Some(first) = expected.get(..1) {
        expected = first.to_ascii_lowercase() + &expected[1..];
    }
    match (error.is_eof(), error.data()) {
        (true, _) if message.contains("<EOF>") => {
            "expected an operation, found the end of the query".to_owned()
        }
        _ if !expected.starts_with("expected") => expected,
        (true, _) => format!("{expected}, found the end of the query"),
        (false, "") => expected,
        (false, found) => format!("{expected}, found `{found}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (String, Range<usize>) {
        let error = GraphQlDocument::parse(text).unwrap_err();
        (error.what, error.range)
    }

    #[test]
    fn an_operation_has_a_kind_a_name_and_variables() {
        let text = "query Order($id: ID!, $n: Int! = 1, $of: [String]) { order(id: $id, n: $n) { ...Lines } }
            fragment Lines on Order { lines(of: $of) { sku } }";
        let document = GraphQlDocument::parse(text).unwrap();
        assert_eq!(document.names(), ["Order"]);
        let operation = &document.operations[0];
        assert_eq!(operation.title(), "query Order");
        let declared: Vec<_> = operation
            .variables
            .iter()
            .map(|one| {
                (
                    one.name.as_str(),
                    one.of_type.as_str(),
                    one.is_required,
                    one.is_used,
                    &text[one.range.clone()],
                )
            })
            .collect();
        assert_eq!(
            declared,
            [
                ("id", "ID!", true, true, "$id: ID!"),
                ("n", "Int!", false, true, "$n: Int! = 1"),
                ("of", "[String]", false, true, "$of: [String]"),
            ]
        );
        assert_eq!(operation.undeclared, []);
        let anonymous = GraphQlDocument::parse("{ orders(n: $n) { id } }").unwrap();
        assert_eq!(anonymous.operations[0].title(), "query");
        assert_eq!(anonymous.operations[0].undeclared[0].0, "n");
    }

    #[test]
    fn a_syntax_error_has_its_place_and_what_was_found() {
        assert_eq!(
            error("{ order(id: ) { id } }"),
            ("expected a valid Value, found `)`".to_owned(), 12..13)
        );
        let (what, range) = error("{ order { id }");
        assert_eq!(what, "expected `}`, found the end of the query");
        assert_eq!(range, 14..14);
        assert_eq!(error("{ order { } }").1, 10..11);
        assert_eq!(
            error("# nothing").0,
            "expected an operation, found the end of the query"
        );
    }
}
