//! The shop: six services that place an order together, each traced by its own OpenTelemetry SDK.
//!
//! The system under test of this repository's specs. It runs in one process, over HTTP on loopback.
//! README.md describes its API, traces and faults.

mod call;
mod client;
mod config;
mod database;
mod gateway;
mod id;
mod inventory;
mod latency;
mod notification;
mod order;
mod payment;
mod server;
mod service;
mod shipping;
mod shop;
mod simulate;
mod telemetry;

use std::error::Error;
use std::io::{self, Write};
use std::iter;
use std::process::ExitCode;

use tokio::signal;

use crate::config::Config;
use crate::shop::Shop;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Ignored if standard error is closed.
            writeln!(io::stderr(), "shop: {}", with_causes(&*error)).ok();
            ExitCode::FAILURE
        }
    }
}

/// Runs the shop until the process receives a signal.
async fn run() -> Result<(), Box<dyn Error>> {
    let mut shop = Shop::open(Config::read()?).await?;
    announce(&shop)?;
    let broken = tokio::select! {
        stopped = stopped() => stopped.err(),
        error = shop.broken() => Some(error),
    };
    shop.close().await;
    broken.map_or(Ok(()), |error| Err(error.into()))
}

fn announce(shop: &Shop) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (service, address) in &shop.addresses {
        writeln!(out, "{service} is listening on http://{address}")?;
    }
    out.flush()
}

/// Waits for SIGTERM or Ctrl-C.
#[cfg(unix)]
async fn stopped() -> io::Result<()> {
    use signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupt = signal::ctrl_c() => interrupt,
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn stopped() -> io::Result<()> {
    signal::ctrl_c().await
}

fn with_causes(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |error| (*error).source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
