//! The shop: six services that place an order together, each traced by its own OpenTelemetry SDK.
//!
//! A system to try spanspec on. It runs in one process, over real HTTP on loopback; README.md
//! shows what calls what, and which faults can be asked for.

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
            // Nothing is left to do if standard error is closed, too.
            writeln!(io::stderr(), "shop: {}", with_causes(&*error)).ok();
            ExitCode::FAILURE
        }
    }
}

/// Opens the shop, and closes it when told to.
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

/// Resolves when the process is asked to end.
#[cfg(unix)]
async fn stopped() -> io::Result<()> {
    use signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupt = signal::ctrl_c() => interrupt,
    }
}

/// Resolves when the process is asked to end.
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
