//! A test that written specs can be read.

use std::path::Path;
use std::sync::Arc;

use crate::spec::{Context, Globals, Source, Spec, names_in};

/// The specs of a text, in which each variable that is not defined has a value.
#[track_caller]
pub(crate) fn loads(text: &str) -> Vec<Spec> {
    let mut globals = Globals::default();
    for name in names_in(text) {
        let lower = name.to_ascii_lowercase();
        let is_start = lower.contains("url") || lower.contains("host") || lower.contains("base");
        let value = match lower.as_str() {
            name if name.contains("trace") => "0af7651916cd43dd8448eb211c80319c",
            name if name.contains("addr") => "127.0.0.1:1",
            _ if is_start => "http://127.0.0.1:1",
            _ => "1",
        };
        globals
            .environment
            .insert(name.to_owned(), value.to_owned());
    }
    let context = Context {
        globals: Arc::new(globals),
        ..Context::default()
    };
    let source = Source::new("imported.yaml", text);
    let read = Spec::read_all(&source, Path::new("."), &context);
    read.unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}
