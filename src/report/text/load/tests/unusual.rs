//! Quiet reports of specs that passed, and interrupted specs.

use std::sync::Arc;

use super::*;
use crate::result::Verdict;

fn load_of(spec: &mut SpecReport) -> &mut Load {
    Arc::make_mut(spec.attempts[0].steps[0].load.as_mut().unwrap())
}

#[test]
fn a_quiet_report_shows_another_environment_and_written_files() {
    let mut elsewhere = many::passing();
    move_elsewhere(load_of(&mut elsewhere));
    assert_data_eq!(
        at(80, &elsewhere, Detail::Quiet),
        str![[r#"
PASS  ordering under load
      500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
   p50 of inventory-check: NOT PROVEN: ANOTHER ENVIRONMENT than the baseline's:
   cores was 8, is 2. Record a baseline here, use `spanspec ab`, or compare
   nevertheless with `--allow-env-mismatch`.


"#]]
    );
    assert_data_eq!(
        at(80, &many::first_run(), Detail::Quiet),
        str![[r#"
PASS  ordering for the first time
      500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
   note: no baseline yet: written to specs/baselines/ordering.yaml.json.new;
         `spanspec baseline accept` makes it one


"#]]
    );
}

#[test]
fn an_interrupted_load_shows_its_measurements() {
    let mut of = many::passing();
    of.verdict = Verdict::NotRun("interrupted while it ran".to_owned());
    let load = load_of(&mut of);
    load.measured.iter_mut().for_each(|of| of.judged.clear());
    load.stopped = Some("interrupted after 500 of 3000 requests".to_owned());
    assert_data_eq!(
        at(80, &of, Detail::Quiet),
        str![[r#"
STOP  ordering under load
      specs/ordering.yaml   500 requests, 50 at a time, 214/s, p50 121 ms
      812 ms
                     v2.3.0 (n=500)
   inventory-check   p50=120 ms p95=174 ms p99=800 ms
   response time     p50=12.3 ms p95=12.3 ms p99=12.3 ms
   note: interrupted after 500 of 3000 requests


"#]]
    );
}
