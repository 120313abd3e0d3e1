//! Exemplars: the spans in which measurements were made.

use std::collections::HashMap;

use super::{Selection, sdk_language, unknown};
use crate::check::judgement::{FailureDetail, Finality, Standing};
use crate::check::truth::Truth;
use crate::check::{Failure, Unjudged};
use crate::spec::{MetricCondition, Pattern};
use crate::trace::{Exemplar, Naming, SeriesRecord, SpanId, TraceId};

/// SDKs that send no exemplars, by `telemetry.sdk.language`.
const WITHOUT: [(&str, &str); 2] = [("nodejs", "Node.js"), ("rust", "Rust")];

impl Selection<'_, '_> {
    /// An exemplar of the trace, in a span like this or in any.
    pub(super) fn exemplar(
        &self,
        condition: &MetricCondition,
        pattern: Option<&Pattern>,
    ) -> Standing {
        let all: Vec<&Exemplar> = self
            .series
            .iter()
            .flat_map(|record| &record.exemplars)
            .collect();
        let answer = match pattern {
            None => self.of_this_trace(&all),
            Some(pattern) => self.in_span(&all, pattern),
        };
        match answer {
            Ok(true) => Standing::holds(Finality::Final),
            Ok(false) => match self.gap().or_else(|| self.unfinished()) {
                Some(gap) => Standing::unjudged(gap),
                None => Standing::fails(self.no_exemplar(condition, &all), Finality::Final),
            },
            Err(why) => Standing::unjudged(why),
        }
    }

    fn trace_id(&self) -> TraceId {
        self.evaluator.forest.trace().id()
    }

    fn of_this_trace(&self, all: &[&Exemplar]) -> Result<bool, Unjudged> {
        Ok(all.iter().any(|one| one.trace_id == self.trace_id()))
    }

    fn in_span(&self, all: &[&Exemplar], pattern: &Pattern) -> Result<bool, Unjudged> {
        let reach = self.evaluator.reach_of_pattern(pattern);
        let mut spans: HashMap<(TraceId, SpanId), Truth> = HashMap::new();
        for (at, truth) in self
            .evaluator
            .pattern(pattern, reach)
            .into_iter()
            .enumerate()
        {
            let span = self.evaluator.forest.span(at);
            let known = spans.entry((span.trace_id, span.span_id)).or_insert(truth);
            *known = truth.max(*known);
        }
        let mut open = None;
        for exemplar in all {
            let Some(span_id) = exemplar.span_id else {
                if exemplar.trace_id == self.trace_id() {
                    open = Some(unknown(
                        "the exemplar of this trace names no span",
                        "add the label `span_id` to the exemplars, or check `exemplar: this`",
                    ));
                }
                continue;
            };
            match spans.get(&(exemplar.trace_id, span_id)) {
                Some(Truth::Yes) => return Ok(true),
                Some(Truth::No) => {}
                Some(_) => {
                    let why = self.evaluator.reason_of_pattern(pattern, reach);
                    open = Some(why.unwrap_or(Unjudged::NotReached));
                }
                None if exemplar.trace_id == self.trace_id() => {
                    open = Some(unknown(
                        format!("the span {span_id} of an exemplar did not arrive"),
                        "let the service export its spans, or raise `wait.flush`",
                    ));
                }
                None => {}
            }
        }
        open.map_or(Ok(false), Err)
    }

    fn no_exemplar(&self, condition: &MetricCondition, all: &[&Exemplar]) -> Failure {
        let of_trace: Vec<&&Exemplar> = all
            .iter()
            .filter(|one| one.trace_id == self.trace_id())
            .collect();
        let found = match (of_trace.first(), all.len()) {
            (None, 0) => "no exemplar".to_owned(),
            (None, 1) => "one exemplar, of another trace".to_owned(),
            (None, number) => format!("{number} exemplars, of other traces"),
            (Some(exemplar), _) => {
                let trace = self.evaluator.forest.trace();
                let found = exemplar.span_id.and_then(|id| trace.find(id));
                match (found.map(|at| &trace.spans()[at]), exemplar.span_id) {
                    (Some(span), _) => format!("one in `{}` of {}", span.name, span.service()),
                    (None, Some(id)) => format!("one in span {id}"),
                    (None, None) => "one without a span".to_owned(),
                }
            }
        };
        let mut failure = self.failure(condition, found);
        if self.evaluator.detail == FailureDetail::Explained && of_trace.is_empty() {
            failure.hints.extend(self.exemplar_hint(all.is_empty()));
        }
        failure
    }

    fn exemplar_hint(&self, is_none: bool) -> Option<String> {
        if !is_none {
            return Some(
                "a series keeps few exemplars, so another request may have replaced this one: remove other traffic".to_owned(),
            );
        }
        let is_scraped = |record: &&SeriesRecord| record.series.naming == Naming::Prometheus;
        if self.series.iter().all(is_scraped) {
            return Some(
                "the endpoint exposes no exemplar: they need the OpenMetrics format, and an exporter or code that adds them".to_owned(),
            );
        }
        let languages = self.series.iter().filter_map(|record| sdk_language(record));
        let mut without =
            languages.filter_map(|found| WITHOUT.iter().find(|(language, _)| *language == found));
        Some(match without.next() {
            Some((_, sdk)) => format!("the OpenTelemetry SDK for {sdk} sends no exemplars"),
            None => "exemplars are sent for sampled spans only, unless OTEL_METRICS_EXEMPLAR_FILTER says otherwise: remove `always_off`; the SDKs for Node.js and Rust send none".to_owned(),
        })
    }
}
