//! Which checks would notice a fault? Applies one fault at a time to the evidence of passed specs, and
//! judges again.
//!
//! Pure: no clock, no network. `list`, `of_response` and `of_checks` find faults, `edit` applies them, `exam`
//! judges them, `accept` finds those that specs accept, `remedy` writes checks for those that are missed, and
//! `suite` combines the specs. Running the specs is left to the command, and the text to `report`.

mod accept;
mod arrivals;
mod edit;
mod exam;
mod examined;
mod facts;
mod list;
mod measured;
mod mutant;
mod noticed;
mod of_checks;
mod of_response;
mod remedy;
mod sample;
mod site;
mod subject;
mod suite;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use exam::MOST_RECORDS;
pub use measured::judge_faults;
pub(crate) use noticed::{Noticed, TracePart, noticed};
pub(crate) use suite::{
    ExamSettings, ExaminedSpec, Extent, FaultsOfPlace, IdleCheck, NotExamined, SpanOfPlace,
    SpecInput, Suite, Which, examine,
};
