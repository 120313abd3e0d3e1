//! Helpers for tests of processes and sockets.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes it uses a part"
)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;

/// Longer than anything here takes on the slowest machine; reached only by a test that fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Serves on a loopback port for as long as the test's runtime lives. Bound means ready.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// Runs tests of this file once more, in a process with this environment.
pub fn again_with(env: &[(&str, &str)], tests: &[&str]) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--include-ignored"])
        .args(tests)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let all = format!("{} passed; 0 failed", tests.len());
    assert!(text.contains(&all), "{text}");
}

/// Looks again until something is there.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns `true` if a process runs; a zombie does not.
#[cfg(unix)]
pub fn runs(pid: &str) -> bool {
    let ps = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", pid.trim()])
        .output()
        .unwrap();
    let state = String::from_utf8(ps.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

/// A port without a listener, reserved until this is dropped.
pub struct ClosedPort(tokio::net::TcpSocket);

impl ClosedPort {
    pub fn reserve() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}
