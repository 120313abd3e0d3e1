//! The servers, each in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spanspec::internal::run::run;
use spanspec::{Context, Options, Origin, Receiver, Source, Spec, Store};
use tokio::runtime::Builder;
use tokio::sync::watch;

use super::clients::{Coding, Load, Protocol};
use super::peers;
use super::requests::trace;

/// Unit of CPU times in `/proc`.
const TICKS_A_SECOND: f64 = 100.0;

/// Maximum time until another server accepts connections.
const START: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Spanspec,
    /// The types of opentelemetry-proto behind axum and tonic, as most peers in Rust.
    Prost,
    Rotel,
    Collector,
}

/// The work of spanspec in addition to receiving.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Watches this number of traces.
    Watch(usize),
    /// Runs a spec with `observe`.
    Observe,
}

impl Kind {
    /// Those that this machine has.
    pub(super) fn available() -> Vec<Self> {
        let all = [Self::Spanspec, Self::Prost, Self::Rotel, Self::Collector];
        let is_there = |kind: &Self| kind.program().is_none_or(|name| on_path(name).is_some());
        all.into_iter().filter(is_there).collect()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Spanspec => "spanspec",
            Self::Prost => "prost",
            Self::Rotel => "rotel",
            Self::Collector => "Collector",
        }
    }

    /// The program, unless it is this one.
    fn program(self) -> Option<&'static str> {
        match self {
            Self::Spanspec | Self::Prost => None,
            Self::Rotel => Some("rotel-agent"),
            Self::Collector => Some("otelcol"),
        }
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&paths).map(|path| path.join(name));
    found.find(|path| path.is_file())
}

/// A process that ends with this value.
pub(super) struct Server {
    child: Child,
    kind: Kind,
    http: SocketAddr,
    grpc: SocketAddr,
}

impl Server {
    pub(super) fn start(kind: Kind, work: Work) -> Self {
        match kind {
            Kind::Spanspec | Kind::Prost => Self::start_own(kind, work),
            Kind::Rotel | Kind::Collector => Self::start_other(kind),
        }
    }

    fn start_own(kind: Kind, work: Work) -> Self {
        let work = match work {
            Work::Watch(number) => number.to_string(),
            Work::Observe => "observe".to_owned(),
        };
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .args(["--serve", kind.name(), &work])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("addresses");
        let mut addresses = line
            .split_whitespace()
            .map(|one| one.parse().expect("an address"));
        let mut next = || addresses.next().expect("an address each for HTTP and gRPC");
        Self {
            child,
            kind,
            http: next(),
            grpc: next(),
        }
    }

    fn start_other(kind: Kind) -> Self {
        let (http, grpc) = (free_address(), free_address());
        let name = kind.program().and_then(on_path).expect("it is on the path");
        let mut command = Command::new(name);
        match kind {
            Kind::Collector => command.args(["--config", &collector(http, grpc)]),
            _ => command
                .args(["start", "--exporter", "blackhole"])
                .args(["--otlp-http-endpoint", &http.to_string()])
                .args(["--otlp-grpc-endpoint", &grpc.to_string()]),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let server = Self {
            child,
            kind,
            http,
            grpc,
        };
        let begun = Instant::now();
        for address in [http, grpc] {
            while TcpStream::connect(address).is_err() {
                assert!(begun.elapsed() < START, "{} does not start", kind.name());
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
        server
    }

    pub(super) fn address(&self, protocol: Protocol) -> SocketAddr {
        match protocol {
            Protocol::Http | Protocol::Json => self.http,
            Protocol::Grpc => self.grpc,
        }
    }

    /// Rotel reads no JSON; the types of opentelemetry-proto are measured without compression.
    pub(super) fn accepts(&self, load: &Load) -> bool {
        match self.kind {
            Kind::Spanspec | Kind::Collector => true,
            Kind::Rotel => load.protocol != Protocol::Json,
            Kind::Prost => load.coding == Coding::None,
        }
    }

    /// User and system time of all its threads.
    pub(super) fn cpu_time(&self) -> Duration {
        let stat = self.of_process("stat");
        // The program's name may have spaces, and ends with a bracket.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        Duration::from_secs_f64(ticks / TICKS_A_SECOND)
    }

    /// Its resident memory in bytes.
    pub(super) fn memory(&self) -> u64 {
        let status = self.of_process("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.unwrap_or_default() << 10
    }

    fn of_process(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(Path::new(&path)).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

/// The configuration of a Collector that drops what it receives.
fn collector(http: SocketAddr, grpc: SocketAddr) -> String {
    let endpoint = |address: SocketAddr| format!("{{ endpoint: \"{address}\" }}");
    let (http, grpc) = (endpoint(http), endpoint(grpc));
    format!(
        "yaml:{{ receivers: {{ otlp: {{ protocols: {{ http: {http}, grpc: {grpc} }} }} }}, exporters: {{ nop: }}, \
         service: {{ telemetry: {{ metrics: {{ level: none }} }}, \
         pipelines: {{ traces: {{ receivers: [otlp], exporters: [nop] }} }} }} }}"
    )
}

/// Serves on one thread until the parent process ends.
pub(super) fn serve(arguments: &[String]) {
    std::thread::spawn(|| {
        // The pipe closes with the parent.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    match arguments[0].as_str() {
        "spanspec" => runtime.block_on(receive(&arguments[1])),
        _ => runtime.block_on(peers::serve()),
    }
}

async fn receive(work: &str) {
    let store = Store::new();
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let receiver = Receiver::builder().listen([any]).store(store.clone());
    let receiver = receiver.start().await.expect("a free port");
    let address = receiver.addresses()[0];
    let watched = work.parse().unwrap_or(0);
    let _follows: Vec<_> = (1..=watched)
        .map(|number| store.follow(trace(number), Origin::Foreign))
        .collect();
    println!("{address} {address}");
    if work == "observe" {
        observe(&receiver).await;
    }
    std::future::pending::<()>().await;
}

/// Runs a spec that looks at all traffic.
async fn observe(receiver: &Receiver) {
    let text = "observe: 10m\nexpect:\n  signals: { order-service: [traces] }\n  \
                spans: [{ find: { kind: server }, status: unset }]\n";
    let source = Source::new("observe.yaml", text);
    let specs = Spec::read_all(&source, Path::new("."), &Context::default());
    let specs = specs.expect("a sound spec");
    let (_running, stop) = watch::channel(None);
    run(&specs, receiver, &Options::default(), stop, |_| {}).await;
}
