//! Specs as tests of `cargo test`, seen from outside: a runner starts the test process, reads what
//! it prints and looks what it leaves behind.
//!
//! This program plays all parts, by its environment: the tests; the test process that they start,
//! which is what `spec_tests!` expands to; and the service that this one starts.

mod project;
mod protocol;
mod running;
mod service;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A test that panics is one that failed.
fn test(name: &'static str, body: fn()) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}

fn main() -> ExitCode {
    if let Ok(port) = std::env::var(service::PORT) {
        return service::serve(port.parse().unwrap());
    }
    if let Ok(folder) = std::env::var(project::FOLDER) {
        let paths = std::env::var(project::PATHS).unwrap_or_else(|_| "specs".to_owned());
        return spanspec::internal::harness::main(&folder, &paths.split(',').collect::<Vec<_>>());
    }
    let all = protocol::tests().into_iter().chain(running::tests());
    libtest_mimic::run(&Arguments::from_args(), all.collect()).exit_code()
}
