//! The values of a name in a text that cannot be parsed, but of which an error quotes lines.

/// The texts after a name and a colon: up to the end of the entry, up to the end of the line, and
/// each line below that belongs to the value by its indentation.
pub(crate) fn values_in(text: &str, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut covered = 0;
    for (at, _) in text.match_indices(name) {
        let after = text[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
        let Some(after) = after.strip_prefix(':') else {
            continue;
        };
        let (line, below) = after.split_once('\n').unwrap_or((after, ""));
        values.push(bare(line.split([',', '}']).next().unwrap_or(line)));
        // The rest of a long line is added once.
        if at >= covered {
            values.push(bare(line));
            let below = lines_of_value(&text[..at], line, below);
            let length: usize = below.iter().map(|line| line.len() + 1).sum();
            covered = text.len() - after.len() + line.len() + length;
            values.extend(below.into_iter().map(bare));
        }
    }
    values.retain(|value| {
        !value
            .trim_matches(|char| "[]{}|>+-, ".contains(char))
            .is_empty()
    });
    values
}

/// The lines below a name that belong to its value: all that are indented further, and one at least
/// if the line of the name has no value.
fn lines_of_value<'t>(before: &str, line: &str, below: &'t str) -> Vec<&'t str> {
    let own = before.rsplit('\n').next().unwrap_or(before);
    let own = own.trim_end_matches(['"', '\'']);
    let column = match own.trim_start_matches([' ', '\t', '-']) {
        "" => own.len(),
        _ => indentation(own),
    };
    let least = usize::from(line.trim().is_empty());
    let lines = below.split('\n').enumerate();
    let of_value = lines.take_while(|(index, line)| {
        let indentation = indentation(line);
        let is_item = indentation == column && line.trim_start().starts_with("- ");
        *index < least || indentation > column || is_item || line.trim().is_empty()
    });
    of_value.map(|(_, line)| line).collect()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

fn bare(value: &str) -> String {
    let value = value.trim().trim_start_matches("- ");
    let value = value.trim_end_matches(',');
    value.trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(text: &str, expected: &[&str]) {
        let values = values_in(text, "A");
        for value in expected {
            assert!(values.iter().any(|found| found == value), "{values:?}");
        }
    }

    #[test]
    fn values_are_found_in_texts_that_are_not_yaml() {
        let text = "vars: { A: one, A: 'two' }\n  A: th:ree: x\n";
        expect(text, &["one", "two", "th:ree: x"]);
        expect("{\"A\": \"one\", \"b\": [", &["one"]);
    }

    #[test]
    fn values_are_found_on_the_lines_below_their_name() {
        expect("- A: |\n    one\n\n    two\n  b: [", &["one", "two"]);
        expect("A:\n- one\n- two\nb: [", &["one", "two"]);
        expect(
            "[{\n \"A\": [\n  \"one\",\n  \"two\"\n ],\n",
            &["one", "two"],
        );
        expect("{\n\"A\":\n\"one\",\n", &["one"]);
        assert_eq!(values_in("- A: |\n    one\n  b: two", "A"), ["one"]);
    }

    #[test]
    fn the_rest_of_a_long_line_is_added_once() {
        let line = "{\"A\":1},".repeat(1_000);
        let length: usize = values_in(&line, "A").iter().map(String::len).sum();
        assert!(length < 2 * line.len(), "{length}");
    }
}
