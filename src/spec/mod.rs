//! The spec language: converts text to a [`Spec`], or to errors with their places.
//!
//! A spec is read twice: when it is loaded, so that all errors are reported before anything is
//! sent, and again step by step, when the values of captures are known. `check` evaluates the
//! conditions.

mod about;
mod aggregate;
mod attribute_key;
mod budget;
mod conformance;
mod expect;
mod fault;
mod file;
#[cfg(feature = "run")]
mod fired;
mod fragment;
mod globals;
mod graphql;
mod grpc;
mod jsonpath;
pub(crate) mod keys;
mod limits;
pub(crate) mod lint;
mod log;
mod matcher;
mod matrix;
mod metric;
#[cfg(feature = "harness")]
mod names;
#[cfg(feature = "run")]
mod need_graph;
mod needs;
mod observe;
mod poll;
mod publish;
mod quantile;
mod read;
mod repeat;
mod scope;
mod selector;
mod send;
mod services;
mod shape;
#[expect(
    clippy::module_inception,
    reason = "the noun of this module is the spec"
)]
mod spec;
mod steps;
pub(crate) mod tail_sampling;
mod template;
mod tls;
mod traffic;
mod trigger;
mod unused;
mod wait;

pub use aggregate::{Aggregate, AggregateOf};
pub use attribute_key::AttributeKey;
pub use budget::{Budget, CompareVersions, Limit, Measure, QuantileBudget, Regression, UpperLimit};
pub use conformance::Conformance;
#[cfg(feature = "run")]
pub(crate) use conformance::{ECHO_PLACEHOLDER, ID_PLACEHOLDER};
pub use expect::{
    Capture, CaptureFrom, Check, Condition, Expect, ExpectedGraphQlError, GraphQlErrors, LostSpans,
    Syntax,
};
#[cfg(feature = "_pure")]
pub(crate) use fault::Counted;
pub use fault::{FaultKind, IgnoredFaults};
pub use file::{Context, Defaults};
pub use globals::{Globals, NamedFiles, Variables};
pub use grpc::{GrpcCall, GrpcStatuses};
pub use jsonpath::JsonPath;
pub(crate) use jsonpath::member;
pub use limits::{Bounds, Limits};
pub(crate) use log::LogSelector;
pub(crate) use log::severity_name;
pub use log::{LogAsk, LogCondition, LogEntry};
pub use matcher::{Comparison, Domain, Matcher, TimeComparison, ValueType};
pub use metric::{MetricAsk, MetricCondition, MetricEntry, SeriesAsk, SeriesSelector, SeriesType};
pub(crate) use needs::Need;
pub use observe::{Observe, ObserveUntil};
pub use poll::Poll;
pub use publish::{Destination, KafkaTopic, Login, Publish, SaslMechanism, SqsQueue};
pub use quantile::Quantile;
pub use repeat::{Allowance, Arrivals, MOST_CONFIRMATIONS, Pace, Rate, Repeat};
pub use scope::Scope;
pub(crate) use selector::EXCEPTION;
pub use selector::{
    Ask, Choice, EventPattern, LinkPattern, Pattern, Relation, Relative, Selector, SpanCondition,
    SpanEntry, SpanType, Take,
};
pub use send::{OtlpProtocol, SendTelemetry, SpanToSend};
pub use services::{DeclaredService, ServiceSet};
pub use shape::{ExpectedShape, Shape};
pub(crate) use shape::{ShapeLine, escaped, escaped_start, order};
pub use spec::{Spec, Step};
pub use tail_sampling::{ExpectedShare, ShareRange};
pub use tls::Tls;
pub use traffic::{EachTrace, SignalPresence, TrafficAsk};
pub(crate) use trigger::is_loopback;
pub use trigger::{
    Body, Command, GraphQl, Part, PartContent, Propagation, Request, Search, Trigger,
};
pub use wait::Wait;

pub use crate::yaml::{Location, MAX_FILE_SIZE, Place, Source, SpecError, SpecErrors};

#[cfg(feature = "run")]
pub(crate) use need_graph::NeedGraph;
#[cfg(feature = "run")]
pub(crate) use {publish::MessagePlace, trigger::Called};

#[cfg(feature = "run")]
pub(crate) use read::command::{RunDefaults, shell_command};

pub(crate) use crate::yaml::{closest, did_you_mean, suggest};
#[cfg(feature = "_pure")]
pub(crate) use graphql::GraphQlDocument;
#[cfg(feature = "harness")]
pub(crate) use names::Names;
#[cfg(feature = "_pure")]
pub(crate) use template::names as names_in;
// For the project file, which uses the same language.
#[cfg(feature = "run")]
pub(crate) use crate::yaml::ErrorList;
#[cfg(feature = "run")]
pub(crate) use crate::yaml::{Entry, EntryKey, Kind, Node, parse as parse_documents};
#[cfg(feature = "run")]
pub(crate) use file::variables;
#[cfg(feature = "_pure")]
pub(crate) use read::FILE_NOT_FOUND;
#[cfg(feature = "_pure")]
pub(crate) use read::almost::{is_almost_a_word, is_almost_an_operator};
#[cfg(feature = "run")]
pub(crate) use read::trigger::parse_url;
#[cfg(feature = "run")]
pub(crate) use read::{Reader, Refusal};

/// Parses a duration such as `30s` or `1.5s`.
///
/// # Errors
/// If the number or the unit (`ns us ms s m h`) is missing. The text includes help.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    read::parse_duration(text)
        .map(std::time::Duration::from_nanos)
        .map_err(|no| no.to_string())
}
