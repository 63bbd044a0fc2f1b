//! The checked-in document is the code's.

#[test]
fn the_document_is_that_of_the_code() {
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"))
        .unwrap_or_default();
    assert!(
        kept == tercel_control::api::document(),
        "run `cargo run -p tercel-control --example openapi > host/control/openapi.json`"
    );
}
