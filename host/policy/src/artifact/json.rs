//! JSON of outside origin: bounded before it is parsed, and read by field.

use super::error::{ArtifactError, Part};
use std::collections::HashMap;
use tinyjson::JsonValue;

/// Longest text read.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// Deepest nesting read: the parser recurses, and a header needs three levels.
const DEPTH_MAX: usize = 8;

/// An object with the file it came from, for error messages.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) part: Part,
    pub(super) fields: &'a HashMap<String, JsonValue>,
}

/// Parses one text.
pub(super) fn parse(part: Part, text: &[u8]) -> Result<JsonValue, ArtifactError> {
    if text.len() > TEXT_MAX {
        return Err(ArtifactError::TooLong { part });
    }
    let text = core::str::from_utf8(text).map_err(|_| ArtifactError::Json { part })?;
    if depth(text) > DEPTH_MAX {
        return Err(ArtifactError::Json { part });
    }
    text.parse().map_err(|_| ArtifactError::Json { part })
}

/// Deepest nesting of brackets outside strings; not less than what a parser will see.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

impl<'a> Object<'a> {
    pub(super) fn new(
        part: Part,
        value: &'a JsonValue,
        what: &'static str,
    ) -> Result<Object<'a>, ArtifactError> {
        match value {
            JsonValue::Object(fields) => Ok(Object { part, fields }),
            _ => Err(ArtifactError::Invalid { part, what }),
        }
    }

    pub(super) fn field(&self, what: &'static str) -> Result<&'a JsonValue, ArtifactError> {
        self.fields.get(what).ok_or(ArtifactError::Missing { part: self.part, what })
    }

    pub(super) fn object(&self, what: &'static str) -> Result<Object<'a>, ArtifactError> {
        Object::new(self.part, self.field(what)?, what)
    }

    pub(super) fn text(&self, what: &'static str) -> Result<&'a str, ArtifactError> {
        match self.field(what)? {
            JsonValue::String(text) => Ok(text),
            _ => Err(self.invalid(what)),
        }
    }

    pub(super) fn boolean(&self, what: &'static str) -> Result<bool, ArtifactError> {
        match self.field(what)? {
            JsonValue::Boolean(value) => Ok(*value),
            _ => Err(self.invalid(what)),
        }
    }

    pub(super) fn whole(&self, what: &'static str) -> Result<u64, ArtifactError> {
        whole(self.field(what)?).ok_or(self.invalid(what))
    }

    /// A finite number that f32 holds.
    pub(super) fn number(&self, what: &'static str) -> Result<f32, ArtifactError> {
        number(self.field(what)?).ok_or(self.invalid(what))
    }

    pub(super) fn array(&self, what: &'static str) -> Result<&'a [JsonValue], ArtifactError> {
        match self.field(what)? {
            JsonValue::Array(values) => Ok(values),
            _ => Err(self.invalid(what)),
        }
    }

    /// A hash: `0x` and sixteen hexadecimal digits.
    pub(super) fn hash(&self, what: &'static str) -> Result<u64, ArtifactError> {
        let digits = self.text(what)?.strip_prefix("0x").filter(|digits| digits.len() == 16);
        let hash = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        hash.ok_or(self.invalid(what))
    }

    pub(super) fn invalid(&self, what: &'static str) -> ArtifactError {
        ArtifactError::Invalid { part: self.part, what }
    }
}

/// A whole number that JSON's doubles hold exactly.
pub(super) fn whole(value: &JsonValue) -> Option<u64> {
    match value {
        JsonValue::Number(n) if *n >= 0.0 && *n < 9.0e15 && n.fract() == 0.0 => Some(*n as u64),
        _ => None,
    }
}

/// A finite number that f32 holds.
pub(super) fn number(value: &JsonValue) -> Option<f32> {
    match value {
        JsonValue::Number(n) => Some(*n as f32).filter(|n| n.is_finite()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_bounded_before_the_parser_recurses() {
        let deep = "[".repeat(TEXT_MAX);
        assert_eq!(
            parse(Part::Manifest, deep.as_bytes()).err(),
            Some(ArtifactError::Json { part: Part::Manifest })
        );
        assert_eq!(depth(r#"{"a[[[\"[": [1]}"#), 2);
        assert!(parse(Part::Manifest, br#"{"a": "[[[[[[[[[[[["}"#).is_ok());
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        assert_eq!(whole(&JsonValue::Number(40.0)), Some(40));
        for wrong in [-1.0, 0.5, 1e16, f64::NAN, f64::INFINITY] {
            assert_eq!(whole(&JsonValue::Number(wrong)), None);
        }
        assert_eq!(number(&JsonValue::Number(1e300)), None);
    }
}
