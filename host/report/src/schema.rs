//! What the journal's records and the order events hold, as a page: `JOURNAL.md`.

use crate::events;
use crate::item;
use std::fmt::Write;
use tercel_engine::tape::Entry;

const HEAD: &str = "# What the journal holds

Made by `tercel journal schema` from the code; a test fails when this file differs.

A record has a sequence (from 1), a stamp in nanoseconds since the Unix epoch (UTC), a kind and a
content. The content of kinds below 0x100 is a word of 64 bits, little-endian, for each field; 0x100
and above is JSON but for `mark`. Money and prices (`_e4`) are in units of 1/10,000 dollar, times
and lengths (`_ns`) in nanoseconds. `tercel journal show --json` and `export` use these names, with
`sequence`, `time_ns`, `kind` and, where there is an instrument, `symbol` besides; to `tercel query`
the kinds are tables.
";

const OTHERS: [(&str, &[(&str, &str)]); 4] = [
    (
        "deed",
        &[
            ("number", "Number of the deed since the host began."),
            ("time_ns", "When it was asked for."),
            ("who", "Name of the token; `local` without one."),
            ("role", "Role of who asked."),
            ("from", "Address that the request came from."),
            ("key", "Idempotency key of the request."),
            ("what", "What was asked for: `kill`, `limits` and so on."),
            ("about", "Symbol, policy, or `account`; null for everything."),
            ("reason", "Why, in the words of who asked."),
            ("asked", "The request's body."),
            ("before", "What was there before, where something is replaced."),
            ("ticket", "Number of the command to the trading thread, if it is one."),
            ("outcome", "`time_ns`, `status` and `said`; null before it is known."),
        ],
    ),
    (
        "clock",
        &[
            ("source", "Where stamps come from."),
            ("ahead_ns", "How far the host's clock is ahead of the system's."),
            ("discipline", "What keeps the system's clock."),
            ("synchronised", "The kernel holds the clock for synchronised."),
            ("error_max_ns", "Largest error against UTC by its keeper's estimate; may be null."),
        ],
    ),
    (
        "mark",
        &[
            ("generation", "Generation of the tape (u64)."),
            ("place", "Words of it that are written down (u64)."),
        ],
    ),
    (
        "start",
        &[
            ("version", "Version of the binary."),
            ("pid", "Its process."),
            ("config_sha256", "SHA-256 of the configuration file."),
            ("effective", "What is in force of it, secrets left out; null if too long."),
            ("effective_sha256", "SHA-256 of that, as JSON."),
            ("artifacts", "What was loaded: `role`, `name`, `sha256` of each."),
            ("clock", "The state of the clock, as in `clock`."),
        ],
    ),
];

/// The page.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    // Writing to a string cannot fail.
    for kind in item::kinds() {
        let _ = write!(page, "\n## `{}` ({:#x})\n\n{}\n\n", kind.name, kind.number, kind.about);
        page += "| field | says |\n|---|---|\n";
        if let Some(info) = Entry::KINDS.iter().find(|info| info.kind == kind.number) {
            for field in info.fields {
                let about = field.about.trim();
                let _ = writeln!(page, "| `{}{}` | {about} |", field.name, field.suffix);
            }
        }
        let other = OTHERS.iter().find(|(name, _)| *name == kind.name);
        for (field, about) in other.map_or(&[][..], |(_, fields)| fields) {
            let _ = writeln!(page, "| `{field}` | {about} |");
        }
    }
    page += events::ABOUT;
    page += "\n| field | says |\n|---|---|\n";
    for (field, about) in events::FIELDS {
        let _ = writeln!(page, "| `{field}` | {about} |");
    }
    page += "\n| event | like | written when |\n|---|---|---|\n";
    for (event, like, about) in events::EVENTS {
        let _ = writeln!(page, "| `{event}` | {like} | {about} |");
    }
    page
}
