//! The `spanspec` command.

fn main() -> std::process::ExitCode {
    spanspec::cli::main()
}
