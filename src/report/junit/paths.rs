//! Class names for CI systems.

/// `specs/place-order.yaml` → `specs.place-order`. For Jenkins, the text after the last dot is the
/// class, so it must not contain other dots.
pub(in super::super) fn class_name(path: &str) -> String {
    let (folders, file) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
    let stem = match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    };
    folders
        .split(['/', '\\'])
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .chain([stem])
        .map(|part| part.replace('.', "_"))
        .collect::<Vec<_>>()
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_are_dotted_and_have_no_extension() {
        assert_eq!(class_name("specs/place-order.yaml"), "specs.place-order");
        assert_eq!(class_name("../v1.2/a.b.yml"), "v1_2.a_b");
        assert_eq!(class_name("order"), "order");
        assert_eq!(class_name("C:\\specs\\a.yaml"), "C:.specs.a");
    }
}
