//! The comparison of two versions as text: tables and sentences for each spec, then the verdict.

use super::look::{self, BAD, DOUBT, FAINT, GOOD, LEFT_OUT, Look, STRONG, printable};
use super::text::{self, Detail, paragraph};
use crate::ab::{AbClaim, AbComparison, AbOutcome, AbSide, Both, EarlyEnd};
use crate::budget::{AbVerdict, Table};
use crate::measure::Unmeasured;
use crate::number::counted;
use crate::result::Report;

/// Width of the first word of a line and the following space.
const INDENT: usize = 6;

/// The result of a spec; every line ends with a newline.
#[must_use]
pub fn comparison(of: &AbComparison, look: &Look) -> String {
    let mut text = headline(of, look);
    if of.complete_pairs() > 0 {
        let tables = of.tables();
        text.extend(tables.iter().map(|table| shown(table, look)));
        let claims = of.claims();
        text.extend(claims.iter().map(|claim| sentence(claim, look)));
    }
    if let Some(EarlyEnd { side, why }) = &of.ended {
        text.push_str(&ended(of, *side, why, look));
    }
    text
}

/// The verdict on all specs, and the number of specs for each outcome.
#[must_use]
pub fn verdict(all: &[AbComparison], known: usize, names: &Both<String>, look: &Look) -> String {
    let worst = WORST_FIRST.iter().map(|(outcome, _)| *outcome);
    let mut worst = worst.filter_map(|outcome| all.iter().find(|one| one.outcome() == outcome));
    let head = worst.next().map_or_else(
        || word(AbOutcome::Ok, true, look),
        |one| word(one.outcome(), one.passes(), look),
    );
    let [a, b] = [&names.a, &names.b].map(|name| printable(name));
    let line = format!("B ({b}) against A ({a}): {}", counts(all, known));
    format!(
        "{head} {}",
        paragraph(&line, INDENT, STRONG, look).trim_start()
    )
}

const WORST_FIRST: [(AbOutcome, &str); 6] = [
    (AbOutcome::Interrupted, "interrupted"),
    (AbOutcome::Regressed, "regressed"),
    (AbOutcome::Failed, "failed"),
    (AbOutcome::Unjudged, "not judged"),
    (AbOutcome::NotProven, "not proven"),
    (AbOutcome::Ok, "passed"),
];

/// `1 spec regressed, 2 specs not run`
pub(super) fn counts(all: &[AbComparison], known: usize) -> String {
    let of = |outcome| all.iter().filter(|one| one.outcome() == outcome).count();
    let counts = WORST_FIRST.map(|(outcome, what)| (of(outcome), what));
    let counts = counts.into_iter().chain([(known - all.len(), "not run")]);
    let counts: Vec<String> = counts
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", counted(number, "spec")))
        .collect();
    counts.join(", ")
}

fn headline(of: &AbComparison, look: &Look) -> String {
    let pairs = match of.complete_pairs() {
        pairs if pairs == of.pairs => counted(pairs, "pair"),
        pairs => format!("{pairs} of {}", counted(of.pairs, "pair")),
    };
    let requests = of.runs.a.first().map_or_else(String::new, |load| {
        let number = usize::try_from(load.requests).unwrap_or(usize::MAX);
        format!(" of {}", counted(number, "request"))
    });
    let facts = format!("{}, {pairs}{requests}", printable(of.at.source.name()));
    let name = printable(&of.name);
    let head = word(of.outcome(), of.passes(), look);
    if INDENT + look::width(&name) + 3 + look::width(&facts) <= look.width {
        let (name, facts) = (look.paint(STRONG, &name), look.paint(FAINT, &facts));
        return format!("{head} {name}   {facts}\n");
    }
    let name = paragraph(&name, INDENT, STRONG, look);
    let facts = paragraph(&facts, INDENT, FAINT, look);
    format!("{head} {}{facts}", name.trim_start())
}

fn word(outcome: AbOutcome, passes: bool, look: &Look) -> String {
    let (word, style) = match outcome {
        AbOutcome::Unjudged => ("ERROR", DOUBT),
        AbOutcome::Interrupted => ("-", LEFT_OUT),
        _ if passes => ("PASS", GOOD),
        _ => ("FAIL", BAD),
    };
    look.paint(style, &format!("{word:<5}"))
}

/// Omits the remarks of the table if they do not fit: the sentences contain them too.
fn shown(table: &Table, look: &Look) -> String {
    let mut text = table.headed(["A", "B"]).to_string();
    let room = look.width.saturating_sub(INDENT);
    if text.lines().any(|line| look::width(line) > room) {
        let mut table = table.clone();
        table.rows.iter_mut().for_each(|row| row.remarks.clear());
        text = table.headed(["A", "B"]).to_string();
    }
    look::set_in(&text, INDENT)
}

fn sentence(claim: &AbClaim, look: &Look) -> String {
    let style = match claim {
        AbClaim::Judged(judged) if judged.verdict == AbVerdict::Regressed => BAD,
        AbClaim::Judged(judged) if judged.verdict == AbVerdict::NotProven => DOUBT,
        AbClaim::Judged(_) => GOOD,
        AbClaim::Refused { .. } if claim.is_unjudged() => DOUBT,
        AbClaim::Refused { .. } => LEFT_OUT,
    };
    paragraph(&claim.to_string(), INDENT, style, look)
}

fn ended(of: &AbComparison, side: AbSide, why: &Unmeasured, look: &Look) -> String {
    let Unmeasured::Unwell { report, .. } = why else {
        return String::new();
    };
    let run = of.runs.of(side).len() + 1;
    let line = format!("run {run} of {side} did not pass:");
    paragraph(&line, INDENT, STRONG, look) + &unwell(report, look)
}

/// The failures and errors of a run.
#[must_use]
pub fn unwell(report: &Report, look: &Look) -> String {
    let specs = report.specs.iter();
    let specs = specs.map(|spec| text::spec(spec, look, Detail::Normal));
    let troubles = report.trouble.iter();
    let troubles = troubles.map(|trouble| text::trouble(trouble, look));
    specs.chain(troubles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ab::tests::{compared, names};

    #[test]
    fn a_regression_has_both_versions_and_a_sentence_for_each_quantile() {
        let found = compared(&[(100_000, 290_000); 7]);
        assert_eq!(
            comparison(&found, &Look::plain()),
            "
FAIL  placing an order   specs/order.yaml, 7 pairs of 200 requests
                    v2.3.0 (A, n=1,400)     v2.4.0 (B, n=1,400)
      inventory-check   p50=100 ms          p50=290 ms   ← REGRESSED at p50
      response time     p95=100 ms          p95=290 ms   ← REGRESSED at p95
      p50 of inventory-check: REGRESSED: 2.90x (290 ms against 100 ms in the median of 7 pairs,
      which are 2.90x to 2.90x; slower in 7, within the limit in 0), limit 1.2x
      p99 of inventory-check: NOT JUDGED: a run of pair 1 has 200 samples, and this quantile needs
      299; use `--requests 299`, or compare a lower quantile
      p95 of response time: REGRESSED: 2.90x (290 ms against 100 ms in the median of 7 pairs, which
      are 2.90x to 2.90x; slower in 7, within the limit in 0), limit 1.5x
"
            .trim_start()
        );
        assert_eq!(
            verdict(&[found], 2, &names(), &Look::plain()),
            "FAIL  B (v2.yaml) against A (v1.yaml): 1 spec regressed, 1 spec not run\n"
        );
    }

    #[test]
    fn on_a_narrow_terminal_the_table_has_no_remarks() {
        let found = compared(&[(100_000, 290_000); 7]);
        let text = comparison(&found, &Look::plain().with_width(66));
        assert!(!text.contains('←'), "{text}");
        assert!(text.lines().all(|line| look::width(line) <= 66), "{text}");
    }

    #[test]
    fn an_interrupted_comparison_shows_its_progress() {
        let mut found = compared(&[(100_000, 100_000); 2]);
        found.ended = Some(EarlyEnd {
            side: AbSide::A,
            why: Unmeasured::Interrupted,
        });
        let text = comparison(&found, &Look::plain());
        assert!(
            text.starts_with(
                "-     placing an order   specs/order.yaml, 2 of 7 pairs of 200 requests\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("2 pairs, and 6 are needed for 2 compared quantiles"),
            "{text}"
        );
    }
}
