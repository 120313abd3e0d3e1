//! Exact errors of the compiler for macros that are used wrongly.

#[test]
#[ignore = "compiles the library and all that it needs once more: cargo test --test misuse -- --ignored"]
fn misuse_of_the_macros_is_told_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
