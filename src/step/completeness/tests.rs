use super::*;

const MS: Duration = Duration::from_millis(1);

/// No late span arrived.
const NONE_PROVEN: Duration = Duration::ZERO;

/// The policy of a step whose response was received at `start`.
fn policy(start: Instant) -> WaitPolicy {
    WaitPolicy {
        start: WaitStart::Response(start),
        flush: Flush::Known(350 * MS),
        bound: 350 * MS,
        tail: Duration::ZERO,
        timeout: 30_000 * MS,
        tolerates_orphans: false,
        sampled: true,
        permits_restart: false,
        pause: Duration::ZERO,
        needs_logs: false,
        entered_by_links: false,
        of_pipeline: false,
    }
}

/// A complete trace that arrived at `start`, in the state `millis` later.
fn whole(start: Instant, millis: u32) -> TraceProgress {
    TraceProgress {
        at: start + millis * MS,
        known_until: start + millis * MS,
        misses_parts: false,
        has_holes: false,
        last_arrival: Some(start),
        last_activity: None,
        entered: Some(start),
        last_end: 0,
        passage: Passage::NotAwaited,
    }
}

#[test]
fn a_whole_trace_is_closed_one_flush_bound_after_the_response_and_no_sooner() {
    let start = Instant::now();
    let at = |millis| policy(start).completeness_at(&whole(start, millis), NONE_PROVEN);
    assert_eq!(at(349), Completeness::Open(start + 350 * MS));
    assert_eq!(at(350), Completeness::Closed);
}

#[test]
fn a_trace_without_its_entry_is_open_until_the_deadline() {
    let start = Instant::now();
    let at = |millis| {
        let progress = TraceProgress {
            entered: None,
            ..whole(start, millis)
        };
        policy(start).completeness_at(&progress, NONE_PROVEN)
    };
    assert_eq!(at(29_999), Completeness::Open(start + 30_000 * MS));
    assert_eq!(at(30_000), Completeness::TimedOut(AtDeadline::NoEntry));
}

#[test]
fn missing_parents_keep_a_quiet_trace_from_being_closed_unless_the_author_tolerates_them() {
    let start = Instant::now();
    let at = |millis| TraceProgress {
        misses_parts: true,
        ..whole(start, millis)
    };
    let strict = policy(start);
    let deadline = start + 30_000 * MS;
    assert_eq!(
        strict.completeness_at(&at(350), NONE_PROVEN),
        Completeness::Quiet(deadline)
    );
    assert_eq!(
        strict.completeness_at(&at(30_000), NONE_PROVEN),
        Completeness::TimedOut(AtDeadline::Quiet)
    );
    let tolerant = WaitPolicy {
        tolerates_orphans: true,
        ..strict
    };
    assert_eq!(
        tolerant.completeness_at(&at(350), NONE_PROVEN),
        Completeness::Closed
    );
}

#[test]
fn a_timeout_before_the_flush_bound_leaves_the_trace_open() {
    let start = Instant::now();
    let hasty = WaitPolicy {
        timeout: 200 * MS,
        ..policy(start)
    };
    let at = |millis| hasty.completeness_at(&whole(start, millis), NONE_PROVEN);
    assert_eq!(at(100), Completeness::Open(start + 200 * MS));
    assert_eq!(at(200), Completeness::TimedOut(AtDeadline::Open));
}

#[test]
fn activity_in_the_tail_prolongs_it() {
    let start = Instant::now();
    let policy = WaitPolicy {
        tail: 1_000 * MS,
        ..policy(start)
    };
    let at = |millis| {
        let progress = TraceProgress {
            last_activity: Some(start + 2_000 * MS),
            ..whole(start, millis)
        };
        policy.completeness_at(&progress, NONE_PROVEN)
    };
    assert_eq!(at(1_350), Completeness::Open(start + 2_350 * MS));
    assert_eq!(at(2_350), Completeness::Closed);
}

#[test]
fn an_unknown_flush_bound_is_5_5_s_however_fast_other_spans_came() {
    let start = Instant::now();
    let delays = ExportDelays::default();
    let wait = Wait::default();
    let policy = WaitPolicy::new(WaitStart::Response(start), wait, Flush::Assumed, &delays);
    let at = |millis| policy.completeness_at(&whole(start, millis), delays.bound());
    assert_eq!(at(1_000), Completeness::Open(start + 5_500 * MS));
    assert_eq!(at(5_500), Completeness::Closed);
}

#[test]
fn a_span_after_the_flush_bound_starts_the_wait_again_with_the_bound_that_it_proves() {
    let start = Instant::now();
    let at = |millis| {
        let progress = TraceProgress {
            last_arrival: Some(start + 1_500 * MS),
            entered: Some(start + 1_500 * MS),
            ..whole(start, millis)
        };
        policy(start).completeness_at(&progress, 1_750 * MS)
    };
    assert_eq!(at(1_500), Completeness::Open(start + 3_250 * MS));
    assert_eq!(at(3_250), Completeness::Closed);
}

#[test]
fn a_proven_bound_holds_for_later_traces_and_a_span_within_it_starts_no_wait_again() {
    let start = Instant::now();
    let delays = ExportDelays::default();
    delays.record("payment", 1_500 * MS, 350 * MS);
    let known = Flush::Known(350 * MS);
    let wait = Wait::default();
    let policy = WaitPolicy::new(WaitStart::Response(start), wait, known, &delays);
    let progress = TraceProgress {
        last_arrival: Some(start + 1_400 * MS),
        ..whole(start, 1_400)
    };
    assert_eq!(
        policy.completeness_at(&progress, delays.bound()),
        Completeness::Open(start + 1_750 * MS)
    );
}

#[test]
fn a_trace_that_was_found_is_complete_a_delay_after_its_end_and_when_two_answers_agree() {
    let start = Instant::now();
    let wall = 1_000_000_000_000;
    let found = WaitPolicy {
        start: WaitStart::Found { at: start, wall },
        ..policy(start)
    };
    let read = |ended_before: u32, known_until: Instant| TraceProgress {
        last_end: wall - Nanos::from(ended_before) * 1_000_000,
        known_until,
        ..whole(start, 100)
    };
    let state = |progress: &TraceProgress| found.completeness_at(progress, NONE_PROVEN);
    // Not before the answer to a request after the trace was found.
    let first = state(&read(1_000, start));
    assert!(matches!(first, Completeness::Open(_)), "{first:?}");
    assert_eq!(state(&read(1_000, start + 50 * MS)), Completeness::Closed);
    // It ended 100 ms before, so that spans can become readable for 250 ms.
    let young = state(&read(100, start + 50 * MS));
    assert_eq!(young, Completeness::Open(start + 250 * MS));
    let missing = TraceProgress {
        misses_parts: true,
        ..read(1_000, start + 50 * MS)
    };
    let state = state(&missing);
    assert_eq!(state, Completeness::TimedOut(AtDeadline::Quiet));
}

#[test]
fn a_trace_that_was_fired_elsewhere_is_complete_one_flush_bound_after_the_question_and_its_last_entry()
 {
    let start = Instant::now();
    let asked = start + 400 * MS;
    let policy = WaitPolicy {
        start: WaitStart::Watch(asked),
        ..policy(asked)
    };
    let entered = |millis| {
        let progress = TraceProgress {
            entered: Some(start + millis * MS),
            ..whole(start, 740)
        };
        policy.completeness_at(&progress, NONE_PROVEN)
    };
    // Another request may have been answered just before the question.
    assert_eq!(entered(0), Completeness::Open(start + 750 * MS));
    assert_eq!(entered(500), Completeness::Open(start + 850 * MS));
}

#[test]
fn nothing_that_is_missing_is_waited_for_once_spans_are_known_to_be_lost() {
    let start = Instant::now();
    let at = |millis| {
        let progress = TraceProgress {
            entered: None,
            misses_parts: true,
            has_holes: true,
            ..whole(start, millis)
        };
        policy(start).completeness_at(&progress, NONE_PROVEN)
    };
    assert_eq!(at(349), Completeness::Open(start + 350 * MS));
    assert_eq!(at(350), Completeness::Closed);
}

#[test]
fn the_output_of_a_pipeline_is_complete_one_bound_after_the_marker_and_never_without_it() {
    let start = Instant::now();
    let policy = WaitPolicy {
        of_pipeline: true,
        ..policy(start)
    };
    let at = |millis, passage| {
        let progress = TraceProgress {
            entered: None,
            passage,
            last_arrival: None,
            ..whole(start, millis)
        };
        policy.completeness_at(&progress, NONE_PROVEN)
    };
    let deadline = start + 30_000 * MS;
    assert_eq!(at(29_999, Passage::Missing), Completeness::Open(deadline));
    let timed_out = Completeness::TimedOut(AtDeadline::NoMarker);
    assert_eq!(at(30_000, Passage::Missing), timed_out);
    let marked = Passage::Complete(start + 2_000 * MS);
    assert_eq!(at(2_349, marked), Completeness::Open(start + 2_350 * MS));
    assert_eq!(at(2_350, marked), Completeness::Closed);
    // Without a marker, the declared bound counts from the acceptance.
    assert_eq!(at(350, Passage::NotAwaited), Completeness::Closed);
}

#[test]
fn without_the_sampled_flag_having_no_span_is_complete() {
    let start = Instant::now();
    let policy = WaitPolicy {
        sampled: false,
        ..policy(start)
    };
    let progress = TraceProgress {
        entered: None,
        last_arrival: None,
        ..whole(start, 350)
    };
    assert_eq!(
        policy.completeness_at(&progress, NONE_PROVEN),
        Completeness::Closed
    );
}
