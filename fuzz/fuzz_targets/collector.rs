//! Any text is a configuration of a Collector, or has findings that can be drawn; and what is not known is not guessed.
//!
//! The first bytes choose the version of the Collector and the fields that a source loses; then come the YAML, a zero
//! byte, and spans. Each finding lies within the file. A decision about a trace with lost fields is also that about the
//! whole trace.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spanspec::internal::fuzzing;
use spanspec_fuzz::{Input, spans};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let (version, lost_fields) = (u32::from(input.byte()), input.byte());
    let text = input.text();
    let spans = spans(input);
    let traces: Vec<_> = (0..=spans.len())
        .map(|many| spans[..many].to_vec())
        .filter(|trace| !trace.is_empty())
        .collect();
    let reading = fuzzing::collector(&text, version, &traces, lost_fields);
    for finding in &reading.findings {
        let place = finding.at.place;
        assert!(
            place.start <= place.end && place.end <= text.len(),
            "{finding:?}"
        );
        assert!(!finding.what.trim().is_empty(), "{finding:?}");
        assert!(finding.drawn.contains("error["), "{}", finding.drawn);
    }
    for decision in &reading.decisions {
        if decision.lossy.is_some() {
            assert_eq!(decision.lossy, decision.whole);
        }
    }
});
