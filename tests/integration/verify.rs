//! `onhand verify` where there is nothing to prove: it says so, and leaves nothing behind.

use std::fs;

use crate::server::{DataDir, run};

#[test]
fn a_folder_without_data_is_proven_to_be_nothing_and_stays_as_it_is() {
    let data = DataDir::new();
    let path = data.path.to_str().unwrap();
    for is_there in [false, true] {
        if is_there {
            fs::create_dir(&data.path).unwrap();
            fs::write(data.path.join("letter"), "mine").unwrap();
        }
        let proven = run(&["verify", "--data-dir", path]);
        let told = String::from_utf8_lossy(&proven.stderr);
        assert_eq!(proven.status.code(), Some(1), "{told}");
        let words = format!("no Onhand data in {path}");
        assert!(
            told.contains(&words) && told.contains("--data-dir"),
            "{told}"
        );
        assert_eq!(data.path.exists(), is_there);
    }
    let names: Vec<_> = fs::read_dir(&data.path).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}
