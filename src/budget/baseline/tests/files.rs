//! What becomes of the files.

use super::*;

#[test]
fn a_damaged_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml.json");
    let newer = r#"{ "format": "spanspec baseline", "schema_version": 2 }"#;
    for text in ["<<<<<<< HEAD", "{}", newer] {
        fs::write(&path, text).unwrap();
        write(&path, &sample()).unwrap_err();
        record(&path, &sample()).unwrap_err();
        assert!(!pending_path(&path).exists());
        // One that was recorded before.
        fs::write(pending_path(&path), render(&sample())).unwrap();
        accept(&path, None).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        fs::remove_file(pending_path(&path)).unwrap();
    }
}

#[test]
fn a_recorded_baseline_waits_until_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_beside(&folder.path().join("a.yaml"));
    record(&path, &sample()).unwrap();
    assert_eq!(read(&path).unwrap(), None);
    assert_eq!(
        pending_in(path.parent().unwrap()).unwrap(),
        std::slice::from_ref(&path)
    );
    accept(&path, None).unwrap();
    assert_eq!(read(&path).unwrap(), Some(sample()));
    assert!(!pending_path(&path).exists());
    let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names, 1, "nothing is left beside it");
}

#[test]
fn a_rejected_baseline_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml.json");
    write(&path, &small()).unwrap();
    record(&path, &sample()).unwrap();
    reject(&path, None).unwrap();
    assert_eq!(read(&path).unwrap(), Some(small()));
    for nothing in [accept(&path, None), reject(&path, None)] {
        let said = nothing.unwrap_err().to_string();
        assert!(
            said.contains("a.yaml.json.new to accept or reject"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_is_no_baseline_is_not_rejected_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml.json");
    fs::write(pending_path(&path), "mine").unwrap();
    reject(&path, None).unwrap_err();
    assert_eq!(fs::read_to_string(pending_path(&path)).unwrap(), "mine");
}

#[test]
fn where_no_baseline_is_none_is_read_and_none_waits() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read(&folder.path().join("a.json")).unwrap(), None);
    assert!(pending_in(&folder.path().join("none")).unwrap().is_empty());
    let said = read(folder.path()).unwrap_err().to_string();
    assert!(said.starts_with("failed to read the baseline"), "{said}");
}

#[test]
fn accepting_takes_what_was_proposed_though_the_baseline_has_a_later_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml.json");
    record(&path, &small()).unwrap();
    let later = with_runs(vec![run_at(1_800_000_000, (101..=105).collect())]);
    write(&path, &later).unwrap();
    accept(&path, None).unwrap();
    assert_eq!(read(&path).unwrap(), Some(small()));
    assert!(!pending_path(&path).exists());
}

#[test]
fn what_is_not_as_it_was_shown_is_neither_accepted_nor_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml.json");
    record(&path, &small()).unwrap();
    let shown = proposal(&path).unwrap();
    record(&path, &sample()).unwrap();
    for act in [accept, reject] {
        let error = act(&path, Some(&shown)).unwrap_err();
        assert!(matches!(error, BaselineError::Changed { .. }), "{error}");
        assert_eq!(read(&pending_path(&path)).unwrap(), Some(sample()));
        assert_eq!(read(&path).unwrap(), None);
    }
    accept(&path, Some(&proposal(&path).unwrap())).unwrap();
    assert_eq!(read(&path).unwrap(), Some(sample()));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml.json");
    write(&path, &small()).unwrap();
    let size = render(&sample()).len() as u64;
    let error = store::write_up_to(size - 1, &path, &sample()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("a.yaml.json would have more than"), "{said}");
    assert_eq!(read(&path).unwrap(), Some(small()));
    store::write_up_to(size, &path, &sample()).unwrap();
    assert_eq!(read(&path).unwrap(), Some(sample()));
}

#[test]
fn a_folder_for_baselines_names_them_as_the_specs_are_in_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("specs/orders")).unwrap();
    let of = |spec: &str| path_of(&root.join(spec), Some(Path::new("kept")), root);
    let path = Path::new("kept/specs/orders/a.yaml.json");
    assert_eq!(of("specs/orders/a.yaml"), path);
    assert_eq!(of("specs/../specs/orders/a.yaml"), path);
    let elsewhere = path_of(
        Path::new("/elsewhere/a.yaml"),
        Some(Path::new("kept")),
        root,
    );
    assert!(elsewhere.starts_with("kept") && elsewhere.ends_with("elsewhere/a.yaml.json"));
}
