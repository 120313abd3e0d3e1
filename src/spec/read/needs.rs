//! `needs` of a spec.

use std::path::Path;

use super::Reader;
use crate::spec::Need;
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    /// Names of specs, or paths of files relative to the spec.
    pub(crate) fn needs(&self, node: &Node) -> Option<Vec<Need>> {
        if let Kind::Map(_) = &node.kind {
            return self.wrong(
                node.place,
                "`needs` must be the name of a spec or its file, or a list of them",
                "a map",
                "write `needs: placing an order`, or `needs: place-order.yaml`",
            );
        }
        self.all(node.items(), |item| {
            let name = self.named(item, "the name of a spec")?;
            Some(Need {
                file: is_file(&name).then(|| self.name_of(&self.dir.join(&name))),
                name,
                at: self.at(item.place),
            })
        })
    }
}

fn is_file(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
}
