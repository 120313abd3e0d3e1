//! Errors of reading the files to merge.

/// The reason why a file cannot be merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// Neither a JSON report of ours nor JUnit XML.
    #[error("{0}")]
    Foreign(&'static str),
    /// JSON that is cut off or has another structure.
    #[error("not a JSON report of spanspec: {0}")]
    Json(#[from] serde_json::Error),
    /// A report of a later version of the schema.
    #[error(
        "a JSON report with schema_version {0}, but this spanspec supports only 1: use a newer one"
    )]
    Version(u64),
    /// XML that is cut off or malformed.
    #[error("not JUnit XML: {0}")]
    Xml(String),
}
