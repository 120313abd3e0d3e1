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
    let specs = imported.files.iter();
    for (path, text) in specs.filter(|(path, _)| path.ends_with(".yaml") && path != "spanspec.yaml")
    {
        if let Some(error) = fuzzing::first_error(path, text) {
            let is_said = imported
                .remarks
                .contains("is not valid, and must be corrected");
            assert!(is_said, "{error}\n{text}");
        }
    }
});
