//! Prints the OpenAPI document, which `openapi.json` beside the manifest has to be:
//! `cargo run -p tercel-control --example openapi > host/control/openapi.json`.

fn main() {
    print!("{}", tercel_control::api::document());
}
