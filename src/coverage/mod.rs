//! Coverage of instrumentation: the services, spans, attributes and calls that traces show, compared with
//! a recorded list, and with what checks notice.
//!
//! Pure. Reading files and running nothing is left to the command.

mod checked;
mod compare;
mod file;
mod inventory;

pub(crate) use checked::Checked;
pub(crate) use compare::{Comparison, compare};
pub(crate) use file::{read, render};
pub(crate) use inventory::{Edge, Inventory, Item, Orphans, Unknown};
