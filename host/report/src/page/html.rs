//! The parts of a page.

use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// A cell of a table.
pub(super) struct Cell {
    text: String,
    is_left: bool,
}

/// A number: to the right.
pub(super) fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), is_left: false }
}

/// A text: to the left.
pub(super) fn left(text: &str) -> Cell {
    Cell { text: text.into(), is_left: true }
}

/// A page that is being written. Writing to a string cannot fail.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(title: &str) -> Page {
        let title = escaped(title);
        Page(format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>\n"
        ))
    }

    pub(super) fn section(&mut self, title: &str) {
        let _ = writeln!(self.0, "<h2>{}</h2>", escaped(title));
    }

    pub(super) fn note(&mut self, text: &str) {
        let _ = writeln!(self.0, "<p class=\"note\">{}</p>", escaped(text));
    }

    pub(super) fn alarm(&mut self, text: &str) {
        let _ = writeln!(self.0, "<p class=\"alarm\">{}</p>", escaped(text));
    }

    pub(super) fn tiles(&mut self, tiles: &[(&str, String)]) {
        self.0 += "<div class=\"tiles\">";
        for (name, value) in tiles {
            let (name, value) = (escaped(name), escaped(value));
            let _ = write!(self.0, "<div><b>{value}</b><span>{name}</span></div>");
        }
        self.0 += "</div>\n";
    }

    pub(super) fn pairs(&mut self, pairs: &[(&str, String)]) {
        self.rows(&[], pairs.iter().map(|(name, value)| vec![left(name), cell(value.as_str())]));
    }

    /// A table, or that there is nothing.
    pub(super) fn rows(&mut self, heads: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) {
        let mut rows = rows.into_iter().peekable();
        let Some(first) = rows.peek() else {
            let what = heads.first().filter(|head| head.contains("by "));
            return self.note(&what.map_or("None.".into(), |what| format!("None {what}.")));
        };
        self.0 += "<div class=\"wide\"><table>";
        if !heads.is_empty() {
            self.0 += "<thead><tr>";
            for (head, below) in heads.iter().zip(first) {
                let class = if below.is_left { " class=\"l\"" } else { "" };
                let _ = write!(self.0, "<th{class}>{}</th>", escaped(head));
            }
            self.0 += "</tr></thead>";
        }
        self.0 += "<tbody>";
        for row in rows {
            self.0 += "<tr>";
            for Cell { text, is_left } in row {
                let class = if is_left { " class=\"l\"" } else { "" };
                let _ = write!(self.0, "<td{class}>{}</td>", escaped(&text));
            }
            self.0 += "</tr>\n";
        }
        self.0 += "</tbody></table></div>\n";
    }

    pub(super) fn figure(&mut self, title: &str, svg: &str) {
        let title = escaped(title);
        let _ = writeln!(self.0, "<figure><figcaption>{title}</figcaption>{svg}</figure>");
    }

    pub(super) fn finish(self) -> String {
        self.0 + "</main></body></html>\n"
    }
}

/// Text as it can stand in an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
