//! `cargo x`.
mod generate;
fn main() -> anyhow::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    generate::run(&root, std::env::args().any(|a| a == "--check"))
}
