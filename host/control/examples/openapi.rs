//! Prints the OpenAPI document: `cargo run -p tercel-control --example openapi > host/control/openapi.json`.

fn main() {
    print!("{}", tercel_control::api::document());
}
