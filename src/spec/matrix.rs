//! `matrix`: several cases of one spec.

use super::read::Reader;
use super::yaml::{Kind, Node};
use crate::trace::Value;

/// Maximum number of cases.
const MAX_CASES: usize = 1_000;

/// The variables of one case.
pub(super) type MatrixCase = Vec<MatrixVariable>;

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

/// The cases of a spec. Without `matrix`, a single one without variables.
pub(super) fn cases(root: &Node, reader: &Reader<'_>) -> Option<Vec<MatrixCase>> {
    let Some(node) = root.get("matrix") else {
        return Some(vec![Vec::new()]);
    };
    let cases = match &node.kind {
        Kind::Map(_) => combinations(node, reader)?,
        Kind::List(items) => reader.all(items, |item| {
            reader.all(reader.any_map(item, "a case")?, |entry| {
                MatrixVariable::read(&entry.key.text, &entry.value, reader)
            })
        })?,
        Kind::Scalar(_) => {
            return reader.wrong(
                node.place,
                "`matrix` must be a map of lists, or a list of maps",
                "neither",
                "write `{ sku: [A1, B2] }`",
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
        _ => Some(cases),
    }
}

/// All combinations of the values.
fn combinations(node: &Node, reader: &Reader<'_>) -> Option<Vec<MatrixCase>> {
    let mut cases: Vec<MatrixCase> = vec![Vec::new()];
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
