//! Judges a response and a trace against what a spec expects.
//!
//! Everything here is pure: no clock, no network. When a trace is complete is `step`'s decision,
//! and how a failure looks is `report`'s.

mod aggregate;
mod any_of;
mod attributes;
mod capture;
mod causes;
mod check_ref;
mod conformance;
mod conservation;
mod continued;
mod correlated;
mod difference;
mod doubt;
mod evidence;
mod exceptions;
mod facts;
mod failure;
mod forest;
#[cfg(feature = "run")]
mod found;
mod found_shape;
mod graphql;
mod head_sampling;
mod hints;
mod judge;
mod judgement;
#[cfg(feature = "run")]
mod kept_share;
mod lasting;
mod links;
mod lint;
#[cfg(feature = "run")]
mod log_notes;
mod logs;
mod lost;
mod matching;
#[cfg(feature = "run")]
mod measured;
mod metrics;
mod misfit;
mod near_misses;
mod nearest;
mod order;
mod outcome;
mod present;
mod readings;
mod record;
mod relations;
mod response;
mod select;
mod shape;
mod span_sampling;
mod spans;
mod tail_sampling;
mod traffic;
mod truncated;
mod truth;
mod uncertain;
mod unjudged;
mod whole;
mod window;
mod words;

pub use capture::capture;
#[cfg(feature = "run")]
pub(crate) use capture::captured_values;
pub use check_ref::{CheckRef, EntryCheck};
#[cfg(feature = "run")]
pub(crate) use continued::hops_not_judged;
#[cfg(feature = "run")]
pub(crate) use correlated::may_be_of_trace;
pub use evidence::Evidence;
pub use failure::{Candidate, Difference, Failure, Missing, Rejection, RejectionForm, Subject};
#[cfg(feature = "run")]
pub(crate) use found::{can_be_found, is_found};
pub use found_shape::FoundShape;
#[cfg(feature = "run")]
pub(crate) use head_sampling::Control;
pub(crate) use head_sampling::HeadEvidence;
#[cfg(feature = "run")]
pub(crate) use judge::until;
pub use judge::{judge, outcomes};
pub use judgement::{Finality, Judgement};
#[cfg(feature = "run")]
pub(crate) use kept_share::is_kept;
#[cfg(feature = "run")]
pub(crate) use lint::remarks as lint_remarks;
#[cfg(feature = "run")]
pub(crate) use log_notes::{exceptions_in_logs, logs_of_others};
#[cfg(feature = "run")]
pub(crate) use logs::{meets_apart_from_span, show_stray};
#[cfg(feature = "run")]
pub(crate) use measured::{SpanTime, all_of, longest, number_of, numbers_of, sum_of};
#[cfg(feature = "run")]
pub(crate) use metrics::{AwaitedMetrics, awaited as awaited_metrics, services as metric_services};
pub use metrics::{MetricEnd, MetricEvidence};
pub(crate) use near_misses::{NearMiss, near_misses};
#[cfg(feature = "run")]
pub(crate) use nearest::nearest;
pub use outcome::{Judged, Outcome};
#[cfg(feature = "run")]
pub(crate) use record::record_name;
pub use select::select;
#[cfg(feature = "_pure")]
pub(crate) use shape::conventional_name;
#[cfg(feature = "run")]
pub(crate) use traffic::{nothing_arrived, trace_of_window};
#[cfg(feature = "run")]
pub(crate) use uncertain::no_duration;
pub use unjudged::{DroppedPart, NoNumber, SpanName, Unjudged};
#[cfg(feature = "run")]
pub(crate) use window::RestartedRequest;
pub use window::WindowEvidence;

pub use crate::trace::Witness;
#[cfg(feature = "run")]
pub(crate) use crate::trace::other_names;
