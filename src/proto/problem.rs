//! The reasons why there is no schema, no method, or no message. Builds without gRPC have them, too.

/// The reason why files have no schema, and help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaError {
    pub(crate) what: String,
    pub(crate) help: &'static str,
}

/// The reason why a schema has no such method, with the names that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnknownMethod {
    /// No such service.
    Service(Vec<String>),
    /// The service has no such method.
    Method(Vec<String>),
}

/// A part of a JSON value that does not fit a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// The way to the part. The last step is the unknown key if `is_key`.
    pub(crate) path: Vec<PathStep>,
    /// The key does not fit, and not its value.
    pub(crate) is_key: bool,
    /// The fact.
    pub(crate) what: String,
    /// The name that is unknown, if one is.
    pub(crate) unknown: Option<String>,
    /// The names that are known.
    pub(crate) known: Vec<String>,
}

/// A step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    Key(String),
    Item(usize),
}
