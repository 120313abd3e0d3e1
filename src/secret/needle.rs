//! The encoded forms of a secret, and the search for them in a text.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use url::Url;

use super::spelling::{Letters, ends, later_ends};
use super::{MASK, SearchMode};

/// Lower limit of the length of parts of a secret that are searched for. Shorter secrets are
/// searched for verbatim, and only in texts from outside.
const SHORTEST: usize = 4;

/// Lower limit of the length of a secret of hexadecimal digits that is searched for within ids.
const ID: usize = 16;

/// Maximum distance between the start of a secret and the `…` where it was cut.
const LONGEST_CUT: usize = 4096;

/// Characters that can start the encoding of another one, or separate two characters.
const SPELLED: &str = "%&#\\'\"+-_ ,:;\r\n\u{fffd}";

/// Characters with which the encoding of any character can start.
const STARTS: &str = "%&#\\";

/// The mark of a cut text.
const CUT: char = '…';

/// An encoded form of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Needle {
    chars: Vec<char>,
    letters: Letters,
    /// For base64: `true` if the first or last bits of the secret share a character with others.
    shares: (bool, bool),
}

/// All forms, and indexes of them: a run may have thousands, and a text is searched for all at once.
#[derive(Clone, Default)]
pub(super) struct Needles {
    all: Vec<Needle>,
    known: HashSet<Needle>,
    /// Forms that begin with an ASCII character, by their characters up to the first that is not.
    /// The root is the first node.
    trie: Vec<Node>,
    /// Forms that can begin with a byte other than that of their first character.
    by_first_byte: BTreeMap<u8, Vec<usize>>,
    /// Forms and offsets, by the character at this offset.
    by_char: BTreeMap<char, Vec<(usize, usize)>>,
}

/// The forms that share a beginning.
#[derive(Clone, Default)]
struct Node {
    children: BTreeMap<char, usize>,
    /// Forms whose characters end here, or continue with one that is not ASCII.
    complete: Vec<usize>,
    /// All forms with this beginning.
    below: Vec<usize>,
}

impl Needles {
    /// Adds all forms of a secret.
    pub(super) fn add(&mut self, secret: &str) {
        for needle in looks(secret) {
            if self.known.insert(needle.clone()) {
                self.index(&needle, self.all.len());
                self.all.push(needle);
            }
        }
    }

    fn index(&mut self, needle: &Needle, number: usize) {
        for (at, char) in needle.chars.iter().enumerate() {
            let places = self.by_char.entry(char.to_ascii_lowercase()).or_default();
            places.push((number, at));
        }
        if self.trie.is_empty() {
            self.trie.push(Node::default());
        }
        let own = needle.chars.first().map(char::to_ascii_lowercase);
        for byte in needle.first_bytes() {
            let is_own = byte.is_ascii() && own == Some(char::from(byte.to_ascii_lowercase()));
            let is_start = STARTS.as_bytes().contains(&byte);
            if !is_own && !is_start {
                self.by_first_byte.entry(byte).or_default().push(number);
            }
        }
        let mut node = 0;
        for char in needle.chars.iter().take_while(|char| char.is_ascii()) {
            let next = self.trie.len();
            let key = char.to_ascii_lowercase();
            let child = *self.trie[node].children.entry(key).or_insert(next);
            if child == next {
                self.trie.push(Node::default());
            }
            node = child;
            self.trie[node].below.push(number);
        }
        if node > 0 {
            self.trie[node].complete.push(number);
        }
    }

    /// The ranges of secrets, in order and without overlap.
    pub(super) fn find(&self, text: &str, search: SearchMode) -> Vec<Range<usize>> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (at, _) in text.char_indices() {
            let wanted = self.beginning_at(text, at).into_iter();
            found.extend(wanted.filter_map(|needle| needle.matched(text, at, search)));
        }
        found.extend(self.cut_at_end(text));
        found.extend(self.cut_at_start(text));
        apart(found, text)
    }

    /// The forms that may begin here: a cheap test excludes most of them.
    fn beginning_at(&self, text: &str, at: usize) -> Vec<&Needle> {
        let mut numbers: Vec<usize> = Vec::new();
        let first = text.as_bytes()[at];
        numbers.extend(self.by_first_byte.get(&first).into_iter().flatten());
        if STARTS.as_bytes().contains(&first) {
            let places = self.spelled_at(text, at);
            numbers.extend(places.filter(|(_, at)| *at == 0).map(|(number, _)| number));
        }
        let mut node = 0;
        for char in text[at..].chars() {
            if node > 0 && SPELLED.contains(char) {
                break;
            }
            let key = char.to_ascii_lowercase();
            let Some(&child) = self.trie[node].children.get(&key) else {
                node = 0;
                break;
            };
            node = child;
            numbers.extend(&self.trie[node].complete);
        }
        // The text ended, or an encoded character may follow.
        numbers.extend(&self.trie[node].below);
        numbers
            .into_iter()
            .map(|number| &self.all[number])
            .collect()
    }

    /// The places in forms whose character is encoded here.
    fn spelled_at(&self, text: &str, at: usize) -> impl Iterator<Item = (usize, usize)> {
        let is_here = move |char: char| {
            let mut found = Vec::new();
            ends(text, at, char, Letters::AnyCase, &mut found);
            ends(text, at, char, Letters::Base64, &mut found);
            !found.is_empty()
        };
        let places = self.by_char.iter().filter(move |(char, _)| is_here(**char));
        places.flat_map(|(_, places)| places.iter().copied())
    }

    /// Secrets that were cut: only the beginning is left, before a `…`.
    fn cut_at_end(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for (end, _) in text.match_indices(CUT) {
            let from = end.saturating_sub(LONGEST_CUT);
            let before = &text[..end];
            let is_cut = |at: &usize| {
                text.is_char_boundary(*at) && {
                    let mut wanted = self.beginning_at(before, *at).into_iter();
                    wanted.any(|needle| needle.begins(before, *at))
                }
            };
            if let Some(start) = (from..end).find(is_cut) {
                found.push(start..end + CUT.len_utf8() + length_note(&text[end..]));
            }
        }
        found
    }

    /// Secrets of which only the end is left, after a `…`.
    fn cut_at_start(&self, text: &str) -> Vec<Range<usize>> {
        let cuts = text.match_indices(CUT);
        let rests = cuts.map(|(at, cut)| (at, at + cut.len()));
        rests
            .filter_map(|(at, rest)| {
                let places = self.spelled_at(text, rest);
                let ends =
                    places.filter_map(|(number, from)| self.all[number].ends(text, rest, from));
                Some(at..ends.max()?)
            })
            .collect()
    }
}

impl Needle {
    fn new(text: &str, letters: Letters) -> Self {
        Self {
            chars: text.chars().collect(),
            letters,
            shares: (false, false),
        }
    }

    /// The bytes with which the form can begin in a text.
    fn first_bytes(&self) -> BTreeSet<u8> {
        let Some(&first) = self.chars.first() else {
            return BTreeSet::new();
        };
        let mut chars = vec![first, '%', '&', '#', '\\'];
        match self.letters {
            Letters::Exact => {}
            Letters::AnyCase | Letters::Digits => {
                chars.extend(first.to_lowercase().chain(first.to_uppercase()));
            }
            Letters::Base64 if first == '+' => chars.push('-'),
            Letters::Base64 if first == '/' => chars.push('_'),
            Letters::Base64 => {}
        }
        if !first.is_ascii() {
            chars.push('\u{fffd}');
        }
        let mut buffer = [0; 4];
        chars
            .into_iter()
            .map(|char| char.encode_utf8(&mut buffer).as_bytes()[0])
            .collect()
    }

    /// The longest range of this form that begins here.
    fn matched(&self, text: &str, at: usize, search: SearchMode) -> Option<Range<usize>> {
        if search == SearchMode::Careful && self.chars.len() < SHORTEST {
            return None;
        }
        if !self.may_match(&text[at..], 0) {
            return None;
        }
        let end = *self.walk(text, at, 0, |_, _| {}).last()?;
        if search == SearchMode::Careful && self.is_part_of_id(text, at..end) {
            return None;
        }
        Some(self.with_shared(text, at..end))
    }

    /// Returns `true` if the text begins with the characters from `from` on, up to one that may begin
    /// a spelling. A cheap test that excludes most texts.
    fn may_match(&self, text: &str, from: usize) -> bool {
        let mut chars = text.chars();
        for char in &self.chars[from..] {
            match chars.next() {
                // It may be itself, or the start of its own spelling: `%25`, `&amp;`.
                Some(found) if "%&#\\'\"".contains(found) => return true,
                Some(found) if found == *char || found.eq_ignore_ascii_case(char) => {}
                Some(found) => return SPELLED.contains(found) || !char.is_ascii(),
                None => return false,
            }
        }
        true
    }

    /// Returns `true` if the match consists of digits among further digits of an id or a number.
    fn is_part_of_id(&self, text: &str, found: Range<usize>) -> bool {
        let is_hex = |char: char| char.is_ascii_hexdigit();
        let before = text[..found.start].chars().next_back().is_some_and(is_hex);
        let after = text[found.end..].chars().next().is_some_and(is_hex);
        let is_digits = self.chars.len() < ID && self.chars.iter().all(|char| is_hex(*char));
        is_digits && (before || after)
    }

    /// Extends the range by the base64 characters that share bits with the secret.
    fn with_shared(&self, text: &str, found: Range<usize>) -> Range<usize> {
        let is_base64 =
            |char: &char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '-' | '_');
        let (mut start, mut end) = (found.start, found.end);
        if self.shares.0 {
            let before = text[..start].chars().next_back().filter(is_base64);
            start -= before.map_or(0, char::len_utf8);
        }
        if self.shares.1 {
            let after = text[end..].chars().next().filter(is_base64);
            end += after.map_or(0, char::len_utf8);
        }
        start..end
    }

    /// Returns `true` if the text ends with a beginning of this needle that starts here.
    fn begins(&self, text: &str, at: usize) -> bool {
        let mut is_cut = false;
        self.walk(text, at, 0, |matched, ends| {
            is_cut |= matched >= SHORTEST
                && matched < self.chars.len()
                && ends.last() == Some(&text.len());
        });
        is_cut
    }

    /// The end of the characters from `from` on, if they start here and are a telling part.
    fn ends(&self, text: &str, at: usize, from: usize) -> Option<usize> {
        let is_part = from > 0 && from + SHORTEST <= self.chars.len();
        if !is_part || !self.may_match(&text[at..], from) {
            return None;
        }
        self.walk(text, at, from, |_, _| {}).last().copied()
    }

    /// Compares the text with the characters from `from` on, and returns the possible end offsets
    /// in order. `visit` receives the number of matched characters and their possible end offsets.
    fn walk(
        &self,
        text: &str,
        at: usize,
        from: usize,
        mut visit: impl FnMut(usize, &[usize]),
    ) -> Vec<usize> {
        let (mut here, mut next) = (vec![at], Vec::new());
        for (index, char) in self.chars.iter().enumerate().skip(from) {
            let step = if index == from { ends } else { later_ends };
            for at in &here {
                step(text, *at, *char, self.letters, &mut next);
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(&mut here, &mut next);
            next.clear();
            if here.is_empty() {
                break;
            }
            visit(index + 1 - from, &here);
        }
        here
    }
}

/// All encoded forms of a secret.
fn looks(secret: &str) -> Vec<Needle> {
    let secret = secret.trim();
    let mut all = vec![plain(secret)];
    let lines = secret.lines().map(str::trim);
    if secret.lines().count() > 1 {
        all.extend(lines.filter(|line| is_telling(line)).map(plain));
    }
    all.extend(password(secret).as_deref().map(plain));
    if !secret.is_ascii()
        && let Ok(url::Host::Domain(name)) = url::Host::parse(secret)
    {
        all.push(plain(&name));
    }
    if secret.len() >= SHORTEST {
        let bytes = secret.as_bytes();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        all.push(Needle::new(&hex.concat(), Letters::Digits));
        all.push(Needle::new(&decimal.join(","), Letters::Digits));
        for spelled in spelled_before_base64(secret) {
            all.extend((0..3).map(|shift| base64(spelled.as_bytes(), shift)));
        }
    }
    all
}

/// The forms in which a secret stands in something that is then encoded: as it is, within JSON, and
/// within a URL.
fn spelled_before_base64(secret: &str) -> BTreeSet<String> {
    let quoted = serde_json::Value::from(secret).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = quoted[1..quoted.len() - 1].to_owned();
    BTreeSet::from([secret.to_owned(), json, form.replace('+', "%20"), form])
}

fn plain(text: &str) -> Needle {
    let letters = if is_telling(text) {
        Letters::AnyCase
    } else {
        Letters::Exact
    };
    Needle::new(text, letters)
}

fn is_telling(part: &str) -> bool {
    part.chars().count() >= SHORTEST
}

/// The password of a secret that is a URL.
fn password(secret: &str) -> Option<String> {
    let url = Url::parse(secret).ok()?;
    // In percent-encoded text, a value follows `=`.
    let password = format!("p={}", url.password()?.replace('+', "%2B"));
    let (_, decoded) = url::form_urlencoded::parse(password.as_bytes()).next()?;
    is_telling(&decoded).then(|| decoded.into_owned())
}

/// The base64 characters that depend on the secret only, if `shift` bytes precede it.
fn base64(secret: &[u8], shift: usize) -> Needle {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(secret);
    let encoded = STANDARD_NO_PAD.encode(&bytes);
    let (first, last) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
    Needle {
        shares: (shift > 0, last < encoded.len()),
        ..Needle::new(&encoded[first..last], Letters::Base64)
    }
}

/// The length of ` (600 characters in all)` after a `…`, which would reveal the length of the
/// secret.
fn length_note(cut: &str) -> usize {
    let note = || {
        let rest = cut.strip_prefix(CUT)?;
        let number = rest.strip_prefix(" (")?;
        let number = number.trim_start_matches(|char: char| char.is_ascii_digit() || char == ',');
        let after = number.strip_prefix(" characters in all)")?;
        Some(rest.len() - after.len())
    };
    note().unwrap_or(0)
}

/// Sorts the ranges and joins adjacent ones, without those that are masked already.
fn apart(mut found: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    if found.is_empty() {
        return found;
    }
    let masks = text
        .match_indices(MASK)
        .map(|(at, mask)| at..at + mask.len());
    let masks: Vec<Range<usize>> = masks.collect();
    let is_masked = |range: &Range<usize>| {
        let mut masks = masks.iter();
        masks.any(|mask| mask.start <= range.start && range.end <= mask.end)
    };
    found.retain(|range| !is_masked(range));
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}
