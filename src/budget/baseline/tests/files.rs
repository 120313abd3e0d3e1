//! Baseline files.

use super::*;

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_beside(&folder.path().join("a.yaml"));
    fs::create_dir(path.parent().unwrap()).unwrap();
    (folder, path)
}

#[test]
fn a_damaged_file_is_never_overwritten() {
    let (_folder, path) = folder();
    let newer = r#"{ "format": "spanspec baseline", "schema_version": 2 }"#;
    for text in ["<<<<<<< HEAD", "{}", newer] {
        fs::write(&path, text).unwrap();
        write(&path, &sample()).unwrap_err();
        propose(&path, &sample()).unwrap_err();
        assert!(!pending_path(&path).exists());
        fs::write(pending_path(&path), render(&sample())).unwrap();
        accept(&path).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        fs::remove_file(pending_path(&path)).unwrap();
    }
}

#[test]
fn a_proposal_is_pending_until_it_is_accepted() {
    let (_folder, path) = folder();
    propose(&path, &sample()).unwrap();
    assert_eq!(read(&path).unwrap(), None);
    accept(&path).unwrap();
    assert_eq!(read(&path).unwrap(), Some(sample()));
    let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names, 1, "other files are left beside the baseline");
}

#[test]
fn a_rejected_proposal_leaves_the_baseline() {
    let (_folder, path) = folder();
    write(&path, &small()).unwrap();
    propose(&path, &sample()).unwrap();
    reject(&path).unwrap();
    assert_eq!(read(&path).unwrap(), Some(small()));
    for nothing in [accept(&path), reject(&path)] {
        let error = nothing.unwrap_err().to_string();
        assert!(
            error.contains("a.yaml.json.new to accept or reject"),
            "{error}"
        );
    }
}

#[test]
fn a_foreign_file_is_not_deleted_by_a_rejection() {
    let (_folder, path) = folder();
    fs::write(pending_path(&path), "mine").unwrap();
    reject(&path).unwrap_err();
    assert_eq!(fs::read_to_string(pending_path(&path)).unwrap(), "mine");
}

#[test]
fn a_missing_file_is_no_baseline_and_a_folder_is_an_error() {
    let (folder, path) = folder();
    assert_eq!(read(&path).unwrap(), None);
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("failed to read the baseline"), "{error}");
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let (_folder, path) = folder();
    let first = lock(&path).unwrap();
    let (send, second) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let path = &path;
        scope.spawn(move || {
            let _second = lock(path).unwrap();
            send.send("second").unwrap();
        });
        assert!(second.try_recv().is_err());
        drop(first);
        assert_eq!(second.recv(), Ok("second"));
    });
}

#[test]
fn a_write_is_undone_unless_the_file_has_changed_since() {
    let (_folder, path) = folder();
    let written = |text: &str| {
        let write = || {
            fs::write(&path, text).unwrap();
            Ok(())
        };
        Undo::around(&path, write).unwrap()
    };
    let first = written("one");
    let second = written("two");
    assert_eq!(first.undo().unwrap(), Undone::ChangedSince);
    assert_eq!(second.undo().unwrap(), Undone::Restored);
    assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    assert_eq!(first.undo().unwrap(), Undone::Restored);
    assert!(!path.exists());
    assert_eq!(first.undo().unwrap(), Undone::ChangedSince);
}

#[test]
fn a_common_folder_has_baselines_under_the_paths_of_their_specs() {
    let (folder, _) = folder();
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
