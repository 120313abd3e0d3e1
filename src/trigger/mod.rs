//! Fires what makes a trace.
