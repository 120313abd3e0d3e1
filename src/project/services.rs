//! The services of a project file.

use std::sync::Arc;

use url::Url;

use super::{Port, Project};
use crate::service::{
    CONFIG_FILES, CommandLine, GrpcHealth, OutputStream, PortSpec, Ready, START_TIMEOUT, Service,
};
use crate::spec::{Entry, Kind, Node, Reader, Refusal, SpecError, keys};

impl Project {
    /// A service, with variables substituted. `names` are those of all services.
    pub(super) fn service(
        &self,
        name: &str,
        node: &Node,
        names: &[&str],
        reader: &Reader<'_>,
    ) -> Option<Service> {
        let shell = reader.optional(node, "shell", |flag| reader.bool(flag, "`shell`"));
        let is_shell = shell.unwrap_or_default().unwrap_or(false);
        let build = reader.optional(node, "build", |line| command_line(line, is_shell, reader));
        let run = match node.get("run") {
            Some(line) => command_line(line, is_shell, reader),
            None => reader.wrong(
                node.place,
                format!("the service `{name}` has no command"),
                "missing `run`",
                "add `run: target/debug/shop`, or a list of words",
            ),
        };
        let of_all = self
            .env
            .as_deref()
            .map_or(Some(Vec::new()), |env| reader.text_map(env, "`env`"));
        let env = reader.optional(node, "env", |env| reader.text_map(env, "`env`"));
        let env = of_all.zip(env).map(|(mut all, own)| {
            all.extend(own.unwrap_or_default());
            all
        });
        let ready = reader.optional(node, "ready", |ready| self::ready(ready, reader));
        let depends_on = reader.optional(node, "depends_on", |list| {
            depends_on(list, name, names, reader)
        });
        let dir = reader.optional(node, "dir", |dir| reader.path(dir, "a folder"));
        let start_timeout = reader.optional(node, "start_timeout", |timeout| {
            reader.duration(timeout, "`start_timeout`")
        });
        let logs = reader.optional(node, "logs", |logs| outputs(logs, reader));
        let scrape = reader.optional(node, "scrape", |scrape| self::scrape(scrape, reader));
        if let (Some(Some(_)), Some(env), Some(written)) = (&logs, &env, node.get("logs"))
            && !env
                .iter()
                .any(|(name, _)| SERVICE_NAMES.contains(&name.as_str()))
        {
            reader.wrong::<()>(
                written.place,
                "log records need the name of the service, and its `env` has none",
                "no `OTEL_SERVICE_NAME`",
                "add `OTEL_SERVICE_NAME` to `env`, with the `service.name` of its spans",
            )?;
        }
        let ports = self.ports.iter().filter(|port| port.service == name);
        let ports = ports.map(|port| {
            let number = reader.scope.service_port(&port.variable())?;
            Some((port.name.clone(), number))
        });
        Some(Service {
            name: name.to_owned(),
            build: build?,
            run: run?,
            ports: ports.collect::<Option<_>>().unwrap_or_default(),
            env: env?,
            ready: ready?,
            depends_on: depends_on?.unwrap_or_default(),
            dir: dir?.unwrap_or_else(|| self.dir.clone()),
            start_timeout: start_timeout?.unwrap_or(START_TIMEOUT),
            logs: logs?.unwrap_or_default(),
            scrape: scrape?,
        })
    }
}

pub(super) type PortsAndServices = (Vec<Port>, Vec<(String, Arc<Node>)>);

pub(super) fn services(node: &Node, reader: &Reader<'_>) -> Option<PortsAndServices> {
    let entries = reader.any_map(node, "`services`")?;
    let (mut ports, mut services) = (Vec::new(), Vec::new());
    let mut is_valid = true;
    for entry in entries {
        if reader
            .map(&entry.value, "a service", keys::SERVICE)
            .is_none()
        {
            is_valid = false;
            continue;
        }
        if let Some(node) = entry.value.get("ports") {
            let of_service = self::ports(&entry.key.text, node, reader);
            is_valid &= of_service.is_some();
            ports.extend(of_service.unwrap_or_default());
        }
        services.push((entry.key.text.clone(), Arc::new(entry.value.clone())));
    }
    // Services refer to each other and to the ports of all.
    is_valid.then_some((ports, services))
}

fn ports(service: &str, node: &Node, reader: &Reader<'_>) -> Option<Vec<Port>> {
    reader.all(reader.any_map(node, "`ports`")?, |entry: &Entry| {
        let spec = port(&entry.value, reader)?;
        Some(Port {
            service: service.to_owned(),
            name: entry.key.text.clone(),
            spec,
        })
    })
}

/// A number, or `auto`.
pub(super) fn port(node: &Node, reader: &Reader<'_>) -> Option<PortSpec> {
    reader.parse(node, "a port", PortSpec::Auto, |text| match text {
        "auto" => Ok(PortSpec::Auto),
        _ => match text.parse() {
            Ok(number) if number > 0 => Ok(PortSpec::Fixed(number)),
            _ => Err(Refusal::new(
                format!("invalid port `{text}`"),
                "write a number from 1 to 65535, or `auto` for a free port",
            )),
        },
    })
}

/// Variables with the `service.name`.
const SERVICE_NAMES: [&str; 2] = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];

fn outputs(node: &Node, reader: &Reader<'_>) -> Option<Vec<OutputStream>> {
    reader.all(node.items(), |item| {
        reader.parse(item, "an output", OutputStream::Stdout, |text| {
            let mut known = OutputStream::ALL.iter();
            let found = known.find(|(name, _)| *name == text);
            found.map(|(_, stream)| *stream).ok_or_else(|| {
                Refusal::new(
                    format!("`{text}` is not an output"),
                    "write `stdout`, `stderr` or `[stdout, stderr]`; records that are sent over OTLP need no `logs`",
                )
            })
        })
    })
}

fn command_line(node: &Node, is_shell: bool, reader: &Reader<'_>) -> Option<CommandLine> {
    if is_shell {
        return reader.shell_line(node).map(CommandLine::Shell);
    }
    let words = reader.words(node)?;
    reader.refuse_shell_syntax(node, &words, "add `shell: true`")?;
    Some(CommandLine::Words(words))
}

fn ready(node: &Node, reader: &Reader<'_>) -> Option<Ready> {
    if matches!(node.kind, Kind::Map(_)) {
        reader.map(node, "`ready`", keys::READY)?;
        let log = node.get("log")?;
        let text = reader.scalar(log, "`log`")?.text.clone();
        let expression = text.trim_start().strip_prefix("=~").map(str::trim_start);
        return match expression {
            Some(expression) => reader.regex(expression, log).map(Ready::Log),
            None => reader.wrong(
                log.place,
                "`log` must be a regular expression",
                "no `=~`",
                format!("write `=~ {text}`"),
            ),
        };
    }
    let awaited = Ready::Tcp(String::new());
    reader.parse(node, "`ready`", awaited, |text| {
        if let Some(address) = text.strip_prefix("tcp://") {
            if has_port(address) {
                return Ok(Ready::Tcp(address.to_owned()));
            }
        } else if let Some(target) = text.strip_prefix("grpc://") {
            let (address, service) = target.split_once('/').unwrap_or((target, ""));
            if has_port(address) {
                return Ok(Ready::Grpc(GrpcHealth {
                    address: address.to_owned(),
                    service: service.to_owned(),
                }));
            }
        } else if let Some(url) = http_url(text)? {
            return Ok(Ready::Http(url));
        }
        Err(Refusal::new(
            format!("invalid `ready`: `{text}`"),
            "write `http://127.0.0.1:8080/health`, `tcp://127.0.0.1:8080`, `grpc://127.0.0.1:8080` or `{ log: =~ listening }`",
        ))
    })
}

/// The URL of the metrics of a service.
fn scrape(node: &Node, reader: &Reader<'_>) -> Option<Url> {
    let awaited = Url::parse("http://localhost/").expect("it is valid");
    reader.parse(node, "`scrape`", awaited, |text| {
        http_url(text)?.ok_or_else(|| {
            Refusal::new(
                format!("invalid `scrape`: `{text}`"),
                "write the URL of the metrics, such as `http://127.0.0.1:${services.shop.http}/metrics`",
            )
        })
    })
}

/// `None` if the text is no URL of HTTP.
fn http_url(text: &str) -> Result<Option<Url>, Refusal> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    match url {
        Some(url) if url.scheme() == "https" && cfg!(not(feature = "tls")) => Err(Refusal::new(
            "this build of spanspec has no TLS",
            "add the feature `tls` of spanspec in Cargo.toml",
        )),
        url => Ok(url),
    }
}

fn has_port(address: &str) -> bool {
    let parts = address.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn depends_on(node: &Node, own: &str, names: &[&str], reader: &Reader<'_>) -> Option<Vec<String>> {
    reader.all(reader.list(node, "`depends_on`")?, |item| {
        let name = reader.named(item, "a service")?;
        if names.contains(&name.as_str()) && name != own {
            return Some(name);
        }
        let what = if name == own {
            format!("`{own}` depends on itself")
        } else {
            format!("unknown service `{name}`")
        };
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != own).collect();
        let help = match others.as_slice() {
            [] => "remove it; there is no other service".to_owned(),
            others => crate::spec::suggest(&name, others),
        };
        reader.wrong(item.place, what, "here", help)
    })
}

/// Warns about services without `ready`: the first requests can precede the listener.
pub(super) fn without_ready(
    services: &[(String, Arc<Node>)],
    reader: &Reader<'_>,
) -> Vec<SpecError> {
    services
        .iter()
        .filter(|(_, node)| node.get("ready").is_none())
        .map(|(name, node)| SpecError {
            what: format!("the service `{name}` has no `ready`"),
            at: reader.at(node.get("run").unwrap_or(node).place),
            label: "ready when started".to_owned(),
            help: Some(
                "add `ready: http://…/health`, `tcp://host:port` or `{ log: =~ listening }`"
                    .to_owned(),
            ),
        })
        .collect()
}

/// Warns about configuration files: with one, an SDK ignores all other `OTEL_…` variables.
pub(super) fn configured_by_file(
    services: &str,
    service: &Node,
    reader: &Reader<'_>,
) -> Vec<SpecError> {
    let Some(Kind::Map(env)) = service.get("env").map(|env| &env.kind) else {
        return Vec::new();
    };
    env.iter()
        .filter(|entry| CONFIG_FILES.contains(&entry.key.text.as_str()))
        .map(|entry| SpecError {
            what: format!(
                "`{}` makes the SDK of {services} ignore the variables that spanspec sets",
                entry.key.text
            ),
            at: reader.at(entry.key.place),
            label: "endpoint and export delay from that file".to_owned(),
            help: Some(
                "set the endpoint in the file to `${OTEL_EXPORTER_OTLP_ENDPOINT}` and `schedule_delay` to 100, and set `defaults: { wait: { flush: 350ms } }`; or remove the variable"
                    .to_owned(),
            ),
        })
        .collect()
}
