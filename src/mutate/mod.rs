//! Which checks would notice a fault? Applies one fault at a time to the evidence of passed specs, and
//! judges again.
//!
//! Pure: no clock, no network. `list`, `of_response` and `of_checks` find faults, `edit` applies them, `exam`
//! judges them, `remedy` writes checks for those that are missed, and `suite` combines the specs. Running
//! the specs is left to the command, and the text to `report`.

mod arrivals;
mod edit;
mod exam;
mod list;
mod mutant;
mod of_checks;
mod of_response;
mod remedy;
mod site;
mod subject;
mod suite;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use suite::{
    ExaminedSpec, FaultsOfPlace, IdleCheck, NotExamined, SpecInput, Suite, Which, examine,
};
