//! SQL's `LIKE`: `%` stands for any text, `_` for any character, `\` makes the next one literal.

use crate::error::Result;
use crate::query::place::Place;

/// A part of a pattern.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    Literal(String),
    AnyText,
    AnyCharacter,
}

/// The parts of a pattern; no two literals, and no two `%`, follow each other.
pub(super) fn parts(pattern: &str, place: &Place<'_>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                if parts.last() != Some(&Part::AnyText) {
                    parts.push(Part::AnyText);
                }
                continue;
            }
            '_' => {
                parts.push(Part::AnyCharacter);
                continue;
            }
            '\\' => {
                characters.next().ok_or_else(|| place.invalid("the pattern ends with an escape"))?
            }
            other => other,
        };
        match parts.last_mut() {
            Some(Part::Literal(text)) => text.push(literal),
            _ => parts.push(Part::Literal(literal.into())),
        }
    }
    Ok(parts)
}

/// The same pattern as a regular expression.
pub(super) fn to_regex(parts: &[Part], ignore_case: bool) -> String {
    let mut regex = String::from(if ignore_case { r"(?si)\A" } else { r"(?s)\A" });
    for part in parts {
        match part {
            Part::Literal(text) => regex.push_str(&regex::escape(text)),
            Part::AnyText => regex.push_str(".*"),
            Part::AnyCharacter => regex.push('.'),
        }
    }
    regex.push_str(r"\z");
    regex
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_patterns() {
        let place = Place::root("the filter");
        let literal = |text: &str| Part::Literal(text.into());
        let cases = [
            ("", vec![]),
            ("ab", vec![literal("ab")]),
            ("%%a_", vec![Part::AnyText, literal("a"), Part::AnyCharacter]),
            (r"50\%\\\_", vec![literal(r"50%\_")]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(parts(pattern, &place).unwrap(), expected, "{pattern}");
        }
        assert!(parts(r"a\", &place).is_err());
    }
}
