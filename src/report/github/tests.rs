use std::sync::{Arc, Mutex};

use snapbox::{IntoData, assert_data_eq, str};

use super::super::sample;
use super::super::{Detail, Look, Progress, Terminal};
use super::*;
use crate::check::Witness;
use crate::result::Verdict;

/// The output of the log and the annotations.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Silent;

impl Reporter for Silent {
    fn finish(&mut self, _: &Report) -> io::Result<()> {
        Ok(())
    }
}

fn written(report: &Report, log: impl Fn(Out) -> Box<dyn Reporter>, kind: Annotations) -> String {
    struct Boxed(Box<dyn Reporter>);
    impl Reporter for Boxed {
        fn finish(&mut self, report: &Report) -> io::Result<()> {
            self.0.finish(report)
        }
    }
    let out = Out::default();
    let here = Repository::new("/repo", "/repo/shop");
    let log = Boxed(log(out.clone()));
    let mut github = Github::new(out.clone(), log, kind, here, "token-1".to_owned());
    github.finish(report).unwrap();
    let bytes = out.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn annotations(report: &Report) -> String {
    written(report, |_| Box::new(Silent), Annotations::Shown)
}

#[test]
fn failures_are_annotated_at_their_line_and_flaky_specs_are_warnings() {
    assert_data_eq!(annotations(&sample::report()), str![[r#"
::stop-commands::token-1
::token-1::
::error file=shop/specs/place-order.yaml,line=12,col=37,title=placing an order charges the card::attribute `payment.method` of span `process_payment`: expected "card", found "paypal"%0Aon payment › process_payment (span 00f067aa00000005)%0Atrace 4bf92f3577b34da6a3ce929d0e0e4736
::error file=shop/specs/place-order.yaml,line=14,col=13,title=placing an order charges the card::number of spans that match { type: db }: expected at least 1, found nothing%0Ahelp: spans of type db have `db.system.name` or `db.system`%0Atrace 4bf92f3577b34da6a3ce929d0e0e4736
::error file=shop/specs/place-order.yaml,line=3,col=9,title=could not be judged%3A cancelling an order::failed to connect to 127.0.0.1:8080%0Aconnection refused (os error 111)%0Ahelp: is the service running? `services` in spanspec.yaml starts it
::warning file=shop/specs/place-order.yaml,line=12,col=37,title=flaky%3A paying twice::passed on attempt 2; the first attempt:%0Aattribute `payment.method` of span `process_payment`: expected "card", found "paypal"%0Aon payment › process_payment (span 00f067aa00000005)%0Atrace 4bf92f3577b34da6a3ce929d0e0e4736
::notice title=spanspec::the flush bound is assumed to be 5.5 s
::notice file=shop/specs/place-order.yaml,line=1,col=1,title=skipped%3A refunds::until the bank's sandbox is back
::notice file=shop/specs/place-order.yaml,line=1,col=1,title=not run%3A shipping::after the first failure

"#]].raw());
}

#[test]
fn a_budget_above_its_limit_that_is_not_proven_is_a_warning_in_each_report() {
    let plan = sample::load::BudgetPlan {
        asked: vec![(
            crate::budget::Quantile::P50,
            sample::load::AskedLimit::Baseline(0.2),
        )],
        ..sample::load::inventory(
            Some(sample::load::few(100)),
            sample::load::few(124),
            "2.4.0",
        )
    };
    let slower = sample::load::with("ordering under load", &[plan], |_| ());
    let report = Report {
        specs: vec![slower],
        ..sample::report()
    };
    let short = "p50 of inventory-check is NOT PROVEN: 1.24x seen, limit 1.2x";
    let shown = annotations(&report);
    assert!(
        shown.contains("::warning ")
            && shown.contains("title=over its limit%2C but not proven%3A ordering under load")
            && shown.contains("p50 of inventory-check: NOT PROVEN: 1.24x slower"),
        "{shown}"
    );
    let summary = super::super::text::summary(&report, &Look::plain(), Detail::Quiet);
    let line = format!("warning: `ordering under load`: {short}");
    assert!(summary.replace("\n  ", " ").contains(&line), "{summary}");
    let tap = super::super::tap::render(&report);
    assert!(tap.contains(&format!("# warning: {short}\n")), "{tap}");
}

#[test]
fn the_log_and_annotations_contain_no_workflow_commands_of_the_system() {
    let mut report = sample::report();
    report.specs.truncate(2);
    let failed = &mut report.specs[1];
    failed.name = "100%, a:b\n::set-output name=x::y %0A".to_owned();
    let mut failure = sample::wrong_method();
    "\"a\r\n::error::gotcha%0A\"".clone_into(&mut failure.found);
    failure.witnesses = vec![Witness {
        name: "::error::from a span".to_owned(),
        service: "##[error]svc".to_owned(),
        ..failure.witnesses[0].clone()
    }];
    let step = sample::step(vec![sample::failing(failure)]);
    failed.attempts = vec![sample::attempt(Verdict::Failed, vec![step])];
    report.notices.clear();
    assert_data_eq!(annotations(&report), str![[r#"
::stop-commands::token-1
::token-1::
::error file=shop/specs/place-order.yaml,line=12,col=37,title=100%25%2C a%3Ab\n%3A%3Aset-output name=x%3A%3Ay %250A::attribute `payment.method` of span `process_payment`: expected "card", found "a\r\n::error::gotcha%250A"%0Aon ##[error]svc › ::error::from a span (span 00f067aa00000005)%0Atrace 4bf92f3577b34da6a3ce929d0e0e4736

"#]].raw());
}

#[test]
fn workflow_commands_are_disabled_for_the_whole_log() {
    let log = |out: Out| -> Box<dyn Reporter> {
        Box::new(Terminal::new(
            out,
            Look::plain(),
            Detail::Quiet,
            Progress::hidden(),
        ))
    };
    let text = written(&sample::report(), log, Annotations::LeftOut);
    assert!(
        text.starts_with("::stop-commands::token-1\nFAIL  placing"),
        "{text}"
    );
    assert!(
        text.ends_with("182 spans received\n::token-1::\n"),
        "{text}"
    );
}

#[test]
fn the_first_failure_of_each_spec_comes_before_second_failures() {
    let mut report = sample::report();
    let failed = report.specs[1].clone();
    report.specs = (1..=30)
        .map(|number| {
            let mut spec = failed.clone();
            spec.name = format!("spec {number}");
            spec
        })
        .collect();
    let text = annotations(&report);
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("::error "))
        .collect();
    assert_eq!(errors.len(), 10);
    for (at, line) in errors[..9].iter().enumerate() {
        assert!(line.contains(&format!("title=spec {}::", at + 1)), "{line}");
    }
    assert_eq!(
        errors[9],
        "::error title=spanspec::51 more errors in the log"
    );
}

#[test]
fn errors_of_the_run_come_first() {
    let mut report = sample::report();
    report.trouble = vec![sample::refused_step().trouble.unwrap()];
    report.specs.clear();
    assert_data_eq!(annotations(&report), str![[r#"
::stop-commands::token-1
::token-1::
::error file=shop/specs/place-order.yaml,line=3,col=9,title=the run::failed to connect to 127.0.0.1:8080%0Aconnection refused (os error 111)%0Ahelp: is the service running? `services` in spanspec.yaml starts it
::notice title=spanspec::the flush bound is assumed to be 5.5 s

"#]].raw());
}

#[test]
fn the_token_is_random() {
    let token = || Github::stdout(Silent, Annotations::Shown).token;
    assert_ne!(token(), token());
}

#[test]
fn a_failed_budget_is_an_error_at_its_line_and_an_unproven_one_is_not() {
    let mut report = sample::report();
    report.specs = sample::load::report().specs;
    report.notices.clear();
    assert_data_eq!(annotations(&report), str![[r#"
::stop-commands::token-1
::token-1::
::error file=shop/specs/ordering.yaml,line=8,col=24,title=ordering under load::p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.66x%0Aon inventory › inventory-check (span 00f067aa00000002)%0Atrace a3ce929d0e0e47364bf92f3577b34da6
::error file=shop/specs/place-order.yaml,line=12,col=37,title=ordering under load::attribute `payment.method` of span `process_payment`: expected "card", found "paypal"%0Aon payment › process_payment (span 00f067aa00000005)%0Atrace 4bf92f3577b34da6a3ce929d0e0e4736
::error file=shop/specs/ordering.yaml,line=3,col=9,title=ordering under load::number of requests that failed: expected at most 0, found 12 of 132%0A9x attribute `payment.method` of span `process_payment`%0A4x status of the response%0A2x failed to connect to 127.0.0.1:8080%0Atrace 4bf92f3577b34da6a3ce929d0e0e4736
::notice file=shop/specs/ordering.yaml,line=1,col=1,title=shipping under load::the baseline was measured in 1 run; 2 tell more
::notice file=shop/specs/ordering.yaml,line=1,col=1,title=ordering under load::stopped after 132 of 500 requests: 12 failed (0 allowed)
::notice file=shop/specs/ordering.yaml,line=1,col=1,title=ordering for the first time::no baseline yet: written to specs/baselines/ordering.yaml.json.new; `spanspec baseline accept` makes it one
::notice file=shop/specs/ordering.yaml,line=1,col=1,title=ordering all the time::12.5 ms of the p50 of the response times (121 ms) are delay of the load generator (10.8 ms permitted): reduce the load, or use a less busy machine

"#]].raw());
}

#[test]
fn a_flaky_spec_that_fails_the_run_is_an_error() {
    let mut report = sample::report();
    report.fail_flaky = true;
    let text = annotations(&report);
    assert!(text.contains("::error file=shop/specs/place-order.yaml,line=12,col=37,title=flaky%3A paying twice::passed on attempt 2"), "{text}");
    assert!(!text.contains("::warning"), "{text}");
}
