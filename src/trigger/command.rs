//! Runs a command until it ends.

use std::time::{Duration, Instant};

use super::{TraceContext, TriggerError};
use crate::process::{CapturedOutput, Launch, ProcessMark, signal};
use crate::spec::Command;
use crate::trace::CommandResponse;

/// Default timeout of a command: 10 min.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Maximum number of bytes kept of each output: the last MiB.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// Time for the cleanup of a command after its timeout.
const GRACE: Duration = Duration::from_secs(2);

/// The command leads a process group. Processes of the group that still run after its end are
/// killed.
pub(super) async fn run(
    command: &Command,
    context: &TraceContext,
) -> Result<CommandResponse, TriggerError> {
    let limit = command.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let started = Instant::now();
    let mut child = launch(command, context).spawn()?;
    let (stdout, stderr) = child.output().expect("the output is taken once");
    let (stdout, stderr) = (
        CapturedOutput::start(stdout, OUTPUT_LIMIT),
        CapturedOutput::start(stderr, OUTPUT_LIMIT),
    );
    let ended = tokio::time::timeout(limit, child.wait()).await;
    let time = started.elapsed();
    if ended.is_err() {
        child.end(GRACE).await;
    }
    child.group().kill();
    let ((stdout, stdout_dropped), (stderr, stderr_dropped)) =
        tokio::join!(stdout.finish(), stderr.finish());
    match ended {
        Ok(Ok(status)) => Ok(CommandResponse {
            exit_code: status.code(),
            signal: signal(status),
            stdout,
            stderr,
            stdout_dropped,
            stderr_dropped,
            time,
        }),
        Ok(Err(source)) => Err(TriggerError::CommandLost {
            command: shown(command),
            source,
        }),
        Err(_) => Err(TriggerError::CommandTimeout {
            command: shown(command),
            limit,
            stdout,
            stderr,
        }),
    }
}

fn launch(command: &Command, context: &TraceContext) -> Launch {
    let mut set = command.env.clone();
    set.extend(
        context
            .fields()
            .map(|(name, value)| (name.to_ascii_uppercase(), value)),
    );
    Launch {
        words: command.words.clone(),
        dir: command.dir.clone(),
        set,
        // Inherited values belong to another trace.
        unset: ["TRACESTATE", "BAGGAGE"].map(str::to_owned).into(),
        mark: ProcessMark::new(),
    }
}

fn shown(command: &Command) -> String {
    shell_words::join(&command.words)
}
