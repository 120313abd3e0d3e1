//! `spanspec collect`: a receiver and the services of the project, until Ctrl-C.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::{Map, Value as Json, json};

use crate::atomic_file::{Readers, replace_for};

use super::arguments::Format;
use super::exec_arguments::CollectArguments;
use super::exit::{Exit, fail};
use super::host::{Host, HostSetup, with_host};
use super::output;
use super::session::{Interruptions, fail_with};

/// Receives spans until the user interrupts.
pub(super) fn collect(arguments: &CollectArguments) -> Exit {
    let setup = match HostSetup::read(&arguments.system) {
        Ok(setup) => setup,
        Err(exit) => return exit,
    };
    let mut spans = None;
    let exit = with_host(&setup, async |host, interruptions| {
        let exit = receive(host, interruptions, arguments).await;
        spans = Some(host.spans());
        exit
    });
    let spans = match spans {
        Some(spans) if exit != Exit::Interrupted => spans,
        _ => return exit,
    };
    let noun = if spans == 1 { "span" } else { "spans" };
    fail(exit, &format!("{spans} {noun} received"))
}

async fn receive(
    host: &Host,
    interruptions: &mut Interruptions,
    arguments: &CollectArguments,
) -> Exit {
    match announce(host, arguments) {
        Err(error) => fail(Exit::Errored, &format!("error: {error}")),
        Ok(()) => tokio::select! {
            _ = interruptions.next() => Exit::Passed,
            trouble = host.died() => fail_with(&[trouble]),
        },
    }
}

/// Reports to people and programs that everything is ready.
fn announce(host: &Host, arguments: &CollectArguments) -> std::io::Result<()> {
    let ready = ready(host);
    if let Some(path) = &arguments.ready_file {
        // Tests read their variables here, so that it holds their values, the token among them.
        replace_for(Readers::Owner, path, format!("{ready:#}\n").as_bytes()).map_err(|error| {
            let text = format!("failed to write `{}`: {error}", path.display());
            std::io::Error::new(error.kind(), text)
        })?;
    }
    let text = match arguments.format {
        Format::Text => instructions(host),
        _ => format!("{ready}\n"),
    };
    // An error of writing is ignored: standard output is closed.
    let mut out = output::stdout();
    let text = host.token.text(&text);
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(())
}

fn ready(host: &Host) -> Json {
    let variables = host.environment.set.iter();
    let environment: Map<String, Json> = variables
        .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
        .collect();
    let listened = host.addresses().iter().map(SocketAddr::to_string);
    json!({
        "listened": listened.collect::<Vec<String>>(),
        "pid": std::process::id(),
        "environment": environment,
    })
}

fn instructions(host: &Host) -> String {
    let addresses: Vec<String> = host.addresses().iter().map(SocketAddr::to_string).collect();
    let lines = |of_services: bool| -> String {
        let variables = host.environment.set.iter();
        variables
            .filter(|(name, _)| name.starts_with("OTEL_") == of_services)
            .map(|(name, value)| format!("  export {name}={}\n", shell_words::quote(value)))
            .collect()
    };
    format!(
        "listening on {} for OTLP, over gRPC and HTTP, and for the HTTP API\n\nwhere services run that are not started here:\n{}\nwhere tests run:\n{}\nCtrl-C ends it\n",
        addresses.join(", "),
        lines(true),
        lines(false),
    )
}
