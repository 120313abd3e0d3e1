//! The service that is measured, and the process beside it.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant, SystemTime};

use crate::simulation::Random;

/// The interval at which spans are exported.
pub const DELAY: Duration = Duration::from_millis(100);

/// The work of a service during a request.
#[derive(Clone, Copy)]
pub enum Work {
    /// With CPU time.
    Busy,
    Sleeping,
}

impl Work {
    pub fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Sleeping => "sleeping",
        }
    }

    pub fn named(name: &str) -> Self {
        match name {
            "busy" => Self::Busy,
            _ => Self::Sleeping,
        }
    }
}

/// Keeps a core busy half of the time, in episodes of one to four seconds.
pub fn burn() {
    end_with_parent();
    let mut random = Random::new(7);
    loop {
        for is_busy in [true, false] {
            let episode = Duration::from_secs_f64(1.0 + 3.0 * random.share());
            let end = Instant::now() + episode;
            match is_busy {
                true => while Instant::now() < end {},
                false => std::thread::sleep(episode),
            }
        }
    }
}

/// The input closes when the parent process ends.
fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// Answers each request after the time in its path, and exports a span to the receiver.
pub fn serve(work: Work, receiver: SocketAddr) {
    end_with_parent();
    let rounds = rounds_per_micro();
    let (spans, finished) = mpsc::channel();
    std::thread::spawn(move || export(receiver, &finished));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    for (number, stream) in listener.incoming().flatten().enumerate() {
        let spans = spans.clone();
        let random = Random::new(number as u64);
        std::thread::spawn(move || answer(&stream, work, rounds, random, &spans));
    }
}

/// Answers the requests of a connection.
fn answer(
    stream: &TcpStream,
    work: Work,
    rounds: f64,
    mut random: Random,
    spans: &Sender<String>,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let first = lines.next()?.ok()?;
        let micros: f64 = first.split('/').nth(1)?.parse().ok()?;
        let mut parent = None;
        loop {
            let line = lines.next()?.ok()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(context) = line.strip_prefix("traceparent:") {
                parent = Some(context.trim().to_owned());
            }
        }
        // Most requests are log-normal; one of fifty takes three times as long.
        let tail = if random.share() <= 0.02 { 3.0 } else { 1.0 };
        let micros = micros * tail * random.drift(0.2);
        let start = now();
        match work {
            Work::Busy => spin((micros * rounds) as u64),
            Work::Sleeping => std::thread::sleep(Duration::from_secs_f64(micros / 1e6)),
        }
        let span = span(&parent?, start, now())?;
        spans.send(span).ok()?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        (&mut &*stream).write_all(answer).ok()?;
    }
}

/// A fixed computation.
fn spin(rounds: u64) {
    let mut number = rounds | 1;
    for _ in 0..rounds {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        number = black_box(number);
    }
}

/// The best of many measurements, because the neighbour disturbs some.
fn rounds_per_micro() -> f64 {
    const ROUNDS: u64 = 100_000;
    let times = (0..200).map(|_| {
        let begin = Instant::now();
        spin(ROUNDS);
        begin.elapsed()
    });
    let best = times.min().expect("several measurements");
    ROUNDS as f64 / (best.as_secs_f64() * 1e6)
}

fn now() -> u128 {
    let now = SystemTime::UNIX_EPOCH.elapsed();
    now.expect("after 1970").as_nanos()
}

/// A span in OTLP JSON, whose parent is in `traceparent`.
fn span(traceparent: &str, start: u128, end: u128) -> Option<String> {
    let (trace, parent) = (traceparent.get(3..35)?, traceparent.get(36..52)?);
    let flipped = if parent.starts_with('f') { "e" } else { "f" };
    let id = format!("{flipped}{}", parent.get(1..)?);
    Some(format!(
        r#"{{"traceId":"{trace}","spanId":"{id}","parentSpanId":"{parent}","name":"work","kind":2,"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}"}}"#
    ))
}

/// Sends finished spans now and then, as the batch processors of SDKs do.
fn export(receiver: SocketAddr, finished: &Receiver<String>) {
    loop {
        std::thread::sleep(DELAY);
        let batch: Vec<String> = finished.try_iter().collect();
        if batch.is_empty() {
            continue;
        }
        let attribute =
            |key, value| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
        let body = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{},{}]}},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
            attribute("service.name", "bench"),
            attribute("service.version", "1.0.0"),
            batch.join(","),
        );
        // Between two runs of `ab` there is no receiver.
        let _ = post(receiver, &body);
    }
}

fn post(receiver: SocketAddr, body: &str) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(receiver)?;
    write!(
        stream,
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.read_to_end(&mut Vec::new())
}
