//! A proposal as the configuration of a Collector.

use std::fmt::Write as _;

use super::{Kind, Proposal, Proposed};

/// The processor, ready to paste.
pub(crate) fn yaml(proposal: &Proposal) -> String {
    let mut text = format!(
        "processors:\n  tail_sampling:\n    decision_wait: {}s\n    policies:\n",
        proposal.decision_wait.as_secs()
    );
    for policy in &proposal.policies {
        let _ = write!(text, "      - name: {}\n{}", policy.name, block(policy));
    }
    text
}

fn block(policy: &Proposed) -> String {
    let errors = "{ status_codes: [ERROR] }";
    let lines = match &policy.kind {
        Kind::All => vec!["type: always_sample".to_owned()],
        Kind::Errors(percentage) if *percentage < 100.0 => vec![
            "type: and".to_owned(),
            "and:".to_owned(),
            "  and_sub_policy:".to_owned(),
            format!("    - {{ name: error, type: status_code, status_code: {errors} }}"),
            format!(
                "    - {{ name: share, type: probabilistic, probabilistic: {{ sampling_percentage: {percentage} }} }}"
            ),
        ],
        Kind::Errors(_) => vec![
            "type: status_code".to_owned(),
            format!("status_code: {errors}"),
        ],
        Kind::Slow(threshold) => vec![
            "type: latency".to_owned(),
            format!("latency: {{ threshold_ms: {threshold} }}"),
        ],
        Kind::Services(names) => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            vec![
                "type: string_attribute".to_owned(),
                format!(
                    "string_attribute: {{ key: service.name, values: [{}] }}",
                    names.join(", ")
                ),
            ]
        }
        Kind::Operations(names) => {
            let mut lines = vec![
                "type: ottl_condition".to_owned(),
                "ottl_condition:".to_owned(),
                "  error_mode: ignore".to_owned(),
                "  span:".to_owned(),
            ];
            let conditions = names.iter().map(|name| {
                let condition = format!("IsRootSpan() and span.name == {}", ottl_string(name));
                format!("    - {}", quoted(&condition))
            });
            lines.extend(conditions);
            lines
        }
        Kind::Rest(percentage) => vec![
            "type: probabilistic".to_owned(),
            format!("probabilistic: {{ sampling_percentage: {percentage} }}"),
        ],
    };
    lines
        .into_iter()
        .map(|line| format!("        {line}\n"))
        .collect()
}

/// A string of YAML, in which the Collector expands nothing.
fn quoted(text: &str) -> String {
    let text = text.replace('$', "$$");
    serde_json::Value::String(text).to_string()
}

/// A string of OTTL, which has the escapes of Go.
fn ottl_string(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}
