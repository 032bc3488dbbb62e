//! Tests of strings.

use std::borrow::Cow;

use memchr::memmem::Finder;
use regex::Regex;

use super::like::{self, Part};
use super::regexp;
use crate::error::Result;
use crate::query::place::Place;
use crate::value::{ShapeSource, Text, Value, ValueRef};
use crate::wtf8::Wtf8String;

/// What a string has to be.
#[derive(Debug, Clone)]
pub struct Pattern {
    kind: PatternKind,
    /// What every string begins with that passes; empty if that is not known.
    prefix: Wtf8String,
    /// A regular expression that the value may be, too, instead of matching it.
    regexp: Option<Value>,
}

#[derive(Debug, Clone)]
enum PatternKind {
    Regex(Regex),
    Part(Where, Needle),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Where {
    Start,
    Inside,
    End,
    Whole,
}

/// A text that is looked for, in the forms that documents may have it.
#[derive(Debug, Clone)]
struct Needle {
    /// Its code units, if all are below 256.
    latin1: Option<Box<Finder<'static>>>,
    units: Vec<u16>,
}

impl Pattern {
    /// `$startsWith`, as [`Pattern::contains`] and [`Pattern::ends_with`] a plain text.
    pub(super) fn starts_with(text: &Wtf8String) -> Self {
        Self { prefix: text.clone(), ..Self::part(Where::Start, text) }
    }

    pub(super) fn contains(text: &Wtf8String) -> Self {
        Self::part(Where::Inside, text)
    }

    pub(super) fn ends_with(text: &Wtf8String) -> Self {
        Self::part(Where::End, text)
    }

    fn part(place: Where, text: &Wtf8String) -> Self {
        let units = text.to_utf16();
        let latin1: Option<Vec<u8>> = units.iter().map(|unit| u8::try_from(*unit).ok()).collect();
        let latin1 = latin1.map(|bytes| Box::new(Finder::new(&bytes).into_owned()));
        let kind = PatternKind::Part(place, Needle { latin1, units });
        Self { kind, prefix: Wtf8String::default(), regexp: None }
    }

    /// A regular expression in JavaScript's syntax.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub(super) fn regex(
        source: &Wtf8String,
        flags: &Wtf8String,
        place: &Place<'_>,
    ) -> Result<Self> {
        let (Some(text), Some(options)) = (source.as_str(), flags.as_str()) else {
            return Err(place.invalid("a regular expression may not hold half a character"));
        };
        let kind = PatternKind::Regex(regexp::compile(text, options, place)?);
        let prefix = Wtf8String::from(&*regexp::literal_prefix(text, options));
        let regexp = Some(Value::RegExp { source: source.clone(), flags: flags.clone() });
        Ok(Self { kind, prefix, regexp })
    }

    /// A pattern of SQL's LIKE.
    ///
    /// # Errors
    /// `INVALID_QUERY` for an escape at the end.
    pub(super) fn like(pattern: &Wtf8String, ignore_case: bool, place: &Place<'_>) -> Result<Self> {
        let Some(text) = pattern.as_str() else {
            return Err(place.invalid("a pattern may not hold half a character"));
        };
        let parts = like::parts(text, place)?;
        if !ignore_case {
            let simple = match parts.as_slice() {
                [] => Some((Where::Whole, "")),
                [Part::Literal(text)] => Some((Where::Whole, text.as_str())),
                [Part::Literal(text), Part::AnyText] => Some((Where::Start, text.as_str())),
                [Part::AnyText, Part::Literal(text)] => Some((Where::End, text.as_str())),
                [Part::AnyText, Part::Literal(text), Part::AnyText] => {
                    Some((Where::Inside, text.as_str()))
                }
                _ => None,
            };
            if let Some((place, text)) = simple {
                let text = Wtf8String::from(text);
                let mut pattern = Self::part(place, &text);
                if matches!(place, Where::Start | Where::Whole) {
                    pattern.prefix = text;
                }
                return Ok(pattern);
            }
        }
        let mut regex = regex::RegexBuilder::new(&like::to_regex(&parts, ignore_case));
        let regex = regex.size_limit(16 << 20).build();
        let regex = regex.map_err(|_| place.invalid("the pattern is too long"))?;
        let prefix = match parts.first() {
            // Half a character is read as U+FFFD.
            Some(Part::Literal(text)) if !ignore_case => {
                Wtf8String::from(text.split(char::REPLACEMENT_CHARACTER).next().unwrap_or_default())
            }
            _ => Wtf8String::default(),
        };
        Ok(Self { kind: PatternKind::Regex(regex), prefix, regexp: None })
    }

    /// What every string begins with that passes; empty if that is not known.
    pub fn prefix(&self) -> &Wtf8String {
        &self.prefix
    }

    /// Whether every string that begins with the prefix passes.
    pub fn is_prefix(&self) -> bool {
        matches!(self.kind, PatternKind::Part(Where::Start, _))
    }

    /// Whether a string is the whole of what passes: its prefix alone.
    pub fn is_whole(&self) -> bool {
        matches!(self.kind, PatternKind::Part(Where::Whole, _))
    }

    /// Whether values may pass that are no strings: a regular expression is one that equals it.
    pub fn accepts_regexps(&self) -> bool {
        self.regexp.is_some()
    }

    /// Whether a value passes.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn matches_value<S: ShapeSource + ?Sized>(
        &self,
        value: ValueRef<'_>,
        shapes: &S,
    ) -> Result<bool> {
        if let Some(text) = value.as_text()? {
            return Ok(self.matches(text));
        }
        if let (Some(regexp), Some(_)) = (&self.regexp, value.as_regexp()?) {
            return Ok(value.to_value(shapes)? == *regexp);
        }
        Ok(false)
    }

    /// Whether a string passes.
    pub fn matches(&self, text: Text<'_>) -> bool {
        match &self.kind {
            PatternKind::Regex(regex) => regex.is_match(&readable(text)),
            PatternKind::Part(place, needle) => needle.is_in(*place, text),
        }
    }
}

/// A string as UTF-8, with U+FFFD for half characters.
fn readable(text: Text<'_>) -> Cow<'_, str> {
    match text.to_str() {
        Some(text) => text,
        None => Cow::Owned(String::from_utf16_lossy(&text.units().collect::<Vec<_>>())),
    }
}

impl Needle {
    fn is_in(&self, place: Where, text: Text<'_>) -> bool {
        match (text, &self.latin1) {
            (Text::Latin1(text), Some(finder)) => {
                let needle = finder.needle();
                match place {
                    Where::Start => text.starts_with(needle),
                    Where::End => text.ends_with(needle),
                    Where::Whole => text == needle,
                    Where::Inside => finder.find(text).is_some(),
                }
            }
            (Text::Latin1(_), None) => false,
            (text, _) => {
                let units: Vec<u16> = match text {
                    Text::Utf8(text) => text.encode_utf16().collect(),
                    text => text.units().collect(),
                };
                match place {
                    Where::Start => units.starts_with(&self.units),
                    Where::End => units.ends_with(&self.units),
                    Where::Whole => units == self.units,
                    Where::Inside => contains(&units, &self.units),
                }
            }
        }
    }
}

fn contains(units: &[u16], needle: &[u16]) -> bool {
    let bytes =
        |units: &[u16]| units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>();
    let (haystack, needle) = (bytes(units), bytes(needle));
    let finder = Finder::new(&needle);
    let mut from = 0;
    while let Some(at) = haystack.get(from..).and_then(|rest| finder.find(rest)) {
        if (from + at).is_multiple_of(2) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::value::{self, NoShapes};

    fn passes(pattern: &Pattern, units: &[u16]) -> bool {
        let text = Value::String(Wtf8String::from_utf16(units));
        let document = value::encode(&text, &NoShapes).unwrap();
        pattern.matches_value(value::root(&document).unwrap(), &NoShapes).unwrap()
    }

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn looks_for_parts_by_code_unit() {
        let face = "😀";
        let high = Wtf8String::from_utf16(&units(face)[..1]);
        assert!(passes(&Pattern::contains(&high), &units("a😀b")));
        assert!(passes(&Pattern::starts_with(&high), &units(face)));
        assert!(!passes(&Pattern::ends_with(&high), &units(face)));
        for text in ["naïve", "日本語", "plain"] {
            let middle =
                Wtf8String::from(text.get(text.char_indices().nth(1).unwrap().0..).unwrap());
            assert!(passes(&Pattern::ends_with(&middle), &units(text)), "{text}");
            assert!(passes(&Pattern::contains(&middle), &units(&format!("{text}ΩΩ"))), "{text}");
            assert!(!passes(&Pattern::starts_with(&middle), &units(text)), "{text}");
        }
        assert!(passes(&Pattern::contains(&"".into()), &units("")));
    }

    #[test]
    fn likes() {
        let place = Place::root("the filter");
        let like = |pattern: &str, text: &str| {
            passes(&Pattern::like(&pattern.into(), false, &place).unwrap(), &units(text))
        };
        assert!(like("%ohn%", "John Doe") && !like("%ohn%", "JOHN"));
        assert!(like("J_hn", "John") && !like("J_hn", "Joohn"));
        assert!(like("J%e", "John\nDoe") && like("%", "") && !like("", "a"));
        assert!(like(r"100\%", "100%") && !like(r"100\%", "1000"));
        let insensitive = Pattern::like(&"%OHN%".into(), true, &place).unwrap();
        assert!(passes(&insensitive, &units("john")));
        assert_eq!(Pattern::like(&"Jo%n_".into(), false, &place).unwrap().prefix(), &"Jo".into());
    }
}
