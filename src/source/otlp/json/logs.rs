//! OTLP's messages of logs as JSON objects.

use serde::de::{Error, MapAccess};
use serde_json::value::RawValue;

use super::super::message::{LogRecordMessage, LogsData, ResourceLogs, ScopeLogs};
use super::object::{Object, Read, attributes, number, object, objects, text, value};
use super::scalar::{JsonSeverity, SpanIdBytes, TraceIdBytes};

/// An `ExportLogsServiceRequest`.
pub(super) fn request(json: &str) -> Result<LogsData, serde_json::Error> {
    serde_json::from_str(json).map(|Read(request)| request)
}

/// Ignores the value of an unknown key, unless log records could be lost with it: a list.
fn refuse_lists<'de, M: MapAccess<'de>>(
    key: &str,
    map: &mut M,
    expected: &str,
) -> Result<(), M::Error> {
    let value: &RawValue = map.next_value()?;
    if value.get().starts_with('[') && value.get() != "[]" {
        let key = super::scalar::short(key);
        let message = format_args!("found a list in `{key}`, expected it in `{expected}`");
        return Err(M::Error::custom(message));
    }
    Ok(())
}

impl Object for LogsData {
    const NAME: &'static str = "an export request";
    const FIELDS: &'static [&'static str] = &["resourceLogs"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.resource_logs = objects(map)?;
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        refuse_lists(key, map, "resourceLogs")
    }
}

impl Object for ResourceLogs {
    const NAME: &'static str = "an item of `resourceLogs`";
    const FIELDS: &'static [&'static str] = &["resource", "scopeLogs"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "resource" => self.resource = object(map)?,
            "scopeLogs" => self.scope_logs = objects(map)?,
            _ => {}
        }
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        refuse_lists(key, map, "scopeLogs")
    }
}

impl Object for ScopeLogs {
    const NAME: &'static str = "an item of `scopeLogs`";
    const FIELDS: &'static [&'static str] = &["scope", "logRecords"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "scope" => self.scope = object(map)?,
            "logRecords" => self.log_records = objects(map)?,
            _ => {}
        }
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        refuse_lists(key, map, "logRecords")
    }
}

impl Object for LogRecordMessage {
    const NAME: &'static str = "a log record";
    const FIELDS: &'static [&'static str] = &[
        "timeUnixNano",
        "observedTimeUnixNano",
        "severityNumber",
        "severityText",
        "body",
        "attributes",
        "droppedAttributesCount",
        "traceId",
        "spanId",
        "eventName",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "timeUnixNano" => self.time_unix_nano = number(map)?,
            "observedTimeUnixNano" => self.observed_time_unix_nano = number(map)?,
            "severityNumber" => self.severity_number = value::<JsonSeverity, M>(map)?.0,
            "severityText" => self.severity_text = text(map)?,
            "body" => self.body = object(map)?,
            "attributes" => self.attributes = attributes(map)?,
            "droppedAttributesCount" => self.dropped_attributes_count = number(map)?,
            "traceId" => self.trace_id = value::<TraceIdBytes, M>(map)?.0,
            "spanId" => self.span_id = value::<SpanIdBytes, M>(map)?.0,
            "eventName" => self.event_name = text(map)?,
            _ => {}
        }
        Ok(())
    }
}
