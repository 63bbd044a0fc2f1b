//! `tercel capture schema`: the columns of the Parquet files.

use anyhow::Result;
use tercel_capture::schema::{VERSION, columns};

/// Runs it.
pub(super) fn run() -> Result<()> {
    println!("Columns of events, version {VERSION}: date=YYYY-MM-DD/symbol=XXXX/part-0.parquet");
    println!();
    for column in columns() {
        let null = if column.nullable { ", or none" } else { "" };
        println!("{:<12} {}{null}; {}", column.name, column.data_type, column.unit);
        println!("{:<12} {}", "", column.description);
    }
    println!();
    println!("Kinds, and what the columns say in each:");
    println!();
    let abi: toml::Table = toml::from_str(include_str!("../../../../../hw/abi/abi.toml"))?;
    for kind in abi.get("kind").and_then(toml::Value::as_array).into_iter().flatten() {
        let text = |key: &str| kind.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        println!("{:<20} {}", text("name"), text("doc"));
    }
    Ok(())
}
