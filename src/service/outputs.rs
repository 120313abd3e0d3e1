//! The outputs of running services, for messages about what they refused.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::output::ServiceOutput;

/// Number of lines that a message shows.
const SHOWN: usize = 10;

/// The last lines that each service wrote.
#[derive(Clone, Default)]
pub struct ServiceOutputs(Vec<OutputOfService>);

#[derive(Clone)]
struct OutputOfService {
    name: String,
    ports: Vec<u16>,
    output: Arc<ServiceOutput>,
}

impl ServiceOutputs {
    pub(super) fn add(&mut self, name: &str, ports: Vec<u16>, output: &Arc<ServiceOutput>) {
        self.0.push(OutputOfService {
            name: name.to_owned(),
            ports,
            output: Arc::clone(output),
        });
    }

    /// The last lines since this moment of the service that listens on this port, after a line with its name.
    /// Empty if no service has the port, or it wrote nothing.
    pub(crate) fn of_port(&self, port: u16, since: Instant) -> Vec<String> {
        let Some(of) = self.0.iter().find(|of| of.ports.contains(&port)) else {
            return Vec::new();
        };
        let lines = without_stacks(of.output.since(since));
        let lines = &lines[lines.len().saturating_sub(SHOWN)..];
        if lines.is_empty() {
            return Vec::new();
        }
        let first = format!("the end of the output of service `{}`:", of.name);
        let lines = lines.iter().map(|line| format!("  {line}"));
        std::iter::once(first).chain(lines).collect()
    }
}

/// Lines that are not of a stack trace, which would push the message out: those of Go, where a line with the place
/// follows that with the function, and of Java.
fn without_stacks(lines: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        let Some(place) = line.strip_prefix('\t') else {
            kept.push(line);
            continue;
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if place
            .rsplit_once(':')
            .is_some_and(|(_, end)| is_number(end))
        {
            kept.pop();
        }
    }
    kept
}

impl fmt::Debug for ServiceOutputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|of| &of.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_stack_are_left_out_with_their_functions() {
        let lines = [
            "error\tfailed",
            "net/http.(*conn).serve",
            "\tnet/http/server.go:2067",
        ];
        let java = ["java.io.IOException: x", "\tat a.B.c(B.java)"];
        let lines = lines.iter().chain(&java).map(|line| (*line).to_owned());
        assert_eq!(
            without_stacks(lines.collect()),
            ["error\tfailed", "java.io.IOException: x"]
        );
    }
}
