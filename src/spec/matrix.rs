//! `matrix`: several cases of one spec.

mod csv;
mod file;

pub(super) use file::is_from_file;

use super::read::Reader;
use super::scope::Scope;
use crate::trace::Value;
use crate::yaml::{Kind, Node};

/// Maximum number of cases.
const MAX_CASES: usize = 1_000;

/// One case.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MatrixCase {
    pub(super) variables: Vec<MatrixVariable>,
    /// Its name, instead of its variables.
    label: Option<String>,
}

/// A variable of one case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MatrixVariable {
    pub(super) name: String,
    pub(super) value: Value,
    /// The value as written, with variables.
    pub(super) written: Node,
}

impl MatrixVariable {
    fn read(name: &str, node: &Node, reader: &Reader<'_>) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            value: reader.value(node)?,
            written: node.clone(),
        })
    }
}

impl MatrixCase {
    pub(super) fn set_in(&self, scope: &mut Scope) {
        for chosen in &self.variables {
            scope.set(chosen.name.clone(), chosen.value.clone());
        }
    }

    /// The case in words: its label, or `sku=A1, want=201`. `None` without a matrix.
    pub(super) fn name(&self) -> Option<String> {
        if self.label.is_some() || self.variables.is_empty() {
            return self.label.clone();
        }
        let values = self
            .variables
            .iter()
            .map(|chosen| format!("{}={}", chosen.name, chosen.value.to_text()));
        Some(values.collect::<Vec<_>>().join(", "))
    }
}

impl From<Vec<MatrixVariable>> for MatrixCase {
    fn from(variables: Vec<MatrixVariable>) -> Self {
        Self {
            variables,
            label: None,
        }
    }
}

/// The cases of a spec. Without `matrix`, a single one without variables.
pub(super) fn cases(root: &Node, reader: &Reader<'_>) -> Option<Vec<MatrixCase>> {
    let Some(node) = root.get("matrix") else {
        return Some(vec![MatrixCase::default()]);
    };
    match is_from_file(node) {
        true => file::cases(node, reader),
        false => of_node(node, reader),
    }
}

/// The cases in a map of lists, or a list of maps.
fn of_node(node: &Node, reader: &Reader<'_>) -> Option<Vec<MatrixCase>> {
    let cases: Vec<Vec<MatrixVariable>> = match &node.kind {
        Kind::Map(_) => combinations(node, reader)?,
        Kind::List(items) => reader.all(items, |item| {
            reader.all(reader.any_map(item, "a case")?, |entry| {
                MatrixVariable::read(&entry.key.text, &entry.value, reader)
            })
        })?,
        Kind::Scalar(_) => {
            return reader.wrong(
                node.place,
                "`matrix` must be a map of lists, a list of maps, or a file",
                "none of these",
                "write `{ sku: [A1, B2] }`, or `{ file: cases.csv }`",
            );
        }
    };
    match cases.len() {
        0 => reader.wrong(
            node.place,
            "this matrix has no case",
            "empty",
            "add values, or remove `matrix`",
        ),
        cases if cases > MAX_CASES => reader.wrong(
            node.place,
            format!("this matrix has {cases} cases"),
            "too many",
            format!("more than {MAX_CASES}"),
        ),
        _ => Some(cases.into_iter().map(MatrixCase::from).collect()),
    }
}

/// All combinations of the values.
fn combinations(node: &Node, reader: &Reader<'_>) -> Option<Vec<Vec<MatrixVariable>>> {
    let mut cases: Vec<Vec<MatrixVariable>> = vec![Vec::new()];
    for entry in reader.any_map(node, "`matrix`")? {
        let name = &entry.key.text;
        let values = reader.list(&entry.value, &format!("`{name}`"))?;
        let values = reader.all(values, |value| MatrixVariable::read(name, value, reader))?;
        if cases.len().saturating_mul(values.len()) > 100 * MAX_CASES {
            return reader.wrong(
                node.place,
                "too many cases",
                "too many",
                "remove some values",
            );
        }
        cases = cases
            .iter()
            .flat_map(|case| {
                values.iter().map(move |value| {
                    let mut case = case.clone();
                    case.push(value.clone());
                    case
                })
            })
            .collect();
    }
    Some(if cases == [Vec::new()] {
        Vec::new()
    } else {
        cases
    })
}
