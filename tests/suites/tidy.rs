//! Every file of the repository keeps the rules of `CONTRIBUTING.md` that a program can check.

use tercel_tests::tidy::{self, Rule};

fn keeps(rule: Rule) {
    let files = tidy::files(&tercel_tests::root()).expect("the repository can be read");
    assert!(files.len() > 50, "only {} files were found", files.len());
    let found: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

#[test]
fn files_fit_a_sitting() {
    keeps(tidy::file_length);
}

#[test]
fn lines_fit_the_screen() {
    keeps(tidy::line_length);
}

#[test]
fn names_say_what_is_inside() {
    keeps(tidy::file_name);
}

#[test]
fn nothing_is_left_to_do() {
    keeps(tidy::unfinished);
}

#[test]
fn words_do_not_praise() {
    keeps(tidy::praise);
}

#[test]
fn unsafe_code_is_where_it_is_listed_and_argued() {
    keeps(tidy::unsafe_code);
}

#[test]
fn crate_roots_close_the_door_to_unsafe_code() {
    keeps(tidy::crate_root);
}

#[test]
fn orderings_say_what_they_pair_with() {
    keeps(tidy::orderings);
}
