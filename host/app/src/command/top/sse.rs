//! Server-Sent Events (WHATWG HTML, section 9.2.6), from bytes in pieces of any size.

/// Takes a stream apart. Memory is bounded by twice the bound of an event.
#[derive(Debug)]
pub(super) struct Parser {
    event_max: usize,
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    /// No line has ended yet: a byte order mark may stand before the first.
    first: bool,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    returned: bool,
    /// This event is too large.
    over: bool,
    left_out: u64,
}

impl Parser {
    /// A parser that leaves out events with a line, or with data, of more than `event_max` bytes.
    pub(super) fn new(event_max: usize) -> Parser {
        Parser {
            event_max,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            first: true,
            returned: false,
            over: false,
            left_out: 0,
        }
    }

    /// Events that were too large.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Hands each event that ends in `bytes` to `take`, by its name and its data.
    pub(super) fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8], &[u8])) {
        for &byte in bytes {
            let after_return = std::mem::take(&mut self.returned);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.returned = byte == b'\r';
                    self.end_line(&mut take);
                }
                _ if self.line.len() < self.event_max => self.line.push(byte),
                _ => self.over = true,
            }
        }
    }

    fn end_line(&mut self, take: &mut impl FnMut(&[u8], &[u8])) {
        let mut line = std::mem::take(&mut self.line);
        let mut text = &line[..];
        if std::mem::take(&mut self.first) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        if text.is_empty() {
            self.end_event(take);
        } else if !self.over {
            self.field(text);
        }
        line.clear();
        self.line = line;
    }

    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"data" if self.data.len() + value.len() < self.event_max => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"data" => self.over = true,
            // Comments, `id` and `retry` say nothing that matters here; others are to be ignored.
            _ => {}
        }
    }

    fn end_event(&mut self, take: &mut impl FnMut(&[u8], &[u8])) {
        if self.over {
            self.left_out += 1;
        } else if let Some((_, data)) = self.data.split_last() {
            take(&self.name, data);
        }
        self.over = false;
        self.name.clear();
        self.data.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Events = Vec<(String, String)>;

    fn parsed(parser: &mut Parser, pieces: &[&[u8]]) -> Events {
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, |name, data| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                events.push((text(name), text(data)));
            });
        }
        events
    }

    fn event(name: &str, data: &str) -> (String, String) {
        (name.to_string(), data.to_string())
    }

    #[test]
    fn names_data_comments_and_unknown_fields_are_told_apart() {
        let text = b"\xef\xbb\xbf: hello\n\nevent: state\ndata: {\"a\":1}\nid: 7\nretry: 1\n\n\
            data:x\rdata: y\r\rdata\r\n\r\nevent: none\n\nnonsense: 1\n\
            data:  z\n\ndata: unfinished";
        let events = parsed(&mut Parser::new(100), &[text]);
        let expected =
            [event("state", "{\"a\":1}"), event("", "x\ny"), event("", ""), event("", " z")];
        assert_eq!(events, expected);
    }

    #[test]
    fn what_is_too_large_is_left_out_and_counted_and_takes_no_more_memory() {
        let mut parser = Parser::new(64);
        let long = format!("data: {}\n\n", "x".repeat(1_000_000));
        let many = format!("{}\n", "data: 0123456789\n".repeat(1_000));
        let mut events = parsed(&mut parser, &[long.as_bytes(), many.as_bytes()]);
        assert!(events.is_empty() && parser.left_out() == 2);
        assert!(parser.line.capacity() <= 128 && parser.data.capacity() <= 128);
        events = parsed(&mut parser, &[b"event: state\ndata: 1\n\n"]);
        assert_eq!(events, [event("state", "1")]);
        assert_eq!(parser.left_out(), 2);
    }

    /// A stream and, independently of any parser, what it says.
    fn streams() -> impl Strategy<Value = (Vec<u8>, Events)> {
        let ends = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
        let one = ("[a-z]{0,5}", prop::collection::vec("[ -~µ]{0,9}", 0..4), any::<bool>(), ends);
        prop::collection::vec(one, 0..6).prop_map(|list| {
            let mut stream = String::new();
            let mut events = Vec::new();
            // One line ending for all: what CR ends, an LF right after it does not end again.
            let end = list.first().map_or("\n", |one| one.3);
            for (name, lines, comment, _) in list {
                if comment {
                    stream += &format!(": data: no{end}");
                }
                stream += &format!("event: {name}{end}");
                for line in &lines {
                    stream += &format!("data: {line}{end}");
                }
                stream += end;
                if !lines.is_empty() {
                    events.push((name, lines.join("\n")));
                }
            }
            (stream.into_bytes(), events)
        })
    }

    proptest! {
        #[test]
        fn where_the_pieces_end_does_not_matter((stream, expected) in streams()) {
            let whole = parsed(&mut Parser::new(1_000), &[&stream]);
            prop_assert_eq!(&whole, &expected);
            for at in 0..=stream.len() {
                let (a, b) = stream.split_at(at);
                prop_assert_eq!(&parsed(&mut Parser::new(1_000), &[a, b]), &expected);
            }
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&parsed(&mut Parser::new(1_000), &bytes), &expected);
        }

        #[test]
        fn any_bytes_in_any_pieces_say_the_same(
            stream in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..200),
            bound in 1_usize..40,
        ) {
            let mut one = Parser::new(bound);
            let whole = parsed(&mut one, &[&stream]);
            for at in 0..=stream.len() {
                let (a, b) = stream.split_at(at);
                let mut two = Parser::new(bound);
                prop_assert_eq!(&parsed(&mut two, &[a, b]), &whole);
                prop_assert_eq!(two.left_out(), one.left_out());
            }
        }
    }
}
