//! The receiver under test: a process, its answers, and its state.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// Longer than anything here takes on the slowest machine; reached only by a test that fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Most memory that the process may ever have had. It reserves 256 MiB for bodies and what they become.
const MOST_MEMORY: u64 = 640 << 20;

/// Files that the process may open once, such as those of a thread. Each class leaves more if it leaves any.
const MOST_NEW_FILES: usize = 3;

/// Path of the gRPC method for traces.
pub(crate) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

pub(crate) struct Target {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    is_secure: bool,
    /// Number of open files at rest.
    files: usize,
}

/// The answers to bytes: everything that came until the connection ended.
pub(crate) struct Answers(pub(crate) Vec<u8>);

/// The end of what a client sends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The client waits until the receiver ends the connection.
    Wait,
    /// The client sends no more, and reads to the end.
    Shutdown,
}

impl Target {
    /// Starts `spanspec collect` with these settings of `receiver`.
    pub(crate) fn start(receiver: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("receiver:\n  listen: [0]\n  {receiver}\n");
        fs::write(folder.path().join("spanspec.yaml"), file).unwrap();
        for name in ["server.pem", "server.key", "authority.pem"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
            fs::copy(from.join(name), folder.path().join(name)).unwrap();
        }
        let stderr = fs::File::create(folder.path().join("stderr")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanspec"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SPANSPEC_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(["collect", "--format", "json"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let ready: Json = serde_json::from_str(&line).unwrap();
        let address = ready["listened"][0].as_str().unwrap().parse().unwrap();
        let mut target = Self {
            child,
            folder,
            address,
            is_secure: !receiver.is_empty(),
            files: 0,
        };
        target.serves_honest_clients("the start");
        target.files = target.open_files().len();
        target
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends bytes, and reads meanwhile and afterwards until the connection ends.
    pub(crate) fn send(&self, bytes: &[u8], end: End) -> Answers {
        let mut stream = self.connect();
        let mut writer = stream.try_clone().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // The receiver may end the connection before it has read everything.
                let _ = writer.write_all(bytes);
                if matches!(end, End::Shutdown) {
                    let _ = writer.shutdown(Shutdown::Write);
                }
            });
            read_to_end(&mut stream)
        })
    }

    /// Sends a request on a connection of its own, and checks the answer.
    pub(crate) fn refuses(&self, request: &[u8], end: End, case: &str) {
        let answers = self.send(request, end);
        for status in answers.statuses() {
            assert!(status < 500 || status == 503, "{case}: {status}");
        }
    }

    /// Posts a body over a connection that is kept.
    pub(crate) fn posts(&self, path: &str, headers: &str) -> Posts<'_> {
        Posts {
            target: self,
            path: path.to_owned(),
            headers: headers.to_owned(),
            stream: None,
        }
    }

    /// Panics unless honest clients are served, no connection is left, memory is bounded, and nothing has panicked.
    pub(crate) fn is_well(&self, after: &str) {
        self.serves_honest_clients(after);
        let began = Instant::now();
        while self.open_files().len() > self.files + MOST_NEW_FILES {
            let files = self.open_files();
            assert!(
                began.elapsed() < DEADLINE,
                "{after}: open files are left: {files:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        let peak = self.peak();
        assert!(peak < MOST_MEMORY, "{after}: {} MiB", peak >> 20);
        let stderr = fs::read_to_string(self.folder.path().join("stderr")).unwrap();
        assert!(!stderr.contains("panicked"), "{after}: {stderr}");
    }

    /// Sends an export over HTTP and one over gRPC.
    pub(crate) fn serves_honest_clients(&self, when: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let before = self.spans().await;
            let http = self.client().build().unwrap();
            let url = self.url("/v1/traces");
            let request = http
                .post(url)
                .header("content-type", "application/x-protobuf");
            let answer = request.body(crate::wire::export()).send().await;
            let status = answer.unwrap_or_else(|error| panic!("{when}: {error:?}"));
            assert_eq!(status.status(), 200, "{when}");
            let grpc = self.client().http2_prior_knowledge().build().unwrap();
            let request = grpc
                .post(self.url(TRACES))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(crate::calls::framed(&crate::wire::export()));
            let answer = request.send().await;
            let answer = answer.unwrap_or_else(|error| panic!("{when}: {error:?}"));
            // An error has no message.
            assert_eq!(answer.bytes().await.unwrap().len(), 5, "{when}");
            assert_eq!(self.spans().await, before + 2, "{when}");
        });
    }

    fn client(&self) -> reqwest::ClientBuilder {
        let authority = fs::read(self.folder.path().join("authority.pem")).unwrap();
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([authority])
            .timeout(DEADLINE)
    }

    fn url(&self, path: &str) -> String {
        match self.is_secure {
            true => format!("https://localhost:{}{path}", self.address.port()),
            false => format!("http://{}{path}", self.address),
        }
    }

    async fn spans(&self) -> u64 {
        let client = self.client().build().unwrap();
        let answer = client.get(self.url("/api/health")).send().await.unwrap();
        let health: Json = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        health["spans"].as_u64().unwrap()
    }

    #[cfg(target_os = "linux")]
    fn open_files(&self) -> Vec<PathBuf> {
        let folder = format!("/proc/{}/fd", self.child.id());
        let files = fs::read_dir(folder).unwrap();
        let mut files: Vec<PathBuf> = files
            .filter_map(|file| fs::read_link(file.unwrap().path()).ok())
            .collect();
        files.sort();
        files
    }

    #[cfg(target_os = "linux")]
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() << 10
    }

    #[cfg(not(target_os = "linux"))]
    fn open_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    #[cfg(not(target_os = "linux"))]
    fn peak(&self) -> u64 {
        0
    }

    /// Panics unless it still runs.
    pub(crate) fn stop(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it has ended");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_to_end(stream: &mut TcpStream) -> Answers {
    let mut answers = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answers.extend_from_slice(&buffer[..read]),
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                panic!("the connection did not end: {:?}", Answers(answers).text())
            }
            // A client whose connection ends while it sends may see a reset.
            Err(_) => break,
        }
    }
    Answers(answers)
}

impl Answers {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The statuses of all responses, of either protocol.
    fn statuses(&self) -> Vec<u16> {
        match self.0.starts_with(b"HTTP/1") {
            true => statuses_of_http1(&self.text()),
            false => crate::http2::statuses(&self.0),
        }
    }
}

fn statuses_of_http1(text: &str) -> Vec<u16> {
    let responses = text.split("HTTP/1.").skip(1);
    let status = |response: &str| response.split(' ').nth(1)?.get(..3)?.parse().ok();
    responses.filter_map(status).collect()
}

/// Requests with bodies, one after the other.
pub(crate) struct Posts<'t> {
    target: &'t Target,
    path: String,
    headers: String,
    stream: Option<TcpStream>,
}

impl Posts<'_> {
    /// Sends a body, and checks that the status is one of these.
    pub(crate) fn expect(&mut self, body: &[u8], allowed: &[u16], case: &str) {
        let status = self.post(body, case);
        assert!(allowed.contains(&status), "{}: {case}: {status}", self.path);
    }

    fn post(&mut self, body: &[u8], case: &str) -> u16 {
        let mut stream = self.stream.take().unwrap_or_else(|| self.target.connect());
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\n{}content-length: {}\r\n\r\n",
            self.path,
            self.headers,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The receiver may answer before it has read everything.
        let _ = stream.write_all(body);
        let answer = response(&mut stream);
        let (status, is_kept) =
            answer.unwrap_or_else(|error| panic!("{}: {case}: {error}", self.path));
        self.stream = is_kept.then_some(stream);
        status
    }
}

/// The status of the next response, and `true` if the connection is kept.
fn response(stream: &mut TcpStream) -> std::io::Result<(u16, bool)> {
    let mut reader = BufReader::new(stream);
    let status = line(&mut reader)?;
    let (mut length, mut is_chunked, mut is_kept) = (0, false, true);
    loop {
        let line = line(&mut reader)?.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        is_chunked |= line == "transfer-encoding: chunked";
        is_kept &= line != "connection: close";
        if line.is_empty() {
            break;
        }
    }
    match is_chunked {
        true => skip_chunks(&mut reader)?,
        false => skip(&mut reader, length)?,
    }
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((code.unwrap_or_else(|| panic!("{status:?}")), is_kept))
}

fn line(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn skip(reader: &mut impl Read, bytes: usize) -> std::io::Result<()> {
    reader.read_exact(&mut vec![0; bytes])
}

fn skip_chunks(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let size = usize::from_str_radix(&line(reader)?, 16).unwrap();
        if size == 0 {
            break;
        }
        skip(reader, size + 2)?;
    }
    while !line(reader)?.is_empty() {}
    Ok(())
}
