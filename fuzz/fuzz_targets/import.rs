//! Any file of another tool is imported or its losses are named, and what is imported can be read.
//!
//! The first byte chooses the format; half of them are Tracetest. Each written file is a spec without errors, or a
//! remark says that it must be corrected; a file without a spec has a remark.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spanspec::internal::fuzzing::{self, ImportFormat};

const FORMATS: [ImportFormat; 8] = [
    ImportFormat::Tracetest,
    ImportFormat::Tracetest,
    ImportFormat::Tracetest,
    ImportFormat::Tracetest,
    ImportFormat::Curl,
    ImportFormat::Hurl,
    ImportFormat::Postman,
    ImportFormat::OpenApi,
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    let imported = fuzzing::imported(format, text);
    assert!(
        !imported.files.is_empty() || !imported.remarks.is_empty(),
        "nothing is said"
    );
    let is_spec = |path: &str| path.ends_with(".yaml");
    // A spec may name a file of another kind, which is written beside it.
    if !imported.files.iter().all(|(path, _)| is_spec(path)) {
        return;
    }
    for (path, text) in imported
        .files
        .iter()
        .filter(|(path, _)| path != "spanspec.yaml")
    {
        let specs = fuzzing::read_back(path, text);
        match specs {
            Ok(specs) => assert!(specs > 0, "{text}"),
            // The file of a body is not imported, and what the language does not have is named.
            Err(errors) => assert!(
                errors.to_string().contains("file not found")
                    || imported
                        .remarks
                        .contains("is not valid, and must be corrected"),
                "{errors}\n{text}"
            ),
        }
    }
});
