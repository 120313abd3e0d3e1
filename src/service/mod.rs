//! Starts, watches and stops the system under test.
