//! A spec for the gRPC services of the `.proto` files in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::detect::SKIPPED;
use crate::draft::yaml;
use crate::proto::{Method, Schema, decode};
use crate::schema::SPEC_URL;
use crate::trace::Value;

/// Depth of the search: `services/payment/protos/shop/v1/payment.proto`.
const DEPTH: usize = 6;

/// Maximum number of services in the spec.
const MOST: usize = 10;

/// The text of a file in `specs/` with a call of each service; `None` if there is none.
pub(super) fn spec(dir: &Path) -> Option<String> {
    let files = WalkDir::new(dir).max_depth(DEPTH).sort_by_file_name();
    let files = { files }.into_iter().filter_entry(is_searched).flatten();
    let files = files.filter(|entry| has_services(entry.path()));
    // Services often have copies of the files of others.
    let mut known = BTreeSet::new();
    let calls: Vec<String> = files
        .flat_map(|file| calls(dir, file.path()))
        .filter(|(service, _)| known.insert(service.clone()))
        .map(|(_, text)| text)
        .take(MOST)
        .collect();
    (!calls.is_empty()).then(|| {
        format!(
            "# yaml-language-server: $schema={SPEC_URL}
# A call of each gRPC service. Complete the messages, and add what you expect.
# GRPC_ADDRESS: the host and port of the server; set it in `vars` of the project file.
{}",
            calls.join("---\n")
        )
    })
}

/// Returns `false` for other files, and for `.proto` files with only messages, which need not be compiled.
fn has_services(file: &Path) -> bool {
    let is_proto = file.extension().is_some_and(|name| name == "proto");
    is_proto && fs::read_to_string(file).is_ok_and(|text| text.contains("service"))
}

fn is_searched(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_skipped = name.starts_with('.') || SKIPPED.contains(&name.as_ref());
    entry.depth() == 0 || !is_skipped
}

/// The services of a file, each with a spec.
fn calls(dir: &Path, file: &Path) -> Vec<(String, String)> {
    let Some((schema, include)) = compiled(dir, file) else {
        return Vec::new();
    };
    let name = slashed(file.strip_prefix(include).unwrap_or(file));
    let services = schema.services_of(&name);
    let from_specs = |path: &Path| {
        let path = slashed(path.strip_prefix(dir).unwrap_or(path));
        yaml::flow(format!("../{path}").trim_end_matches('/'))
    };
    let proto = match file.parent() == Some(include) {
        true => from_specs(file),
        false => format!(
            "{{ files: {}, include: {} }}",
            from_specs(file),
            from_specs(include)
        ),
    };
    let specs = services.iter().filter_map(|(service, methods)| {
        let is_unary = |(_, method): &&(String, Method)| !method.takes_stream();
        let (name, method) = methods.iter().find(is_unary).or(methods.first())?;
        let others = methods.iter().map(|(other, _)| other.as_str());
        let others: Vec<&str> = others.filter(|other| other != name).collect();
        let text = text(service, name, method, &proto, &others);
        Some((service.clone(), text))
    });
    specs.collect()
}

/// The schema of a file, and the folder to which its imports are relative.
fn compiled<'a>(dir: &Path, file: &'a Path) -> Option<(Schema, &'a Path)> {
    let folders = file.ancestors().skip(1);
    let folders = folders.take_while(|folder| folder.starts_with(dir));
    let mut compiled = folders.filter_map(|folder| {
        let schema = Schema::of_protos(&[file.to_owned()], &[folder.to_owned()]);
        Some((schema.ok()?, folder))
    });
    compiled.next()
}

fn text(service: &str, name: &str, method: &Method, proto: &str, others: &[&str]) -> String {
    let message = yaml::json(&skeleton(method), 4);
    let message = match method.takes_stream() {
        true => format!("  messages: [{}]\n", message.trim_start()),
        false if message == " {}" => String::new(),
        false => format!("  message:{message}\n"),
    };
    let others = match others {
        [] => String::new(),
        others => format!("  # Other methods: {}\n", others.join(", ")),
    };
    format!(
        "name: {service}/{name}
grpc:
  call: ${{GRPC_ADDRESS:-127.0.0.1:50051}}/{service}/{name}
{message}  proto: {proto}
expect:
  errors: 0
{others}"
    )
}

/// The fields of the message with their defaults, without those that are messages.
fn skeleton(method: &Method) -> Value {
    match decode(&method.input(), &[]) {
        Ok(Value::Map(fields)) => {
            let fields = fields.into_iter();
            Value::Map(fields.filter(|(_, value)| *value != Value::Null).collect())
        }
        _ => Value::Map(Vec::new()),
    }
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Context, Source, Spec};

    #[test]
    fn each_service_has_a_call_that_its_schema_accepts() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/docs");
        let text = spec(&dir).unwrap();
        assert!(
            text.ends_with(
                "\
name: shop.v1.Payment/Charge
grpc:
  call: ${GRPC_ADDRESS:-127.0.0.1:50051}/shop.v1.Payment/Charge
  message: { order_id: \"\", method: METHOD_UNSPECIFIED, token: \"\" }
  proto: { files: ../protos/shop/v1/payment.proto, include: ../protos }
expect:
  errors: 0
  # Other methods: Watch, Import, Convert
"
            ),
            "{text}"
        );
        let source = Source::new("grpc.yaml", text);
        Spec::read_all(&source, &dir.join("protos"), &Context::default()).unwrap();
        assert_eq!(spec(&dir.join("protos/shop/v1/nowhere")), None);
    }
}
