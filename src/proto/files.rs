//! Schemas from `.proto` files and descriptor sets.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use prost_reflect::DescriptorPool;
use protox::Compiler;

use super::problem::SchemaError;
use super::schema::Schema;

/// A schema, and its files as they were then.
struct Known {
    schema: Schema,
    states: Vec<FileState>,
}

type FileState = Option<(SystemTime, u64)>;

/// The parameters of a compilation: files, and folders of imports.
type Request = (Vec<PathBuf>, Vec<PathBuf>);

impl Schema {
    /// Compiles `.proto` files. Imports are found in the folders of `include`. A file that did not
    /// change is compiled once in this process.
    pub(crate) fn of_protos(files: &[PathBuf], include: &[PathBuf]) -> Result<Self, SchemaError> {
        remembered((files.to_vec(), include.to_vec()), || {
            compile(files, include)
        })
    }

    /// Reads a set of descriptors, as `protoc --descriptor_set_out --include_imports` writes it.
    pub(crate) fn of_descriptors(path: &Path) -> Result<Self, SchemaError> {
        remembered((vec![path.to_owned()], Vec::new()), || {
            let shown = path.display();
            let bytes = fs::read(path).map_err(|error| {
                let what = format!("failed to read {shown}: {error}");
                problem(what, "check the path, and that the file can be read")
            })?;
            let pool = DescriptorPool::decode(bytes.as_slice()).map_err(|error| {
                problem(
                    format!("{shown} is not a complete descriptor set: {error}"),
                    "create it with `protoc --include_imports --descriptor_set_out=FILE`, or `buf build -o FILE`",
                )
            })?;
            Ok(Self::read_from(vec![path.to_owned()], pool))
        })
    }
}

fn remembered(
    request: Request,
    read: impl FnOnce() -> Result<Schema, SchemaError>,
) -> Result<Schema, SchemaError> {
    static KNOWN: OnceLock<Mutex<HashMap<Request, Known>>> = OnceLock::new();
    let mut known = KNOWN
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(&request)
        && found.states == states(&found.schema)
    {
        return Ok(found.schema.clone());
    }
    let schema = read()?;
    let found = Known {
        states: states(&schema),
        schema: schema.clone(),
    };
    known.insert(request, found);
    Ok(schema)
}

fn states(schema: &Schema) -> Vec<FileState> {
    schema.files().iter().map(|path| state(path)).collect()
}

fn state(path: &Path) -> FileState {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn compile(files: &[PathBuf], include: &[PathBuf]) -> Result<Schema, SchemaError> {
    // A file is found in a folder by the beginning of its path.
    let canonical = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let include: Vec<PathBuf> = include.iter().map(canonical).collect();
    let mut compiler = Compiler::new(&include).map_err(|error| explained(&error))?;
    compiler.include_imports(true);
    for file in files {
        let path = canonical(file);
        if !include.iter().any(|folder| path.starts_with(folder)) {
            return Err(problem(
                format!("{} is in no folder of `include`", file.display()),
                "add the folder to which its `import` statements are relative",
            ));
        }
        compiler
            .open_file(path)
            .map_err(|error| explained(&error))?;
    }
    let read = compiler.files().filter_map(|file| file.path());
    let read = read.map(Path::to_owned).collect();
    Ok(Schema::read_from(read, compiler.descriptor_pool()))
}

fn explained(error: &protox::Error) -> SchemaError {
    // Only this form has the line.
    let text = format!("{error:?}").replace('\'', "`");
    let help = match error.is_file_not_found() {
        true => {
            "add the folder to which imports are relative: `proto: { files: protos/shop/v1/payment.proto, include: protos }`"
        }
        false => "correct the file; `protoc` reports the same",
    };
    let what = text.lines().next().unwrap_or_default();
    // At the end of a file, it names no place.
    match error.file() {
        Some(file) if !what.contains(file) => problem(format!("{file}: {what}"), help),
        _ => problem(what.to_owned(), help),
    }
}

fn problem(what: String, help: &'static str) -> SchemaError {
    SchemaError { what, help }
}
