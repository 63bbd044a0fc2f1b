//! Each rule catches something bad and lets something good pass.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_string(), text: text.to_string() }
}

fn source(text: &str) -> File {
    file("host/book/src/ladder.rs", text)
}

#[test]
fn long_files_and_lines_are_caught() {
    let lines = |count| "x\n".repeat(count);
    assert!(file_length(&source(&lines(500))).is_empty());
    assert_eq!(file_length(&source(&lines(501))).len(), 1);
    assert!(file_length(&file("host/book/tests/day.rs", &lines(700))).is_empty());
    assert_eq!(file_length(&file("tests/suites/day.rs", &lines(701))).len(), 1);
    assert_eq!(file_length(&file("tests/xtask/src/main.rs", &lines(501))).len(), 1);
    assert!(file_length(&file(GENERATED[0], &lines(900))).is_empty());

    assert!(line_length(&source(&"é".repeat(100))).is_empty());
    assert_eq!(line_length(&source(&"x".repeat(101))).len(), 1);
    assert!(line_length(&source(&format!("// https://{}", "x".repeat(100)))).is_empty());
    let toml = |text: &str| line_length(&file("hw/abi/abi.toml", text));
    assert!(toml(&format!("doc = \"{}\"", "x".repeat(100))).is_empty());
    assert_eq!(toml(&format!("# {}", "x".repeat(100))).len(), 1);
    assert!(line_length(&file("README.md", &"x".repeat(101))).is_empty());
}

#[test]
fn empty_names_are_caught() {
    for bad in ["host/book/src/utils.rs", "host/common/mod.rs", "sim/src/helpers.rs"] {
        assert_eq!(file_name(&file(bad, "")).len(), 1, "{bad}");
    }
    assert!(file_name(&file("host/book/src/ladder.rs", "")).is_empty());
}

#[test]
fn what_is_left_to_do_is_caught() {
    for bad in ["fn f() { todo!() }", "let x = dbg!(1);", "// TODO: more", "/* a\n FIXME */"] {
        assert_eq!(unfinished(&source(bad)).len(), 1, "{bad}");
    }
    for good in ["let s = \"TODO todo!\";", "let s = r#\"dbg!(\"\"#;", "// a TODOLIST", "a // b"] {
        assert!(unfinished(&source(good)).is_empty(), "{good}");
    }
    assert_eq!(unfinished(&file("README.md", "XXX")).len(), 1);
    assert_eq!(unfinished(&file("Cargo.toml", "a = 1 # FIXME")).len(), 1);
    assert!(unfinished(&file("Cargo.toml", "a = \"FIXME\"")).is_empty());
}

#[test]
fn praise_is_caught_in_comments_and_documents() {
    assert_eq!(praise(&source("//! A Robust thing.")).len(), 1);
    assert_eq!(praise(&file("README.md", "blazing")).len(), 1);
    assert!(praise(&source("let lightning = 1; // a name")).is_empty());
}

#[test]
fn unsafe_code_is_caught() {
    let block = "let x = unsafe { read(p) };";
    assert_eq!(unsafe_code(&source(block)).len(), 1);
    let listed = |text: &str| unsafe_code(&file(UNSAFE[0], text));
    assert_eq!(listed(block).len(), 1);
    assert!(listed(&format!("// SAFETY: p is valid.\n{block}")).is_empty());
    let long = format!("// SAFETY: one\n// two\n// three\n// four\n// five\n{block}");
    assert!(listed(&long).is_empty());
    let far = format!("// SAFETY: of another\na();\nb();\nc();\n{block}");
    assert_eq!(listed(&far).len(), 1);
    assert!(listed("unsafe fn f() {}").is_empty());
    assert!(
        unsafe_code(&source("#![forbid(unsafe_code)] // unsafe \nlet s = \"unsafe\";")).is_empty()
    );
    let counting = file("host/risk/tests/no_allocation.rs", "// SAFETY: x\nunsafe impl A for B {}");
    assert!(unsafe_code(&counting).is_empty());
    assert_eq!(unsafe_code(&file("host/risk/src/no_allocation.rs", block)).len(), 1);
}

#[test]
fn open_crate_roots_are_caught() {
    assert_eq!(crate_root(&file("host/x/src/lib.rs", "//! x\n")).len(), 1);
    assert!(crate_root(&file("host/x/src/lib.rs", "//! x\n#![deny(unsafe_code)]\n")).is_empty());
    assert!(crate_root(&file("host/x/src/main.rs", "#![forbid(unsafe_code)]")).is_empty());
    assert!(crate_root(&file("host/x/src/other.rs", "")).is_empty());
}

#[test]
fn bare_orderings_are_caught() {
    let store = "a.store(1, Ordering::Release);";
    assert_eq!(orderings(&source(store)).len(), 1);
    assert!(orderings(&source(&format!("{store} // pairs with the load in read"))).is_empty());
    assert!(orderings(&source(&format!("// pairs with read\n{store}"))).is_empty());
    assert!(orderings(&source("a.load(Ordering::Relaxed)")).is_empty());
    assert!(orderings(&source("a.cmp(&b) == Ordering::Less")).is_empty());
    assert!(orderings(&source(&format!("#[cfg(test)]\nmod tests {{ {store} }}"))).is_empty());
}

#[test]
fn strings_and_lifetimes_do_not_confuse_the_reader() {
    let text = "fn f<'a>(x: &'a str) -> char { '\"' } // one\nlet a = \"// no\\\" still\"; // two\n\
                let b = br##\"x\"# // no\"##; // three\nlet c = '\\''; let d = '\\u{41}'; // four\n\
                let e = \"over\n// two lines\"; // five\n/* six /* nested */ still */ code();";
    let read = Source::of(&source(text));
    let comments: Vec<_> = read.lines.iter().map(|line| line.comment.trim().to_string()).collect();
    assert_eq!(comments, ["one", "two", "three", "four", "", "five", "six  nested  still"]);
    assert!(read.lines[6].code.contains("code()"));
}
