//! Collations: the orders of strings in languages, by the Unicode Collation Algorithm with CLDR's
//! tailorings (Unicode Technical Standards 10 and 35), through ICU4X.
//!
//! A string is never compared with another one: it is turned into its sort key, and `memcmp` of
//! sort keys is the order. In keys and orders the sort key stands where the string would, as a
//! string of code units below 256, so that nothing that looks at keys has to know of collations.
//! Sort keys depend on the version of the data ([`DATA_VERSION`]); what is stored names it.
//!
//! Lone surrogates sort as U+FFFD.

mod locale;

use std::fmt;

use icu_collator::options::{
    AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, Strength as Levels,
};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;

use crate::error::{Error, Result};
use crate::key::{self, END, TAG_ARRAY, TAG_STRING};
use crate::wtf8::Wtf8String;

/// What sort keys depend on: the version of the collator and its data. A sort key of another
/// version means nothing.
pub const DATA_VERSION: &str = "icu4x 2.4.0";

/// How many levels of differences count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum Strength {
    Primary = 1,
    Secondary,
    Tertiary,
    Quaternary,
    Identical,
}

/// Which case comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are what they say")]
pub enum CaseFirst {
    Off,
    Upper,
    Lower,
}

/// What blanks, punctuation and the like count for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternate {
    /// As much as letters.
    NonIgnorable,
    /// Only where the strength is quaternary or more.
    Shifted,
}

/// Up to which characters `shifted` goes; each includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are what they say")]
pub enum Variable {
    Space,
    Punctuation,
    Symbol,
    Currency,
}

/// What is asked for; what is not given follows from the locale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of `Settings`")]
pub struct Request {
    pub locale: String,
    pub strength: Option<Strength>,
    pub case_level: Option<bool>,
    pub case_first: Option<CaseFirst>,
    pub numeric_ordering: Option<bool>,
    pub alternate: Option<Alternate>,
    pub max_variable: Option<Variable>,
}

/// Everything that tells an order from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// In its usual spelling (BCP 47).
    pub locale: String,
    /// How many levels of differences count.
    pub strength: Strength,
    /// Whether case is a level of its own, before the third one.
    pub case_level: bool,
    /// Which case comes first.
    pub case_first: CaseFirst,
    /// Whether digits are compared as numbers.
    pub numeric_ordering: bool,
    /// What blanks, punctuation and the like count for.
    pub alternate: Alternate,
    /// Which characters are such.
    pub max_variable: Variable,
}

/// An order of strings.
pub struct Collation {
    settings: Settings,
    collator: CollatorBorrowed<'static>,
}

impl Collation {
    /// The order that is asked for.
    ///
    /// # Errors
    /// Why there is none for the locale.
    pub fn new(request: &Request) -> std::result::Result<Self, String> {
        let locale = locale::canonical(&request.locale)?;
        let parsed = Locale::try_from_str(&locale)
            .map_err(|error| format!("the locale '{locale}' is malformed: {error}"))?;
        let mut preferences = CollatorPreferences::from(&parsed);
        preferences.case_first = request.case_first.map(|first| match first {
            CaseFirst::Off => CollationCaseFirst::False,
            CaseFirst::Upper => CollationCaseFirst::Upper,
            CaseFirst::Lower => CollationCaseFirst::Lower,
        });
        preferences.numeric_ordering = request.numeric_ordering.map(|numeric| {
            if numeric { CollationNumericOrdering::True } else { CollationNumericOrdering::False }
        });
        let collator = CollatorBorrowed::try_new(preferences, options(request))
            .map_err(|error| format!("the locale '{locale}' has no order: {error}"))?;
        let settings = resolved(locale, &collator);
        Ok(Self { settings, collator })
    }

    /// What tells it from others.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Appends well-formed text.
    pub fn push_utf8(&self, out: &mut Vec<u8>, text: &str) {
        let mut sort_key = Vec::with_capacity(2 * text.len() + 8);
        let Ok(()) = self.collator.write_sort_key_to(text, &mut sort_key);
        key::push_latin1(out, &sort_key);
    }

    /// Appends a string of Latin-1 bytes (code units 0–255).
    pub fn push_latin1(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => self.push_utf8(out, text),
            _ => {
                let text: String = bytes.iter().copied().map(char::from).collect();
                self.push_utf8(out, &text);
            }
        }
    }

    /// Appends a string of UTF-16 code units.
    pub fn push_utf16(&self, out: &mut Vec<u8>, units: &[u16]) {
        let mut sort_key = Vec::with_capacity(2 * units.len() + 8);
        let Ok(()) = self.collator.write_sort_key_utf16_to(units, &mut sort_key);
        key::push_latin1(out, &sort_key);
    }

    /// Appends a JavaScript string.
    pub fn push_wtf8(&self, out: &mut Vec<u8>, text: &Wtf8String) {
        match text.as_str() {
            Some(text) => self.push_utf8(out, text),
            None => self.push_utf16(out, &text.to_utf16()),
        }
    }

    /// Appends an encoded key (ascending) with sort keys in place of its strings.
    ///
    /// # Errors
    /// `CORRUPT` if it is malformed.
    pub fn push_key(&self, key: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let malformed = || Error::corrupt("an encoded key is malformed");
        let mut rest = key;
        while let Some(&tag) = rest.first() {
            let len = match tag {
                // What stands inside follows.
                TAG_ARRAY | END => 1,
                _ => key::encoded_len(rest, false)?,
            };
            let (part, tail) = rest.split_at_checked(len).ok_or_else(malformed)?;
            match (tag, key::decode(part)) {
                (TAG_STRING, Ok((key::Key::String(text), _))) => self.push_wtf8(out, &text),
                (TAG_STRING, _) => return Err(malformed()),
                _ => out.extend_from_slice(part),
            }
            rest = tail;
        }
        Ok(())
    }
}

impl PartialEq for Collation {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Eq for Collation {}

impl fmt::Debug for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

fn options(request: &Request) -> CollatorOptions {
    let mut options = CollatorOptions::default();
    // Some locales have another default; here it is the same in all, as in MongoDB.
    options.strength = Some(match request.strength.unwrap_or(Strength::Tertiary) {
        Strength::Primary => Levels::Primary,
        Strength::Secondary => Levels::Secondary,
        Strength::Tertiary => Levels::Tertiary,
        Strength::Quaternary => Levels::Quaternary,
        Strength::Identical => Levels::Identical,
    });
    options.case_level =
        request.case_level.map(|on| if on { CaseLevel::On } else { CaseLevel::Off });
    options.alternate_handling = request.alternate.map(|alternate| match alternate {
        Alternate::NonIgnorable => AlternateHandling::NonIgnorable,
        Alternate::Shifted => AlternateHandling::Shifted,
    });
    options.max_variable = request.max_variable.map(|variable| match variable {
        Variable::Space => MaxVariable::Space,
        Variable::Punctuation => MaxVariable::Punctuation,
        Variable::Symbol => MaxVariable::Symbol,
        Variable::Currency => MaxVariable::Currency,
    });
    options
}

/// What a collator does, the locale's own choices included.
fn resolved(locale: String, collator: &CollatorBorrowed<'_>) -> Settings {
    let options = collator.resolved_options();
    Settings {
        locale,
        strength: match options.strength {
            Levels::Primary => Strength::Primary,
            Levels::Secondary => Strength::Secondary,
            Levels::Quaternary => Strength::Quaternary,
            Levels::Identical => Strength::Identical,
            _ => Strength::Tertiary,
        },
        case_level: options.case_level == CaseLevel::On,
        case_first: match options.case_first {
            CollationCaseFirst::Upper => CaseFirst::Upper,
            CollationCaseFirst::Lower => CaseFirst::Lower,
            _ => CaseFirst::Off,
        },
        numeric_ordering: options.numeric == CollationNumericOrdering::True,
        alternate: match options.alternate_handling {
            AlternateHandling::Shifted => Alternate::Shifted,
            _ => Alternate::NonIgnorable,
        },
        max_variable: match options.max_variable {
            MaxVariable::Space => Variable::Space,
            MaxVariable::Symbol => Variable::Symbol,
            MaxVariable::Currency => Variable::Currency,
            _ => Variable::Punctuation,
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
