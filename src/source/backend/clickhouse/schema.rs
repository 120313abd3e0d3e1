//! The tables of the exporter, in all their forms.

use serde::Deserialize;

use crate::source::backend::otlp_answer;
use crate::trace::Hole;

/// Facts about the table.
#[derive(Debug, PartialEq)]
pub(super) struct Schema {
    /// Attributes are in columns of type JSON, not in maps of strings.
    pub(super) is_json: bool,
    /// The scope has columns; tables of old exporters have it among the attributes.
    pub(super) has_scope: bool,
    /// There is a table with the time of each trace.
    pub(super) has_lookup: bool,
    /// The settings of the user by which answers can be cut.
    cut_by: Vec<String>,
}

/// A row of `DESCRIBE TABLE`.
#[derive(Deserialize)]
pub(super) struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A setting by which answers can be cut.
#[derive(Deserialize)]
pub(super) struct Setting {
    name: String,
    value: String,
    #[serde(default)]
    changed: u8,
}

/// The remedy for a setting by which answers can be cut.
pub(super) const DEFAULT_SETTING: &str = "set it to its default for the user of spanspec";

/// The settings that cut each answer, also that about settings, in which they have the value 0.
const CUTTING_ALL: [&str; 2] = ["limit", "offset"];

/// Columns of all versions that are read.
const REQUIRED: [&str; 20] = [
    "Timestamp",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "TraceState",
    "SpanName",
    "SpanKind",
    "ServiceName",
    "ResourceAttributes",
    "SpanAttributes",
    "Duration",
    "StatusCode",
    "StatusMessage",
    "Events.Timestamp",
    "Events.Name",
    "Events.Attributes",
    "Links.TraceId",
    "Links.SpanId",
    "Links.TraceState",
    "Links.Attributes",
];

impl Schema {
    /// # Errors
    /// The name of a column that the table does not have.
    pub(super) fn of(
        columns: Vec<Column>,
        has_lookup: bool,
        settings: Vec<Setting>,
    ) -> Result<Self, &'static str> {
        let column = |name: &str| columns.iter().find(|column| column.name == name);
        if let Some(missing) = REQUIRED.into_iter().find(|name| column(name).is_none()) {
            return Err(missing);
        }
        let is_of_all = |setting: &Setting| CUTTING_ALL.contains(&setting.name.as_str());
        let (of_all, others): (Vec<_>, Vec<_>) = settings.into_iter().partition(is_of_all);
        let unset = of_all.iter().filter(|setting| setting.changed == 0);
        let is_whole = unset.count() == CUTTING_ALL.len();
        let cut_by = others
            .into_iter()
            .map(|setting| format!("`{}` is `{}`", setting.name, setting.value))
            .chain((!is_whole).then(|| "`limit` or `offset` is set".to_owned()))
            .collect();
        Ok(Self {
            is_json: column("SpanAttributes").is_some_and(|column| column.kind.starts_with("JSON")),
            has_scope: column("ScopeName").is_some() && column("ScopeVersion").is_some(),
            has_lookup,
            cut_by,
        })
    }

    /// The setting that can cut answers, with its value.
    pub(super) fn cut_by(&self) -> Option<&str> {
        self.cut_by.first().map(String::as_str)
    }

    /// The hole in each answer, if settings can cut it.
    pub(super) fn hole(&self, backend: &str) -> Option<Hole> {
        let why = self.cut_by()?;
        let mut hole = otlp_answer::partial(backend, why);
        DEFAULT_SETTING.clone_into(&mut hole.remedy);
        hole.reason = format!("{backend} can cut answers without notice: {why}");
        Some(hole)
    }
}
