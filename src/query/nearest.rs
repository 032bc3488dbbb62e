//! What queries and pipelines say of vectors.

use super::place::Place;
use crate::error::Result;
use crate::key;
use crate::value::{self, Fields, NoShapes, Value};
use crate::vector::EF;
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
    /// What documents are near to.
    pub to: To,
    /// Where that stands in what was given.
    pub at: String,
    /// How many there are at most, before anything is skipped or limited.
    pub k: u64,
    /// What is further away is left out.
    pub max_distance: Option<f64>,
    /// How many candidates a graph keeps, if that is said.
    pub ef_search: Option<usize>,
    /// Whether all vectors have to be looked at.
    pub exact: bool,
    /// The field that the index has to be of, if that is said.
    pub path: Option<Wtf8String>,
    /// How far the documents are to differ from each other.
    pub diversity: Option<Diversity>,
}

/// What documents are near to.
#[derive(Debug, Clone)]
pub enum To {
    /// A vector, as an encoded value; or each of several, with answers of their own.
    Vectors(Vec<Vec<u8>>),
    /// The first ones, and not the others.
    Examples(Vec<Example>, Vec<Example>),
}

/// What documents are to be like, or not.
#[derive(Debug, Clone)]
pub enum Example {
    /// The document under this primary key.
    Key(Vec<u8>),
    /// A vector, as an encoded value.
    Vector(Vec<u8>),
}

/// How documents are chosen from those that are nearest: one after the other, by how near each is,
/// and how little it is like those that were chosen (maximal marginal relevance).
///
/// Source: J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering
/// documents and producing summaries", SIGIR 1998.
#[derive(Debug, Clone, Copy)]
pub struct Diversity {
    /// What nearness counts, from 0 to 1; the rest is what the likeness counts.
    pub lambda: f64,
    /// How many of the nearest there are to choose from.
    pub fetch_k: u64,
}

/// The most documents that there are to choose from.
const MAX_FETCHED: u64 = 10_000;
/// The most vectors that are searched for at once.
const MAX_VECTORS: usize = 10_000;
/// The most documents that all searches of one request give.
const MAX_ALL_HITS: u64 = 1_000_000;
/// The most examples.
const MAX_EXAMPLES: usize = 10_000;

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
    pub const REQUEST: Self = Self {
        vector: "vector",
        k: "k",
        others: &["efSearch", "exact", "mmr", "negative", "positive", "vectors"],
    };
    /// As `$vector` in a filter has them.
    pub const FILTER: Self =
        Self { vector: "query", k: "k", others: &["efSearch", "exact", "mmr"] };
    /// As the stage `$vectorSearch` has them.
    pub const STAGE: Self = Self {
        vector: "queryVector",
        k: "limit",
        others: &["exact", "filter", "mmr", "numCandidates", "path"],
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
        let exact = match get("exact") {
            Value::Undefined => false,
            Value::Bool(exact) => *exact,
            _ => return Err(place.word("exact").invalid("it has to be true or false")),
        };
        let ef_search = match get("efSearch") {
            Value::Undefined => None,
            Value::Number(ef) if EF.contains(&(*ef as u32)) && ef.fract() == 0.0 => {
                Some(*ef as usize)
            }
            _ => {
                let why = "it has to be an integer from 8 to 65,536";
                return Err(place.word("efSearch").invalid(why));
            }
        };
        let to = To::parse(fields, words, place)?;
        if let To::Vectors(all) = &to
            && k.saturating_mul(all.len() as u64) > MAX_ALL_HITS.max(k)
        {
            let why = "all searches together give 1,000,000 documents at most";
            return Err(place.word(words.k).invalid(why));
        }
        let diversity = Diversity::parse(get("mmr"), k, &place.word("mmr"))?;
        let path = match get("path") {
            Value::Undefined => None,
            Value::String(path) => Some(path.clone()),
            _ => return Err(place.word("path").invalid("it has to be the field of the vectors")),
        };
        let at = match &to {
            To::Vectors(_) if matches!(get("vectors"), Value::Undefined) => words.vector,
            To::Vectors(_) => "vectors",
            To::Examples(..) => "examples",
        };
        let at = place.word(at).to_string();
        let index = index.clone();
        Ok(Self { index, to, at, k, max_distance, ef_search, exact, path, diversity })
    }

    /// How many of the nearest documents are needed.
    pub fn wanted(&self) -> u64 {
        self.diversity.map_or(self.k, |diversity| diversity.fetch_k.max(self.k))
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

impl To {
    fn parse(fields: &Fields, words: Words, place: &Place<'_>) -> Result<Self> {
        let get = |name| part(fields, name);
        if words.others.contains(&"vectors") && !matches!(get("vectors"), Value::Undefined) {
            let all = listed(get("vectors"), MAX_VECTORS, &place.word("vectors"))?;
            let all = all.iter().map(|vector| value::encode(vector, &NoShapes));
            return Ok(Self::Vectors(all.collect::<Result<_>>()?));
        }
        if words.others.contains(&"positive") && !matches!(get("positive"), Value::Undefined) {
            let negative = match get("negative") {
                Value::Undefined => Vec::new(),
                list => Example::parse(list, &place.word("negative"))?,
            };
            let positive = Example::parse(get("positive"), &place.word("positive"))?;
            if positive.is_empty() {
                return Err(place.word("positive").invalid("there has to be an example at least"));
            }
            return Ok(Self::Examples(positive, negative));
        }
        match get(words.vector) {
            Value::Undefined => {
                Err(place.word(words.vector).invalid("it has to be the vector to search for"))
            }
            vector => Ok(Self::Vectors(vec![value::encode(vector, &NoShapes)?])),
        }
    }
}

impl Example {
    fn parse(value: &Value, place: &Place<'_>) -> Result<Vec<Self>> {
        let parse = |(at, item): (usize, &Value)| match item {
            Value::Object(fields) if !matches!(part(fields, "vector"), Value::Undefined) => {
                value::encode(part(fields, "vector"), &NoShapes).map(Self::Vector)
            }
            Value::Binary { bytes, .. } if key::validate_key(bytes).is_ok() => {
                Ok(Self::Key(bytes.to_vec()))
            }
            _ => Err(place.index(at).invalid("it has to be a key or { vector }")),
        };
        listed(value, MAX_EXAMPLES, place)?.iter().enumerate().map(parse).collect()
    }
}

impl Diversity {
    fn parse(value: &Value, k: u64, place: &Place<'_>) -> Result<Option<Self>> {
        let fields = match value {
            Value::Undefined => return Ok(None),
            Value::Object(fields) => fields,
            _ => return Err(place.invalid("it has to be an object such as { lambda: 0.5 }")),
        };
        let known = ["lambda", "fetchK"];
        let is_known = |name: &Wtf8String| name.as_str().is_some_and(|name| known.contains(&name));
        if let Some(name) = fields.names().iter().find(|name| !is_known(name)) {
            return Err(place.field(name).invalid("there are lambda and fetchK"));
        }
        let lambda = match part(fields, "lambda") {
            Value::Undefined => 0.5,
            Value::Number(lambda) if (0.0..=1.0).contains(lambda) => *lambda,
            _ => return Err(place.word("lambda").invalid("it has to be a number from 0 to 1")),
        };
        let fetch_k = match part(fields, "fetchK") {
            Value::Undefined => k.saturating_mul(4).clamp(20, MAX_FETCHED),
            Value::Number(count) if count.fract() == 0.0 && *count >= 1.0 => *count as u64,
            _ => return Err(place.word("fetchK").invalid("it has to be an integer")),
        };
        if !(k..=MAX_FETCHED).contains(&fetch_k) {
            let why = "it has to be k at least, and 10,000 at most";
            return Err(place.word("fetchK").invalid(why));
        }
        Ok(Some(Self { lambda, fetch_k }))
    }
}

/// The elements of a list.
fn listed<'v>(value: &'v Value, most: usize, place: &Place<'_>) -> Result<&'v [Value]> {
    match value {
        Value::Array(list) if list.items.len() <= most => Ok(&list.items),
        Value::Array(_) => Err(place.invalid(format!("there may be {most} at most"))),
        _ => Err(place.invalid("it has to be a list")),
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
