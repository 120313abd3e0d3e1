//! A package with specs, and the test process that runs them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Makes this program the test process of the package in the folder that it names.
pub(crate) const FOLDER: &str = "FIXTURE_FOLDER";

/// The paths of the macro, `specs` by default.
pub(crate) const PATHS: &str = "FIXTURE_PATHS";

/// A request for a payment, and what its trace should be like.
pub(crate) const PAY: &str = "\
name: a card is charged
request: GET ${URL}/pay/card
expect:
  status: 200
  spans:
    - find: process_payment
      attributes: { payment.method: card }
";

/// The same, of which the trace is not true.
pub(crate) const WRONG: &str = "\
name: paypal is no card
request: GET ${URL}/pay/paypal
expect:
  spans:
    - find: process_payment
      attributes: { payment.method: card }
";

pub(crate) struct Project(tempfile::TempDir);

pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    /// A package whose service is this program.
    pub(crate) fn with(specs: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let program = std::env::current_exe().unwrap();
        let pids = project.pid_file();
        project.write(
            "spanspec.yaml",
            &format!(
                "\
vars: {{ URL: \"http://127.0.0.1:${{services.api.http}}\" }}
services:
  api:
    run: ['{}']
    ports: {{ http: auto }}
    env: {{ {}: \"${{services.api.http}}\", {}: '{}' }}
    ready: \"http://127.0.0.1:${{services.api.http}}/health\"
",
                program.display(),
                crate::service::PORT,
                crate::service::PID_FILE,
                pids.display(),
            ),
        );
        for (name, text) in specs {
            project.write(&format!("specs/{name}"), text);
        }
        project
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The test process with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(std::env::current_exe().unwrap(), arguments)
    }

    fn command_of(&self, program: PathBuf, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["SPANSPEC_", "OTEL_", "RUST_TEST_", "NEXTEST"]
                .iter()
                .any(|start| name.starts_with(start))
            {
                command.env_remove(&*name);
            }
        }
        command
            .args(arguments)
            .env(FOLDER, self.0.path())
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Said {
        self.said(self.command(arguments), env)
    }

    /// Another program in the package's folder.
    pub(crate) fn run_program(
        &self,
        program: &str,
        arguments: &[&str],
        env: &[(&str, &str)],
    ) -> Said {
        self.said(self.command_of(program.into(), arguments), env)
    }

    fn said(&self, mut command: Command, env: &[(&str, &str)]) -> Said {
        let child: Child = command.envs(env.iter().copied()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.0.path().join("pids")
    }

    /// Every service that was started so far.
    pub(crate) fn pids(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.pid_file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Said {
    /// Panics with everything that was said unless it ended so and said all of these.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, texts: &[&str]) {
        let all = format!("{}{}", self.out, self.err);
        for text in texts {
            assert!(all.contains(text), "`{text}` is missing in:\n{all}");
        }
        assert_eq!(self.code, Some(code), "{all}");
    }
}
