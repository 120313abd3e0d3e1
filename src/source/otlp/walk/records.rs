//! Finds log records and metrics in a protobuf request without decoding them.
//!
//! Requests of the three signals have the same outer levels. This walk, too, accepts every request
//! that prost decodes, except a body that is nested too deep.

use super::super::attribute;
use super::super::error::Malformed;
use super::super::limit::Parts;
use super::super::wire::{Wire, WireField};
use super::{Pieces, ScopeAt, check_resource, check_scope};
use crate::trace::TraceId;

/// The records of one request, borrowed from its bytes.
#[derive(Debug)]
pub(crate) struct RecordWalk<'a, R> {
    /// The `Resource` message of each `ResourceLogs` or `ResourceMetrics`.
    pub(crate) resources: Vec<Pieces<'a>>,
    pub(crate) scopes: Vec<ScopeAt<'a>>,
    /// All records, in order.
    pub(crate) records: Vec<R>,
    parts: Parts,
}

pub(crate) type LogWalk<'a> = RecordWalk<'a, LogAt<'a>>;
pub(crate) type MetricWalk<'a> = RecordWalk<'a, MetricAt>;

/// One `LogRecord`.
#[derive(Debug)]
pub(crate) struct LogAt<'a> {
    /// The trace in which it was written; `None` if that id is missing or invalid.
    pub(crate) trace_id: Option<TraceId>,
    /// An id has a wrong length, so the record may belong to any trace or span.
    pub(crate) has_wrong_id: bool,
    /// Index of its `ScopeLogs`.
    pub(crate) scope: usize,
    /// The `LogRecord` message.
    pub(crate) bytes: &'a [u8],
}

/// One `Metric`.
#[derive(Debug)]
pub(crate) struct MetricAt {
    /// Number of its data points.
    pub(crate) points: u64,
}

impl<'a> LogWalk<'a> {
    /// Walks an `ExportLogsServiceRequest`.
    pub(crate) fn of_logs(request: &'a [u8]) -> Result<Self, Malformed> {
        Self::of(request, log_record)
    }
}

impl<'a> MetricWalk<'a> {
    /// Walks an `ExportMetricsServiceRequest`.
    pub(crate) fn of_metrics(request: &'a [u8]) -> Result<Self, Malformed> {
        Self::of(request, metric)
    }

    /// Number of data points.
    pub(crate) fn points(&self) -> u64 {
        self.records.iter().map(|metric| metric.points).sum()
    }
}

/// Reads a record, given the index of its scope.
type ReadRecord<'a, R> = fn(usize, &'a [u8], &mut Parts) -> Result<R, Malformed>;

impl<'a, R> RecordWalk<'a, R> {
    fn of(request: &'a [u8], read: ReadRecord<'a, R>) -> Result<Self, Malformed> {
        let mut walk = Self {
            resources: Vec::new(),
            scopes: Vec::new(),
            records: Vec::new(),
            parts: Parts::default(),
        };
        let mut wire = Wire(request);
        while let Some((tag, field)) = wire.next()? {
            if tag == 1 {
                walk.resource_block(field.message()?, read)?;
            }
        }
        Ok(walk)
    }

    fn resource_block(
        &mut self,
        message: &'a [u8],
        read: ReadRecord<'a, R>,
    ) -> Result<(), Malformed> {
        self.parts.add_owner()?;
        let at = self.resources.len();
        self.resources.push(Pieces::default());
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => {
                    let resource = field.message()?;
                    self.parts.add_owner()?;
                    check_resource(resource, |_| self.parts.add())?;
                    self.resources[at].push(resource);
                }
                2 => self.scope_block(at, field.message()?, read)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn scope_block(
        &mut self,
        resource: usize,
        message: &'a [u8],
        read: ReadRecord<'a, R>,
    ) -> Result<(), Malformed> {
        self.parts.add_owner()?;
        let at = self.scopes.len();
        let scope = Pieces::default();
        self.scopes.push(ScopeAt { resource, scope });
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => {
                    let scope = field.message()?;
                    self.parts.add_owner()?;
                    check_scope(scope, |_| self.parts.add())?;
                    self.scopes[at].scope.push(scope);
                }
                2 => {
                    let record = read(at, field.message()?, &mut self.parts)?;
                    self.records.push(record);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn log_record<'a>(
    scope: usize,
    bytes: &'a [u8],
    parts: &mut Parts,
) -> Result<LogAt<'a>, Malformed> {
    parts.add()?;
    let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
    let mut wire = Wire(bytes);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            9 => trace_id = field.message()?,
            10 => span_id = field.message()?,
            5 => attribute::check_value(field.message()?, parts)?,
            6 => drop(attribute::check(field.message()?, parts)?),
            1 | 11 => field.fixed64()?,
            2 | 7 => field.varint()?,
            8 => field.fixed32()?,
            3 | 12 => drop(field.message()?),
            _ => {}
        }
    }
    Ok(LogAt {
        trace_id: TraceId::from_slice(trace_id),
        has_wrong_id: ![0, 16].contains(&trace_id.len()) || ![0, 8].contains(&span_id.len()),
        scope,
        bytes,
    })
}

/// The fields of a `LogRecord` without its observed time, and `true` if it has a time of its own.
pub(crate) fn without_observed_time(record: &[u8]) -> Result<(bool, Vec<&[u8]>), Malformed> {
    let (mut has_time, mut fields) = (false, Vec::new());
    let mut wire = Wire(record);
    let mut rest = record;
    while let Some((tag, _)) = wire.next()? {
        let (field, after) = rest.split_at(rest.len() - wire.0.len());
        match tag {
            1 => has_time |= !field.ends_with(&[0; 8]),
            11 => {
                rest = after;
                continue;
            }
            _ => {}
        }
        fields.push(field);
        rest = after;
    }
    Ok((has_time, fields))
}

fn metric(_: usize, bytes: &[u8], parts: &mut Parts) -> Result<MetricAt, Malformed> {
    parts.add()?;
    let mut points = 0;
    let mut wire = Wire(bytes);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            1 => drop(field.message()?),
            5 | 7 | 9..=11 => points += count_points(field.message()?, parts)?,
            _ => {}
        }
    }
    Ok(MetricAt { points })
}

fn count_points(data: &[u8], parts: &mut Parts) -> Result<u64, Malformed> {
    let mut points = 0;
    let mut wire = Wire(data);
    while let Some((tag, field)) = wire.next()? {
        if tag == 1 {
            count_parts(field.message()?, parts)?;
            points += 1;
        }
    }
    Ok(points)
}

/// Counts a data point and its messages: attributes, exemplars and the attributes of exemplars. What is no message
/// after all, such as a text, adds little.
fn count_parts(point: &[u8], parts: &mut Parts) -> Result<(), Malformed> {
    parts.add()?;
    let mut wire = Wire(point);
    while let Some((_, field)) = wire.next()? {
        let WireField::Bytes(message) = field else {
            continue;
        };
        parts.add()?;
        let mut inner = Wire(message);
        while let Ok(Some((_, field))) = inner.next() {
            if matches!(field, WireField::Bytes(_)) {
                parts.add()?;
            }
        }
    }
    Ok(())
}
