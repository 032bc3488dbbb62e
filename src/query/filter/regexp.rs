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
    let mut rest = source;
    while let Some(character) = take(&mut rest) {
        if character != '\\' {
            match character {
                // JavaScript has no classes in classes without the flag v.
                '[' if in_class => out.push('\\'),
                '[' if strip(&mut rest, "^]") => {
                    out.push_str(r"[\s\S]");
                    continue;
                }
                '[' if strip(&mut rest, "]") => {
                    out.push_str(r"[^\s\S]");
                    continue;
                }
                '[' => in_class = true,
                ']' => in_class = false,
                // Set operations of the regex crate, which JavaScript does not have.
                '&' | '~' | '-' if in_class && out.ends_with(character) => out.push('\\'),
                '{' if !in_class && !is_repetition(rest) => out.push('\\'),
                _ => {}
            }
            out.push(character);
            continue;
        }
        match (take(&mut rest), in_class) {
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
            (Some('c'), _) if rest.starts_with(|next: char| next.is_ascii_alphabetic()) => {
                let letter = take(&mut rest).unwrap_or_default();
                out.push_str(&format!(r"\x{:02x}", u32::from(letter) % 32));
            }
            // Classes of characters, and characters by their numbers, stand in braces.
            (Some(other @ ('p' | 'P' | 'u')), _) if strip(&mut rest, "{") => {
                out.extend(['\\', other, '{']);
            }
            (Some('u'), _) => match surrogate_pair(rest) {
                Some(character) => {
                    rest = rest.get(SURROGATE_PAIR..).unwrap_or_default();
                    out.push_str(&format!(r"\u{{{:x}}}", u32::from(character)));
                }
                None => out.push_str(r"\u"),
            },
            // Not the ends of words, which they are for the regex crate.
            (Some(other @ ('<' | '>')), _) => out.push(other),
            (Some(other), _) if other.is_ascii() => out.extend(['\\', other]),
            (Some(other), _) => out.push(other),
            (None, _) => out.push('\\'),
        }
    }
    out
}

fn take(rest: &mut &str) -> Option<char> {
    let mut characters = rest.chars();
    let first = characters.next();
    *rest = characters.as_str();
    first
}

fn strip(rest: &mut &str, prefix: &str) -> bool {
    let stripped = rest.strip_prefix(prefix);
    *rest = stripped.unwrap_or(rest);
    stripped.is_some()
}

/// Whether what is behind a brace makes it a number of repetitions: `3}`, `3,}` or `3,4}`.
fn is_repetition(behind: &str) -> bool {
    let is_digit = |character: char| character.is_ascii_digit();
    let after = behind.trim_start_matches(is_digit);
    let after_comma = after.strip_prefix(',').map(|after| after.trim_start_matches(is_digit));
    after.len() < behind.len() && after_comma.unwrap_or(after).starts_with('}')
}

/// The length of what is behind the `\u` of two halves of a character: `d83d\ude00`.
const SURROGATE_PAIR: usize = 10;

/// The character of which both halves are written one by one, the first `\u` being read already.
fn surrogate_pair(rest: &str) -> Option<char> {
    let unit = |hex: Option<&str>| u16::from_str_radix(hex?, 16).ok();
    let units = [unit(rest.get(..4))?, unit(rest.get(4..)?.strip_prefix(r"\u")?.get(..4))?];
    match char::decode_utf16(units).collect::<Vec<_>>()[..] {
        [Ok(character)] => Some(character),
        _ => None,
    }
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
    fn takes_escapes_and_braces_as_javascript_does() {
        assert!(matches(r"^\<b\>$", "", "<b>") && !matches(r"\<", "", "word"));
        assert!(matches(r"[\<\>]", "", ">") && !matches(r"[\<]", "", "b"));
        assert!(matches(r"a[^]b", "", "a\nb") && !matches(r"a[]b", "", "a]b"));
        assert!(matches("^{a}$", "", "{a}") && matches("a{,3}", "", "a{,3}"));
        assert!(matches("^a{2}$", "", "aa") && matches("^a{2,}b{0,1}$", "", "aaa"));
        assert!(matches(r"^\cJ$", "", "\n") && matches(r"^\é$", "", "é"));
        assert!(matches(r"^[\ud83d\ude00]$", "u", "😀") && matches(r"\uD83D\uDE00", "", "😀"));
        assert!(matches(r"\u00e9", "", "é"));
        assert!(matches(r"^\p{L}+\P{L}$", "u", "Äé1") && !matches(r"^\p{Lu}", "u", "ä"));
        assert!(matches(r"^\p{Script=Greek}[\p{Nd}]$", "u", "λ7"));
        assert!(matches(r"^\u{1F600}[\u{41}]$", "u", "😀A"));
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
