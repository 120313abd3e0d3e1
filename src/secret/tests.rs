use super::*;

fn secrets(all: &[&str]) -> Secrets {
    Secrets::new(all.iter().map(|&secret| secret.to_owned()))
}

#[test]
fn a_secret_that_holds_or_meets_another_is_masked_whole() {
    let all = secrets(&["token", "token-long", "longer"]);
    assert_eq!(all.text("a token-long, a token"), "a [masked], a [masked]");
    assert_eq!(all.text("token-longer!"), "[masked]!");
}

#[test]
fn a_secret_is_found_in_every_encoding() {
    let all = secrets(&["p\"ä s/w+ö\\rd"]);
    for spelled in [
        r#"p"ä s/w+ö\rd"#,
        r#"p\"ä s\/w+ö\\rd"#,
        r#"p\\\"\u00e4 s/w+\u00F6\\\\rd"#,
        "p%22%C3%A4%20s%2Fw%2B%C3%B6%5Crd",
        "p%22%c3%a4+s%2fw%2b%c3%b6%5crd",
        "p%2522%25C3%25A4%2520s%252Fw%252B%25C3%25B6%255Crd",
        "p&quot;ä s/w+ö\\rd",
        "p&#34;&#xE4; s/w&#43;&#246;&#92;rd",
        "p&amp;quot;ä s/w+ö\\rd",
        "p#34;#228; s/w+ö#92;rd",
        "P\"Ä S/W+Ö\\RD",
        "p\"\u{fffd} s/w+\u{fffd}\\rd",
        "70 22 C3 A4 20 73 2F 77 2B C3 B6 5C 72 64",
        "112, 34, 195, 164, 32, 115, 47, 119, 43, 195, 182, 92, 114, 100",
        "112 34 195 164 32 115 47 119 43 195 182 92 114 100",
        r"p\x22\xc3\xa4 s/w+\xC3\xB6\x5crd",
        r"p\042\303\244 s/w+\303\266\134rd",
        r"p\u0022\u00e4 s/w\u002b\u00f6\u005crd",
        "p%22%E4%20s%2Fw%2B%F6%5Crd",
        "p%22%u00e4%2Bs%2fw%252b%u00F6%5Crd",
        "p\"\"ä s/w+ö\\rd",
    ] {
        assert_eq!(all.text(&format!("<{spelled}>")), "<[masked]>", "{spelled}");
    }
}

#[test]
fn a_character_that_begins_spellings_may_be_spelled_itself() {
    for (secret, spelled) in [
        ("A%a_%0a", "A%25a_%250a"),
        ("A0_a&\\a", "A0_a&amp;\\a"),
        ("a#b#c", "a#35;b#35;c"),
    ] {
        assert_eq!(secrets(&[secret]).text(spelled), MASK, "{spelled}");
    }
}

#[test]
fn a_secret_is_found_in_the_quotes_of_a_shell() {
    let all = secrets(&["it's me"]);
    for quoted in [
        r"'it'\''s me'",
        r#"'it'"'"'s me'"#,
        r"it\'s\ me",
        "'it''s me'",
    ] {
        assert!(!all.text(quoted).contains("s me"), "{quoted}");
    }
}

#[test]
fn a_secret_that_was_encoded_before_base64_is_found() {
    let all = secrets(&["p\"ä s"]);
    for text in [r#"{"a":"p\"ä s"}"#, "x=p%22%C3%A4%20s", "x=p%22%C3%A4+s&y"] {
        let encoded =
            base64::engine::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        assert!(all.text(&encoded).contains(MASK), "{text}");
    }
}

#[test]
fn a_secret_is_found_in_base64_wherever_it_begins() {
    let all = secrets(&["hunter2"]);
    for (text, masked) in [
        ("aHVudGVyMg==", "[masked]=="),
        // user:hunter2, me:hunter2! and x hunter2 yz
        ("dXNlcjpodW50ZXIy", "dXNlcj[masked]"),
        ("bWU6aHVudGVyMiE=", "bWU6[masked]E="),
        ("eCBodW50ZXIyIHl6", "eC[masked]IHl6"),
    ] {
        let found = all.text(text);
        assert!(found.contains(MASK), "{text}: {found}");
        assert!(found.len() <= masked.len() + 2, "{text}: {found}");
    }
}

#[test]
fn the_line_break_at_the_end_of_a_secret_does_not_matter_and_each_line_is_secret() {
    let all = secrets(&["first line\n  second line\n}\n"]);
    let text = "first line\r\nsecond line } and: second line";
    assert_eq!(all.text(text), "[masked]\r\n[masked] } and: [masked]");
    assert_eq!(secrets(&["hunter2\n"]).text("is hunter2"), "is [masked]");
}

#[test]
fn a_password_in_a_secret_url_is_secret() {
    let all = secrets(&["postgres://app:hunter%232@db/x"]);
    assert_eq!(all.text("login app, hunter#2"), "login app, [masked]");
}

#[test]
fn a_secret_that_was_cut_is_masked_and_its_length_is_not_shown() {
    let all = secrets(&["abcdefghijklmnop"]);
    for length in ["16", "1,016"] {
        let cut = format!("found \"abcdefgh… ({length} characters in all)");
        assert_eq!(all.text(&cut), "found \"[masked]");
    }
    assert_eq!(all.text("…ijklmnop and more"), "[masked] and more");
    assert_eq!(
        all.text("xyz… (20 characters in all)"),
        "xyz… (20 characters in all)"
    );
}

#[test]
fn what_is_masked_already_stays_so() {
    let all = secrets(&["masked", "ask"]);
    assert_eq!(all.text("[masked] unasked"), "[masked] un[masked]ed");
}

#[test]
fn a_finished_report_stays_well_formed() {
    let all = secrets(&["u0041", "quot", "4242", "passed", "a<b>c", "1"]);
    let json = r#"{"id":"4bf4242a1","n":4242,"verdict":"passed","t":"x\u0041 u0041 4242"}"#;
    assert_eq!(
        all.written(Format::Json, json),
        r#"{"id":"4bf4242a1","n":4242,"verdict":"passed","t":"xA [masked] [masked]"}"#
    );
    let html = r#"<p>x</p><script type="application/json">{"n":4242,"t":"a<\u003cb>c"}</script>"#;
    assert_eq!(
        secrets(&["<b>c", "4242"]).written(Format::Markup, html),
        r#"<p>x</p><script type="application/json">{"n":4242,"t":"a\u003c[masked]"}</script>"#
    );
    let xml = r#"<quot a="&quot;x a&lt;b&gt;c">quot &amp; 1</quot>"#;
    assert_eq!(
        all.written(Format::Markup, xml),
        r#"<quot a="&quot;x [masked]">[masked] &amp; 1</quot>"#
    );
}

#[test]
fn a_writer_masks_a_secret_in_two_writes() {
    use std::io::Write;
    let mut out = Vec::new();
    let mut writer = MaskedWriter::new(&mut out, secrets(&["hunter2"]));
    writer.write_all(b"is hun").unwrap();
    writer.write_all(b"ter2\nand more").unwrap();
    drop(writer);
    assert_eq!(out, b"is [masked]\nand more");
}

#[test]
fn bytes_that_are_no_text_are_left_alone_unless_there_is_a_secret_among_them() {
    let all = secrets(&["hunter2"]);
    assert_eq!(all.bytes(b"\xff\x00".to_vec()), b"\xff\x00");
    let masked = all.bytes(b"\xffhunter2".to_vec());
    assert_eq!(masked, "\u{fffd}[masked]".as_bytes());
}

#[test]
fn a_list_is_secret_and_so_is_each_value_in_it() {
    let all = Secrets::default();
    all.add_value(&Value::Array(vec!["hunter2".into(), 4242.into()]));
    assert_eq!(all.text("hunter2, 4242, true"), "[masked], [masked], true");
}

#[test]
fn thousands_of_secrets_are_searched_for_at_once() {
    let all = Secrets::default();
    for number in 0..3_000 {
        all.add([format!("session-{number:04}-abcdef")]);
    }
    let text = "session-2999-abcdef, session%2D0001%2Dabcdef, session-12 …abcdef";
    assert_eq!(all.text(text), "[masked], [masked], session-12 [masked]");
}

#[test]
fn a_secret_that_becomes_known_later_is_masked_in_a_file_that_was_masked_before() {
    let secrets = Secrets::new(["tiger".to_owned()]);
    let file = Source::new("a.yaml", "user: scott\npassword: tiger\n");
    let masked = |secrets: &Secrets| secrets.in_file(&file).unwrap().source.text().to_owned();
    let first = "user: scott\npassword: [masked]\n";
    assert_eq!([masked(&secrets), masked(&secrets)], [first, first]);
    secrets.add(["scott".to_owned()]);
    assert_eq!(masked(&secrets), "user: [masked]\npassword: [masked]\n");
}
