//! Measures the receiver beside other servers, in one run: `cargo bench --bench ingest`.
//!
//! First the work on a request in memory, then servers in processes of their own, over loopback. Their rates
//! are spans per second of CPU time, so that clients on another core do not count. Rotel and a Collector are
//! measured too where `rotel-agent` and `otelcol` are on the `PATH`; both drop what they receive. CPU times are
//! read from `/proc`, so these tables are Linux only.
//!
//! Machines differ and so do minutes; compare the lines of one run with each other only. An argument that is a
//! number sets the seconds that each measurement takes (default 0.3).

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]

mod clients;
#[path = "../figures/mod.rs"]
mod figures;
mod memory;
mod peers;
#[path = "../../tests/support/raw_codec.rs"]
mod raw_codec;
mod requests;
mod servers;

use std::time::Duration;

use prost::Message;
use tokio::runtime::{Builder, Runtime};

use clients::{Coding, Load, Protocol};
use figures::{is_quick, rounds};
use requests::{TRACES, Template, log_request, metric_request, trace_request};
use servers::{Kind, Server, Work};

/// Connections that send as fast as they can.
const CONNECTIONS: usize = 4;

/// Spans in a request: what SDKs send at most.
const BATCH: usize = 512;

const PROTOCOLS: [(&str, Protocol, Coding); 5] = [
    ("HTTP", Protocol::Http, Coding::None),
    ("HTTP, gzip", Protocol::Http, Coding::Gzip),
    ("HTTP, JSON", Protocol::Json, Coding::None),
    ("gRPC", Protocol::Grpc, Coding::None),
    ("gRPC, gzip", Protocol::Grpc, Coding::Gzip),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let served = arguments.iter().position(|argument| argument == "--serve");
    if let Some(at) = served {
        servers::serve(&arguments[at + 1..]);
        return;
    }
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok());
    let usual = if is_quick() { 0.03 } else { 0.3 };
    let time = Duration::from_secs_f64(seconds.unwrap_or(usual));
    memory::table(time);
    let bench = Bench {
        clients: Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime"),
        time,
        rounds: rounds(5, 1),
    };
    bench.beside_others();
    bench.by_work();
    bench.of_a_stored_span();
}

struct Bench {
    clients: Runtime,
    time: Duration,
    rounds: usize,
}

/// The rates of several rounds, in spans per second of CPU time, and the times of exports over one connection.
#[derive(Default)]
struct Measured {
    rates: Vec<f64>,
    exports: Vec<Duration>,
}

impl Measured {
    /// The median in thousands, and half of the range in percent of it.
    fn rate(&self) -> (f64, f64) {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        let median = rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN);
        let range = rates
            .last()
            .zip(rates.first())
            .map(|(most, least)| most - least);
        (median / 1e3, range.unwrap_or(f64::NAN) / median * 50.0)
    }

    fn cell(&self) -> String {
        match self.rates.is_empty() {
            true => format!("{:>14}", "-"),
            false => {
                let (rate, spread) = self.rate();
                format!("{rate:>8.0} ±{spread:>2.0} %")
            }
        }
    }

    /// p50 and p99 in milliseconds.
    fn export_cell(&self) -> String {
        let mut times = self.exports.clone();
        times.sort_unstable();
        let at = |share: usize| {
            let time = times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
            time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        match times.is_empty() {
            true => format!("{:>14}", "-"),
            false => format!("{:>6.2} {:>7.2}", at(50), at(99)),
        }
    }
}

impl Bench {
    fn beside_others(&self) {
        let kinds = Kind::available();
        let work = Work::Watch(1);
        println!(
            "\n1 of {TRACES} traces watched: thousands of spans per second of CPU time (median, half of the range),"
        );
        println!("and below p50 and p99 of an export over one connection in ms\n");
        let names: String = kinds
            .iter()
            .map(|kind| format!("{:>14}", kind.name()))
            .collect();
        println!("{:26}{names}  spanspec / rotel", "");
        for (name, protocol, coding) in PROTOCOLS {
            for batch in [16, BATCH, 10_000] {
                let load = Load {
                    protocol,
                    coding,
                    path: "/v1/traces",
                    template: template(batch, protocol),
                    records: batch,
                };
                let measured = self.measure(&kinds, work, &load);
                let cells: String = measured.iter().map(Measured::cell).collect();
                let of = |kind| {
                    let at = kinds.iter().position(|one| *one == kind)?;
                    Some(measured[at].rate().0)
                };
                let ratio = of(Kind::Spanspec).zip(of(Kind::Rotel));
                let ratio = ratio.filter(|(_, other)| other.is_finite());
                let ratio =
                    ratio.map_or_else(String::new, |(own, other)| format!("  {:.1}x", own / other));
                println!("{:26}{cells}{ratio}", format!("{name}, {batch} spans"));
                let exports: String = measured.iter().map(Measured::export_cell).collect();
                println!("{:26}{exports}", "");
            }
        }
    }

    /// The rates of several servers, in turns.
    fn measure(&self, kinds: &[Kind], work: Work, load: &Load) -> Vec<Measured> {
        let servers: Vec<Server> = kinds
            .iter()
            .map(|kind| Server::start(*kind, work))
            .collect();
        let mut measured: Vec<Measured> = servers.iter().map(|_| Measured::default()).collect();
        for _ in 0..self.rounds {
            for (server, measured) in servers.iter().zip(&mut measured) {
                if !server.accepts(load) {
                    continue;
                }
                let alone = self.clients.block_on(load.send(server, 1, self.time / 3));
                measured.exports.extend(alone);
                let before = server.cpu_time();
                let exports = self
                    .clients
                    .block_on(load.send(server, CONNECTIONS, self.time));
                let cpu = server.cpu_time().saturating_sub(before).as_secs_f64();
                let records = exports.len() * load.records;
                // Shorter than a tick of the clock.
                measured
                    .rates
                    .extend((cpu > 0.0 && records > 0).then(|| records as f64 / cpu));
            }
        }
        measured
    }

    /// The rates by the work of the receiver: watched traces, `observe`, and the other signals.
    fn by_work(&self) {
        println!("\nHTTP, {BATCH} records: thousands of records per second of CPU time\n");
        let spans = || template(BATCH, Protocol::Http);
        let watched = |number: usize| format!("spans, {number} of {TRACES} traces watched");
        let lines = [
            (watched(0), "/v1/traces", spans(), Work::Watch(0)),
            (watched(1), "/v1/traces", spans(), Work::Watch(1)),
            (watched(6), "/v1/traces", spans(), Work::Watch(6)),
            (watched(TRACES), "/v1/traces", spans(), Work::Watch(TRACES)),
            (
                "spans, beside `observe`".to_owned(),
                "/v1/traces",
                spans(),
                Work::Observe,
            ),
            (
                format!("log records, 1 of {TRACES} traces watched"),
                "/v1/logs",
                Template::of(log_request(BATCH)),
                Work::Watch(1),
            ),
            (
                "data points".to_owned(),
                "/v1/metrics",
                Template::of(metric_request(BATCH)),
                Work::Watch(1),
            ),
        ];
        for (name, path, template, work) in lines {
            let load = Load {
                protocol: Protocol::Http,
                coding: Coding::None,
                path,
                template,
                records: BATCH,
            };
            let measured = self.measure(&[Kind::Spanspec], work, &load);
            println!("{name:40}{}", measured[0].cell());
        }
    }

    /// The memory of spans of watched traces.
    fn of_a_stored_span(&self) {
        let number = if is_quick() { 20 } else { 400 };
        let load = Load {
            protocol: Protocol::Http,
            coding: Coding::None,
            path: "/v1/traces",
            template: template(BATCH, Protocol::Http),
            records: BATCH,
        };
        let server = Server::start(Kind::Spanspec, Work::Watch(TRACES));
        let before = server.memory();
        self.clients.block_on(load.send_number(&server, number));
        let bytes = server.memory().saturating_sub(before) as f64 / (number * BATCH) as f64;
        let sent = load.template.len() / BATCH;
        println!("\nmemory of a stored span: {bytes:.0} bytes, {sent} bytes on the wire");
    }
}

fn template(batch: usize, protocol: Protocol) -> Template {
    let request = trace_request(batch);
    match protocol {
        Protocol::Json => Template::of_json(&serde_json::to_vec(&request).expect("JSON"), batch),
        Protocol::Http | Protocol::Grpc => Template::of_protobuf(request.encode_to_vec(), batch),
    }
}
