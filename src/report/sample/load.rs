//! Results of specs with a load, for tests.

use std::iter::repeat_n;
use std::sync::Arc;
use std::time::Duration;

use super::{attempt, failing, failing_step, judged, span, span_id, spec, step, wrong_method};
use crate::budget::{self, Against, Alpha, Claim, Quantile, Reference, Samples, judge};
use crate::check::{CheckRef, Failure, Judged, Outcome, Subject, Witness};
use crate::number::Unit;
use crate::result::{
    Before, Exemplar, Failing, FailureShare, KeptShare, Load, Measured, SpecReport, StepReport,
    Verdict, Versions,
};
use crate::spec::{Allowance, Arrivals, Location, Pace, Place, Rate, ShareRange, Source};
use crate::trace::{Origin, Span, Trace, TraceId};

const SPEC: &str = r#"name: ordering under load
request: { post: "${BASE_URL}/orders" }
repeat: { times: 500, concurrency: 50 }
budgets:
  - find: inventory-check
    p50: < 2s
    p99: < 5s
    regression: { p50: 20%, p99: 150% }
  - measure: response_time
    p99: < 100ms
expect: { status: 201 }
"#;

pub(in crate::report) fn at(marked: &str) -> Location {
    let start = SPEC.find(marked).unwrap();
    let end = start + marked.len();
    Source::new("specs/ordering.yaml", SPEC).at(Place { start, end })
}

/// 500 durations with a tail of 2 %: p50 is 120 ms, and p99 is 800 ms.
pub(in crate::report) fn fast() -> Samples {
    let usual = (0..490).map(|number| 60_000 + 241 * number);
    usual
        .chain((0..10).map(|number| 720_000 + 20_000 * number))
        .collect()
}

/// The same number, 2.9 times as long: p50 is 350 ms, and p99 is 2,400 ms.
pub(in crate::report) fn slow() -> Samples {
    let usual = (0..490).map(|number| 175_000 + 703 * number);
    usual
        .chain((0..10).map(|number| 2_160_000 + 60_000 * number))
        .collect()
}

/// The limit of a quantile.
#[derive(Clone, Copy)]
pub(in crate::report) enum AskedLimit {
    /// Milliseconds.
    Limit(u64),
    /// The permitted increase over the baseline, as a share.
    Baseline(f64),
}

impl AskedLimit {
    /// Its place in the spec.
    fn at(self, quantile: Quantile) -> Location {
        let marked = match self {
            Self::Limit(100) => "< 100ms",
            Self::Limit(_) if quantile == Quantile::P50 => "< 2s",
            Self::Limit(_) => "5s",
            Self::Baseline(_) if quantile == Quantile::P50 => "20%",
            Self::Baseline(_) => "150%",
        };
        at(marked)
    }
}

/// A budget before it is judged.
pub(in crate::report) struct BudgetPlan {
    pub(in crate::report) subject: &'static str,
    pub(in crate::report) at: &'static str,
    pub(in crate::report) now: Samples,
    pub(in crate::report) version: Option<&'static str>,
    pub(in crate::report) before: Option<(Samples, Option<&'static str>)>,
    pub(in crate::report) asked: Vec<(Quantile, AskedLimit)>,
}

/// The check that found inventory; it passes in both versions.
pub(in crate::report) fn inventory(
    before: Option<Samples>,
    now: Samples,
    version: &'static str,
) -> BudgetPlan {
    let asked = match before {
        Some(_) => vec![
            (Quantile::P50, AskedLimit::Baseline(0.2)),
            (Quantile::P99, AskedLimit::Baseline(1.5)),
        ],
        None => vec![
            (Quantile::P50, AskedLimit::Limit(2_000)),
            (Quantile::P99, AskedLimit::Limit(5_000)),
        ],
    };
    BudgetPlan {
        subject: "inventory-check",
        at: "find: inventory-check",
        now,
        version: Some(version),
        before: before.map(|before| (before, Some("2.3.0"))),
        asked,
    }
}

pub(in crate::report) fn slowest_id() -> TraceId {
    "a3ce929d0e0e47364bf92f3577b34da6".parse().unwrap()
}

fn slowest(value: f64) -> Exemplar {
    Exemplar {
        trace_id: slowest_id(),
        value,
        trace: Arc::new(Trace::assemble(
            slowest_id(),
            Origin::Injected(span_id(0)),
            [
                span(1, 0, "gateway", "POST /orders", 0, 2_760),
                span(2, 1, "inventory", "inventory-check", 20, 2_720),
            ]
            .map(|span| Span {
                trace_id: slowest_id(),
                ..span
            }),
        )),
        saved: Some("target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json".into()),
    }
}

/// Judges all budgets as one family.
pub(in crate::report) fn measured(plans: &[BudgetPlan]) -> Vec<Measured> {
    let claims: Vec<Claim<'_>> = plans.iter().flat_map(claims).collect();
    let mut judged = judge(&claims, Alpha::FIVE_PERCENT).into_iter();
    plans
        .iter()
        .map(|plan| Measured {
            missing: 0,
            subject: plan.subject.to_owned(),
            at: at(plan.at),
            samples: plan.now.clone(),
            quantiles: Vec::new(),
            punctual: None,
            versions: Versions::default(),
            version: plan.version.map(str::to_owned),
            measure: match plan.now.unit() {
                Unit::Micros => "duration",
                Unit::Number => "count",
            },
            is_found: !plan.now.is_empty(),
            expects_none: false,
            largest: plan.now.max().map(slowest),
            before: plan.before.as_ref().map(|(samples, version)| Before {
                samples: samples.clone(),
                version: version.map(str::to_owned),
                path: Some("specs/baselines/ordering.yaml.json".into()),
            }),
            judged: judged.by_ref().take(plan.asked.len()).collect(),
        })
        .collect()
}

fn claims(plan: &BudgetPlan) -> impl Iterator<Item = Claim<'_>> {
    plan.asked.iter().map(|(quantile, asked)| Claim {
        subject: plan.subject.to_owned(),
        quantile: *quantile,
        candidate: &plan.now,
        late: None,
        against: match asked {
            AskedLimit::Limit(millis) => Against::Limit(Duration::from_millis(*millis).into()),
            AskedLimit::Baseline(tolerance) => {
                let (before, _) = plan.before.as_ref().unwrap();
                Against::Baseline(Reference {
                    tolerance: *tolerance,
                    ..Reference::new(before)
                })
            }
        },
    })
}

pub(in crate::report) fn load(plans: &[BudgetPlan]) -> Load {
    Load {
        pace: Pace::Closed {
            times: 500,
            concurrency: 50,
        },
        warmup: 10,
        requests: 500,
        failed: 0,
        errored: 0,
        allowed: 0,
        duration: Duration::from_millis(2_336),
        response_times: (0..500).map(|number| 100_000 + 84 * number).collect(),
        punctual_times: None,
        stopped: None,
        behind: Duration::ZERO,
        held_back: None,
        machine: None,
        failing: Vec::new(),
        failure_share: None,
        kept_share: None,
        other_failed: Vec::new(),
        earlier: Vec::new(),
        is_strict: false,
        measured: measured(plans),
        notices: Vec::new(),
    }
}

/// The checks of a step for these claims.
fn checks(load: &Load, plans: &[BudgetPlan]) -> Vec<Judged> {
    let mut checks = Vec::new();
    for (budget, (of, plan)) in load.measured.iter().zip(plans).enumerate() {
        let claims = of.judged.iter().zip(&plan.asked);
        let mut all: Vec<Judged> = claims
            .enumerate()
            .map(|(claim, (one, (quantile, asked)))| Judged {
                check: CheckRef::Budget { budget, claim },
                ..check(load, of, one, asked.at(*quantile))
            })
            .collect();
        if of.samples.is_empty() {
            all.truncate(1);
        }
        share_cause(&mut all);
        checks.extend(all);
    }
    checks
}

/// The first check of a budget that fails stands for the others.
fn share_cause(checks: &mut [Judged]) {
    let mut cause = None;
    for judged in checks {
        if let Outcome::Fail(failure) = &mut judged.outcome {
            failure.cause = cause;
            cause = cause.or(Some(judged.check));
        }
    }
}

fn check(load: &Load, of: &Measured, one: &budget::JudgedClaim, at: Location) -> Judged {
    let before = of
        .before
        .as_ref()
        .and_then(|before| before.version.as_deref());
    let judged = |outcome| Judged {
        at: at.clone(),
        ..super::judged(
            &format!("{} of {}", one.quantile, one.subject),
            "status",
            outcome,
        )
    };
    if !load.fails(one.verdict) {
        return judged(Outcome::Pass);
    }
    let subject = Subject::Budget {
        quantile: one.quantile,
        subject: one.subject.clone(),
    };
    let (expected, found) = (one.expected(before), one.found(of.version.as_deref()));
    let mut failure = Failure {
        at: at.clone(),
        ..super::failure(subject, "status", &expected, &found)
    };
    if of.samples.is_empty() {
        failure.at = of.at.clone();
        failure.expected = "durations to measure".to_owned();
        failure.found = "no span that matches in 500 traces".to_owned();
    }
    failure.witnesses = of.largest.iter().map(witness).collect();
    judged(Outcome::Fail(Box::new(failure)))
}

fn witness(of: &Exemplar) -> Witness {
    Witness {
        trace_id: of.trace_id,
        span_id: span_id(2),
        service: "inventory".to_owned(),
        name: "inventory-check".to_owned(),
        mark: "the slowest of all".to_owned(),
    }
}

fn loaded(load: Load, plans: &[BudgetPlan], mut of: StepReport) -> StepReport {
    of.checks.extend(checks(&load, plans));
    of.load = Some(Arc::new(load));
    of
}

fn spec_of(name: &str, step: StepReport) -> SpecReport {
    let verdict = if step.has_failed() {
        Verdict::Failed
    } else {
        Verdict::Passed
    };
    let mut of = spec(name, verdict.clone(), vec![attempt(verdict, vec![step])]);
    of.at = at("name");
    of
}

/// A spec that passes, with these budgets.
pub(in crate::report) fn with(
    name: &str,
    plans: &[BudgetPlan],
    change: impl FnOnce(&mut Load),
) -> SpecReport {
    let mut load = load(plans);
    change(&mut load);
    let one = step(vec![judged(
        "status of the response",
        "status",
        Outcome::Pass,
    )]);
    spec_of(name, loaded(load, plans, one))
}

/// All budgets hold.
pub(in crate::report) fn passing() -> SpecReport {
    let same = BudgetPlan {
        asked: vec![(Quantile::P50, AskedLimit::Baseline(0.2))],
        ..inventory(Some(fast()), fast(), "2.3.0")
    };
    with("ordering under load", &[same, response_time()], |_| ())
}

pub(in crate::report) fn response_time() -> BudgetPlan {
    BudgetPlan {
        subject: "response time",
        at: "measure: response_time",
        now: repeat_n(12_345, 500).collect(),
        version: None,
        before: None,
        asked: vec![(Quantile::P99, AskedLimit::Limit(100))],
    }
}

/// 2.9 times slower than the baseline.
pub(in crate::report) fn regressed() -> SpecReport {
    let slower = inventory(Some(fast()), slow(), "2.4.0");
    with("ordering under load", &[slower], |_| ())
}

/// 12 queries in each request instead of 4.
pub(in crate::report) fn queries() -> SpecReport {
    let counts = |number| Samples::of(Unit::Number).with([number; 500]);
    let queries = BudgetPlan {
        subject: "count of SELECT",
        asked: vec![(Quantile::P50, AskedLimit::Baseline(0.2))],
        ..inventory(Some(counts(4.0)), counts(12.0), "2.4.0")
    };
    with("ordering under load", &[queries], |load| {
        load.requests = 200;
        load.failed = 3;
        load.allowed = 10;
        load.failure_share = Some(FailureShare {
            at_most: 0.038_4,
            permitted: Allowance::Share(0.05),
        });
        load.kept_share = Some(KeptShare {
            processor: "tail_sampling".to_owned(),
            at: super::at("status"),
            expected: ShareRange {
                least: 0.09,
                most: 0.11,
                written: "9%..11%".to_owned(),
            },
            kept: 20,
            unknown: 0,
            traces: 200,
        });
    })
}

/// No claim is proven, and none fails.
pub(in crate::report) fn unproven() -> SpecReport {
    let plans = [
        BudgetPlan {
            subject: "process_payment",
            asked: vec![(Quantile::P99, AskedLimit::Baseline(0.5))],
            ..inventory(Some(few(100)), few(106), "2.4.0")
        },
        BudgetPlan {
            subject: "ship",
            asked: vec![(Quantile::P50, AskedLimit::Baseline(0.2))],
            ..inventory(Some(few(100)), few(114), "2.4.0")
        },
    ];
    with("shipping under load", &plans, |load| {
        load.requests = 120;
        load.notices = vec!["the baseline was measured in 1 run; 2 tell more".to_owned()];
    })
}

/// 120 durations, this percentage of the usual ones.
pub(in crate::report) fn few(percent: u64) -> Samples {
    (0..120)
        .map(|number| (60_000 + 900 * number) * percent / 100)
        .collect()
}

/// Requests fail, and the load is stopped early.
pub(in crate::report) fn failing_requests() -> SpecReport {
    let plans = [BudgetPlan {
        asked: vec![(Quantile::P50, AskedLimit::Limit(2_000))],
        ..inventory(None, few(100), "2.4.0")
    }];
    let mut load = load(&plans);
    load.requests = 132;
    load.failed = 12;
    load.errored = 2;
    load.stopped = Some("stopped after 132 of 500 requests: 12 failed (0 allowed)".to_owned());
    let failing_check = |what: &str, place: Option<Location>, requests| Failing {
        check: None,
        what: what.to_owned(),
        at: place,
        requests,
    };
    load.failing = vec![
        failing_check(
            "attribute `payment.method` of span `process_payment`",
            Some(super::at("card")),
            9,
        ),
        failing_check("status of the response", Some(super::at("201")), 4),
        failing_check("failed to connect to 127.0.0.1:8080", None, 2),
    ];
    let failures = Failure {
        at: at("{ times: 500, concurrency: 50 }"),
        ..super::failure(Subject::Failures, "status", "at most 0", "12 of 132")
    };
    let mut one = failing_step();
    one.checks = vec![failing(wrong_method()), failing(failures)];
    spec_of("ordering under load", loaded(load, &plans, one))
}

/// Budgets that compare with a baseline that does not exist.
pub(in crate::report) fn first_run() -> SpecReport {
    let first = BudgetPlan {
        asked: Vec::new(),
        ..inventory(None, fast(), "2.3.0")
    };
    with("ordering for the first time", &[first], |load| {
        load.notices = vec![
            "no baseline yet: written to specs/baselines/ordering.yaml.json.new; `spanspec baseline accept` makes it one"
                .to_owned(),
        ];
    })
}

/// An open loop on a machine that falls behind, without a budget.
pub(in crate::report) fn open() -> SpecReport {
    with("ordering all the time", &[], |load| {
        load.pace = Pace::Open {
            rate: Rate {
                per_second: 50.0,
                written: "50/s".to_owned(),
            },
            period: Duration::from_secs(30),
            arrivals: Arrivals::Poisson,
        };
        load.requests = 1_504;
        load.behind = Duration::from_millis(84);
        load.punctual_times = Some((0..500).map(|number| 98_000 + 42 * number).collect());
    })
}

/// A report with all of them.
pub(in crate::report) fn report() -> crate::result::Report {
    let mut report = super::report();
    report.specs = vec![
        passing(),
        regressed(),
        unproven(),
        failing_requests(),
        first_run(),
        open(),
    ];
    report
}
