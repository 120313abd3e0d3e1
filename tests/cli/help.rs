//! The help of every command, as a user reads it: `tests/help/<command>.txt`.

use std::path::Path;
use std::process::Command;

use snapbox::{Assert, Data};

const COMMANDS: [&str; 30] = [
    "",
    "run",
    "baseline",
    "baseline review",
    "baseline accept",
    "baseline reject",
    "baseline show",
    "baseline calibrate",
    "ab",
    "mutate",
    "coverage",
    "lint",
    "exec",
    "collect",
    "merge",
    "conformance",
    "sampling",
    "sampling lint",
    "sampling replay",
    "sampling design",
    "doctor",
    "show",
    "watch",
    "record",
    "import",
    "import tracetest",
    "init",
    "schema",
    "completions",
    "man",
];

#[test]
fn the_help_of_every_command_is_as_written() {
    let assert = Assert::new().action_env("SNAPSHOTS");
    for command in COMMANDS {
        let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
            .args(command.split_whitespace())
            .arg("--help")
            .env_clear()
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let name = match command {
            "" => "spanspec".to_owned(),
            command => command.replace(' ', "-"),
        };
        let golden = format!("tests/help/{name}.txt");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(golden);
        let expected = Data::read_from(&golden, None);
        assert.eq(help.replace(".exe", ""), expected.raw());
    }
}
