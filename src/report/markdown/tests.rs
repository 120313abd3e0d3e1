use std::sync::Arc;

use snapbox::{IntoData, assert_data_eq, str};

use super::super::sample;
use super::*;

fn here() -> Repository {
    Repository::new("/repo", "/repo/shop")
}

fn markdown(report: &Report) -> String {
    rendered(report, &here(), LARGEST)
}

#[test]
fn the_page_has_counts_failures_services_and_other_specs() {
    assert_data_eq!(markdown(&sample::report()), str![[r###"
## ❌ spanspec: 1 failed

| failed | errored | passed | flaky | skipped | not run | time | spans |
|---:|---:|---:|---:|---:|---:|---:|---:|
| 1 | 1 | 2 | 1 | 1 | 1 | 2.44 s | 182 |

### Failed

<details><summary><b>placing an order charges the card</b> <code>shop/specs/place-order.yaml:1</code> 812 ms</summary>

specs/place-order.yaml&#58;12&#58;37&#58; attribute &#96;payment.method&#96; of span &#96;process&#95;payment&#96;&#58; expected "card", found "paypal"

```text
FAIL  placing an order charges the card
      specs/place-order.yaml   trace 4bf92f35…   6 spans, 4 services, 812 ms
  attribute `payment.method` of span `process_payment`
   --> specs/place-order.yaml:12:37
 12 |       attributes: { payment.method: card, order.id: "${order_id}" }
    |                                     ^^^^ found "paypal"   (payment, span 00f067aa00000005)

  number of spans that match { type: db }
   --> specs/place-order.yaml:14:13
 14 |     - find: { type: db }
    |             ^^^^^^^^^^^^ expected at least 1, found nothing
   nearest:
     inventory › SELECT stock (span 00f067aa00000004)
       attribute `db.system.name` is missing, expected exists
     order › INSERT orders (span 00f067aa00000006)
       name is "INSERT orders", not "SELECT stock"
       service is "order", not "inventory"
   help: spans of type db have `db.system.name` or `db.system`

   gateway    POST /orders         █████████████████████████████ 801 ms
   order        POST /orders       ▐███████████████████████████▌ 776 ms
   order          reserve_stock    ▐██▎                           71 ms
   inventory        SELECT stock    ██                            53 ms  ← nearest
   payment        process_payment       ███████████████          412 ms  ← payment.method = "paypal"
   order          INSERT orders                        ▍           1 ms

   trace saved: target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json
```

</details>

### Could not be judged

<details><summary><b>cancelling an order</b> <code>shop/specs/place-order.yaml:1</code> 812 ms</summary>

specs/place-order.yaml&#58;3&#58;9&#58; failed to connect to 127.0.0.1&#58;8080

```text
ERROR cancelling an order   specs/place-order.yaml   trace 4bf92f35…   812 ms
  failed to connect to 127.0.0.1:8080
  --> specs/place-order.yaml:3:9
 3 |   post: ${BASE_URL}/orders
   |         ^^^^^^^^^^^^^^^^^^
   │ connection refused (os error 111)
   help: is the service running? `services` in spanspec.yaml starts it

  2 checks could not be judged: there is no span of this trace
    specs/place-order.yaml:8:3: number of spans with status error
    specs/place-order.yaml:14:13: number of spans that match { type: db }
```

</details>

### Flaky

| spec | passed on attempt | first failure |
|---|---:|---|
| paying twice | 2 | specs/place-order.yaml&#58;12&#58;37&#58; attribute &#96;payment.method&#96; of span &#96;process&#95;payment&#96;&#58; expected "card", found "paypal" |

### Services

```mermaid
flowchart LR
  s0["gateway"]
  s1["order"]
  s2["inventory"]
  s3["payment"]
  s0 -->|"3 calls, p50 776 ms"| s1
  s1 -->|"3 calls, p50 53 ms"| s2
  s1 -->|"3 calls, p50 412 ms"| s3
```

### Notes

- the flush bound is assumed to be 5.5 s

<details><summary>4 other specs</summary>

| file | spec | |
|---|---|---|
| specs/place-order.yaml | listing the stock | passed in 812 ms |
| specs/place-order.yaml | paying twice | passed in 1.62 s |
| specs/place-order.yaml | refunds | skipped: until the bank's sandbox is back |
| specs/place-order.yaml | shipping | not run: after the first failure |

</details>

"###]].raw());
}

#[test]
fn text_of_the_system_stays_text() {
    let mut report = sample::report();
    report.specs.truncate(2);
    let failed = &mut report.specs[1];
    "</summary></details> | `x` ::error:: %0A @me".clone_into(&mut failed.name);
    let name = "``````\n</details>\u{1b}[31m";
    let spans = [
        sample::span(1, 0, "web\"]; click s0", name, 0, 10),
        sample::span(2, 1, "a|b```", "x", 1, 9),
    ];
    let step = &mut failed.attempts[0].steps[0];
    step.trace = Some(Arc::new(sample::assemble(spans)));
    step.checks.truncate(2);
    assert_data_eq!(markdown(&report), str![[r###"
## ❌ spanspec: 1 failed

| failed | errored | passed | flaky | skipped | not run | time | spans |
|---:|---:|---:|---:|---:|---:|---:|---:|
| 1 | 0 | 1 | 0 | 0 | 0 | 2.44 s | 182 |

### Failed

<details><summary><b>&#60;/summary&#62;&#60;/details&#62; | &#96;x&#96; &#58;&#58;error&#58;&#58; %0A &#64;me</b> <code>shop/specs/place-order.yaml:1</code> 812 ms</summary>

specs/place-order.yaml&#58;12&#58;37&#58; attribute &#96;payment.method&#96; of span &#96;process&#95;payment&#96;&#58; expected "card", found "paypal"

```````text
FAIL  </summary></details> | `x` ::error:: %0A @me
      specs/place-order.yaml   trace 4bf92f35…   2 spans, 2 services, 812 ms
  attribute `payment.method` of span `process_payment`
   --> specs/place-order.yaml:12:37
 12 |       attributes: { payment.method: card, order.id: "${order_id}" }
    |                                     ^^^^ found "paypal"   (payment, span 00f067aa00000005)

   web"]; click s0  ``````\n</details>\u{1b}[31m  ████████████████████████████████████████████ 10 ms
   a|b```             x                               ▐██████████████████████████████████▋      8 ms

   trace saved: target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json
```````

</details>

### Services

```mermaid
flowchart LR
  s0["gateway"]
  s1["order"]
  s2["inventory"]
  s3["payment"]
  s4["web#34;#93;#59; click s0"]
  s5["a#124;b#96;#96;#96;"]
  s0 -->|"1 call, p50 776 ms"| s1
  s1 -->|"1 call, p50 53 ms"| s2
  s1 -->|"1 call, p50 412 ms"| s3
  s4 -->|"1 call, p50 8 ms"| s5
```

### Notes

- the flush bound is assumed to be 5.5 s

<details><summary>1 other spec</summary>

| file | spec | |
|---|---|---|
| specs/place-order.yaml | listing the stock | passed in 812 ms |

</details>

"###]].raw());
}

/// A report with these numbers of failed, passed and flaky specs.
fn many(failed: usize, passed: usize) -> Report {
    let sample = sample::report();
    let named = |spec: &SpecReport, number: usize| {
        let name = format!("{} {number}", spec.name);
        SpecReport {
            name,
            ..spec.clone()
        }
    };
    let failed = (0..failed).map(|number| named(&sample.specs[1], number));
    let passed = (0..passed).map(|number| named(&sample.specs[0], number));
    Report {
        specs: failed.chain(passed).collect(),
        ..sample
    }
}

#[test]
fn if_space_is_short_passed_specs_and_then_texts_are_omitted() {
    let most = 40_000;
    let page = rendered(&many(60, 200), &here(), most);
    assert!(page.len() <= most, "{}", page.len());
    let folds = page.matches("<details><summary><b>").count();
    assert!(folds > 3 && folds < 60, "{folds}");
    assert_eq!(page.matches("<b>placing an order").count(), 60, "{page}");
    let left_out = format!("_{} texts omitted: the summary is too long._", 60 - folds);
    assert!(page.contains(&left_out), "{left_out} is missing in {page}");
    let shown = page.matches("| listing the stock ").count();
    let left_out = format!("_{} specs omitted: the summary is too long._", 200 - shown);
    assert!(shown < 100 && page.contains(&left_out), "{page}");
}

#[test]
fn the_page_never_exceeds_its_limit() {
    let report = many(20_000, 20_000);
    let page = markdown(&report);
    assert!(page.len() <= LARGEST, "{}", page.len());
    assert!(page.contains("| 20,000 | 0 | 20,000 |"));
    assert!(page.contains(" specs omitted"));
}

#[test]
fn a_run_that_did_not_start_has_a_reason() {
    let mut report = sample::report();
    report.specs.clear();
    report.notices.clear();
    report.trouble = vec![sample::refused_step().trouble.unwrap()];
    assert_data_eq!(
        markdown(&report),
        str![[r#"
## ❌ spanspec: the run ended with an error

| failed | errored | passed | flaky | skipped | not run | time | spans |
|---:|---:|---:|---:|---:|---:|---:|---:|
| 0 | 0 | 0 | 0 | 0 | 0 | 2.44 s | 182 |

### The run

```text
  failed to connect to 127.0.0.1:8080
  --> specs/place-order.yaml:3:9
 3 |   post: ${BASE_URL}/orders
   |         ^^^^^^^^^^^^^^^^^^
   │ connection refused (os error 111)
   help: is the service running? `services` in spanspec.yaml starts it
```


"#]]
        .raw()
    );
}

fn budgets_of(report: &Report) -> String {
    let page = markdown(report);
    let start = page.find("### Budgets").unwrap();
    let end = page.find("### Services").unwrap();
    page[start..end].to_owned()
}

#[test]
fn all_budgets_are_in_one_table_with_failed_ones_first() {
    assert_data_eq!(budgets_of(&sample::load::report()), str![[r#"
### Budgets

| spec | what | quantile | baseline | now | change | limit | verdict |
|---|---|---|---:|---:|---:|---:|---|
| ordering under load | inventory-check | p50 | 120 ms (v2.3.0) | 350 ms (v2.4.0) | 2.92x | 1.2x | **REGRESSED** |
| ordering under load | inventory-check | p50 | 120 ms (v2.3.0) | 120 ms (v2.3.0) | 1.00x | 1.2x | OK |
| ordering under load | response time | p99 | - | 12.3 ms | - | 100 ms | OK |
| ordering under load | inventory-check | p99 | 800 ms (v2.3.0) | 2.4 s (v2.4.0) | 3.00x | 2.5x | ⚠ **NOT PROVEN** |
| shipping under load | process&#95;payment | p99 | 166 ms (v2.3.0) | 176 ms (v2.4.0) | 1.06x | 1.5x | _TOO FEW_ |
| shipping under load | ship | p50 | 113 ms (v2.3.0) | 129 ms (v2.4.0) | 1.14x | 1.2x | _NOT PROVEN_ |
| ordering under load | inventory-check | p50 | - | 113 ms (v2.4.0) | - | 2 s | OK |
| ordering for the first time | inventory-check | p50 | - | 120 ms (v2.3.0) | - | - | - |
| ordering for the first time | inventory-check | p95 | - | 174 ms (v2.3.0) | - | - | - |
| ordering for the first time | inventory-check | p99 | - | 800 ms (v2.3.0) | - | - | - |

- shipping under load: p99 of process&#95;payment&#58; TOO FEW&#58; 120 samples; an upper bound needs 368 on each side, so 176 ms against 166 ms proves no change
- shipping under load: p50 of ship&#58; NOT PROVEN&#58; 1.14x slower (97.5 % bounds 0.94x to 1.37x), limit 1.20x. About 1,600 samples per side, or &#96;spanspec ab&#96;, would decide.
- shipping under load: the baseline was measured in 1 run; 2 tell more
- ordering for the first time: no baseline yet&#58; written to specs/baselines/ordering.yaml.json.new; &#96;spanspec baseline accept&#96; makes it one
- ordering all the time: 12.5 ms of the p50 of the response times (121 ms) are delay of the load generator (10.8 ms permitted)&#58; reduce the load, or use a less busy machine


"#]].raw());
}

#[test]
fn budgets_are_escaped() {
    let evil = "a|b `c` </td> @me";
    let plan = sample::load::BudgetPlan {
        subject: evil,
        version: Some(evil),
        before: Some((sample::load::fast(), Some(evil))),
        ..sample::load::inventory(Some(sample::load::fast()), sample::load::few(100), "2.4.0")
    };
    let mut report = sample::report();
    report.specs = vec![sample::load::with(evil, &[plan], |load| {
        load.notices = vec![evil.to_owned()];
    })];
    assert_data_eq!(budgets_of(&report), str![[r#"
### Budgets

| spec | what | quantile | baseline | now | change | limit | verdict |
|---|---|---|---:|---:|---:|---:|---|
| a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me | a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me | p50 | 120 ms (a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me) | 113 ms (a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me) | 0.94x | 1.2x | OK |
| a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me | a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me | p99 | 800 ms (a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me) | 166 ms (a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me) | 0.21x | 2.5x | _TOO FEW_ |

- a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me: p99 of a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me&#58; TOO FEW&#58; 120 samples; an upper bound needs 368, so 166 ms against 800 ms proves no change
- a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me: a&#124;b &#96;c&#96; &#60;/td&#62; &#64;me


"#]].raw());
}

#[test]
fn unproven_claims_come_first_if_they_fail() {
    let mut report = sample::load::report();
    for spec in &mut report.specs {
        let load = spec.attempts[0].steps[0].load.as_mut().unwrap();
        std::sync::Arc::make_mut(load).is_strict = true;
    }
    let budgets = budgets_of(&report);
    let rows: Vec<&str> = budgets
        .lines()
        .filter(|row| row.contains(" under "))
        .collect();
    let verdicts = rows.iter().filter_map(|row| row.rsplit('|').nth(1));
    let verdicts: Vec<&str> = verdicts.map(str::trim).take(5).collect();
    assert_eq!(
        verdicts,
        [
            "**REGRESSED**",
            "**NOT PROVEN**",
            "**TOO FEW**",
            "**NOT PROVEN**",
            "OK"
        ]
    );
}

#[test]
fn flaky_specs_that_fail_the_run_are_not_among_those_that_passed() {
    let mut report = sample::report();
    report.fail_flaky = true;
    let page = markdown(&report);
    assert!(page.contains("### Flaky, which fails the run\n"), "{page}");
    assert!(!page.contains("| paying twice | passed"), "{page}");
    report.specs.retain(SpecReport::is_flaky);
    report.trouble.clear();
    assert!(markdown(&report).starts_with("## ❌ spanspec: flaky specs fail the run"));
}
