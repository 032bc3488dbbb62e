//! What queries and pipelines say of vectors.

use super::place::Place;
use crate::error::Result;
use crate::value::{self, Fields, NoShapes, Value};
use crate::wtf8::Wtf8String;

/// The most documents that a search gives.
const MAX_HITS: f64 = 4_294_967_295.0;
/// As many as a search gives that says nothing of it.
const HITS: u64 = 10;
/// How deep `$and` may nest around a search; filters may as well.
const MAX_NESTING: usize = 100;

/// The documents of a query that are nearest to a vector: they come in the order of their
/// distances, equally near ones in that of their keys, unless the query has a sort of its own.
#[derive(Debug, Clone)]
pub struct Nearest {
    /// The name of the index.
    pub index: Wtf8String,
    /// The vector, as an encoded value.
    pub vector: Vec<u8>,
    /// Where that stands in what was given.
    pub at: String,
    /// How many there are at most, before anything is skipped or limited.
    pub k: u64,
    /// What is further away is left out.
    pub max_distance: Option<f64>,
    /// The field that the index has to be of, if that is said.
    pub path: Option<Wtf8String>,
}

/// What the parts of a search are called, where they have several names.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The vector.
    pub vector: &'static str,
    /// How many documents.
    pub k: &'static str,
    /// What there may be besides.
    pub others: &'static [&'static str],
}

impl Words {
    /// As requests have them.
    pub const REQUEST: Self = Self { vector: "vector", k: "k", others: &[] };
    /// As `$vector` in a filter has them.
    pub const FILTER: Self = Self { vector: "query", k: "k", others: &["exact"] };
    /// As the stage `$vectorSearch` has them.
    pub const STAGE: Self = Self {
        vector: "queryVector",
        k: "limit",
        others: &["exact", "filter", "numCandidates", "path"],
    };
}

impl Nearest {
    /// Parses the parts of a search.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub fn parse(value: &Value, words: Words, place: &Place<'_>) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(place.invalid(format!(
                "it has to be an object such as {{ index: 'name', {}: […], {}: 10 }}",
                words.vector, words.k
            )));
        };
        let named = ["index", words.vector, words.k, "maxDistance"];
        let is_known = |name: &str| named.contains(&name) || words.others.contains(&name);
        if let Some(name) = fields.names().iter().find(|name| !name.as_str().is_some_and(is_known))
        {
            let all = named.iter().chain(words.others).copied().collect::<Vec<_>>().join(", ");
            return Err(place.field(name).invalid(format!("a search has {all}")));
        }
        let get = |name| part(fields, name);
        let Value::String(index) = get("index") else {
            return Err(place.word("index").invalid("it has to be the name of a vector index"));
        };
        let k = match get(words.k) {
            Value::Undefined => HITS,
            Value::Number(k) if k.fract() == 0.0 && (1.0..=MAX_HITS).contains(k) => *k as u64,
            _ => {
                return Err(place.word(words.k).invalid("it has to be an integer from 1 on"));
            }
        };
        let max_distance = match get("maxDistance") {
            Value::Undefined => None,
            Value::Number(most) if !most.is_nan() => Some(*most),
            _ => return Err(place.word("maxDistance").invalid("it has to be a number")),
        };
        if !matches!(get("exact"), Value::Undefined | Value::Bool(_)) {
            return Err(place.word("exact").invalid("it has to be true or false"));
        }
        if matches!(get(words.vector), Value::Undefined) {
            return Err(place.word(words.vector).invalid("it has to be the vector to search for"));
        }
        let path = match get("path") {
            Value::Undefined => None,
            Value::String(path) => Some(path.clone()),
            _ => return Err(place.word("path").invalid("it has to be the field of the vectors")),
        };
        let vector = value::encode(get(words.vector), &NoShapes)?;
        let at = place.word(words.vector).to_string();
        Ok(Self { index: index.clone(), vector, at, k, max_distance, path })
    }

    /// Whether a filter has a search in it.
    pub fn is_in(filter: &Value) -> bool {
        Self::is_within(filter, MAX_NESTING)
    }

    fn is_within(filter: &Value, depth: usize) -> bool {
        let (Value::Object(fields), Some(depth)) = (filter, depth.checked_sub(1)) else {
            return false;
        };
        fields.iter().any(|(name, value)| match (name.as_str(), value) {
            (Some("$vector"), _) => true,
            (Some("$and"), Value::Array(list)) => {
                list.items.iter().any(|part| Self::is_within(part, depth))
            }
            _ => false,
        })
    }

    /// Takes the search out of a filter that has one ([`Self::is_in`]): `$vector` beside its
    /// fields, or in an `$and` there.
    ///
    /// # Errors
    /// `INVALID_QUERY`, also if there are two.
    pub fn split_off(filter: &mut Value, place: &Place<'_>) -> Result<Option<Self>> {
        let Value::Object(fields) = filter else { return Ok(None) };
        let mut found = None;
        let (names, values) = std::mem::take(fields).into_parts();
        let mut kept = Vec::with_capacity(values.len());
        for (name, mut value) in names.iter().zip(values) {
            let place = place.field(name);
            match name.as_str() {
                Some("$vector") => {
                    one(&mut found, Some(Self::parse(&value, Words::FILTER, &place)?), &place)?;
                    continue;
                }
                Some("$and") => {
                    if let Value::Array(list) = &mut value {
                        for (at, part) in list.items.iter_mut().enumerate() {
                            let place = place.index(at);
                            one(&mut found, Self::split_off(part, &place)?, &place)?;
                        }
                    }
                }
                _ => {}
            }
            kept.push((name.clone(), value));
        }
        let (names, values): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
        *fields = Fields::from_parts(names.into(), values).unwrap_or_default();
        Ok(found)
    }
}

/// Takes a search, if there is none yet.
fn one(found: &mut Option<Nearest>, next: Option<Nearest>, place: &Place<'_>) -> Result<()> {
    if found.is_some() && next.is_some() {
        return Err(place.invalid("a query searches for one vector"));
    }
    if next.is_some() {
        *found = next;
    }
    Ok(())
}

/// A part of an object; undefined if it is not there.
pub fn part<'v>(fields: &'v Fields, name: &str) -> &'v Value {
    fields.get(&Wtf8String::from(name)).unwrap_or(&Value::Undefined)
}

/// What a search tells of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How far its vector is.
    Distance,
    /// How alike the vectors are.
    Score,
}

impl Measure {
    /// All of them, in the order in which rows have them.
    pub const ALL: [Self; 2] = [Self::Distance, Self::Score];

    /// What `$meta` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Distance => "vectorSearchDistance",
            Self::Score => "vectorSearchScore",
        }
    }

    /// Parses `{ $meta: 'vectorSearchScore' }`; `None` for anything but `$meta`.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub fn parse(value: &Value, place: &Place<'_>) -> Result<Option<Self>> {
        let Value::Object(fields) = value else { return Ok(None) };
        let ([name], [operand]) = (&fields.names()[..], fields.values()) else { return Ok(None) };
        match name.as_str() {
            Some("$meta") => Self::of(operand, &place.field(name)).map(Some),
            _ => Ok(None),
        }
    }

    /// What the operand of `$meta` asks for.
    ///
    /// # Errors
    /// `INVALID_QUERY`.
    pub fn of(operand: &Value, place: &Place<'_>) -> Result<Self> {
        let name = match operand {
            Value::String(name) => name.as_str(),
            _ => None,
        };
        let found = Self::ALL.into_iter().find(|measure| name == Some(measure.name()));
        found.ok_or_else(|| {
            place.invalid("it has to be 'vectorSearchScore' or 'vectorSearchDistance'")
        })
    }
}
