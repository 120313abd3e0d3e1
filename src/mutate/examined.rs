//! A step whose faults were judged.

use super::exam::StepExam;
use super::subject::Subject;

/// A step whose faults were judged.
pub(super) struct ExaminedStep<'e> {
    /// The number of its spec among the examined ones.
    pub(super) spec: usize,
    /// Its number within the spec.
    pub(super) number: usize,
    pub(super) subject: Subject<'e>,
    pub(super) exam: StepExam,
}

/// The place of a fault: indexes of the step and of the fault.
pub(super) type Occurrence = (usize, usize);
