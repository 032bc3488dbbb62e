//! Collations as users write them, with MongoDB's names, and as they are stored.

use std::sync::Arc;

use super::place::Place;
use crate::collation::{Alternate, CaseFirst, Collation, Request, Strength, Variable};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

const STRENGTHS: &[(&str, Strength)] = &[
    ("primary", Strength::Primary),
    ("secondary", Strength::Secondary),
    ("tertiary", Strength::Tertiary),
    ("quaternary", Strength::Quaternary),
    ("identical", Strength::Identical),
];

const CASE_FIRST: &[(&str, CaseFirst)] =
    &[("off", CaseFirst::Off), ("upper", CaseFirst::Upper), ("lower", CaseFirst::Lower)];

const ALTERNATES: &[(&str, Alternate)] =
    &[("non-ignorable", Alternate::NonIgnorable), ("shifted", Alternate::Shifted)];

const VARIABLES: &[(&str, Variable)] = &[
    ("space", Variable::Space),
    ("punct", Variable::Punctuation),
    ("symbol", Variable::Symbol),
    ("currency", Variable::Currency),
];

/// Parses a collation, such as `{ locale: 'fr', strength: 'secondary' }`; none, if there is none.
///
/// # Errors
/// `code`, with the place of what there is no such order for.
pub fn parse(value: &Value, code: ErrorCode, place: &Place<'_>) -> Result<Option<Arc<Collation>>> {
    let fields = match value {
        Value::Undefined | Value::Null => return Ok(None),
        Value::Object(fields) => fields,
        _ => return Err(place.error(code, "it has to be an object such as { locale: 'fr' }")),
    };
    let mut request = Request::default();
    let mut has_locale = false;
    for (name, value) in fields.iter() {
        let place = place.field(name);
        let refuse = |why: &str| Err(place.error(code, why));
        if matches!(value, Value::Undefined) {
            continue;
        }
        match name.as_str().unwrap_or_default() {
            "locale" => match value {
                Value::String(locale) if locale.as_str().is_some() => {
                    has_locale = true;
                    request.locale = locale.as_str().unwrap_or_default().to_owned();
                }
                _ => return refuse("it has to be a locale such as 'fr'"),
            },
            "strength" => request.strength = Some(strength(value, code, &place)?),
            "caseLevel" => request.case_level = Some(flag(value, code, &place)?),
            "numericOrdering" => request.numeric_ordering = Some(flag(value, code, &place)?),
            "caseFirst" => request.case_first = Some(one_of(CASE_FIRST, value, code, &place)?),
            "alternate" => request.alternate = Some(one_of(ALTERNATES, value, code, &place)?),
            "maxVariable" => request.max_variable = Some(one_of(VARIABLES, value, code, &place)?),
            "backwards" => return refuse("only the locale decides it: fr-CA has it"),
            "normalization" => return refuse("strings are always normalized"),
            _ => return refuse("a collation has no such option"),
        }
    }
    let locale = place.word("locale");
    if !has_locale {
        return Err(locale.error(code, "a collation has a locale, such as 'fr'"));
    }
    match Collation::new(&request) {
        Ok(collation) => Ok(Some(Arc::new(collation))),
        Err(why) => Err(locale.error(code, why)),
    }
}

/// All settings of a collation, as [`parse`] takes them.
pub fn to_value(collation: &Collation) -> Value {
    let settings = collation.settings();
    let mut fields = Fields::new();
    let mut insert = |name: &str, value| fields.insert(Wtf8String::from(name), value);
    let text = |text: &str| Value::String(Wtf8String::from(text));
    insert("locale", text(&settings.locale));
    insert("strength", text(name_of(STRENGTHS, settings.strength)));
    insert("caseLevel", Value::Bool(settings.case_level));
    insert("caseFirst", text(name_of(CASE_FIRST, settings.case_first)));
    insert("numericOrdering", Value::Bool(settings.numeric_ordering));
    insert("alternate", text(name_of(ALTERNATES, settings.alternate)));
    insert("maxVariable", text(name_of(VARIABLES, settings.max_variable)));
    Value::Object(fields)
}

fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], wanted: T) -> &'static str {
    names.iter().find(|(_, one)| *one == wanted).map_or("", |(name, _)| name)
}

/// By name, or as MongoDB has it, a number from 1 to 5.
fn strength(value: &Value, code: ErrorCode, place: &Place<'_>) -> Result<Strength> {
    if let Value::Number(number) = value {
        let found = STRENGTHS.iter().find(|(_, one)| f64::from(*one as u8) == *number);
        return found
            .map(|(_, one)| *one)
            .ok_or_else(|| place.error(code, "as a number it has to be 1, 2, 3, 4 or 5"));
    }
    one_of(STRENGTHS, value, code, place)
}

fn flag(value: &Value, code: ErrorCode, place: &Place<'_>) -> Result<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        _ => Err(place.error(code, "it has to be true or false")),
    }
}

fn one_of<T: Copy>(
    names: &[(&str, T)],
    value: &Value,
    code: ErrorCode,
    place: &Place<'_>,
) -> Result<T> {
    let name = match value {
        Value::String(name) => name.as_str(),
        _ => None,
    };
    names.iter().find(|(one, _)| Some(*one) == name).map(|(_, one)| *one).ok_or_else(|| -> Error {
        let allowed: Vec<String> = names.iter().map(|(name, _)| format!("'{name}'")).collect();
        place.error(code, format!("it has to be one of {}", allowed.join(", ")))
    })
}
