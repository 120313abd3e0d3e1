use super::*;
use std::path::Path;
fn errors(text: &str) -> String {
    match Spec::read_all(
        &Source::new("a.yaml", text),
        Path::new("."),
        &Context::default(),
    ) {
        Ok(specs) => format!("{specs:#?}"),
        Err(errors) => errors
            .0
            .iter()
            .map(|e| format!("{}: {} [{}] => {:?}\n", e.at, e.what, e.label, e.help))
            .collect(),
    }
}
#[test]
fn look() {
    for text in [
        "request: GET http://a/\nexpect: {status: 200}\n",
        "request: GET http://a/\nexpect: {status: 200, errors: 600ms, spanz: 1, response_time: 600}\nfoo: 1\n",
        "request: GET http://a/\nexpect:\n  spans:\n    - find: { name: GET /orders/{id} }\n",
        "request: GET http://a/\nexpect:\n  json: { $.lines[0]: x }\n",
        "request: GET http://a/\nexpect:\n  body: order #42\n",
        "request: GET http://a/\nexpect:\n  body: !x\n  status: *a\n  headers:\n    a: %x\n    b: \n",
        "request: GET http://a/\nexpect:\n  body: @x\n",
        "request: GET http://a/\nexpect:\n  body: `x\n",
        "request: GET http://a/\nexpect:\n  json:\n    $.a: >5\n",
        "request: GET http://a/\nexpect:\n  json:\n    $.a: > 5\n",
        "request: GET http://a/\nexpect:\n  json:\n    $.a: 010\n    $.b[*]: x\n    $.c: 1_0\n    $.d[: 3\n    $.d: {foo: 3}\n    $.e: =~ (\n",
        "request: GET ${BASE}/\nexpect: {status:201}\n",
        "request: GET http://a/\nexpect: {status: 201}\nexpect: {}\n<<: {}\n",
        "request:\n  post: http://a/\n  headers: {traceparent: x}\n  jsn: {}\nexpect:\n  spans:\n  - fnd: x\n  - find: {status: okay, kind: servr}\n    below: $pay\n    duration: 600\n    atributes: {}\n",
        "",
        "- 1",
        "request: GET http://a/\nexpect: {spans: [{find: x, count: 0, status: ok}]}\nrepeat: {times: 3}\n",
        "request: GET http://a/\ncapture: {x: $.a}\nexpect: {json: {$.b: \"${x}\"}, spans: [{find: y, count: \"${x}\"}]}\n",
    ] {
        println!("-----\n{text}\n>>> {}", errors(text));
    }
}
