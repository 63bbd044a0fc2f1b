//! `tercel convert`: a LOBSTER message file as an ITCH file.

use crate::cli::ConvertArgs;
use crate::report::grouped;
use anyhow::{Context, Result};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use tercel_exchange::lobster;
use tercel_proto::binary_file;
use tercel_types::{InstrumentId, Symbol};

/// Runs it.
pub(crate) fn run(args: &ConvertArgs) -> Result<()> {
    let symbol = Symbol::new(&args.symbol)
        .with_context(|| format!("--symbol {:?}: 1 to 8 characters without spaces", args.symbol))?;
    let rows = read_rows(&args.input)?;
    let config = lobster::ConverterConfig { symbol, instrument: InstrumentId(1), round_lot: 100 };
    let mut bytes = Vec::new();
    let report = lobster::Converter::convert(config, &rows, &mut |_, message| {
        binary_file::write(&mut bytes, message);
    });
    let output = args.output.display();
    let file = File::create(&args.output).with_context(|| format!("cannot write {output}"))?;
    let mut file = BufWriter::new(file);
    file.write_all(&bytes)
        .and_then(|()| file.flush())
        .with_context(|| format!("writing {output}"))?;
    let messages: u64 = report.messages.values().sum();
    if args.json {
        let report = json!({
            "rows": report.rows,
            "messages": messages,
            "added_at_the_start": report.preadded,
            "proven_gone": report.proven_gone,
            "dropped_because_gone": report.dropped_gone,
            "dropped_unknown": report.dropped_unknown,
            "by_type": report.messages,
        });
        println!("{report}");
    } else {
        println!("{} rows, {} ITCH messages", grouped(report.rows), grouped(messages));
        println!("{:>8} orders added at the start: first seen when they leave", report.preadded);
        println!("{:>8} orders deleted: the tape proves them gone", report.proven_gone);
        println!("{:>8} events dropped: their order was proven gone", report.dropped_gone);
        println!("{:>8} events dropped: their order is unknown", report.dropped_unknown);
    }
    Ok(())
}

/// The rows of a LOBSTER message file.
pub(crate) fn read_rows(path: &std::path::Path) -> Result<Vec<lobster::Row>> {
    let name = || path.display().to_string();
    let reader = lobster::open(path).with_context(|| format!("cannot read {}", name()))?;
    lobster::read_messages(reader).collect::<Result<_, _>>().with_context(name)
}
