//! `spanspec record`: fires a request a few times, and writes a spec of what stayed the same.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::draft::{Execution, Payload, Protocol, Request, draft};
use crate::report::{Detail, Look, Progress, Reporter, Terminal};
use crate::result::{Report, RunEvent, SpecReport, Trouble, Verdict};
use crate::secret::Format;
use crate::session::Listener;
use crate::source::{self, Connection};
use crate::spec::{Context, Source, Spec};
use crate::step::Options;
use crate::trace::Value;
use crate::workspace::{Workspace, shown, with_timeout};

use super::authoring_arguments::RecordArguments;
use super::exit::{Exit, fail, note};
use super::load::{fail_load, project_search};
use super::output;
use super::record_file;
use super::session::{Start, block_on, fail_with, ports, with_session};

/// The file name in messages about the request.
const PLACE: &str = "the request as a spec";

/// Sends the request, and writes the spec.
pub(super) fn record(arguments: &RecordArguments) -> Exit {
    block_on(record_request(arguments))
}

async fn record_request(arguments: &RecordArguments) -> Exit {
    if let Some(path) = occupied(arguments) {
        let message = format!(
            "error: {} is there already: name another file, or replace it with --force; nothing was fired",
            shown(path)
        );
        return fail(Exit::Usage, &message);
    }
    if let Some(path) = record_file::file(arguments) {
        return record_file::record(path, arguments).await;
    }
    let mut request = match request(arguments) {
        Ok(request) => request,
        Err(why) => return fail(Exit::Usage, &format!("error: {why}")),
    };
    let Prepared {
        connection,
        workspace,
        context,
    } = match prepare(arguments).await {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    if let Protocol::Http(_) = request.protocol {
        request.url = with_base(&request.url, &context);
    }
    let folder = folder(arguments);
    let probe = Source::new(PLACE, request.probe());
    let specs = match Spec::read_all(&probe, folder, &context) {
        Ok(specs) => shots(specs, arguments),
        Err(errors) => return fail_load(&errors.into()),
    };
    // Also where a service echoes one, and however short it is.
    output::secrets().add(request.secrets());
    let report = match fire(&workspace, connection, &specs, arguments).await {
        Ok(report) => report,
        Err(exit) => return exit,
    };
    let Some(seen) = seen(&report) else {
        return explain(&report);
    };
    for notice in &report.notices {
        note(&format!("note: {notice}"));
    }
    match draft(&request, &seen, (folder, &context)) {
        Ok(text) => {
            let text = output::secrets().written(Format::Text, &text);
            write(arguments, &text, seen.len())
        }
        Err(errors) => fail_load(&errors.into()),
    }
}

/// The project of a recording.
pub(super) struct Prepared {
    pub(super) connection: Option<Connection>,
    pub(super) workspace: Workspace,
    pub(super) context: Context,
}

/// Connects to the receiver, and reads the project.
pub(super) async fn prepare(arguments: &RecordArguments) -> Result<Prepared, Exit> {
    let connection = match &arguments.receiver.url {
        Some(receiver) => match source::connect(receiver).await {
            Ok(connection) => Some(connection),
            Err(error) => return Err(fail_with(&[Trouble::from_error(&error)])),
        },
        None => None,
    };
    let search = project_search(&arguments.project, ports(connection.as_ref()));
    let workspace = Workspace::without_specs(&search).map_err(|error| fail_load(&error))?;
    let context = Context {
        globals: Arc::clone(&workspace.globals),
        defaults: workspace.project.defaults.clone(),
    };
    Ok(Prepared {
        connection,
        workspace,
        context,
    })
}

/// The request that the words and flags describe.
fn request(arguments: &RecordArguments) -> Result<Request, String> {
    let words: Vec<&str> = arguments.request.iter().map(String::as_str).collect();
    let is_method = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
    let (method, url, json) = match words.as_slice() {
        ["grpc", call] => ("grpc", *call, None),
        ["grpc", call, json] => ("grpc", *call, Some(*json)),
        [method, url] if is_method(method) => (*method, *url, None),
        [method, url, json] if is_method(method) => (*method, *url, Some(*json)),
        [url] if !is_method(url) && *url != "grpc" => ("GET", *url, None),
        _ => {
            return Err(format!(
                "`{}` is no request: write METHOD URL [JSON], such as POST http://127.0.0.1:8080/orders '{{\"sku\": \"A1\"}}', or grpc HOST:PORT/SERVICE/METHOD [JSON]",
                words.join(" ")
            ));
        }
    };
    let json = match (json, &arguments.json) {
        (Some(_), Some(_)) => {
            return Err("there are two bodies, after the URL and as --json: remove one".to_owned());
        }
        (json, flag) => json.or(flag.as_deref()),
    };
    let payload = match (json, &arguments.body) {
        (Some(_), Some(_)) => {
            return Err("there are two bodies, JSON and --body: remove one".to_owned());
        }
        (Some(json), None) => {
            Payload::Json(Value::from_json(json.as_bytes()).map_err(|error| {
                format!("the body is not JSON: {error}; give another text with --body")
            })?)
        }
        (None, Some(text)) => Payload::Text(text.clone()),
        (None, None) => Payload::None,
    };
    Ok(Request {
        name: arguments.name.clone(),
        protocol: protocol(method, &payload, arguments)?,
        url: url.to_owned(),
        headers: arguments
            .headers
            .iter()
            .map(|header| match method {
                // Names of metadata are in lower case.
                "grpc" => (header.name.to_ascii_lowercase(), header.value.clone()),
                _ => (header.name.clone(), header.value.clone()),
            })
            .collect(),
        payload,
    })
}

/// HTTP or gRPC, with paths relative to the spec.
fn protocol(
    method: &str,
    payload: &Payload,
    arguments: &RecordArguments,
) -> Result<Protocol, String> {
    let RecordArguments {
        protos, include, ..
    } = arguments;
    if method != "grpc" {
        return match protos.is_empty() && include.is_empty() {
            true => Ok(Protocol::Http(method.to_owned())),
            false => Err(
                "--proto and --include are for gRPC: write grpc HOST:PORT/SERVICE/METHOD"
                    .to_owned(),
            ),
        };
    }
    if matches!(payload, Payload::Text(_)) {
        return Err("--body is not for gRPC: give the message as JSON".to_owned());
    }
    let folder = folder(arguments);
    let from_spec = |all: &[PathBuf]| all.iter().map(|path| beside(folder, path)).collect();
    Ok(Protocol::Grpc {
        protos: from_spec(protos),
        include: from_spec(include),
    })
}

/// The folder of the spec.
fn folder(arguments: &RecordArguments) -> &Path {
    let folder = arguments.out.as_deref().and_then(Path::parent);
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A path relative to a folder, if both are in the working folder.
fn beside(folder: &Path, path: &Path) -> String {
    let below = |path: &Path| -> Option<usize> {
        let steps = path
            .components()
            .filter(|step| !matches!(step, Component::CurDir));
        let steps: Vec<_> = steps.collect();
        let is_below = steps
            .iter()
            .all(|step| matches!(step, Component::Normal(_)));
        is_below.then_some(steps.len())
    };
    let path = match (below(folder), below(path)) {
        (Some(depth), Some(_)) => PathBuf::from("../".repeat(depth)).join(path),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    path.display().to_string()
}

/// The URL with the variable `BASE_URL` in place of its value, so that the spec is of use for
/// other addresses too.
fn with_base(url: &str, context: &Context) -> String {
    let Some(base) = resolved("${BASE_URL}", context) else {
        return url.to_owned();
    };
    let rest = match url.strip_prefix(base.trim_end_matches('/')) {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => rest,
        _ => return url.to_owned(),
    };
    // The value may end in a slash or not.
    let candidates =
        [rest, rest.trim_start_matches('/')].map(|rest| format!("${{BASE_URL}}{rest}"));
    let meant = resolved(url, context);
    candidates
        .into_iter()
        .find(|candidate| resolved(candidate, context) == meant)
        .unwrap_or_else(|| url.to_owned())
}

/// The URL with its variables filled in, if it is one then.
fn resolved(url: &str, context: &Context) -> Option<String> {
    let url = serde_json::Value::from(url);
    let source = Source::new(
        PLACE,
        format!("request: {{ get: {url} }}\nexpect: {{ errors: 0 }}\n"),
    );
    let specs = Spec::read_all(&source, Path::new("."), context).ok()?;
    let trigger = specs[0].steps[0].trigger(&specs[0].scope()).ok()?;
    trigger.url().map(ToString::to_string)
}

/// The file to write, where it is in the way.
fn occupied(arguments: &RecordArguments) -> Option<&PathBuf> {
    let path = arguments.out.as_ref()?;
    (!arguments.force && path.exists()).then_some(path)
}

/// The request, once for each time it is sent.
pub(super) fn shots(specs: Vec<Spec>, arguments: &RecordArguments) -> Vec<Spec> {
    let one = with_timeout(specs, arguments.timeout);
    let all = one.iter().cycle().take(arguments.times * one.len());
    all.cloned().collect()
}

/// Starts the services, sends the requests one after another, and stops the services.
pub(super) async fn fire(
    workspace: &Workspace,
    connection: Option<Connection>,
    specs: &[Spec],
    arguments: &RecordArguments,
) -> Result<Report, Exit> {
    let progress = Arc::new(Mutex::new(Progress::stderr()));
    let start = Start {
        workspace,
        listen: &arguments.receiver.listen,
        connection,
        listener: listener(&progress),
    };
    let options = Options {
        jobs: 1,
        ..Options::default()
    };
    let ran = with_session(start, async |session| session.run(specs, options).await).await;
    clear(&progress);
    ran.map_err(|reason| reason.exit())
}

fn listener(progress: &Arc<Mutex<Progress>>) -> Listener {
    let progress = Arc::clone(progress);
    Arc::new(move |event: &RunEvent<'_>| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.on_event(event);
    })
}

fn clear(progress: &Arc<Mutex<Progress>>) {
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    progress.clear();
}

/// The response and trace of each request, if all requests completed.
fn seen(report: &Report) -> Option<Vec<Execution>> {
    let one = |spec: &SpecReport| {
        let step = spec.decisive_step()?;
        match (&step.response, &step.trace, &spec.verdict) {
            (Some(response), Some(trace), Verdict::Passed) => Some(Execution {
                response: response.clone(),
                trace: Arc::clone(trace),
            }),
            _ => None,
        }
    };
    report.specs.iter().map(one).collect()
}

/// Prints the report of the first request that did not complete.
pub(super) fn explain(report: &Report) -> Exit {
    let mut first = report.clone();
    // Each of them has the same to say.
    if let Some(at) = first
        .specs
        .iter()
        .position(|spec| spec.verdict != Verdict::Passed)
    {
        first.specs = vec![first.specs.remove(at)];
    }
    let mut terminal = Terminal::new(
        output::stderr(),
        Look::of_stderr(),
        Detail::Quiet,
        Progress::hidden(),
    );
    // Without a reader, the exit code is all that is left.
    let _ = terminal.finish(&first);
    fail(Exit::Errored, "nothing was written");
    Exit::of(report)
}

fn write(arguments: &RecordArguments, text: &str, times: usize) -> Exit {
    let fired = fired(times);
    let Some(path) = &arguments.out else {
        note(&fired);
        return match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                fail(Exit::Errored, &format!("error: cannot write: {error}"))
            }
            _ => Exit::Passed,
        };
    };
    match save(path, text, arguments.force) {
        Ok(()) => {
            let path = shown(path);
            let message = format!("{fired}\nwritten: {path}; read it, then: spanspec run {path}");
            note(&message);
            Exit::Passed
        }
        Err(error) => {
            // It was worth waiting for, so it is not thrown away.
            let _ = io::stdout().write_all(text.as_bytes());
            let message = format!("error: cannot write {}: {error}", shown(path));
            fail(Exit::Errored, &message)
        }
    }
}

/// The number of requests, and its effect.
pub(super) fn fired(times: usize) -> String {
    match times {
        1 => "sent once, so values that vary are only guessed".to_owned(),
        2 => "sent twice; values that differed were left out".to_owned(),
        times => format!("sent {times} times; values that differed were left out"),
    }
}

pub(super) fn save(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path)?.write_all(text.as_bytes())
}
