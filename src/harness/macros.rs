//! The macros that make tests of specs.

/// Makes each spec of a folder, file or glob a test, in a test target without libtest's harness.
///
/// In `Cargo.toml`:
///
/// ```toml
/// [[test]]
/// name = "specs"
/// harness = false
/// ```
///
/// and all of `tests/specs.rs`:
///
/// ```no_run
/// spanspec::spec_tests!("specs");
/// ```
///
/// Paths start from the package's folder, and the project file is looked for from there upwards.
/// Tests are named `specs/place-order.yaml::placing an order`; arguments are those of every other
/// test of `cargo test`.
#[cfg(feature = "harness")]
#[macro_export]
macro_rules! spec_tests {
    ($($path:literal),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::internal::harness::main(::core::env!("CARGO_MANIFEST_DIR"), &[$($path),+])
        }
    };
    () => {
        ::core::compile_error!(
            "spec_tests! needs the folder of the specs: spec_tests!(\"specs\")"
        );
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "spec_tests! takes folders, files or globs as literals: spec_tests!(\"specs\")"
        );
    };
}

/// Makes ordinary tests of spec files, beside other tests of the same file.
///
/// ```no_run
/// spanspec::spec_test! {
///     placed => "specs/place-order.yaml",
///     /// Attributes go before the name.
///     #[ignore = "needs the payment sandbox"]
///     paid => "specs/pay-order.yaml",
/// }
/// # fn main() {}
/// ```
///
/// A test passes if every spec of its file does. Paths start from the package's folder. The
/// services of the project are started once a process, and end with it.
#[cfg(feature = "harness")]
#[macro_export]
macro_rules! spec_test {
    ($($(#[$meta:meta])* $name:ident => $path:literal),+ $(,)?) => {
        $crate::__spec_test! { [$($path),+] $($(#[$meta])* $name => $path),+ }
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "spec_test! takes names and spec files: spec_test! { placed => \"specs/place-order.yaml\" }"
        );
    };
}

/// The tests of `spec_test!`, each with the files of all.
#[doc(hidden)]
#[cfg(feature = "harness")]
#[macro_export]
macro_rules! __spec_test {
    ($all:tt $($(#[$meta:meta])* $name:ident => $path:literal),+) => {
        $(
            #[::core::prelude::v1::test]
            $(#[$meta])*
            fn $name() {
                $crate::internal::harness::run_file(::core::env!("CARGO_MANIFEST_DIR"), $path, &$all);
            }
        )+
    };
}

/// Needs the feature `harness`.
#[cfg(not(feature = "harness"))]
#[macro_export]
macro_rules! spec_tests {
    ($($any:tt)*) => {
        ::core::compile_error!("spec_tests! needs the feature `harness` of spanspec");
    };
}

/// Needs the feature `harness`.
#[cfg(not(feature = "harness"))]
#[macro_export]
macro_rules! spec_test {
    ($($any:tt)*) => {
        ::core::compile_error!("spec_test! needs the feature `harness` of spanspec");
    };
}
