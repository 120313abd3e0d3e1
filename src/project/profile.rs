//! Profiles of the project file: other variables, services and sources for the same specs.

use crate::spec::{Entry, EntryKey, Kind, Node, Reader, keys};

/// The keys whose maps are merged, rather than replaced.
const MERGED: [&str; 2] = ["vars", "defaults"];

/// The profiles of a project file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    /// All names, in their order.
    pub names: Vec<String>,
    /// The one that is used.
    pub chosen: Option<String>,
    /// Requests are refused: the profile only reads.
    pub is_read_only: bool,
}

/// The project file with the entries of the chosen profile, and the profiles. Errors in the form of any
/// profile are recorded.
pub(super) fn apply(
    root: &Node,
    chosen: Option<&str>,
    reader: &Reader<'_>,
) -> Option<(Node, Profiles)> {
    let Some(all) = root.get("profiles") else {
        return Some((root.clone(), Profiles::default()));
    };
    let entries = reader.any_map(all, "`profiles`")?;
    let all = reader.all(entries, |entry| {
        let of = format!("the profile `{}`", entry.key.text);
        let own = reader.map(&entry.value, &of, keys::PROFILE)?;
        let is_read_only = reader.optional(&entry.value, "read_only", |flag| {
            reader.bool(flag, "`read_only`")
        });
        Some((
            entry.key.text.as_str(),
            own,
            is_read_only?.unwrap_or_default(),
        ))
    })?;
    let mut profiles = Profiles {
        names: all.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        ..Profiles::default()
    };
    let mut merged = root.clone();
    if let Some((name, own, is_read_only)) = all.iter().find(|(name, ..)| Some(*name) == chosen) {
        profiles.chosen = Some((*name).to_owned());
        profiles.is_read_only = *is_read_only;
        let own = own.iter().filter(|entry| entry.key.text != "read_only");
        own.for_each(|entry| put(&mut merged, entry));
    }
    Some((merged, profiles))
}

/// Puts an entry of the profile into the project file.
fn put(root: &mut Node, entry: &Entry) {
    let Kind::Map(entries) = &mut root.kind else {
        return;
    };
    // The project has no services then.
    let is_none = entry.key.text == "services"
        && entry
            .value
            .scalar()
            .is_some_and(|scalar| scalar.text == "none");
    match entries
        .iter_mut()
        .position(|known| known.key.text == entry.key.text)
    {
        Some(at) if is_none => drop(entries.remove(at)),
        Some(at) if MERGED.contains(&entry.key.text.as_str()) => {
            merge(&mut entries[at].value, &entry.value);
        }
        Some(at) => entries[at] = entry.clone(),
        None if is_none => {}
        None => entries.push(entry.clone()),
    }
}

/// Merges maps key by key; another value replaces.
fn merge(into: &mut Node, other: &Node) {
    let (Kind::Map(entries), Kind::Map(others)) = (&mut into.kind, &other.kind) else {
        *into = other.clone();
        return;
    };
    for Entry { key, value } in others {
        match entries.iter_mut().find(|known| known.key.text == key.text) {
            Some(known) => {
                let EntryKey { place, .. } = key;
                known.key.place = *place;
                merge(&mut known.value, value);
            }
            None => entries.push(Entry {
                key: key.clone(),
                value: value.clone(),
            }),
        }
    }
}
