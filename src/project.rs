//! The project file, `spanspec.yaml`: specs, services, and defaults for all specs.
//!
//! It is read in two steps: first the ports of the services, and after their numbers are assigned,
//! the services.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::service::{
    CONFIG_FILES, CommandLine, GrpcHealth, PortSpec, Ready, START_TIMEOUT, Service,
};
use crate::spec::Location;
use crate::spec::{
    Defaults, Entry, ErrorList, Globals, Kind, Node, Reader, Refusal, Scope, Source, SpecError,
    SpecErrors, Variables, keys, parse_documents, variables,
};
use crate::trace::Value;

/// Default name of the project file.
pub const FILE_NAME: &str = "spanspec.yaml";

/// A project file, or the defaults without one.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its folder, the base of its relative paths.
    pub dir: PathBuf,
    /// Files, folders and globs of specs.
    pub specs: Vec<String>,
    /// Names of secret variables.
    pub secrets: Vec<String>,
    /// Places of the entries of `secrets`.
    pub(crate) secret_places: Vec<Location>,
    /// Addresses of the OTLP receiver. `None` for the default.
    pub listen: Option<Vec<SocketAddr>>,
    /// Origins of web pages that can send telemetry, in addition to those of this machine.
    pub cors: Vec<String>,
    /// Defaults for specs.
    pub defaults: Defaults,
    /// Its `vars`.
    pub vars: Variables,
    /// The ports of its services.
    pub ports: Vec<Port>,
    /// Warnings.
    pub warnings: Vec<SpecError>,
    source: Option<Source>,
    services: Vec<(String, Arc<Node>)>,
    /// Variables of the environment of all services.
    env: Option<Arc<Node>>,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name of the service.
    pub service: String,
    /// The name of the port within the service.
    pub name: String,
    /// The number, or a free port.
    pub spec: PortSpec,
}

impl Port {
    /// Its variable in specs: `services.shop.http`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("services.{}.{}", self.service, self.name)
    }
}

impl Project {
    /// The defaults without a project file: specs in `specs`, no services.
    #[must_use]
    pub fn none(dir: PathBuf) -> Self {
        Self {
            dir,
            specs: vec!["specs".to_owned()],
            secrets: Vec::new(),
            secret_places: Vec::new(),
            listen: None,
            cors: Vec::new(),
            defaults: Defaults::default(),
            vars: Variables::default(),
            ports: Vec::new(),
            warnings: Vec::new(),
            source: None,
            services: Vec::new(),
            env: None,
        }
    }

    /// Reads a project file, except the services, which need port numbers.
    ///
    /// # Errors
    /// All errors in the file, except errors in services.
    pub fn read(source: &Source, dir: &Path) -> Result<Self, SpecErrors> {
        let (project, errors) = Self::read_with_errors(source, dir);
        match errors {
            Some(errors) => Err(errors),
            None => Ok(project),
        }
    }

    /// Reads a project file with errors, too: the parts of it that are valid, and all errors except
    /// those in services.
    pub(crate) fn read_with_errors(source: &Source, dir: &Path) -> (Self, Option<SpecErrors>) {
        let errors = ErrorList::new(source);
        let none = || Self {
            source: Some(source.clone()),
            ..Self::none(dir.to_path_buf())
        };
        let documents = parse_documents(&errors);
        let project = match documents.as_slice() {
            // A file that is empty or has only comments is valid.
            [] => Some(none()),
            [root] => read(root, &errors, dir),
            [_, second, ..] => errors.note(
                second.place,
                "a project file must have one document",
                "second document",
                "remove the `---` before it".to_owned(),
            ),
        };
        let project = project.unwrap_or_else(none);
        (project, errors.check(Some(())).err())
    }

    /// Returns `true` if there is a project file.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.source.is_some()
    }

    /// The project without its services.
    #[must_use]
    pub fn without_services(mut self) -> Self {
        self.services = Vec::new();
        self.ports = Vec::new();
        self.warnings = Vec::new();
        self
    }

    /// The text of the project file.
    #[cfg(feature = "cli")]
    pub(crate) fn source_text(&self) -> Option<&str> {
        self.source.as_ref().map(Source::text)
    }

    /// Returns `true` if there are services to start.
    #[must_use]
    pub fn has_services(&self) -> bool {
        !self.services.is_empty()
    }

    /// The services, with variables substituted.
    ///
    /// # Errors
    /// All errors in them.
    pub fn services(&self, globals: &Arc<Globals>) -> Result<Vec<Service>, SpecErrors> {
        let Some(source) = &self.source else {
            return Ok(Vec::new());
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader {
            errors: &errors,
            scope: &scope,
            dir: &self.dir,
        };
        let names: Vec<&str> = self
            .services
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let services = reader.all(&self.services, |(name, node)| {
            self.service(name, node, &names, &reader)
        });
        errors.check(services)
    }

    /// The values of `vars`, of files of variables and of the command line, in this precedence.
    ///
    /// # Errors
    /// All errors in them.
    pub fn variables(&self, globals: &Arc<Globals>) -> Result<BTreeMap<String, Value>, SpecErrors> {
        let mut all = globals.file.clone();
        let arguments = globals.arguments.iter();
        all.extend(arguments.map(|(name, text)| (name.clone(), Value::from(text.as_str()))));
        let Some(source) = &self.source else {
            return Ok(all);
        };
        let errors = ErrorList::new(source);
        let scope = Scope::new(Arc::clone(globals), Variables::default());
        let reader = Reader {
            errors: &errors,
            scope: &scope,
            dir: &self.dir,
        };
        let own = reader.all(&self.vars.entries, |(name, node)| {
            Some((name.clone(), reader.value(node)?))
        });
        for (name, value) in errors.check(own)? {
            all.entry(name).or_insert(value);
        }
        Ok(all)
    }

    fn service(
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
        })
    }
}

fn read(root: &Node, errors: &ErrorList, dir: &Path) -> Option<Project> {
    let scope = Scope::new(Arc::default(), Variables::default());
    let reader = Reader {
        errors,
        scope: &scope,
        dir,
    };
    let mut project = Project::none(dir.to_path_buf());
    project.source = Some(errors.source().clone());
    reader.map(root, "a project file", keys::PROJECT)?;
    let specs = reader.optional(root, "specs", |node| reader.texts(node, "`specs`"));
    let secrets = reader.optional(root, "secrets", |node| reader.texts(node, "`secrets`"));
    let vars = reader.optional(root, "vars", |node| variables(node, &reader));
    let receiver = reader.optional(root, "receiver", |node| receiver(node, &reader));
    let defaults = reader.optional(root, "defaults", |node| defaults(node, &reader));
    let services = reader.optional(root, "services", |node| services(node, &reader));
    // An error in one part does not hide those in the others.
    let (listen, cors) = receiver.flatten().unwrap_or_default();
    let (ports, services) = services.flatten().unwrap_or_default();
    project.specs = specs.flatten().unwrap_or(project.specs);
    // The errors of services quote values, of which it must be known whether they are secret.
    let is_quotable = vars.is_some() && secrets.is_some();
    let services = if is_quotable { services } else { Vec::new() };
    project.secrets = secrets.flatten().unwrap_or_default();
    project.secret_places = places(root.get("secrets"), errors.source());
    project.vars = Variables {
        entries: vars.flatten().unwrap_or_default(),
        source: project.source.clone(),
    };
    project.defaults = defaults.flatten().unwrap_or_default();
    project.warnings = without_ready(&services, &reader);
    let configured = services.iter();
    let configured = configured.flat_map(|(name, node)| {
        configured_by_file(&format!("the service `{name}`"), node, &reader)
    });
    project.warnings.extend(configured);
    project
        .warnings
        .extend(configured_by_file("all services", root, &reader));
    let env = root.get("env");
    let env = env.filter(|env| reader.any_map(env, "`env`").is_some());
    project.env = env.cloned().map(Arc::new);
    (project.listen, project.cors) = (listen, cors);
    (project.ports, project.services) = (ports, services);
    Some(project)
}

/// The names in `secrets` and the scalars in `vars` of a project file with errors, to mask the
/// lines that the errors quote.
pub(crate) fn secrets_and_vars(source: &Source) -> (Vec<String>, Vec<(String, String)>) {
    let documents = parse_documents(&ErrorList::new(source));
    let Some(root) = documents.first() else {
        return Default::default();
    };
    let text = |node: &Node| match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.text.clone()),
        Kind::List(_) | Kind::Map(_) => None,
    };
    let names = match root.get("secrets").map(|node| &node.kind) {
        Some(Kind::List(items)) => items.iter().filter_map(text).collect(),
        _ => root.get("secrets").and_then(text).into_iter().collect(),
    };
    let vars = match root.get("vars").map(|node| &node.kind) {
        Some(Kind::Map(entries)) => entries
            .iter()
            .filter_map(|entry| Some((entry.key.text.clone(), text(&entry.value)?)))
            .collect(),
        _ => Vec::new(),
    };
    (names, vars)
}

/// The places of the elements of a list, or of a single value.
fn places(list: Option<&Node>, source: &Source) -> Vec<Location> {
    let nodes = match list {
        Some(node) => match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![node],
        },
        None => Vec::new(),
    };
    nodes.iter().map(|node| source.at(node.place)).collect()
}

type ListenAndCors = (Option<Vec<SocketAddr>>, Vec<String>);

fn receiver(node: &Node, reader: &Reader<'_>) -> Option<ListenAndCors> {
    reader.map(node, "`receiver`", keys::RECEIVER)?;
    let listen = reader.optional(node, "listen", |list| {
        reader.all(reader.list(list, "`listen`")?, |address| {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            reader.parse(address, "an address", any, read_address)
        })
    });
    let cors = reader.optional(node, "cors", |list| reader.texts(list, "`cors`"));
    Some((listen?, cors?.unwrap_or_default()))
}

/// Parses an address such as `127.0.0.1:4317`. A port alone is on loopback.
///
/// # Errors
/// If it is invalid. The text includes help.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    read_address(text).map_err(|no| no.to_string())
}

fn read_address(text: &str) -> Result<SocketAddr, Refusal> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| {
        Refusal::new(
            format!("invalid address `{text}`"),
            "write `127.0.0.1:4317`, or `127.0.0.1:0` for a free port",
        )
    })
}

fn defaults(node: &Node, reader: &Reader<'_>) -> Option<Defaults> {
    reader.map(node, "`defaults`", keys::DEFAULTS)?;
    let wait = reader.optional(node, "wait", |wait| reader.wait(wait));
    let request = reader.optional(node, "request", |request| {
        reader.map(request, "`request`", keys::REQUEST_DEFAULTS)?;
        reader.optional(request, "timeout", |timeout| {
            reader.duration(timeout, "a timeout")
        })
    });
    Some(Defaults {
        wait: wait?.unwrap_or_default(),
        request_timeout: request?.flatten(),
    })
}

type PortsAndServices = (Vec<Port>, Vec<(String, Arc<Node>)>);

fn services(node: &Node, reader: &Reader<'_>) -> Option<PortsAndServices> {
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
        let spec = reader.parse(&entry.value, "a port", PortSpec::Auto, |text| match text {
            "auto" => Ok(PortSpec::Auto),
            _ => match text.parse() {
                Ok(number) if number > 0 => Ok(PortSpec::Fixed(number)),
                _ => Err(Refusal::new(
                    format!("invalid port `{text}`"),
                    "write a number from 1 to 65535, or `auto` for a free port",
                )),
            },
        })?;
        Some(Port {
            service: service.to_owned(),
            name: entry.key.text.clone(),
            spec,
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
        } else if let Ok(url) = url::Url::parse(text)
            && matches!(url.scheme(), "http" | "https")
        {
            if url.scheme() == "https" && cfg!(not(feature = "tls")) {
                return Err(Refusal::new(
                    "this build of spanspec has no TLS",
                    "add the feature `tls` of spanspec in Cargo.toml",
                ));
            }
            return Ok(Ready::Http(url));
        }
        Err(Refusal::new(
            format!("invalid `ready`: `{text}`"),
            "write `http://127.0.0.1:8080/health`, `tcp://127.0.0.1:8080`, `grpc://127.0.0.1:8080` or `{ log: =~ listening }`",
        ))
    })
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
fn without_ready(services: &[(String, Arc<Node>)], reader: &Reader<'_>) -> Vec<SpecError> {
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
fn configured_by_file(services: &str, service: &Node, reader: &Reader<'_>) -> Vec<SpecError> {
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

/// Names and values of a file of variables: one map in YAML or JSON.
///
/// # Errors
/// All errors in the file.
pub fn read_variables(source: &Source) -> Result<BTreeMap<String, Value>, SpecErrors> {
    let errors = ErrorList::new(source);
    let scope = Scope::new(Arc::default(), Variables::default());
    let reader = Reader {
        errors: &errors,
        scope: &scope,
        dir: Path::new("."),
    };
    let documents = parse_documents(&errors);
    let entries = |root| {
        let entries = reader.any_map(root, "a file of variables")?;
        reader.all(entries, |entry| {
            Some((entry.key.text.clone(), reader.value(&entry.value)?))
        })
    };
    let read = documents.first().map_or_else(|| Some(Vec::new()), entries);
    errors.check(read.map(|entries| entries.into_iter().collect()))
}
