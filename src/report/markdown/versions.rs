//! The comparison of two versions, for the summary of a job.

use super::budgets::with_version;
use super::inert::{fenced, inline};
use super::{LARGEST, Page, RESERVE};
use crate::ab::{AbClaim, AbComparison, AbOutcome, Both};
use crate::budget::{AbVerdict, Column, Quantile, Table, TableRow};
use crate::number::{Rounding, Unit};
use crate::report::ab::{comparison, counts};
use crate::report::look::Look;
use crate::report::text;
use crate::result::Trouble;

const HEAD: &str = "\
| spec | what | quantile | A | B | change | limit | verdict |
|---|---|---|---:|---:|---:|---:|---|
";

/// The page: a table of all claims, and the text of specs that did not pass. `known` is the number of
/// specs to compare, and `trouble` the reason why a version did not start.
#[must_use]
pub fn comparisons(
    all: &[AbComparison],
    known: usize,
    names: &Both<String>,
    trouble: &[Trouble],
) -> String {
    let sign = match all.iter().all(AbComparison::passes) && all.len() == known {
        true => "✅",
        false => "❌",
    };
    let mut page = Page {
        text: format!(
            "## {sign} spanspec ab: {}\n\nB is {}, and A is {}.\n\n",
            counts(all, known),
            inline(&names.b),
            inline(&names.a)
        ),
        most: LARGEST.saturating_sub(RESERVE),
    };
    let mut rows: Vec<(bool, String)> = all.iter().flat_map(rows_of).collect();
    rows.sort_by_key(|(fails, _)| !fails);
    let rows: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    page.push_list(HEAD, &rows, "claim", "\n");
    let unwell = all.iter().filter(|one| one.outcome() != AbOutcome::Ok);
    let unwell = unwell.map(|one| comparison(one, &Look::plain()));
    let trouble = trouble.iter().map(|one| text::trouble(one, &Look::plain()));
    let texts: Vec<String> = trouble.chain(unwell).map(|text| fenced(&text)).collect();
    page.push_list("", &texts, "spec", "\n");
    page.text
}

fn rows_of(of: &AbComparison) -> Vec<(bool, String)> {
    let tables = of.tables();
    let claims = of.claims();
    claims
        .iter()
        .filter_map(|claim| {
            let (subject, quantile) = about(claim);
            let rows = tables.iter();
            let mut rows = rows.flat_map(|table| table.rows.iter().map(move |row| (table, row)));
            let (table, row) = rows.find(|(_, row)| row.subject == subject)?;
            Some(row_of(of, claim, quantile, table, row))
        })
        .collect()
}

fn about(claim: &AbClaim) -> (&str, Quantile) {
    match claim {
        AbClaim::Judged(judged) => (&judged.subject, judged.quantile),
        AbClaim::Refused {
            subject, quantile, ..
        } => (subject, *quantile),
    }
}

fn row_of(
    of: &AbComparison,
    claim: &AbClaim,
    quantile: Quantile,
    table: &Table,
    row: &TableRow,
) -> (bool, String) {
    let a = cell(&row.before, row.unit, quantile, &table.baseline);
    let b = cell(&row.now, row.unit, quantile, &table.candidate);
    let (change, limit) = match claim {
        AbClaim::Judged(judged) => (judged.change(), judged.most()),
        AbClaim::Refused { .. } => ("-".to_owned(), "-".to_owned()),
    };
    let (fails, verdict) = match claim {
        AbClaim::Judged(judged) => match judged.verdict {
            AbVerdict::Regressed => (true, format!("**{}**", judged.verdict)),
            AbVerdict::NotProven => (false, format!("_{}_", judged.verdict)),
            AbVerdict::Ok => (false, judged.verdict.to_string()),
        },
        AbClaim::Refused { .. } => (false, "_NOT JUDGED_".to_owned()),
    };
    let line = format!(
        "| {} | {} | {quantile} | {a} | {b} | {change} | {limit} | {verdict} |\n",
        inline(&of.name),
        inline(&row.subject),
    );
    (fails, line)
}

/// `120 ms (v2.3.0)`
fn cell(quantiles: &[(Quantile, f64)], unit: Unit, quantile: Quantile, of: &Column) -> String {
    let value = quantiles.iter().find(|(one, _)| *one == quantile);
    let value = value.map_or_else(
        || "-".to_owned(),
        |(_, of)| unit.rounded(*of, Rounding::Nearest),
    );
    with_version(value, of.version.clone())
}

#[cfg(test)]
mod tests {
    use snapbox::{IntoData, assert_data_eq, str};

    use super::*;
    use crate::ab::tests::{compared, names};

    #[test]
    fn the_summary_has_a_row_for_each_quantile_and_the_text_of_regressed_specs() {
        let page = comparisons(&[compared(&[(100_000, 290_000); 7])], 1, &names(), &[]);
        assert_data_eq!(page, str![[r#"
## ❌ spanspec ab: 1 spec regressed

B is v2.yaml, and A is v1.yaml.

| spec | what | quantile | A | B | change | limit | verdict |
|---|---|---|---:|---:|---:|---:|---|
| placing an order | inventory-check | p50 | 100 ms (v2.3.0) | 290 ms (v2.4.0) | 2.90x | 1.2x | **REGRESSED** |
| placing an order | response time | p95 | 100 ms (v2.3.0) | 290 ms (v2.4.0) | 2.90x | 1.5x | **REGRESSED** |
| placing an order | inventory-check | p99 | - | - | - | - | _NOT JUDGED_ |

```text
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
```


"#]].raw());
    }

    #[test]
    fn without_regressions_there_is_only_the_table() {
        let page = comparisons(&[compared(&[(100_000, 101_000); 7])], 1, &names(), &[]);
        assert_data_eq!(
            page,
            str![[r#"
## ✅ spanspec ab: 1 spec not proven

B is v2.yaml, and A is v1.yaml.

| spec | what | quantile | A | B | change | limit | verdict |
|---|---|---|---:|---:|---:|---:|---|
| placing an order | inventory-check | p50 | 100 ms (v2.3.0) | 101 ms (v2.4.0) | 1.01x | 1.2x | OK |
| placing an order | inventory-check | p99 | - | - | - | - | _NOT JUDGED_ |
| placing an order | response time | p95 | 100 ms (v2.3.0) | 101 ms (v2.4.0) | 1.01x | 1.5x | OK |

```text
PASS  placing an order   specs/order.yaml, 7 pairs of 200 requests
                    v2.3.0 (A, n=1,400)     v2.4.0 (B, n=1,400)
      inventory-check   p50=100 ms          p50=101 ms
      response time     p95=100 ms          p95=101 ms
      p50 of inventory-check: OK: 1.01x (101 ms against 100 ms in the median of 7 pairs, which are
      1.01x to 1.01x; slower in 7, within the limit in 7), limit 1.2x
      p99 of inventory-check: NOT JUDGED: a run of pair 1 has 200 samples, and this quantile needs
      299; use `--requests 299`, or compare a lower quantile
      p95 of response time: OK: 1.01x (101 ms against 100 ms in the median of 7 pairs, which are
      1.01x to 1.01x; slower in 7, within the limit in 7), limit 1.5x
```


"#]]
            .raw()
        );
    }

    #[test]
    fn a_run_that_lacks_spans_is_named() {
        let mut found = compared(&[(100_000, 101_000); 7]);
        let load = std::sync::Arc::make_mut(&mut found.runs.b[2]);
        load.measured[0].missing = 800;
        let page = comparisons(&[found], 1, &names(), &[]);
        assert!(page.contains("| 1.01x | 1.2x | _NOT PROVEN_ |"), "{page}");
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let reason = "In run 3 of B, 800 of 1,000 traces have no such span (0 allowed)";
        assert!(page.contains(reason), "{page}");
    }

    #[test]
    fn if_a_version_does_not_start_the_summary_has_the_reason() {
        let trouble = Trouble::new("service `shop` ended with exit status: 1");
        let page = comparisons(&[], 2, &names(), &[trouble]);
        assert_data_eq!(
            page,
            str![[r#"
## ❌ spanspec ab: 2 specs not run

B is v2.yaml, and A is v1.yaml.

```text
  service `shop` ended with exit status: 1
```


"#]]
            .raw()
        );
    }
}
