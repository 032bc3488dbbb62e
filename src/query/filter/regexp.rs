//! From JavaScript's regular expressions to the `regex` crate's.
//!
//! The crate runs in linear time and therefore has no look-around and no back-references. What
//! both have means the same after the translation here: `\d`, `\w` and `\b` are ASCII, as without
//! the flag `u` or `v` in JavaScript and with it.

use regex::{Regex, RegexBuilder};

use crate::error::Result;
use crate::query::place::Place;

/// The most memory that a compiled expression may take, in bytes.
const MAX_COMPILED: usize = 16 << 20;
/// How deep groups may nest.
const MAX_NESTING: u32 = 100;

/// Compiles an expression.
///
/// # Errors
/// `INVALID_QUERY` for flags that do not exist, and for what the `regex` crate does not have.
pub(in crate::query) fn compile(source: &str, flags: &str, place: &Place<'_>) -> Result<Regex> {
    let mut builder = RegexBuilder::new(&translate(source));
    builder.size_limit(MAX_COMPILED).nest_limit(MAX_NESTING);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            // Where to begin and what to report do not matter for whether it matches.
            'g' | 'd' | 'u' | 'v' => &mut builder,
            _ => {
                let why = format!("there is no flag {flag:?} for a regular expression in a query");
                return Err(place.invalid(why));
            }
        };
    }
    builder.build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        let hint = if source.contains("(?=") || source.contains("(?!") || source.contains("(?<") {
            "; there is no look-around"
        } else {
            ""
        };
        place.invalid(format!("the regular expression cannot be used: {reason}{hint}"))
    })
}

/// Text that every match begins with; empty if none is known.
pub(super) fn literal_prefix(source: &str, flags: &str) -> String {
    let mut prefix = String::new();
    let Some(rest) = source.strip_prefix('^') else { return prefix };
    if flags.contains(['i', 'm', 'x']) || source.contains('|') {
        return prefix;
    }
    let mut characters = rest.chars().peekable();
    while let Some(character) = characters.next() {
        let literal = match character {
            '\\' => match characters.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => escaped,
                _ => break,
            },
            '.' | '[' | ']' | '(' | ')' | '^' | '$' | '{' | '}' | '*' | '+' | '?' => break,
            other => other,
        };
        match characters.peek() {
            // Half a character is read as this one.
            _ if literal == char::REPLACEMENT_CHARACTER => break,
            Some('*' | '?' | '{') => break,
            _ => prefix.push(literal),
        }
    }
    prefix
}

fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut in_class = false;
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            match character {
                // JavaScript has no classes in classes without the flag v.
                '[' if in_class => out.push('\\'),
                '[' => in_class = true,
                ']' => in_class = false,
                // Set operations of the regex crate, which JavaScript does not have.
                '&' | '~' | '-' if in_class && out.ends_with(character) => out.push('\\'),
                _ => {}
            }
            out.push(character);
            continue;
        }
        match (characters.next(), in_class) {
            (Some('d'), false) => out.push_str("[0-9]"),
            (Some('d'), true) => out.push_str("0-9"),
            (Some('D'), _) => out.push_str("[^0-9]"),
            (Some('w'), false) => out.push_str("[0-9A-Za-z_]"),
            (Some('w'), true) => out.push_str("0-9A-Za-z_"),
            (Some('W'), _) => out.push_str("[^0-9A-Za-z_]"),
            (Some('b'), false) => out.push_str(r"(?-u:\b)"),
            (Some('b'), true) => out.push_str(r"\x08"),
            (Some('B'), false) => out.push_str(r"(?-u:\B)"),
            (Some('0'), _) => out.push_str(r"\x00"),
            // Not the ends of words, which they are for the regex crate.
            (Some(plain @ ('<' | '>')), _) => out.push(plain),
            (Some(other), _) => out.extend(['\\', other]),
            (None, _) => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn matches(source: &str, flags: &str, text: &str) -> bool {
        compile(source, flags, &Place::root("the filter")).unwrap().is_match(text)
    }

    #[test]
    fn means_what_javascript_means() {
        assert!(matches(r"^\d+$", "", "123"));
        assert!(!matches(r"\d", "", "\u{0664}"));
        assert!(matches(r"[\d-]+x", "", "1-2x"));
        assert!(matches(r"[^\D]", "", "1"));
        assert!(matches(r"\bé", "", "aé") && !matches(r"\be", "", "ae"));
        assert!(matches(r"a\/b", "", "a/b"));
        assert!(matches("[[]", "", "["));
        assert!(matches(r"^\<b\>", "", "<b>") && !matches(r"\<b", "", "b"));
        assert!(matches(r"[\w&&]", "", "&"));
        assert!(matches("B.C", "is", "ab\ncd"));
        assert!(matches(r"\u0041(?<name>b)", "u", "Ab"));
    }

    #[test]
    fn refuses_what_it_does_not_have() {
        let place = Place::root("the filter");
        for (source, flags) in
            [("(?=a)", ""), (r"(a)\1", ""), ("a", "y"), ("(", ""), ("(?<!a)b", "")]
        {
            let error = compile(source, flags, &place).unwrap_err();
            assert_eq!(error.code().as_str(), "INVALID_QUERY", "{source}");
        }
        let deep = "(".repeat(1000) + &")".repeat(1000);
        assert!(compile(&deep, "", &place).is_err());
        assert!(compile("(a{1000}){1000}{1000}", "", &place).is_err());
    }

    #[test]
    fn finds_prefixes() {
        let cases = [
            ("^abc", "abc"),
            ("abc", ""),
            ("^ab*", "a"),
            ("^ab+", "ab"),
            (r"^a\.b.c", "a.b"),
            ("^ab|c", ""),
            (r"^a\d", "a"),
            ("^(ab)", ""),
            (r"^\<b\>", "<b>"),
            ("^a\u{FFFD}b", "a"),
        ];
        for (source, prefix) in cases {
            assert_eq!(literal_prefix(source, ""), prefix, "{source}");
        }
        assert_eq!(literal_prefix("^abc", "i"), "");
    }
}
