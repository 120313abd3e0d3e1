//! `spanspec baseline calibrate`.

use super::super::budget_arguments::CalibrateArguments;
use super::super::exit::Exit;

pub(super) fn calibrate(_: &CalibrateArguments) -> Exit {
    Exit::Errored
}
