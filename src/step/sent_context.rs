//! The baggage that a trigger sent, and the trace ids that its own headers contain in other formats.

use crate::spec::Trigger;
use crate::trace::TraceId;
use crate::trigger::TraceContext;

/// What a trigger sent beside the id of its trace, as far as diagnoses need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SentContext {
    /// Members of the baggage, decoded.
    pub(super) baggage: Vec<(String, String)>,
    /// Trace ids in other headers of the trigger, each with its header.
    pub(super) others: Vec<(String, TraceId)>,
}

impl SentContext {
    pub(super) fn of(trigger: &Trigger, context: &TraceContext) -> Self {
        let headers = trigger.headers().iter();
        let others = headers.filter_map(|(name, value)| {
            let id = trace_id(name.as_str(), value.to_str().ok()?)?;
            Some((name.to_string(), id))
        });
        Self {
            baggage: members(context.baggage.as_deref().unwrap_or_default()),
            others: others.collect(),
        }
    }
}

fn members(baggage: &str) -> Vec<(String, String)> {
    let members = baggage.split(',').filter_map(|member| {
        let (key, value) = member.split(';').next()?.split_once('=')?;
        let value = percent_encoding::percent_decode_str(value.trim());
        Some((
            key.trim().to_owned(),
            value.decode_utf8().ok()?.into_owned(),
        ))
    });
    members.collect()
}

/// The trace id in a header of another format, padded to 128 bits.
fn trace_id(header: &str, value: &str) -> Option<TraceId> {
    let first = |separator: char| value.split(separator).next();
    let digits = match header {
        "b3" => first('-')?.to_owned(),
        "x-b3-traceid" | "ot-tracer-traceid" => value.to_owned(),
        "uber-trace-id" => first(':')?.to_owned(),
        "x-cloud-trace-context" => first('/')?.to_owned(),
        "x-datadog-trace-id" => format!("{:x}", value.parse::<u64>().ok()?),
        "x-amzn-trace-id" => {
            let root = value
                .split(';')
                .find_map(|field| field.trim().strip_prefix("Root="))?;
            let (_version, id) = root.split_once('-')?;
            id.replace('-', "")
        }
        _ => return None,
    };
    format!("{:0>32}", digits.trim()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_read_from_other_formats() {
        let read = |header, value| trace_id(header, value).map(|id| id.to_string());
        let whole = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        let half = Some("0000000000000000a3ce929d0e0e4736".to_owned());
        assert_eq!(
            read("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"),
            whole
        );
        assert_eq!(read("x-b3-traceid", "a3ce929d0e0e4736"), half);
        assert_eq!(read("uber-trace-id", "a3ce929d0e0e4736:1:0:1"), half);
        let amazon = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
        assert_eq!(read("x-amzn-trace-id", amazon), whole);
        assert_eq!(read("x-datadog-trace-id", "11803532876627986230"), half);
        assert_eq!(read("b3", "0"), None);
        assert_eq!(read("accept", "4bf92f3577b34da6a3ce929d0e0e4736"), None);
    }
}
