//! The queries. Each value is a bound parameter, also the names of the tables.

use super::schema::Schema;
use crate::source::backend::adapter::SearchQuery;
use crate::trace::{TraceId, Value};

/// A query with its parameters.
#[derive(Debug)]
pub(super) struct Query {
    text: String,
    parameters: Vec<(String, String)>,
    table: String,
}

/// The name of the table, in a query.
const TABLE: &str = "{database:Identifier}.{table:Identifier}";
/// The table with the time of each trace, in a query.
const LOOKUP: &str = "{database:Identifier}.{lookup:Identifier}";
/// A span without an end, or with an end before its start, in a query: durations without a sign wrap around.
const IS_NEGATIVE: &str = "toInt64(Duration) < 0";
/// A span that belongs to a trace, in a query.
const IN_TRACE: &str = "TraceId != ''";

impl Query {
    /// A query on this table.
    pub(super) fn on(database: &str, table: &str) -> Self {
        let parameters = [("param_database", database), ("param_table", table)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            text: String::new(),
            parameters: parameters.into(),
            table: table.to_owned(),
        }
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The columns of the table.
    pub(super) fn describe(self) -> Self {
        self.with(&format!("DESCRIBE TABLE {TABLE}"))
    }

    /// The columns of the table with the time of each trace.
    pub(super) fn describe_lookup(self) -> Self {
        self.with_lookup().with(&format!("DESCRIBE TABLE {LOOKUP}"))
    }

    /// The settings by which ClickHouse cuts an answer instead of failing, and those that cut this one, too.
    pub(super) fn cutting_settings(self) -> Self {
        self.with(
            "SELECT name, value, changed FROM system.settings WHERE (name LIKE '%overflow_mode%' AND value IN ('break', 'any')) \
             OR (name = 'skip_unavailable_shards' AND value = '1') OR name IN ('limit', 'offset')",
        )
    }

    /// The databases with a table of this name.
    pub(super) fn databases(mut self) -> Self {
        let table = self.table.clone();
        let name = self.bind("String", &table);
        self.with(&format!(
            "SELECT database FROM system.tables WHERE name = {name} ORDER BY database LIMIT 5"
        ))
    }

    pub(super) fn version(self) -> Self {
        self.with("SELECT version() AS version")
    }

    /// The spans of a trace.
    pub(super) fn trace(mut self, schema: &Schema, trace: TraceId) -> Self {
        let id = self.bind("String", &trace.to_string());
        let time = match schema.has_lookup {
            true => format!(
                " AND Timestamp >= (SELECT min(Start) FROM {LOOKUP} WHERE TraceId = {id}) \
                 AND Timestamp <= (SELECT max(End) + 1 FROM {LOOKUP} WHERE TraceId = {id})"
            ),
            false => String::new(),
        };
        let scope = match schema.has_scope {
            true => "ScopeName, ScopeVersion, ",
            false => "",
        };
        let types = match schema.is_json {
            true => {
                ", JSONAllPathsWithTypes(ResourceAttributes) AS resource_types, \
                 JSONAllPathsWithTypes(SpanAttributes) AS span_types, \
                 arrayMap(a -> JSONAllPathsWithTypes(a), `Events.Attributes`) AS event_types, \
                 arrayMap(a -> JSONAllPathsWithTypes(a), `Links.Attributes`) AS link_types"
            }
            false => "",
        };
        let this = if schema.has_lookup {
            self.with_lookup()
        } else {
            self
        };
        this.with(&format!(
            "SELECT TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, \
             ResourceAttributes, {scope}SpanAttributes, Duration, StatusCode, StatusMessage, \
             `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, \
             `Links.Attributes`, toUnixTimestamp64Nano(Timestamp) AS ts, \
             arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS ets{types} \
             FROM {TABLE} WHERE TraceId = {id}{time}"
        ))
    }

    /// The ids of traces with such a span, newest first, and one more than the limit.
    pub(super) fn traces(mut self, schema: &Schema, wanted: &SearchQuery) -> Self {
        let conditions = self.conditions(schema, wanted);
        let limit = self.bind("UInt64", &(wanted.limit.saturating_add(1)).to_string());
        self.with(&format!(
            "SELECT TraceId FROM {TABLE} WHERE {conditions} AND {IN_TRACE} \
             GROUP BY TraceId ORDER BY max(Timestamp) DESC LIMIT {limit}"
        ))
    }

    /// The number of traces with such a span for each value of a resource attribute, of all if its name is empty, and
    /// of spans with [changed](Self::is_changed) values.
    pub(super) fn counts(mut self, schema: &Schema, wanted: &SearchQuery, by: &str) -> Self {
        let conditions = self.conditions(schema, wanted);
        let changed = self.is_changed(schema, wanted, by);
        let value = match by {
            "" => "''".to_owned(),
            by => self.attribute(schema, "ResourceAttributes", by),
        };
        self.with(&format!(
            "SELECT {value} AS value, uniqExact(TraceId) AS n, countIf({changed}) AS changed \
             FROM {TABLE} WHERE {conditions} AND {IN_TRACE} GROUP BY value ORDER BY value"
        ))
    }

    /// Durations of the longest such span in each trace, at these ranks of all `count`, with the present number of
    /// traces, and those of spans without a duration and with [changed](Self::is_changed) values.
    pub(super) fn order(
        mut self,
        schema: &Schema,
        wanted: &SearchQuery,
        count: u64,
        ranks: &[u64],
    ) -> Self {
        let conditions = self.conditions(schema, wanted);
        let changed = self.is_changed(schema, wanted, "");
        // `quantilesExact` takes the value at the index `floor(level * n)`, from 0.
        #[expect(
            clippy::cast_precision_loss,
            reason = "half a rank is far more than the error"
        )]
        let levels = ranks.iter().map(|&rank| (rank as f64 - 0.5) / count as f64);
        let levels: Vec<String> = levels
            .map(|level| self.bind("Float64", &level.to_string()))
            .collect();
        let durations = match levels.is_empty() {
            true => "[]".to_owned(),
            false => format!("quantilesExact({})(longest)", levels.join(", ")),
        };
        self.with(&format!(
            "SELECT count() AS n, sum(negative) AS open, sum(converted) AS changed, {durations} AS durations FROM \
             (SELECT max(Duration) AS longest, countIf({IS_NEGATIVE}) AS negative, countIf({changed}) AS converted \
             FROM {TABLE} WHERE {conditions} AND {IN_TRACE} GROUP BY TraceId)"
        ))
    }

    /// The conditions on spans. Spans without an end, and those with [changed](Self::is_changed) values, can meet
    /// more than was asked for.
    fn conditions(&mut self, schema: &Schema, wanted: &SearchQuery) -> String {
        let mut all = Vec::new();
        for (at, is_end) in [(wanted.from, false), (wanted.to, true)] {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            let time = self.bind("Int64", &at.to_string());
            let side = if is_end { "<" } else { ">=" };
            all.push(format!("Timestamp {side} fromUnixTimestamp64Nano({time})"));
        }
        if let Some(service) = &wanted.service {
            let name = self.bind("String", service);
            all.push(match service.as_str() {
                // It stands for a missing name, too.
                "unknown_service" => format!("ServiceName IN ({name}, '')"),
                _ => format!("ServiceName = {name}"),
            });
        }
        if let Some(name) = &wanted.name {
            let name = self.bind("String", name);
            all.push(format!("SpanName = {name}"));
        }
        if let Some(least) = wanted.at_least {
            let least = self.bind("UInt64", &least.to_string());
            all.push(format!("(Duration >= {least} OR {IS_NEGATIVE})"));
        }
        if let Some(most) = wanted.at_most {
            let most = self.bind("UInt64", &most.to_string());
            all.push(format!("(Duration <= {most} OR {IS_NEGATIVE})"));
        }
        if wanted.is_error {
            all.push("StatusCode IN ('Error', 'STATUS_CODE_ERROR')".to_owned());
        }
        for (column, pairs) in [
            ("SpanAttributes", &wanted.attributes),
            ("ResourceAttributes", &wanted.resource),
        ] {
            for (key, value) in pairs {
                all.extend(self.has_attribute(schema, column, key, value));
            }
        }
        all.join(" AND ")
    }

    fn has_attribute(
        &mut self,
        schema: &Schema,
        column: &str,
        key: &str,
        value: &Value,
    ) -> Option<String> {
        let wanted = self.bind("String", &text(value)?);
        let key = self.bind("String", key);
        Some(match schema.is_json {
            true => format!(
                "((dynamicType(getSubcolumn({column}, {key})) != 'None' \
                 AND toString(getSubcolumn({column}, {key})) = {wanted}) OR {})",
                is_time(column, &key)
            ),
            false => format!("(mapContains({column}, {key}) AND {column}[{key}] = {wanted})"),
        })
    }

    /// The condition that ClickHouse has changed the value of an attribute of the query, or of the resource attribute
    /// `by`.
    fn is_changed(&mut self, schema: &Schema, wanted: &SearchQuery, by: &str) -> String {
        if !schema.is_json {
            return "false".to_owned();
        }
        let of_span = wanted.attributes.iter();
        let of_span = of_span.map(|(key, _)| ("SpanAttributes", key.as_str()));
        let of_resource = wanted.resource.iter().map(|(key, _)| key.as_str());
        let of_resource = of_resource.chain(Some(by).filter(|by| !by.is_empty()));
        let of_resource = of_resource.map(|key| ("ResourceAttributes", key));
        let all = of_span.chain(of_resource);
        let all: Vec<String> = all
            .map(|(column, key)| is_time(column, &self.bind("String", key)))
            .collect();
        match all.is_empty() {
            true => "false".to_owned(),
            false => all.join(" OR "),
        }
    }

    /// An attribute as a string, empty if it is missing.
    fn attribute(&mut self, schema: &Schema, column: &str, key: &str) -> String {
        let key = self.bind("String", key);
        match schema.is_json {
            true => format!("ifNull(toString(getSubcolumn({column}, {key})), '')"),
            false => format!("{column}[{key}]"),
        }
    }

    /// The place of a value in the query.
    fn bind(&mut self, kind: &str, value: &str) -> String {
        let name = format!("p{}", self.parameters.len());
        let value = match kind {
            "String" => escape(value),
            _ => value.to_owned(),
        };
        self.parameters.push((format!("param_{name}"), value));
        format!("{{{name}:{kind}}}")
    }

    fn with_lookup(mut self) -> Self {
        let lookup = format!("{}_trace_id_ts", self.table);
        self.parameters.push(("param_lookup".to_owned(), lookup));
        self
    }

    fn with(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }
}

/// The condition that ClickHouse took a string in a column of type JSON for a time, and changed its form.
fn is_time(column: &str, key: &str) -> String {
    format!("match(dynamicType(getSubcolumn({column}, {key})), 'Date|Time')")
}

/// The text that the exporter stores for a value, if each such value has the same.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(int) => Some(int.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

/// Parameters are read like values of a tab-separated file.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => escaped.push_str("\\\\"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\0' => escaped.push_str("\\0"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            _ => escaped.push(char),
        }
    }
    escaped
}
