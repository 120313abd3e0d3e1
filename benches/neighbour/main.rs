//! Compares real services beside a busy process: `cargo bench --bench neighbour`.
//!
//! A service and a neighbour run beside spanspec, each in a process of its own. The neighbour keeps a
//! core busy half of the time, in episodes of one to four seconds. Unchanged and slower versions of the
//! service are compared with a baseline of five runs, and by `spanspec ab`. Takes about 25 minutes on two
//! idle cores.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod service;

#[path = "../figures/mod.rs"]
mod figures;
#[path = "../simulation/mod.rs"]
mod simulation;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanspec::internal::budget::{ClaimVerdict, JudgedClaim};
use spanspec::internal::run::run;
use spanspec::internal::service::free_port;
use spanspec::internal::step::{Budgeting, Update};
use spanspec::{Context, Flush, Globals, Options, Receiver, Source, Spec};
use tokio::sync::watch;

use figures::{is_quick, rounds};
use service::{DELAY, Work};

/// The time that a request of the unchanged version takes, in microseconds.
const TIME: f64 = 2_000.0;

/// Each factor with the number of comparisons per service.
const SLOWER: [(f64, usize); 4] = [(1.0, 20), (1.2, 10), (1.5, 10), (2.9, 10)];

/// Number of runs of a baseline.
const BASELINE: usize = 5;

/// The pause before a run is repeated, about as long as an episode.
const PAUSE: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        Some(&arguments[at + 1..])
    };
    if let Some([work, endpoint, ..]) = after("--serve") {
        service::serve(Work::named(work), endpoint.parse().expect("an address"));
    } else if after("--burn").is_some() {
        service::burn();
    } else if let Some([work, service, receiver, ..]) = after("--compare") {
        let comparison = Comparison {
            work: Work::named(work),
            service: service.clone(),
            receiver: receiver.parse().expect("an address"),
            folder: tempfile::tempdir().expect("a folder"),
        };
        comparison.all();
    } else {
        let begin = Instant::now();
        println!("comparisons beside a process that is busy half of the time");
        println!(
            "{:10}{:10}{:>8}{:>10}{:>12}{:>12}{:>6}{:>12}",
            "service", "by", "slower", "runs", "REGRESSED", "NOT PROVEN", "OK", "disturbed"
        );
        let services = [Work::Busy, Work::Sleeping];
        let services = if is_quick() {
            &services[..1]
        } else {
            &services
        };
        services.iter().for_each(|work| beside_neighbour(*work));
        println!("took {} s", begin.elapsed().as_secs());
    }
}

/// Starts a service, its neighbour, and the process that compares versions.
fn beside_neighbour(work: Work) {
    let receiver = SocketAddr::from(([127, 0, 0, 1], free_port().expect("a port")));
    let receiver = receiver.to_string();
    let mut service = Process::start(&["--serve", work.name(), &receiver]);
    let address = service.first_line();
    let _neighbour = Process::start_in_another_session(&["--burn"]);
    let mut compare = this_program(&["--compare", work.name(), &address, &receiver]);
    if is_quick() {
        compare.arg("--quick");
    }
    let status = compare.status().expect("this program runs");
    assert!(status.success(), "{status}");
}

fn this_program(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(arguments);
    command
}

/// A process that ends with this one, because its input ends.
struct Process(Child);

impl Process {
    fn start(arguments: &[&str]) -> Self {
        Self::of(this_program(arguments))
    }

    /// As a program of another terminal; otherwise it would not be recognized as unrelated.
    fn start_in_another_session(arguments: &[&str]) -> Self {
        let this = this_program(arguments);
        let mut command = Command::new("setsid");
        command.arg(this.get_program()).args(this.get_args());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().expect("this program runs"))
    }

    fn first_line(&mut self) -> String {
        let mut line = String::new();
        let output = self.0.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Comparisons of one service.
struct Comparison {
    work: Work,
    /// The address of the service.
    service: String,
    receiver: SocketAddr,
    folder: tempfile::TempDir,
}

/// The number of each verdict.
#[derive(Default)]
struct Verdicts {
    regressed: usize,
    open: usize,
    ok: usize,
    /// Those that other processes may explain.
    disturbed: usize,
}

impl Comparison {
    fn all(&self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(self.with_baseline());
        for (slower, count) in Self::plan() {
            let mut verdicts = Verdicts::default();
            (0..count).for_each(|_| verdicts.add_pairs(&self.by_pairs(slower)));
            self.row("ab", slower, count, &verdicts);
        }
    }

    fn plan() -> impl Iterator<Item = (f64, usize)> {
        let plan = SLOWER.into_iter().map(|(of, count)| (of, rounds(count, 1)));
        plan.filter(|(of, _)| !is_quick() || [1.0, 2.9].contains(of))
    }

    fn row(&self, by: &str, slower: f64, count: usize, of: &Verdicts) {
        println!(
            "{:10}{by:10}{:>8}{count:>10}{:>12}{:>12}{:>6}{:>12}",
            self.work.name(),
            format!("{slower:.1}x"),
            of.regressed,
            of.open,
            of.ok,
            of.disturbed,
        );
        std::io::stdout().flush().expect("an output");
    }

    /// The URL at which the service is slower by a factor.
    fn url(&self, slower: f64, suffix: &str) -> String {
        format!("http://{}/{:.0}/{suffix}", self.service, TIME * slower)
    }

    async fn with_baseline(&self) {
        let receiver = Receiver::builder().listen([self.receiver]);
        let receiver = receiver.start().await.expect("a free port");
        let options = Options {
            flush: Flush::Known(DELAY + Duration::from_millis(250)),
            ..Options::default()
        };
        for _ in 0..BASELINE {
            self.measured(1.0, Update::Always, &receiver, &options)
                .await;
            tokio::time::sleep(if is_quick() { Duration::ZERO } else { PAUSE }).await;
        }
        for (slower, count) in Self::plan() {
            let mut verdicts = Verdicts::default();
            for _ in 0..count {
                let judged = self
                    .measured(slower, Update::Never, &receiver, &options)
                    .await;
                verdicts.add(&judged);
            }
            self.row("baseline", slower, count, &verdicts);
        }
    }

    /// Runs the spec once.
    async fn measured(
        &self,
        slower: f64,
        update: Update,
        receiver: &Receiver,
        options: &Options,
    ) -> Vec<JudgedClaim> {
        let spec = self.spec(&self.url(slower, "a"));
        let options = Options {
            budgets: Budgeting {
                root: self.folder.path().to_owned(),
                update,
                confirm_pause: PAUSE,
                ..Budgeting::default()
            },
            ..options.clone()
        };
        let (_running, stop) = watch::channel(None);
        let report = run(&[spec], receiver, &options, stop, |_| {}).await;
        let spec = &report.specs[0];
        let attempt = spec.last_attempt().expect("an attempt");
        let load = attempt.steps[0].load.as_ref().expect("a load");
        assert_eq!((load.failed, load.errored), (0, 0), "{:?}", load.failing);
        load.measured[0].judged.clone()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("work.yaml")
    }

    fn text() -> String {
        let times = rounds(500, 60);
        format!(
            "name: work
request: GET ${{BASE_URL}}
repeat: {{ times: {times}, concurrency: 1, warmup: 5 }}
expect: {{ status: 200 }}
wait: {{ flush: 350ms }}
budgets: [{{ find: work, regression: {{ p50: 20%, p99: 50% }} }}]
"
        )
    }

    fn spec(&self, url: &str) -> Spec {
        let globals = Globals {
            arguments: [("BASE_URL".to_owned(), url.to_owned())].into(),
            ..Globals::default()
        };
        let context = Context {
            globals: Arc::new(globals),
            ..Context::default()
        };
        let source = Source::new(self.file().to_string_lossy(), Self::text());
        let specs = Spec::read_all(&source, Path::new("."), &context);
        specs.expect("a valid spec").remove(0)
    }

    /// The output of `spanspec ab`.
    fn by_pairs(&self, slower: f64) -> String {
        std::fs::write(self.file(), Self::text()).expect("a writable folder");
        let [a, b] = [self.url(1.0, "a"), self.url(slower, "b")];
        let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
            .args(["ab", &a, &b, "work.yaml", "--requests", "100"])
            .args(["--listen", &self.receiver.to_string()])
            .current_dir(self.folder.path())
            .output()
            .expect("spanspec runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}\n{text}{error}");
        text
    }
}

impl Verdicts {
    /// Adds the verdict of a run, in which the worst claim counts.
    fn add(&mut self, claims: &[JudgedClaim]) {
        let any = |verdict| claims.iter().any(|claim| claim.verdict == verdict);
        if any(ClaimVerdict::Regressed) {
            self.regressed += 1;
        } else if any(ClaimVerdict::Ok) && claims[0].verdict == ClaimVerdict::Ok {
            self.ok += 1;
        } else {
            self.open += 1;
        }
        let is_disturbed = |claim: &JudgedClaim| claim.to_string().contains("Others used");
        self.disturbed += usize::from(claims.iter().any(is_disturbed));
    }

    /// The same for the output of `ab`.
    fn add_pairs(&mut self, text: &str) {
        if text.contains("REGRESSED: ") {
            self.regressed += 1;
        } else if text.contains("p50 of work: OK") {
            self.ok += 1;
        } else {
            self.open += 1;
        }
    }
}
