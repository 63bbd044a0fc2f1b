//! The text of a file, line by line, with code, comments and strings told apart.

use super::File;

/// One line. What stands in strings is in neither part.
#[derive(Default)]
pub(super) struct Line {
    pub(super) code: String,
    pub(super) comment: String,
}

/// A file in lines.
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
}

/// What the reader is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Code,
    LineComment,
    /// How many block comments deep.
    BlockComment(u32),
    Text,
    /// A raw string that ends with a quote and so many hashes.
    RawText(usize),
}

impl Source {
    /// Rust is read as such; all of a document is comment; of TOML what follows a hash.
    pub(super) fn of(file: &File) -> Source {
        let lines = if file.is_rust() {
            rust(&file.text)
        } else {
            let comment = |line: &str| match (file.path.ends_with(".toml"), line.split_once('#')) {
                (true, None) => String::new(),
                (true, Some((_, comment))) => comment.to_string(),
                (false, _) => line.to_string(),
            };
            let line = |line| Line { code: String::new(), comment: comment(line) };
            file.text.lines().map(line).collect()
        };
        Source { lines }
    }

    /// A comment on this line, in the three lines above, or in the comment that ends right above
    /// says `what`.
    pub(super) fn says_above(&self, at: usize, what: &str) -> bool {
        let says = |line: &Line| line.comment.contains(what);
        let is_comment = |line: &&Line| {
            let code = line.code.trim();
            (code.is_empty() && !line.comment.is_empty()) || code.starts_with("#[")
        };
        self.lines[at.saturating_sub(3)..=at].iter().any(says)
            || self.lines[..at].iter().rev().take_while(is_comment).any(says)
    }
}

fn rust(text: &str) -> Vec<Line> {
    let mut inside = Inside::Code;
    text.lines().map(|line| read_line(line, &mut inside)).collect()
}

fn read_line(text: &str, inside: &mut Inside) -> Line {
    let chars: Vec<char> = text.chars().collect();
    let mut line = Line::default();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        match *inside {
            Inside::Code => at += read_code(rest, chars[..at].last(), &mut line.code, inside),
            Inside::LineComment => {
                line.comment.extend(rest);
                at = chars.len();
            }
            Inside::BlockComment(depth) => {
                let step = if rest.starts_with(&['/', '*']) {
                    *inside = Inside::BlockComment(depth + 1);
                    2
                } else if rest.starts_with(&['*', '/']) {
                    *inside =
                        if depth > 1 { Inside::BlockComment(depth - 1) } else { Inside::Code };
                    2
                } else {
                    line.comment.push(rest[0]);
                    1
                };
                at += step;
            }
            Inside::Text => {
                if rest[0] == '"' {
                    *inside = Inside::Code;
                }
                at += if rest[0] == '\\' { 2 } else { 1 };
            }
            Inside::RawText(hashes) => {
                let ends = rest[0] == '"'
                    && rest[1..].iter().take_while(|c| **c == '#').take(hashes).count() == hashes;
                if ends {
                    *inside = Inside::Code;
                }
                at += if ends { 1 + hashes } else { 1 };
            }
        }
    }
    if *inside == Inside::LineComment {
        *inside = Inside::Code;
    }
    line
}

/// Reads one character or opening mark of code; how many characters that were.
fn read_code(
    rest: &[char],
    before: Option<&char>,
    code: &mut String,
    inside: &mut Inside,
) -> usize {
    if rest.starts_with(&['/', '/']) {
        *inside = Inside::LineComment;
        return 2;
    }
    if rest.starts_with(&['/', '*']) {
        *inside = Inside::BlockComment(1);
        return 2;
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    if rest[0] == 'r' && (!in_word || before == Some(&'b')) {
        let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
        if rest.get(1 + hashes) == Some(&'"') {
            *inside = Inside::RawText(hashes);
            return 2 + hashes;
        }
    }
    if rest[0] == '"' {
        *inside = Inside::Text;
        return 1;
    }
    if rest[0] == '\''
        && let Some(length) = char_literal(rest)
    {
        return length;
    }
    code.push(rest[0]);
    1
}

/// The length of a character literal; `None` for a lifetime.
fn char_literal(rest: &[char]) -> Option<usize> {
    if rest.get(1) == Some(&'\\') {
        let close = rest.iter().skip(3).position(|c| *c == '\'')?;
        return Some(close + 4);
    }
    (rest.get(2) == Some(&'\'')).then_some(3)
}
