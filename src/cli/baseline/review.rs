//! Asks about each new baseline.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use crate::budget::baseline::BaselineError;
use crate::workspace::shown;

use super::super::exit::{Exit, fail};
use super::super::output;
use super::find::Found;
use super::{Decision, nothing_to, print, review_text, tell, worse};

const QUESTION: &str = "accept, reject, skip or quit (a, r, s, q)? ";

const CHANGED: &str =
    "nothing was changed: another process wrote this in the meantime, and it is shown once more";

/// What the user says of a new baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Decide(Decision),
    Skip,
    Quit,
}

/// Shows what waits, and does what the user says.
pub(super) fn review(found: &[Found]) -> Exit {
    let pending: Vec<&Path> = found
        .iter()
        .filter(|one| one.is_named || one.is_pending())
        .map(|one| one.path.as_path())
        .collect();
    if pending.is_empty() {
        print(&nothing_to("review"));
        return Exit::Passed;
    }
    if io::stdin().is_terminal() {
        return ask(&pending, &mut io::stdin().lock(), &mut output::stdout());
    }
    let (waiting, exit) = tell_all(&pending);
    if waiting == 0 {
        return exit;
    }
    fail(
        Exit::Usage,
        "error: nobody can be asked, for standard input is no terminal: `spanspec baseline accept` or `spanspec baseline reject` decides; nothing was changed",
    )
}

/// What waits, for those who cannot be asked; how many do, and what became of the others.
fn tell_all(pending: &[&Path]) -> (usize, Exit) {
    let (mut waiting, mut exit) = (0, Exit::Passed);
    for path in pending {
        match review_text(path) {
            Ok((_, text)) => {
                print(&(text + "\n"));
                waiting += 1;
            }
            Err(error) => exit = worse(exit, tell(&error)),
        }
    }
    (waiting, exit)
}

fn ask(pending: &[&Path], input: &mut impl BufRead, output: &mut impl Write) -> Exit {
    let mut exit = Exit::Passed;
    for path in pending {
        match ask_about(path, input, output) {
            Ok(Choice::Quit) => break,
            Ok(_) => {}
            Err(error) => exit = worse(exit, tell(&error)),
        }
    }
    exit
}

/// Shows what waits, and does what the user says of it. If it is written meanwhile it is shown once
/// more: nobody decides on what he has not seen.
fn ask_about(
    path: &Path,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<Choice, BaselineError> {
    loop {
        let (seen, text) = review_text(path)?;
        // Where nobody can read it, nobody answers either.
        let _ = writeln!(output, "{text}");
        let choice = choice(input, output);
        let done = match choice {
            Choice::Quit => return Ok(choice),
            Choice::Skip => Ok(format!("skipped  {}", shown(path))),
            Choice::Decide(decision) => decision.carry_out(path, Some(&seen)),
        };
        match done {
            Ok(done) => {
                let _ = writeln!(output, "{done}\n");
                return Ok(choice);
            }
            Err(BaselineError::Changed { .. }) => {
                let _ = writeln!(output, "{CHANGED}\n");
            }
            Err(error) => return Err(error),
        }
    }
}

/// Asks until there is an answer; the end of the input is one, too.
fn choice(input: &mut impl BufRead, output: &mut impl Write) -> Choice {
    loop {
        let _ = write!(output, "{QUESTION}").and_then(|()| output.flush());
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => return Choice::Quit,
            Ok(_) => {}
        }
        match line.trim().to_lowercase().as_str() {
            "a" | "accept" => return Choice::Decide(Decision::Accept),
            "r" | "reject" => return Choice::Decide(Decision::Reject),
            "s" | "skip" => return Choice::Skip,
            "q" | "quit" => return Choice::Quit,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::budget::baseline::{
        Baseline, Budget, Case, Fingerprint, Load, ReceivedBy, Run, path_beside, pending_path,
        read, record,
    };

    use super::*;

    fn sample() -> Baseline {
        let run = Run::new(jiff::Timestamp::UNIX_EPOCH, None, (1..100).collect()).unwrap();
        let budget = Budget {
            calibration: None,
            runs: vec![run],
        };
        let fingerprint = Fingerprint {
            cores: 4,
            cpu: "AMD EPYC 7763".to_owned(),
            load: Load::Concurrency(4),
            machine: None,
            memory_mib: 16_000,
            os: "Linux 6.8".to_owned(),
            probe: 41_000,
            received_by: ReceivedBy::Itself,
            spanspec: "0.1.0".to_owned(),
            spec_hash: "9f3c".to_owned(),
        };
        let case = Case {
            fingerprint,
            budgets: [("ship".to_owned(), budget)].into(),
        };
        Baseline {
            cases: [("placing an order".to_owned(), case)].into(),
        }
    }

    /// Three new baselines, and what is said about them.
    fn reviewed(typed: &str) -> (tempfile::TempDir, [PathBuf; 3], String) {
        let folder = tempfile::tempdir().unwrap();
        let paths =
            ["a.yaml", "b.yaml", "c.yaml"].map(|name| path_beside(&folder.path().join(name)));
        paths
            .iter()
            .for_each(|path| record(path, &sample()).unwrap());
        let pending: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let mut output = Vec::new();
        let exit = ask(&pending, &mut typed.as_bytes(), &mut output);
        assert_eq!(exit, Exit::Passed);
        (folder, paths, String::from_utf8(output).unwrap())
    }

    #[test]
    fn each_is_accepted_rejected_or_skipped_as_the_user_says() {
        let (_folder, [a, b, c], said) = reviewed("accept\nwhat?\nr\nS\n");
        assert_eq!(read(&a).unwrap(), Some(sample()));
        assert_eq!(read(&b).unwrap(), None);
        let is_pending = [&a, &b, &c].map(|path| pending_path(path).exists());
        assert_eq!(is_pending, [false, false, true]);
        assert_eq!(said.matches(QUESTION).count(), 4, "{said}");
        assert!(said.contains("ship: 1 run is new"), "{said}");
    }

    /// Types, and while the first answer is on its way another run writes what waits.
    struct Meanwhile<'a> {
        typed: &'a [u8],
        path: &'a Path,
    }

    impl io::Read for Meanwhile<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.typed.read(buffer)
        }
    }

    impl BufRead for Meanwhile<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            if self.typed.len() == "a\na\n".len() {
                let mut other = sample();
                let case = other.cases.values().next().unwrap().clone();
                other.cases.insert("another".to_owned(), case);
                record(self.path, &other).unwrap();
            }
            Ok(self.typed)
        }

        fn consume(&mut self, amount: usize) {
            self.typed.consume(amount);
        }
    }

    #[test]
    fn what_was_written_while_the_user_looked_is_shown_before_it_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_beside(&folder.path().join("a.yaml"));
        record(&path, &sample()).unwrap();
        let mut input = Meanwhile {
            typed: b"a\na\n",
            path: &path,
        };
        let mut output = Vec::new();
        assert_eq!(ask(&[&path], &mut input, &mut output), Exit::Passed);
        let said = String::from_utf8(output).unwrap();
        let (first, second) = said.split_once(CHANGED).unwrap();
        assert!(!first.contains("another\n"), "{first}");
        assert!(second.contains("  another\n"), "{second}");
        assert!(second.contains("accepted  "), "{second}");
        assert_eq!(read(&path).unwrap().unwrap().cases.len(), 2);
    }

    #[test]
    fn who_quits_or_goes_leaves_the_rest_as_it_is() {
        for typed in ["a\nq\n", "a\n"] {
            let (_folder, [a, b, c], _) = reviewed(typed);
            let is_pending = [&a, &b, &c].map(|path| pending_path(path).exists());
            assert_eq!(is_pending, [false, true, true]);
        }
    }
}
