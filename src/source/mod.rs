//! Where spans come from.
