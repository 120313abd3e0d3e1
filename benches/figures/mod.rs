//! Times as the lines of a table.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    reason = "each bench that includes it uses a part, and prints its figures"
)]

use std::time::{Duration, Instant};

/// Several measurements of the same, shortest first.
pub struct Times(Vec<Duration>);

/// Returns `true` if the bench shall only prove that it works: `-- --quick`.
pub fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// One number or the other, by whether the bench is to be quick.
pub fn rounds(usual: usize, quick: usize) -> usize {
    if is_quick() { quick } else { usual }
}

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "something was measured");
        times.sort_unstable();
        Self(times)
    }

    /// Measures this number of calls, after a first one that does not count.
    pub fn of<T>(rounds: usize, mut call: impl FnMut() -> T) -> Self {
        std::hint::black_box(call());
        let one = |_| {
            let start = Instant::now();
            std::hint::black_box(call());
            start.elapsed()
        };
        Self::new((0..rounds).map(one).collect())
    }

    pub fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    /// The longest where there are fewer than a hundred.
    pub fn p99(&self) -> Duration {
        self.0[(self.0.len() * 99 / 100).min(self.0.len() - 1)]
    }
}

pub fn head(title: &str, last: &str) {
    println!("\n{title:44}{:>11}{:>11}  {last}", "median", "p99");
}

/// One line; `note` says what the figure means, such as its ratio to another one.
pub fn line(name: &str, times: &Times, note: &str) {
    let (median, p99) = (millis(times.median()), millis(times.p99()));
    println!("{name:44}{median:>11}{p99:>11}  {note}");
}

pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// The ratio of the median to `of`.
pub fn ratio(times: &Times, of: Duration) -> String {
    format!("{:.2}x", times.median().as_secs_f64() / of.as_secs_f64())
}
