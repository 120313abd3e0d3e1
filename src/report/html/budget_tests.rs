use super::sample::{durations, load, measured, regressed, report};
use super::*;
use crate::budget::Samples;
use crate::result::Load;

/// The section of a load.
fn section_of(load: Load) -> String {
    let page = render(&report(load));
    let (_, section) = page.split_once("<section class=\"load\"").unwrap();
    let (section, _) = section.split_once("<dialog").unwrap();
    section.replace('\u{a0}', " ")
}

/// The text in each cell of the table of quantiles, without its head.
fn rows(section: &str) -> Vec<Vec<String>> {
    let (_, table) = section.split_once("<table class=\"quantiles\"").unwrap();
    let (_, body) = table.split_once("<tbody role=\"rowgroup\">").unwrap();
    let (body, _) = body.split_once("</tbody>").unwrap();
    let cells = |row: &str| {
        let cells = row.split("</td>").flat_map(|cell| cell.split("</th>"));
        let cells = cells.map(text).filter(|cell| !cell.is_empty());
        cells.collect()
    };
    let rows = body.split("</tr>").filter(|row| !row.is_empty());
    rows.map(cells).collect()
}

/// The text with each tag replaced by a space.
fn text(html: &str) -> String {
    let parts = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    let words: Vec<&str> = parts.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

#[test]
fn a_budget_shows_both_versions_with_bounds_limits_and_verdicts() {
    let section = section_of(load(vec![regressed()]));
    for head in [
        "<b>v2.3.0</b> (baseline, ",
        "<b>v2.4.0</b> (now, ",
        "n = 500",
    ] {
        assert!(section.contains(head), "{head}");
    }
    assert_eq!(
        rows(&section),
        [
            ["p50", BEFORE, NOW, "2.92x", "150 ms", "✗ OVER LIMIT"],
            ["p50", BEFORE, NOW, "2.92x", "1.2x 144 ms", "✗ REGRESSED"],
            ["p99", TAIL_BEFORE, TAIL_NOW, "3.00x", "3 s", "? NOT PROVEN"],
            [
                "p99",
                TAIL_BEFORE,
                TAIL_NOW,
                "3.00x",
                "1.2x 923 ms",
                "? NOT PROVEN"
            ],
        ]
    );
}

const BEFORE: &str = "120 ms 110 ms to 131 ms";
const NOW: &str = "349 ms 321 ms to 382 ms";
const TAIL_BEFORE: &str = "769 ms 564 ms to 2.08 s";
const TAIL_NOW: &str = "2.31 s 1.68 s to 6.33 s";

#[test]
fn every_claim_has_its_sentence() {
    let budget = regressed();
    let sentences: Vec<String> = budget.judged.iter().map(ToString::to_string).collect();
    let section = section_of(load(vec![budget]));
    let said = text(&section);
    for sentence in sentences {
        let sentence = sentence.replace('`', " ");
        let sentence: Vec<&str> = sentence.split_whitespace().collect();
        assert!(said.contains(&sentence.join(" ")), "{sentence:?}");
    }
}

#[test]
fn the_figure_has_two_curves_with_their_quantiles_and_a_line_for_each_limit() {
    let section = section_of(load(vec![regressed()]));
    let (_, figure) = section.split_once("<figure").unwrap();
    let (_, svg) = figure.split_once("</ul>").unwrap();
    let (svg, _) = svg.split_once("</figure>").unwrap();
    assert!(svg.contains("role=\"img\" aria-label=\"Distribution of the durations of inventory-check: baseline (v2.3.0) with a median of 120 ms, and now (v2.4.0) with a median of 349 ms. The table contains the quantiles.\""), "{svg}");
    for (what, number) in [
        ("class=\"curve before\"", 1),
        ("class=\"curve now\"", 1),
        ("class=\"point before\"", 2),
        ("class=\"point now\"", 2),
        ("class=\"limit absolute\"", 2),
        ("class=\"limit relative\"", 2),
        // Each with an end on either side.
        ("class=\"whisker\"", 4 * 3),
    ] {
        assert_eq!(svg.matches(what).count(), number, "{what}");
    }
}

#[test]
fn without_a_baseline_there_is_one_curve_and_no_column_for_another() {
    let budget = measured("ship", durations(500, 100_000.0, 0.2), None);
    let section = section_of(load(vec![budget]));
    assert!(!section.contains("class=\"curve before\"") && !section.contains("Baseline"));
    let rows = rows(&section);
    assert_eq!(
        rows[0],
        ["p50", "99.9 ms 96.4 ms to 104 ms", "150 ms", "✓ OK"]
    );
    assert_eq!(rows.len(), 2);
}

#[test]
fn without_claims_the_usual_quantiles_are_shown() {
    let mut budget = measured("ship", durations(500, 100_000.0, 0.2), None);
    budget.judged.clear();
    let section = section_of(load(vec![budget]));
    let quantiles: Vec<String> = rows(&section)
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    assert_eq!(quantiles, ["p50", "p95", "p99"]);
}

#[test]
fn a_budget_without_samples_has_no_figure() {
    let section = section_of(load(vec![measured("ship", Samples::default(), None)]));
    assert!(section.contains("No samples"));
    assert!(section.contains("NOTHING FOUND") && !section.contains("<figure"));
}

#[test]
fn few_samples_have_quantiles_without_bounds() {
    let section = section_of(load(vec![measured(
        "ship",
        durations(3, 100_000.0, 0.2),
        None,
    )]));
    assert_eq!(
        rows(&section)[0],
        ["p50", "100 ms no bounds", "150 ms", "? TOO FEW"]
    );
}

#[test]
fn a_hundred_thousand_samples_are_as_small_as_two_thousand() {
    let [raw, sketch] = [2_000, 100_000].map(|count| {
        let before = durations(count, 120_000.0, 0.4);
        let budget = measured("ship", durations(count, 125_000.0, 0.4), Some(before));
        section_of(load(vec![budget])).len()
    });
    assert!(raw < 25_000, "{raw}");
    assert!(sketch < 25_000, "{sketch}");
}

#[test]
fn the_facts_of_the_load_and_failed_checks_are_shown() {
    let section = section_of(Load {
        stopped: Some("stopped after 20 of 500 requests: 20 failed (0 allowed)".to_owned()),
        notices: vec!["no baseline yet: run `spanspec baseline accept`".to_owned()],
        ..load(Vec::new())
    });
    let said = text(&section);
    for fact in [
        "Requests 500 after 10 for warm-up",
        "Pace 4 at a time",
        "Rate 11.8/s",
        "Failed 12 (0 allowed)",
        "Errored 0",
        "Duration 42.5 s",
        "Response time p50 399 ms",
        "Note: stopped after 20 of 500 requests: 20 failed (0 allowed)",
        "Note: no baseline yet: run spanspec baseline accept",
        "12 2.4 % status of the response: 201 specs/place-order.yaml:7",
    ] {
        assert!(said.contains(fact), "{fact}\n{said}");
    }
}

#[test]
fn the_slowest_trace_can_be_opened_with_and_without_scripts() {
    let report = report(load(vec![regressed()]));
    let page = render(&report);
    let id = super::super::sample::trace_id().to_string();
    assert!(page.contains(&format!("<details class=\"exemplar\" data-trace=\"{id}\">")));
    assert!(page.contains("saved in target/spanspec/slowest.json"));
    assert!(page.contains("<pre>") && page.contains("reserve_stock"));
}

#[test]
fn names_of_services_stay_text() {
    let name = "</script><svg onload=\"x\"><!--\u{202e}";
    let hostile = |name: &str| {
        let mut budget = measured(
            name,
            durations(500, 350_000.0, 0.4),
            Some(durations(500, 120_000.0, 0.4)),
        );
        budget.version = Some(name.to_owned());
        budget.before.as_mut().unwrap().version = Some(name.to_owned());
        let mut load = load(vec![budget]);
        load.failing[0].what = name.to_owned();
        load.notices = vec![name.to_owned()];
        load.stopped = Some(name.to_owned());
        render(&report(load))
    };
    let (page, ours) = (hostile(name), hostile("plain"));
    for tag in [
        "<script",
        "</script",
        "<!--",
        "<svg",
        "onload=\"",
        "\u{202e}",
    ] {
        let number = |text: &str| text.matches(tag).count();
        assert_eq!(number(&page), number(&ours), "{tag}");
    }
}

#[test]
fn an_unproven_claim_is_shown_as_failed_only_if_it_fails() {
    let looks = |is_strict| {
        let section = section_of(Load {
            is_strict,
            ..load(vec![regressed()])
        });
        let (_, class) = section.split_once("<td class=\"verdict ").unwrap();
        let cells = section.split("<td class=\"verdict ");
        let unproven = cells.filter(|cell| cell.contains("NOT PROVEN"));
        assert!(class.starts_with("failed"));
        let class = |cell: &str| cell.split_once('"').unwrap().0.to_owned();
        unproven.map(class).next()
    };
    assert_eq!(looks(false).as_deref(), Some("flaky"));
    assert_eq!(looks(true).as_deref(), Some("failed"));
}

#[test]
fn a_slower_request_without_a_trace_is_mentioned() {
    let mut of = regressed();
    let said = "; the slowest request took ";
    assert!(!section_of(load(vec![of.clone()])).contains(said));
    of.largest.as_mut().unwrap().value = 31_000.0;
    let section = section_of(load(vec![of]));
    assert!(section.contains(said), "{section}");
}
