//! Likely reasons why a service did not start, and what to do.
//!
//! The facts are the last attempt, the ports on which the service listens, its output, and its exit.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use super::ready::{Answer, Target};
use super::{ExitReason, Ready};

/// Maximum length of a quoted line, in characters.
const LONGEST: usize = 200;

/// Errors in the output of services, as the runtimes and libraries of common languages write them.
const KNOWN: [(&[&str], &str); 4] = [
    (
        &[
            "eaddrinuse",
            "address already in use",
            "only one usage of each socket address",
        ],
        "another process uses its port: stop that process, or set `ports: { http: auto }` and pass the number in `env`",
    ),
    (
        &[
            "cannot find module",
            "modulenotfounderror",
            "no module named",
            "unable to access jarfile",
            "no such file or directory",
            "could not find or load main class",
            "cannot open shared object",
        ],
        "a file or package is missing: add a `build` that creates it, or set `dir`",
    ),
    (
        &[
            "econnrefused",
            "connection refused",
            "could not connect to",
            "connect: connection",
            "communications link failure",
        ],
        "it cannot reach another service: add that to `services` and to `depends_on`, or correct its address in `env`",
    ),
    (
        &[
            "enotfound",
            "no such host",
            "name or service not known",
            "unknownhostexception",
            "failed to resolve",
            "could not translate host name",
        ],
        "it uses a host name that does not exist here: set the address of the other service in `env`, such as `DB_HOST: 127.0.0.1`",
    ),
];

/// Remedies for a service that runs and is not ready. `listened` are the addresses on which its
/// processes listen, if they are known.
pub(super) fn not_ready(
    service: &str,
    ready: &Ready,
    answer: Answer,
    listened: Option<&[SocketAddr]>,
    output: &[String],
) -> Vec<String> {
    let of_answer = match answer {
        Answer::Refused => refused(service, ready.target().as_ref(), listened),
        Answer::Status(code) => Some(of_status(code).to_owned()),
        Answer::Unreachable => Some(
            "check the host and the port of `ready`, and the firewall between: no connection was established"
                .to_owned(),
        ),
        Answer::Silence => Some(
            "it accepts connections, but does not answer: check the port and the protocol of `ready`"
                .to_owned(),
        ),
        Answer::NoLine => Some(
            "compare the expression with the output; programs may delay output to a pipe (Python: set `PYTHONUNBUFFERED: 1` in `env`)"
                .to_owned(),
        ),
        Answer::Other => None,
    };
    let mut help: Vec<String> = of_output(output).into_iter().chain(of_answer).collect();
    if help.is_empty() {
        help.push("if it needs more time, raise `start_timeout`".to_owned());
    }
    help
}

/// Remedies for a process that ended.
pub(super) fn ended(ending: ExitReason, output: &[String]) -> Vec<String> {
    let of_shell = match ending {
        ExitReason::Code(127) => {
            "a program of the command was not found: check its name, `dir` and `PATH`"
        }
        ExitReason::Code(126) => "a program of the command is not executable: use `chmod +x`",
        _ => return of_output(output).into_iter().collect(),
    };
    vec![of_shell.to_owned()]
}

/// The remedy for the last known error in an output.
fn of_output(output: &[String]) -> Option<String> {
    output.iter().rev().find_map(|line| {
        let lower = line.to_lowercase();
        let (_, remedy) = KNOWN
            .iter()
            .find(|(errors, _)| errors.iter().any(|error| lower.contains(error)))?;
        Some(format!("{remedy}; it wrote `{}`", shortened(line.trim())))
    })
}

/// A secret that was cut is recognized by the `…` after it.
fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &line[..end])),
        None => Cow::Borrowed(line),
    }
}

fn refused(
    service: &str,
    target: Option<&Target>,
    listened: Option<&[SocketAddr]>,
) -> Option<String> {
    let (Target { host, port }, listened) = (target?, listened?);
    if listened.is_empty() {
        return Some(format!(
            "`{service}` listens on no port: if it needs more time, raise `start_timeout`"
        ));
    }
    let all: Vec<String> = listened.iter().map(SocketAddr::to_string).collect();
    let all = all.join(", ");
    let on_port: Vec<&SocketAddr> = listened.iter().filter(|one| one.port() == *port).collect();
    if on_port.is_empty() {
        return Some(format!(
            "`{service}` listens on {all}, not on port {port}: pass the port to it in `env`, in the variable that it reads, or correct `ready`"
        ));
    }
    if let Some(one) = on_port.iter().find(|one| reaches(one.ip(), host)) {
        return Some(format!(
            "`{service}` listens on {one} by now: it needs more time, raise `start_timeout`"
        ));
    }
    Some(format!(
        "`{service}` listens on {all}, not on {host}: write that address into `ready`, or let the service listen on 127.0.0.1"
    ))
}

/// Returns `true` if connections to this host arrive at the address.
fn reaches(address: IpAddr, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    // Java binds IPv4 addresses as `::ffff:127.0.0.1`.
    let address = address.to_canonical();
    address.is_unspecified()
        || host.parse() == Ok(address)
        || host == "localhost" && address.is_loopback()
}

fn of_status(code: u16) -> &'static str {
    match code {
        300..=399 => "redirects are not followed: write the target into `ready`",
        401 | 403 => "write a path without authentication into `ready`, or `tcp://host:port`",
        404 | 405 => "write the path of its health check into `ready`, or `tcp://host:port`",
        _ => "it answers, but is not healthy: a service that it needs may be missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(answer: Answer, listened: &[&str], output: &[&str]) -> Vec<String> {
        let listened: Vec<SocketAddr> = listened.iter().map(|one| one.parse().unwrap()).collect();
        let output: Vec<String> = output.iter().map(|line| (*line).to_owned()).collect();
        let ready = Ready::Tcp("127.0.0.1:8080".to_owned());
        not_ready("shop", &ready, answer, Some(&listened), &output)
    }

    #[test]
    fn the_address_on_which_a_service_listens_is_named() {
        assert_eq!(
            help(Answer::Refused, &["0.0.0.0:3000"], &[]),
            [
                "`shop` listens on 0.0.0.0:3000, not on port 8080: pass the port to it in `env`, in the variable that it reads, or correct `ready`"
            ]
        );
        assert_eq!(
            help(Answer::Refused, &["[::1]:8080"], &[]),
            [
                "`shop` listens on [::1]:8080, not on 127.0.0.1: write that address into `ready`, or let the service listen on 127.0.0.1"
            ]
        );
        for listened in [
            "0.0.0.0:8080",
            "[::]:8080",
            "127.0.0.1:8080",
            "[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(
                help(Answer::Refused, &["[::1]:8080", listened], &[]),
                [format!(
                    "`shop` listens on {listened} by now: it needs more time, raise `start_timeout`"
                )]
            );
        }
        assert_eq!(
            help(Answer::Refused, &[], &[]),
            ["`shop` listens on no port: if it needs more time, raise `start_timeout`"]
        );
    }

    #[test]
    fn each_known_error_in_the_output_has_a_remedy() {
        for (line, remedy) in [
            (
                "Error: connect ECONNREFUSED 127.0.0.1:5432",
                "it cannot reach another service",
            ),
            (
                "panic: dial tcp 127.0.0.1:5432: connect: connection refused",
                "it cannot reach another service",
            ),
            (
                "java.net.UnknownHostException: db",
                "it uses a host name that does not exist",
            ),
            (
                "OSError: [Errno 98] Address already in use",
                "another process uses its port",
            ),
            (
                "Error: Cannot find module 'express'",
                "a file or package is missing",
            ),
        ] {
            let output = [line.to_owned(), "at main".to_owned()];
            let help = ended(ExitReason::Code(1), &output);
            assert!(help[0].starts_with(remedy), "{help:?}");
            assert!(
                help[0].ends_with(&format!("; it wrote `{line}`")),
                "{help:?}"
            );
        }
        assert_eq!(ended(ExitReason::Code(1), &["no".to_owned()]), [""; 0]);
    }
}
