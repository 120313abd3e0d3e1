//! OpenAPI 3.0 and 3.1: a contract spec for each operation.

mod operation;
mod reference;
mod schema;
mod values;

use super::http_spec::add_file;
use super::matcher::syntax;
use super::{Import, Node, file_stem, place, roots};
use crate::spec::Source;
use operation::Operation;
use reference::References;

/// The methods of a path.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Adds a file for each operation of a description.
pub(crate) fn import(source: &Source, import: &mut Import) {
    for root in roots(source, &mut import.remarks) {
        document(source, &root, import);
    }
}

fn document(source: &Source, root: &Node, import: &mut Import) {
    if root
        .text_of("openapi")
        .unwrap_or_default()
        .starts_with("3.")
    {
        return description(root, import);
    }
    let found = match root.text_of("swagger") {
        Some(version) => format!("OpenAPI {version} is not supported: convert it to 3.0"),
        None => {
            "not an OpenAPI description: expected the key `openapi` with a version such as 3.1.0"
                .to_owned()
        }
    };
    import.remarks.lost(&place::line(source, 1), found);
}

fn description(root: &Node, import: &mut Import) {
    let mut specs = Vec::new();
    let mut references = References::new(root, &mut import.remarks);
    for (path, item) in root.get("paths").map_or(&[][..], Node::entries) {
        let Some(item) = references.resolve(item) else {
            continue;
        };
        for method in METHODS {
            if let Some(node) = item.get(method) {
                let path = path.text().unwrap_or_default();
                let operation = Operation {
                    method,
                    path,
                    node,
                    item,
                };
                specs.push(operation.spec(root, &mut references));
            }
        }
    }
    if specs.is_empty() {
        import
            .remarks
            .lost(&root.at, "this description has no operation under `paths`");
    }
    for mut spec in specs {
        if spec.steps[0].expect.is_empty() {
            spec.steps[0].expect.status = Some(syntax("2xx"));
        }
        let path = format!("{}.yaml", file_stem(&spec.name));
        add_file(import, &root.at, &path, &[spec]);
    }
}

#[cfg(test)]
mod tests;
