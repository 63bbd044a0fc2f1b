//! `tercel generate`: a seed is a file, and the other commands read it.

mod harness;

use harness::{Place, tercel, tercel_err, tercel_ok};
use serde_json::Value;

fn generate(path: &str, more: &[&str]) -> Value {
    let fixed = ["generate", path, "--messages", "30k", "--instruments", "200", "--json"];
    let line = tercel_ok(&[&fixed[..], more].concat());
    serde_json::from_str(&line).expect("JSON")
}

#[test]
fn a_seed_is_a_file() {
    let place = Place::new();
    let [first, again, other] = ["first.itch", "again.itch", "other.itch"].map(|n| place.file(n));
    let summary = generate(&first, &["--seed", "7"]);
    generate(&again, &["--seed", "7"]);
    generate(&other, &["--seed", "8"]);
    let read = |path: &String| std::fs::read(path).expect("a file");
    assert_eq!(read(&first), read(&again));
    assert_ne!(read(&first), read(&other));
    assert_eq!(summary["messages"], 30_000);
    assert_eq!(summary["bytes"], read(&first).len());
    // Nothing else is left in the folder.
    assert_eq!(std::fs::read_dir(place.folder.path()).expect("a folder").count(), 3);

    let stats = tercel_ok(&["stats", &first, "--json"]);
    let stats: Value = serde_json::from_str(&stats).expect("JSON");
    assert_eq!(stats["itch"], summary["by_type"]);
    assert_eq!(stats["errors"], serde_json::json!({}));
}

#[test]
fn the_file_has_books() {
    let place = Place::new();
    let path = place.file("day.itch");
    generate(&path, &[]);
    let at_noon = ["--symbol", "G00100", "--at", "12:00:00", "--format", "json"];
    let book = tercel_ok(&[&["book", &path][..], &at_noon].concat());
    let book: Value = serde_json::from_str(&book).expect("JSON");
    let side = |name: &str| book[name].as_array().map_or(0, Vec::len);
    assert!(side("bids") > 0 && side("asks") > 0, "{book}");
}

#[test]
fn a_person_is_told_what_is_in_it() {
    let place = Place::new();
    let path = place.file("day.itch");
    let text = tercel_ok(&["generate", &path, "--messages", "20000", "--instruments", "50"]);
    assert!(text.contains("20,000 messages"), "{text}");
    assert!(text.contains("orders resting at most"), "{text}");
    assert!(text.contains("at most 1,500 orders rest, not 1,500,000"), "{text}");
}

#[test]
fn what_cannot_be_is_said_and_leaves_nothing() {
    let place = Place::new();
    let path = place.file("day.itch");
    let line = tercel_err(&["generate", &path, "--messages", "1000"]);
    assert!(line.contains("8000 instruments need at least 80500 messages"), "{line}");
    let line = tercel_err(&["generate", &place.file("no/such/day.itch")]);
    assert!(line.contains("cannot write"), "{line}");
    let folder = place.folder.path().to_str().expect("UTF-8");
    assert!(tercel_err(&["generate", folder]).contains("is a folder"));
    for wrong in ["0", "many", "1.5", "-3"] {
        let output = tercel(&["generate", &path, &format!("--messages={wrong}")]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains("a number above zero is wanted"), "{wrong}: {errors}");
    }
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
}
