//! Live progress on standard error, if it is a terminal.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Reporter;
use super::look::{printable, truncated};
use crate::number::{Rounding, duration, figure, micros};
use crate::result::{Report, RunEvent};

const TICK: Duration = Duration::from_millis(120);

/// Maximum width of a name that figures follow: the line fits into 80 columns.
const LONGEST_NAME: usize = 28;

/// A line for each service until it is ready, then one for all specs, and one for a load.
pub struct Progress {
    all: MultiProgress,
    services: HashMap<String, ServiceLine>,
    specs: Option<ProgressBar>,
    /// The line of the load; specs with a load run alone.
    load: Option<ProgressBar>,
    selected: u64,
    /// Names of the running specs, the oldest first.
    running: Vec<String>,
}

struct ServiceLine {
    bar: ProgressBar,
    /// Its state: `building shop`.
    doing: String,
}

impl Progress {
    /// On standard error; hidden if that is not a terminal.
    #[must_use]
    pub fn stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    /// Hidden, for `--quiet` and CI.
    #[must_use]
    pub fn hidden() -> Self {
        Self::on(ProgressDrawTarget::hidden())
    }

    fn on(target: ProgressDrawTarget) -> Self {
        Self {
            all: MultiProgress::with_draw_target(target),
            services: HashMap::new(),
            specs: None,
            load: None,
            selected: 0,
            running: Vec::new(),
        }
    }

    /// Hides the progress while other text is written.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        // `suspend` panics if the terminal is closed.
        if self.all.clear().is_err() {
            self.all.set_draw_target(ProgressDrawTarget::hidden());
        }
        self.all.suspend(write)
    }

    /// Removes the progress.
    pub fn clear(&mut self) {
        let services = self.services.drain().map(|(_, service)| service.bar);
        for bar in services.chain(self.load.take()).chain(self.specs.take()) {
            bar.finish_and_clear();
        }
        // Errors of progress are ignored.
        let _ = self.all.clear();
    }

    fn service(&mut self, name: &str, doing: &str) {
        let doing = format!("{doing} {}", printable(name));
        let all = &self.all;
        let service = self
            .services
            .entry(name.to_owned())
            .or_insert_with(|| ServiceLine {
                bar: spinner(all),
                doing: String::new(),
            });
        service.bar.set_message(doing.clone());
        service.doing = doing;
    }

    fn output(&mut self, name: &str, line: &str) {
        if let Some(service) = self.services.get(name).filter(|one| !one.bar.is_finished()) {
            let line = printable(line.trim());
            service
                .bar
                .set_message(format!("{}: {line}", service.doing));
        }
    }

    fn ready(&mut self, name: &str, after: Duration) {
        if let Some(service) = self.services.get(name) {
            let name = printable(name);
            let text = format!("{name} is ready after {}", duration(after));
            service.bar.finish_with_message(text);
        }
    }

    fn started(&mut self, name: &str) {
        self.services.retain(|_, service| {
            let ready = service.bar.is_finished();
            if ready {
                self.all.remove(&service.bar);
            }
            !ready
        });
        self.running.push(printable(name).into_owned());
        let (all, selected) = (&self.all, self.selected);
        self.specs.get_or_insert_with(|| counter(all, selected));
        self.show_running();
    }

    fn fired(&mut self, name: &str, done: u64, of: u64, told: String) {
        let all = &self.all;
        let bar = self.load.get_or_insert_with(|| requests(all, name, of));
        // In an open loop the number is not known in advance.
        bar.set_length(of.max(done));
        bar.set_position(done);
        bar.set_message(told);
    }

    fn finished(&mut self, name: &str) {
        if let Some(load) = self.load.take() {
            self.all.remove(&load);
        }
        let name = printable(name);
        // Specs that never started, such as skipped ones, are not counted.
        let Some(at) = self.running.iter().position(|running| *running == name) else {
            return;
        };
        self.running.remove(at);
        if let Some(specs) = &self.specs {
            specs.inc(1);
        }
        self.show_running();
    }

    fn show_running(&self) {
        if let Some(specs) = &self.specs {
            specs.set_message(self.running.join(", "));
        }
    }
}

impl Reporter for Progress {
    fn on_event(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Selected { specs } => self.selected = *specs as u64,
            RunEvent::Building { service } => self.service(service, "building"),
            RunEvent::Starting { service } => self.service(service, "starting"),
            RunEvent::Output { service, line } => self.output(service, line),
            RunEvent::Ready { service, after } => self.ready(service, *after),
            RunEvent::Started { name } => self.started(name),
            RunEvent::Finished(spec) => self.finished(&spec.name),
            RunEvent::Progress {
                name,
                done,
                of,
                rate,
                p50,
                failed,
                run,
                pause,
            } => {
                let told = match (pause, run) {
                    (Some(why), _) => format!("run {run} follows: {}", printable(why)),
                    (None, 1) => so_far(*rate, *p50, *failed),
                    (None, _) => format!("run {run}  {}", so_far(*rate, *p50, *failed)),
                };
                self.fired(name, *done, *of, told);
            }
            RunEvent::Overturned(_) => {}
            RunEvent::Stopping => self.service("the services", "stopping"),
        }
    }

    fn finish(&mut self, _: &Report) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// `214/s  p50 121 ms  0 failed`.
fn so_far(rate: f64, p50: Option<f64>, failed: u64) -> String {
    let p50 = p50.map(|p50| format!("  p50 {}", micros(p50, Rounding::Nearest)));
    let p50 = p50.unwrap_or_default();
    format!("{}/s{p50}  {failed} failed", figure(rate))
}

fn requests(all: &MultiProgress, name: &str, of: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{spinner:.cyan} {prefix}  {bar:10.cyan} {pos}/{len}  {wide_msg}",
    );
    let style = style.map(|style| style.progress_chars("█░"));
    let bar = added(all, ProgressBar::new(of), style);
    bar.set_prefix(truncated(&printable(name), LONGEST_NAME).into_owned());
    bar
}

fn spinner(all: &MultiProgress) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner:.cyan} {wide_msg}");
    added(all, ProgressBar::new_spinner(), style)
}

fn counter(all: &MultiProgress, specs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner:.cyan} {pos}/{len} {wide_msg:.dim}");
    added(all, ProgressBar::new(specs), style)
}

fn added(
    all: &MultiProgress,
    bar: ProgressBar,
    style: Result<ProgressStyle, indicatif::style::TemplateError>,
) -> ProgressBar {
    let bar = all.add(bar);
    bar.set_style(style.expect("the template is ours"));
    if !all.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_runs_is_counted_and_what_ended_is_not() {
        let report = sample::report();
        let mut progress = Progress::hidden();
        progress.on_event(&RunEvent::Selected { specs: 2 });
        progress.on_event(&RunEvent::Starting { service: "shop" });
        progress.on_event(&RunEvent::Output {
            service: "shop",
            line: "\u{1b}[31mlistening",
        });
        assert_eq!(
            progress.services["shop"].bar.message(),
            "starting shop: \\u{1b}[31mlistening"
        );
        let after = Duration::from_millis(400);
        progress.on_event(&RunEvent::Ready {
            service: "shop",
            after,
        });
        progress.on_event(&RunEvent::Started {
            name: "listing the stock",
        });
        progress.on_event(&RunEvent::Started { name: "refunds" });
        assert!(progress.services.is_empty());
        progress.on_event(&RunEvent::Finished(&report.specs[0]));
        progress.on_event(&RunEvent::Finished(&report.specs[1]));
        let specs = progress.specs.as_ref().unwrap();
        assert_eq!((specs.position(), specs.message().as_str()), (1, "refunds"));
        progress.finish(&report).unwrap();
        assert!(progress.specs.is_none());
    }

    #[test]
    fn a_spec_that_is_fired_many_times_has_a_line_of_its_own_until_it_ends() {
        let report = sample::report();
        let mut progress = Progress::hidden();
        let mut told = |done, rate, p50, failed| {
            progress.on_event(&RunEvent::Progress {
                name: "inventory answers in time",
                done,
                of: 500,
                rate,
                p50,
                failed,
                run: 1,
                pause: None,
            });
            let load = progress.load.as_ref().unwrap();
            (load.position(), load.length(), load.message())
        };
        let nothing_yet = (0, Some(500), "0/s  0 failed".to_owned());
        assert_eq!(told(0, 0.0, None, 0), nothing_yet);
        let later = (312, Some(500), "214/s  p50 121 ms  3 failed".to_owned());
        assert_eq!(told(312, 214.4, Some(121_000.0), 3), later);
        // An open loop may send a few more.
        assert_eq!(told(503, 214.4, None, 0).1, Some(503));
        progress.on_event(&RunEvent::Finished(&report.specs[0]));
        assert!(progress.load.is_none());
    }
}
