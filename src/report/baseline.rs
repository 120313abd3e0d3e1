//! Baselines as text: their content, and the changes of a proposal.

use std::collections::BTreeSet;

use super::look::{self, FAINT, GOOD, LEFT_OUT, Look, STRONG, fitted, printable};
use super::text::paragraph;
use crate::budget::Quantile;
use crate::budget::baseline::{
    Baseline, Budget, Case, CaseChange, Fingerprint, Recalibrated, Run, Variation, quantiles,
};
use crate::budget::noise;
use crate::number::{Rounding, Unit, count, counted};

/// Widths of a start in UTC, a count and a duration, each with the following gap.
const START: usize = 23;
const COUNT: usize = 10;
const TIME: usize = 9;

/// Minimum and maximum width of a version.
const VERSION: [usize; 2] = [8, 24];

/// The content of a baseline; every line ends with a newline.
#[must_use]
pub fn baseline(of: &Baseline, look: &Look) -> String {
    let cases = of.cases.iter().map(|(name, case)| shown(name, case, look));
    cases.collect()
}

/// The changes of a proposal.
#[must_use]
pub fn changes(of: &[CaseChange], look: &Look) -> String {
    of.iter().map(|change| changed(change, look)).collect()
}

/// The result of the calibration of a case, and the runs that it replaced.
#[must_use]
pub fn calibrated(case: &str, of: &Recalibrated, look: &Look) -> String {
    let mut text = paragraph(case, 2, STRONG, look);
    for (subject, found) in &of.found {
        text.push_str(&paragraph(subject, 4, STRONG, look));
        text.push_str(&paragraph(&found.to_string(), 6, GOOD, look));
    }
    let replaced = of.joined.replaced.iter().filter(|one| one.runs > 0);
    for replaced in replaced {
        let runs = counted(replaced.runs, "earlier run");
        let line = format!(
            "{runs} of {} replaced: {}",
            replaced.subject, replaced.reason
        );
        text.push_str(&paragraph(&line, 4, LEFT_OUT, look));
    }
    text
}

fn shown(name: &str, case: &Case, look: &Look) -> String {
    let mut text = paragraph(name, 2, STRONG, look);
    text.push_str(&paragraph(&environment(&case.fingerprint), 4, FAINT, look));
    for (subject, budget) in &case.budgets {
        text.push_str(&paragraph(subject, 4, STRONG, look));
        text.push_str(&paragraph(
            &spread(budget, case.fingerprint.cores),
            6,
            FAINT,
            look,
        ));
        text.push_str(&runs(&budget.runs, budget.unit(), look));
    }
    text
}

/// `measured with 4 at a time on AMD EPYC 7763 (4 cores, 16000 MiB, …)`
fn environment(of: &Fingerprint) -> String {
    let machine = of.machine.as_ref();
    let machine = machine.map_or_else(String::new, |name| format!("machine {name}, "));
    format!(
        "{} on {machine}{}, {}, {} MiB, {}, speed {}; spanspec {}, spec {}",
        of.load,
        of.cpu,
        counted(of.cores as usize, "core"),
        of.memory_mib,
        of.os,
        of.probe,
        of.spanspec,
        of.spec_hash,
    )
}

/// The variation between runs, and the resulting minimum of limits.
fn spread(budget: &Budget, cores: u32) -> String {
    let calibration = match budget.calibration {
        Some(known) => {
            let runs = usize::try_from(known.runs).unwrap_or(usize::MAX);
            let differs = 100.0 * known.spread;
            format!(
                "calibrated with {}: p50 varies by {differs:.1} %",
                counted(runs, "run"),
            )
        }
        None => "not calibrated".to_owned(),
    };
    let Some(variation) = budget.variation(cores) else {
        return calibration;
    };
    // Rounded up, as in the text of a calibration.
    let limit = (100.0 * noise(variation.spread())).ceil() / 100.0;
    let observed = match variation {
        Variation::Calibrated(_) => String::new(),
        Variation::Observed(_) => format!("; {variation}"),
    };
    format!("{calibration}{observed}, limits are {limit:.2}x or more")
}

/// One line per run, with the quantiles that at least one run has.
fn runs(of: &[Run], unit: Unit, look: &Look) -> String {
    let shown: Vec<Vec<(Quantile, f64)>> = of.iter().map(|run| quantiles(run.samples())).collect();
    let columns: BTreeSet<Quantile> = shown.iter().flatten().map(|(one, _)| *one).collect();
    let fixed = 6 + START + COUNT + TIME * columns.len();
    let [least, most] = VERSION;
    let room = look.width.saturating_sub(fixed).clamp(least, most);
    let version = |run: &Run| printable(run.service_version().unwrap_or("-")).into_owned();
    let widest = of.iter().map(|run| look::width(&version(run))).max();
    let room = room.min(widest.unwrap_or(0).max(least) + 2);
    let line = |start: &str, version: &str, count: &str, times: Vec<String>| {
        let times: String = times.iter().map(|time| fitted(time, TIME)).collect();
        // Leaves a space after a truncated version.
        let version = fitted(&look::truncated(version, room - 1), room);
        let line = [fitted(start, START), version, fitted(count, COUNT), times].concat();
        format!("      {}\n", line.trim_end())
    };
    let names = columns.iter().map(Quantile::to_string).collect();
    let head = line("start", "version", "n", names);
    let head = look.paint(FAINT, head.trim_end_matches('\n')) + "\n";
    let lines = of.iter().zip(&shown).map(|(run, shown)| {
        let start = run.start().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let of_column = |column| shown.iter().find(|(one, _)| one == column);
        let times = columns.iter().map(|column| value(of_column(column), unit));
        line(
            &start,
            &version(run),
            &count(run.samples().len()),
            times.collect(),
        ) + &not_measured(run, look)
    });
    std::iter::once(head).chain(lines).collect()
}

/// The line about requests that the quantiles do not include.
fn not_measured(run: &Run, look: &Look) -> String {
    let said = match run.samples().unknown() {
        0 => return String::new(),
        1 => "1 more request has no measurement".to_owned(),
        more => format!("{} more requests have no measurement", count(more)),
    };
    paragraph(&said, 8, LEFT_OUT, look)
}

fn value(quantile: Option<&(Quantile, f64)>, unit: Unit) -> String {
    let shown = |(_, of): &(Quantile, f64)| unit.rounded(*of, Rounding::Nearest);
    quantile.map_or_else(|| "-".to_owned(), shown)
}

fn changed(of: &CaseChange, look: &Look) -> String {
    let mut text = paragraph(&of.case, 2, STRONG, look);
    for table in &of.tables {
        let lines = table.headed(["accepted", "new"]).to_string();
        text.push_str(&look::set_in(&lines, 4));
    }
    for line in &of.runs {
        text.push_str(&paragraph(line, 4, FAINT, look));
    }
    for line in &of.older {
        text.push_str(&paragraph(line, 4, LEFT_OUT, look));
    }
    for difference in &of.differs {
        let line = format!("different environment: {difference}");
        text.push_str(&paragraph(&line, 4, LEFT_OUT, look));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::baseline::tests::fingerprint;
    use crate::budget::baseline::{self, Calibrated};

    fn sample(version: &str) -> Baseline {
        let run = |second: i64, micros: u64| {
            let start = jiff::Timestamp::from_second(1_700_000_000 + second).unwrap();
            let samples = (0..200).map(|at| micros + 200 * at).collect();
            Run::new(start, Some(version.to_owned()), samples).unwrap()
        };
        let budget = Budget {
            calibration: Some(Calibrated {
                runs: 5,
                spread: 0.027,
            }),
            measure: baseline::Quantity::Time,
            runs: vec![run(0, 100_000), run(60, 104_000)],
        };
        let fingerprint = Fingerprint {
            machine: Some("ci-1".to_owned()),
            ..fingerprint()
        };
        let case = Case {
            fingerprint,
            budgets: [("inventory-check".to_owned(), budget)].into(),
        };
        Baseline {
            cases: [("placing an order".to_owned(), case)].into(),
        }
    }

    #[test]
    fn a_baseline_is_shown_run_by_run() {
        assert_eq!(
            super::baseline(&sample("2.3.0"), &Look::plain()),
            "  placing an order
    4 at a time on machine ci-1, AMD EPYC 7763, 4 cores, 16000 MiB, Linux 6.8, speed 41000; spanspec
    0.1.0, spec 9f3c
    inventory-check
      calibrated with 5 runs: p50 varies by 2.7 %, limits are 1.10x or more
      start                  version   n         p50      p95
      2023-11-14 22:13:20Z   2.3.0     200       120 ms   138 ms
      2023-11-14 22:14:20Z   2.3.0     200       124 ms   142 ms
"
        );
    }

    #[test]
    fn quantiles_without_bounds_are_left_out() {
        let run = |second: i64, count: u64| {
            let start = jiff::Timestamp::from_second(1_700_000_000 + second).unwrap();
            let samples = (0..count).map(|_| 100_000).collect();
            Run::new(start, None, samples).unwrap()
        };
        assert_eq!(
            runs(&[run(0, 10), run(60, 500)], Unit::Micros, &Look::plain()),
            "      start                  version   n         p50      p95      p99
      2023-11-14 22:13:20Z   -         10        100 ms   -        -
      2023-11-14 22:14:20Z   -         500       100 ms   100 ms   100 ms
"
        );
        let timed_out = (0..500)
            .map(|_| 100_000)
            .collect::<crate::budget::Samples>();
        let start = jiff::Timestamp::from_second(1_700_000_000).unwrap();
        let timed_out = Run::new(start, None, timed_out.with_unknown(20)).unwrap();
        assert_eq!(
            runs(&[timed_out], Unit::Micros, &Look::plain()),
            "      start                  version   n         p50
      2023-11-14 22:13:20Z   -         500       100 ms
        20 more requests have no measurement
"
        );
        assert_eq!(
            runs(&[run(0, 10)], Unit::Micros, &Look::plain()),
            "      start                  version   n         p50
      2023-11-14 22:13:20Z   -         10        100 ms
"
        );
    }

    #[test]
    fn observed_variation_is_shown_if_it_exceeds_the_calibration() {
        let mut of = sample("2.3.0");
        let case = of.cases.values_mut().next().unwrap();
        let budget = case.budgets.values_mut().next().unwrap();
        for second in 120..124 {
            let start = jiff::Timestamp::from_second(1_700_000_000 + second).unwrap();
            let median = if second % 2 == 0 { 100_000 } else { 130_000 };
            budget.add(Run::new(start, None, [median].into_iter().collect()).unwrap());
        }
        assert_eq!(
            spread(budget, 4),
            "calibrated with 5 runs: p50 varies by 2.7 %; p50 varies by 11.1 % between the 6 runs of the baseline, limits are 1.45x or more"
        );
        budget.calibration = None;
        assert_eq!(
            spread(budget, 4),
            "not calibrated; p50 varies by 11.1 % between the 6 runs of the baseline, limits are 1.45x or more"
        );
    }

    #[test]
    fn a_long_version_is_truncated_to_the_width() {
        let text = super::baseline(
            &sample(&"2.3.0-rc.1+".repeat(9)),
            &Look::plain().with_width(80),
        );
        assert!(text.lines().all(|line| look::width(line) <= 80), "{text}");
        assert!(text.contains("2.3.0-rc.1+2.3.0-rc.1… 200"), "{text}");
    }

    #[test]
    fn the_changes_of_a_proposal_are_shown_by_case() {
        let (old, mut new) = (sample("2.3.0"), sample("2.4.0"));
        let case = new.cases.values_mut().next().unwrap();
        case.fingerprint.spec_hash = "aa01".to_owned();
        assert_eq!(
            changes(&baseline::changes(&old, &new), &Look::plain()),
            "  placing an order
                  v2.3.0 (accepted, n=400)                 v2.4.0 (new, n=400)
    inventory-check   p50=122 ms p95=140 ms p99=143 ms     p50=122 ms p95=140 ms p99=143 ms
    inventory-check: 2 new runs, replaces 2
    different environment: spec was 9f3c, is aa01
"
        );
    }
}
