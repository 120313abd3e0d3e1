//! Requests of curl's command line.
//!
//! curl asserts nothing of a response, except with `--fail`.

mod options;
mod request;
mod words;

use options::{CurlOption, Effect};
use request::Collected;
use words::Word;

use super::http_spec::{HttpSpec, add_file, name_apart};
use super::place::{LineError, LineRemarks};
use super::{Import, place};
use crate::spec::{Source, did_you_mean};

/// The specs of the commands in a text. `folder` is the way from the output to their working directory.
pub(crate) fn import(source: &Source, folder: &str) -> Import {
    let mut import = Import::default();
    let mut remarks = LineRemarks {
        source,
        remarks: &mut import.remarks,
    };
    match specs(source.text(), &mut remarks) {
        Ok(mut specs) => {
            name_apart(&mut specs);
            specs.iter_mut().for_each(|spec| spec.find_files_in(folder));
            let stem = specs
                .first()
                .map_or_else(String::new, |spec| super::file_stem(&spec.name));
            add_file(
                &mut import,
                &place::line(source, 1),
                &format!("{stem}.yaml"),
                &specs,
            );
        }
        Err(error) => remarks.lost(error.line, error.text),
    }
    import
}

fn specs(text: &str, remarks: &mut LineRemarks<'_>) -> Result<Vec<HttpSpec>, LineError> {
    const EXAMPLE: &str = "write the whole command in single quotes: spanspec import curl 'curl -X POST http://127.0.0.1:8080/orders'";
    let read = words::commands(text)?;
    let mut specs = Vec::new();
    for words in &read.commands {
        // The prompt, as in documentation.
        let words = match words.as_slice() {
            [prompt, rest @ ..] if matches!(prompt.text.as_str(), "$" | "%" | ">") => rest,
            words => words,
        };
        let line = words.first().map_or(1, |word| word.line);
        let name = words.first().map_or("", |word| word.text.as_str());
        let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
        if matches!(stem, "curl" | "curl.exe") {
            specs.extend(command(&words[1..], line, remarks)?);
        } else if specs.is_empty() {
            return Err(LineError::new(
                line,
                format!("`{name}` is not curl: {EXAMPLE}"),
            ));
        } else {
            remarks.lost(line, format!("`{name}` is another command than curl"));
        }
    }
    if let Some(rest) = read.rest {
        let start: String = rest.text.chars().take(40).collect();
        remarks.lost(rest.line, format!("`{start}` is not a part of the request"));
    }
    match specs.is_empty() {
        true => Err(LineError::new(1, format!("no command of curl: {EXAMPLE}"))),
        false => Ok(specs),
    }
}

/// The requests of one command, which `--next` and several URLs separate.
fn command(
    words: &[Word],
    line: usize,
    remarks: &mut LineRemarks<'_>,
) -> Result<Vec<HttpSpec>, LineError> {
    let mut specs = Vec::new();
    for words in words.split(|word| matches!(word.text.as_str(), "--next" | "-:")) {
        let collected = collect(words, remarks)?;
        if collected.urls.is_empty() {
            return Err(LineError::new(line, "this command has no URL"));
        }
        specs.extend(collected.specs(remarks));
    }
    Ok(specs)
}

/// The options and URLs of a request.
fn collect(words: &[Word], remarks: &mut LineRemarks<'_>) -> Result<Collected, LineError> {
    let mut collected = Collected::default();
    let mut words = words.iter();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        match text.strip_prefix("--") {
            Some("") if !only_urls => only_urls = true,
            Some(name) if !only_urls => {
                let (positive, is_negated) = match name.strip_prefix("no-") {
                    Some(positive) if options::long(name).is_none() => (positive, true),
                    _ => (name, false),
                };
                match options::long(positive) {
                    // A negated flag is its default.
                    Some(option) if is_negated && !option.has_value => {}
                    Some(option) if !is_negated => {
                        let value = match option.has_value {
                            true => Some(value_of(text, words.next(), word.line)?),
                            false => None,
                        };
                        apply(option, text, value, word.line, &mut collected, remarks);
                    }
                    _ => unknown(text, name, word.line, words.as_slice(), remarks),
                }
            }
            _ if text.len() > 1 && text.starts_with('-') && !only_urls => {
                letters(word, &mut words, &mut collected, remarks)?;
            }
            _ => collected.urls.push((word.text.clone(), word.line)),
        }
    }
    Ok(collected)
}

/// Short options in one word: `-sSL`, `-XPOST`.
fn letters(
    word: &Word,
    words: &mut std::slice::Iter<'_, Word>,
    collected: &mut Collected,
    remarks: &mut LineRemarks<'_>,
) -> Result<(), LineError> {
    let mut rest = &word.text[1..];
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        let written = format!("-{letter}");
        let Some(option) = options::short(letter) else {
            remarks.lost(word.line, format!("unknown option `{written}` of curl"));
            continue;
        };
        if !option.has_value {
            apply(option, &written, None, word.line, collected, remarks);
            continue;
        }
        let value = match rest {
            "" => value_of(&written, words.next(), word.line)?,
            attached => attached,
        };
        apply(option, &written, Some(value), word.line, collected, remarks);
        return Ok(());
    }
    Ok(())
}

fn value_of<'w>(option: &str, next: Option<&'w Word>, line: usize) -> Result<&'w str, LineError> {
    match next {
        Some(word) => Ok(&word.text),
        None => Err(LineError::new(line, format!("`{option}` has no value"))),
    }
}

fn unknown(text: &str, name: &str, line: usize, rest: &[Word], remarks: &mut LineRemarks<'_>) {
    let help = did_you_mean(name, &options::names()).map(|help| format!(": {help}"));
    let follows = rest.first().map_or("", |word| word.text.as_str());
    let is_value = !follows.is_empty() && !follows.starts_with('-') && !follows.contains("://");
    let more = match is_value {
        true => "; the word after it was taken for a URL",
        false => "",
    };
    remarks.lost(
        line,
        format!(
            "unknown option `{text}` of curl{more}{}",
            help.unwrap_or_default()
        ),
    );
}

fn apply(
    option: CurlOption,
    written: &str,
    value: Option<&str>,
    line: usize,
    collected: &mut Collected,
    remarks: &mut LineRemarks<'_>,
) {
    match option.effect {
        Effect::Output => {}
        Effect::Request => collected.apply(option.long, value.unwrap_or_default(), line, remarks),
        Effect::Lost(help) => {
            let help = match help {
                "" => String::new(),
                help => format!(": {help}"),
            };
            remarks.lost(line, format!("`{written}` has no equivalent{help}"));
        }
    }
}

#[cfg(test)]
mod tests;
