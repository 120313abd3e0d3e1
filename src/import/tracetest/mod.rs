//! Specs from Tracetest's YAML files.

use super::{Import, Node};
use crate::spec::Source;

/// Converts all documents of these files.
pub(crate) fn import(sources: &[Source], import: &mut Import) {
    for source in sources {
        for document in Node::read(source, &mut import.remarks) {
            let kind = document.text_of("type").unwrap_or("nothing");
            import
                .remarks
                .lost(&document.at, format!("not imported: `type` is {kind}"));
        }
    }
}
