use crate::import::Import;
use crate::import::loads::loads;
use crate::spec::Source;

/// The text of the specs, and the remarks.
#[track_caller]
fn import(text: &str) -> (String, String) {
    let Import { files, remarks } = super::import(&Source::new("command", text), "");
    let text = files.into_iter().map(|file| file.text).collect::<String>();
    loads(&text);
    (text, remarks.to_string())
}

#[test]
fn a_command_of_the_browser_becomes_a_request_without_its_credentials() {
    let (text, remarks) = import(
        r#"curl 'https://shop.example/api/orders?page=2&access_token=t0psecret' \
  -H 'accept: */*' \
  -H 'authorization: Bearer eyJhbGciOi' \
  -b 'sid=s3cret; theme=light' \
  -H 'content-type: application/json' \
  -H 'x-copy: eyJhbGciOi' \
  --data-raw $'{"sku":"it\'s","quantity":2,"password":"hunter22"}' \
  --compressed --insecure"#,
    );
    assert_eq!(
        text,
        r#"# curl expects nothing of the response: check `status`, and add expectations.
# ACCESS_TOKEN: the field `access_token`, not saved here; set it with --var or in the environment
# TOKEN: the header authorization, not saved here; set it with --var or in the environment
# COOKIE: the header Cookie, not saved here; set it with --var or in the environment
# PASSWORD: the field `password`, not saved here; set it with --var or in the environment
name: POST /api/orders
request:
  post: https://shop.example/api/orders?page=2&access_token=${ACCESS_TOKEN}
  headers:
    accept: "*/*"
    authorization: Bearer ${TOKEN}
    x-copy: ${TOKEN}
    Accept-Encoding: deflate, gzip, br, zstd
    Cookie: ${COOKIE}
  json: { sku: "it's", quantity: 2, password: "${PASSWORD}" }
  tls: { verify: false }
expect:
  status: 2xx
"#
    );
    assert_eq!(remarks, "");
}

#[test]
fn an_option_is_never_ignored_silently() {
    let (_, remarks) = import(
        "curl -sSf --proxy http://p:1 --frobnicate --http2 -o out.json \\\n http://a/b -u ada:pa55 --retry 3 | jq .",
    );
    assert_eq!(
        remarks,
        "command:1:1: lost: `--http2` has no equivalent: the protocol is negotiated
command:1:1: lost: `--proxy` has no equivalent: set HTTP_PROXY, HTTPS_PROXY and NO_PROXY
command:1:1: lost: unknown option `--frobnicate` of curl
command:2:2: lost: `--retry` has no equivalent: `poll` sends a request again until its response meets a condition; `--retries` runs a spec again
command:2:2: lost: `| jq .` is not a part of the request
command:2:2: note: `--user` becomes the header Authorization: TOKEN is `user:password` in base64
"
    );
}

#[test]
fn a_url_of_another_protocol_is_named() {
    let (text, remarks) = import("curl ftp://a/b");
    assert!(text.contains("request: GET http://a/b"), "{text}");
    assert_eq!(
        remarks,
        "command:1:1: lost: `ftp://`: spanspec sends requests over http and https\n"
    );
}

#[test]
fn data_and_forms_are_kept() {
    let (text, remarks) = import(
        r#"curl http://a/form -d 'a=1' -d 'b=x+y'
curl -G a/find --data-urlencode 'q=a b' -d page=2
curl http://a/up -F note=fragile -F 'file=@README.md;type=text/markdown' -F x=y
curl --json "{\"a\": $N}" 'http://a/json'
curl -T Cargo.toml http://a/put -L -m 2.5"#,
    );
    assert_eq!(remarks, "");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("name: "))
        .collect();
    assert_eq!(
        names,
        [
            "POST /form",
            "GET /find",
            "POST /up",
            "POST /json",
            "PUT /put"
        ]
    );
    assert!(
        text.contains("  form:\n    a: \"1\"\n    b: x y\n"),
        "{text}"
    );
    assert!(
        text.contains("GET http://a/find?q=a%20b&page=2\n"),
        "{text}"
    );
    assert!(
        text.contains("- { name: file, file: README.md, content_type: text/markdown }"),
        "{text}"
    );
    assert!(text.contains("  body: \"{\\\"a\\\": ${N}}\"\n"), "{text}");
    assert!(
        text.contains("  body_file: Cargo.toml\n  timeout: 2500ms\n  redirects: 50\n"),
        "{text}"
    );
}

#[test]
fn a_text_that_is_not_curl_is_an_error() {
    let of = |text: &str| {
        super::import(&Source::new("command", text), "")
            .remarks
            .to_string()
    };
    assert!(
        of("wget http://a")
            .starts_with("command:1:1: lost: `wget` is not curl: write the whole command")
    );
    assert!(of("curl -X").contains("`-X` has no value"));
    assert!(of("curl -v").contains("this command has no URL"));
    assert!(of("curl 'http://a").contains("unclosed `'`"));
}

#[test]
fn the_notations_of_bash_and_cmd_give_the_same_spec() {
    let (bash, _) = import(
        "curl 'http://a/find?q=a%20b&n=1' \\\n  -H 'X-Note: 5 > 4' \\\n  --data-raw '{\"text\":\"it is \\\"x\\\"\"}'",
    );
    let (cmd, _) = import(
        "curl ^\"http://a/find?q=a^%^20b^&n=1^\" ^\r\n  -H ^\"X-Note: 5 ^> 4^\" ^\r\n  --data-raw ^\"^{^\\^\"text^\\^\":^\\^\"it is ^\\^\\^\\^\"x^\\^\\^\\^\"^\\^\"^}^\"",
    );
    assert_eq!(cmd, bash);
    assert!(bash.contains("it is"), "{bash}");
}

#[test]
fn a_secret_is_in_no_part_of_the_spec() {
    let commands = [
        "curl -u ada:s3cret99 http://a/",
        "curl http://ada:s3cret99@a/",
        "curl --oauth2-bearer s3cret99 http://a/",
        "curl -H 'X-Api-Key: s3cret99' 'http://a/?copy=s3cret99'",
        "curl -H 'Cookie: sid=s3cret99; a=b' http://a/",
        "curl 'http://a/?client_secret=s3cret99'",
        "curl -d 'password=s3cret99&a=1&a=2' http://a/",
        "curl -d '<login><password>s3cret99</password></login>' http://a/",
        "curl --json '{\"password\": \"s3cret99\", \"n\": 1}' http://a/",
        "curl --json \"{\\\"password\\\": \\\"s3cret99\\\", \\\"n\\\": $N}\" http://a/",
        "curl -F password=s3cret99 http://a/",
        "curl -E Cargo.toml:s3cret99 https://a/",
    ];
    for command in commands {
        let (text, remarks) = import(command);
        assert!(
            !format!("{text}{remarks}").contains("s3cret99"),
            "{command}\n{text}{remarks}"
        );
        assert!(text.contains("${"), "{command}\n{text}");
    }
}

#[test]
fn headers_that_curl_adds_can_be_removed() {
    let (text, remarks) = import("$ curl -d a=1 -H 'Content-Type:' -H Accept: http://a/");
    assert!(!text.to_lowercase().contains("content-type"), "{text}");
    assert!(text.contains("body: a=1"), "{text}");
    assert_eq!(remarks, "");
    let (_, remarks) = import("curl -u ada -H Host: http://a/");
    assert!(
        remarks.contains("lost: `--user` without a password"),
        "{remarks}"
    );
    assert!(
        remarks.contains("lost: `Host:` removes a header"),
        "{remarks}"
    );
}

#[test]
fn files_are_found_from_the_folder_of_the_spec() {
    let source = Source::new("command", "curl http://a/ -F x=@c.png");
    let text = &super::import(&source, "../").files[0].text;
    assert!(text.contains("file: ../c.png"), "{text}");
    let source = Source::new("command", "curl --data-binary @a/b.json http://a/");
    let text = &super::import(&source, "../").files[0].text;
    assert!(text.contains("../a/b.json"), "{text}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_request_becomes_a_spec_that_can_be_read(
        body in "[ -~äé\n]{0,40}",
        header in "[!-~][ -~]{0,20}[!-~]",
        value in "[ -~ü]{0,20}",
    ) {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let command = format!(
            "curl http://a/b -H {} -d {} --data-urlencode {}",
            quoted(&format!("X-Value: {header}")), quoted(&format!("x{body}")), quoted(&format!("v={value}")),
        );
        let import = super::import(&Source::new("command", command.as_str()), "");
        let text = &import.files[0].text;
        let read = crate::import::loads::read_back("a.yaml", text);
        proptest::prop_assert!(read.is_ok(), "{}\n{}\n{}", command, text, read.unwrap_err());
        proptest::prop_assert_eq!(import.remarks.to_string(), "");
    }
}
