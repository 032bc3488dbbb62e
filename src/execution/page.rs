//! Keyset pages: what comes after, or before, a document in the order of a sort.

use std::collections::VecDeque;

use super::request::{Query, whole_number};
use super::sort::Sorted;
use crate::collation::{Collation, DATA_VERSION};
use crate::error::{Error, ErrorCode, Result};
use crate::key;
use crate::query::{Place, collation, order};
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// The most documents of a page.
const MAX_SIZE: u64 = 100_000;

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRequest {
    /// Documents at most.
    pub size: usize,
    /// Fewer if their keys, and what they are sorted by, take more bytes; but one at least.
    pub max_bytes: usize,
    /// Where it begins or ends; `None`: with the first document.
    pub boundary: Option<Boundary>,
    /// Whether it ends at the boundary.
    pub before: bool,
    /// What tells the query, and the store, from others.
    pub fingerprint: u64,
    /// Whether it is told how much was looked at.
    pub explain: bool,
}

/// A place between documents: that of the one at the edge of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// What the document is sorted by, each part encoded in ascending order.
    pub components: Vec<Vec<u8>>,
    /// Its primary key.
    pub key: Vec<u8>,
}

impl PageRequest {
    /// Parses `{ size, after?, before?, explain? }`; `fields` is the query's request, `collation`
    /// what it says of one, `store` the number of the store.
    ///
    /// # Errors
    /// `INVALID_QUERY`; `INVALID_CURSOR` for a token of another query, or none.
    pub fn parse(
        value: &Value,
        (store, fields, collation): (u32, &Fields, Option<&Collation>),
        parts: usize,
        place: &Place<'_>,
    ) -> Result<Self> {
        let Value::Object(page) = value else {
            return Err(place.invalid("it has to be an object such as { size: 50 }"));
        };
        let get = |name: &str| page.get(&Wtf8String::from(name)).unwrap_or(&Value::Undefined);
        let size = whole_number(get("size"), &place.word("size"))?;
        let size = size.filter(|size| (1..=MAX_SIZE).contains(size)).ok_or_else(|| {
            place.word("size").invalid("it has to be an integer from 1 to 100,000")
        })?;
        let mut identity = store.to_le_bytes().to_vec();
        for name in ["filter", "sort"] {
            let value = fields.get(&Wtf8String::from(name)).unwrap_or(&Value::Undefined);
            order::push(value, &mut identity);
        }
        if let Some(collation) = collation {
            // Tokens hold sort keys.
            order::push(&collation::to_value(collation), &mut identity);
            identity.extend_from_slice(DATA_VERSION.as_bytes());
        }
        let fingerprint = xxhash_rust::xxh3::xxh3_64(&identity);
        let token = |name| match get(name) {
            Value::Undefined | Value::Null => Ok(None),
            Value::String(text) => {
                let boundary = text.as_str().and_then(unhex);
                boundary
                    .and_then(|bytes| Boundary::read(&bytes, fingerprint, parts))
                    .map_or_else(|| Err(invalid_token()), |boundary| Ok(Some(boundary)))
            }
            _ => Err(invalid_token()),
        };
        let (after, before) = (token("after")?, token("before")?);
        if after.is_some() && before.is_some() {
            return Err(place.invalid("a page is either after a token or before one"));
        }
        Ok(Self {
            size: size as usize,
            max_bytes: usize::MAX,
            before: before.is_some(),
            boundary: after.or(before),
            fingerprint,
            explain: matches!(get("explain"), Value::Bool(true)),
        })
    }
}

fn invalid_token() -> Error {
    Error::new(
        ErrorCode::InvalidCursor,
        "the page token is none, or belongs to a query with another store, filter or sort",
    )
}

impl Boundary {
    /// The place of a document that is sorted by `sort_key`, whose parts are descending as
    /// `descending` says.
    ///
    /// # Errors
    /// `CORRUPT` if `sort_key` is not of so many parts.
    pub fn new(sort_key: &[u8], descending: &[bool], key: &[u8]) -> Result<Self> {
        let mut components = Vec::with_capacity(descending.len());
        let mut rest = sort_key;
        for descending in descending {
            let len = order::encoded_len(rest, *descending)
                .ok_or_else(|| Error::corrupt("a sort key is malformed"))?;
            let (component, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let mut component = component.to_vec();
            if *descending {
                key::invert(&mut component);
            }
            components.push(component);
            rest = tail;
        }
        Ok(Self { components, key: key.to_vec() })
    }

    /// The sort key again.
    pub fn sort_key(&self, descending: &[bool]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (component, descending) in self.components.iter().zip(descending) {
            let start = bytes.len();
            bytes.extend_from_slice(component);
            if *descending {
                key::invert_from(&mut bytes, start);
            }
        }
        bytes
    }

    /// The token that users pass on.
    pub fn token(&self, fingerprint: u64) -> String {
        let mut bytes = vec![0; 8];
        for part in self.components.iter().chain([&self.key]) {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        if let Some((head, parts)) = bytes.split_first_chunk_mut() {
            *head = Self::checksum(parts, fingerprint).to_le_bytes();
        }
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What stands before the parts of a token, so that a damaged one is known.
    fn checksum(parts: &[u8], fingerprint: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(parts, fingerprint)
    }

    fn read(bytes: &[u8], fingerprint: u64, parts: usize) -> Option<Self> {
        let (checksum, mut rest) = bytes.split_first_chunk()?;
        if u64::from_le_bytes(*checksum) != Self::checksum(rest, fingerprint) {
            return None;
        }
        let mut components = Vec::with_capacity(parts + 1);
        while !rest.is_empty() {
            let (len, tail) = rest.split_first_chunk()?;
            let (part, tail) = tail.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            components.push(part.to_vec());
            rest = tail;
        }
        let key = components.pop()?;
        let whole = |part: &Vec<u8>| order::encoded_len(part, false) == Some(part.len());
        let fits = components.len() == parts && components.iter().all(whole);
        (fits && key::validate_key(&key).is_ok()).then_some(Self { components, key })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

/// What a page consists of.
pub struct Found {
    /// The primary keys of its documents, in order.
    pub keys: VecDeque<Box<[u8]>>,
    /// Whether there are more in the direction that was read.
    pub more: bool,
    /// What is to be said of it.
    pub about: serde_json::Value,
}

/// What a page consists of; `sorted` has one document more than the page, if there are so many.
///
/// # Errors
/// `IO` for temporary files.
pub fn finish(query: &Query, page: &PageRequest, mut sorted: Sorted) -> Result<Found> {
    let descending: Vec<bool> = query.sort.iter().map(|part| part.descending).collect();
    let mut items = Vec::new();
    let (mut more, mut bytes_left) = (false, page.max_bytes);
    while let Some(stored) = sorted.peek() {
        let bytes = sorted.peek_sort_key().unwrap_or_default();
        let sort_key = bytes.get(..bytes.len() - stored.len()).unwrap_or_default().to_vec();
        let mut key = stored.to_vec();
        if query.ties_descending {
            key::invert(&mut key);
        }
        let size = bytes.len();
        if size > bytes_left && !items.is_empty() {
            more = true;
            break;
        }
        bytes_left = bytes_left.saturating_sub(size);
        items.push((sort_key, key));
        sorted.advance()?;
    }
    more |= items.len() > page.size;
    items.truncate(page.size);
    if page.before {
        items.reverse();
    }
    let token = |item: Option<&(Vec<u8>, Vec<u8>)>| match item {
        Some((sort_key, key)) => {
            Boundary::new(sort_key, &descending, key).map(|at| Some(at.token(page.fingerprint)))
        }
        None => Ok(None),
    };
    let (has_next, has_prev) =
        if page.before { (true, more) } else { (more, page.boundary.is_some()) };
    let about = serde_json::json!({
        "next": if has_next { token(items.last())? } else { None },
        "prev": if has_prev { token(items.first())? } else { None },
        "hasMore": more,
    });
    let keys = items.into_iter().map(|(_, key)| key.into_boxed_slice()).collect();
    Ok(Found { keys, more, about })
}

/// What a boundary's document is sorted by, its primary key included.
pub fn sort_bytes(query: &Query, boundary: &Boundary) -> Vec<u8> {
    let descending: Vec<bool> = query.sort.iter().map(|part| part.descending).collect();
    let mut bytes = boundary.sort_key(&descending);
    let start = bytes.len();
    bytes.extend_from_slice(&boundary.key);
    if query.ties_descending {
        key::invert_from(&mut bytes, start);
    }
    bytes
}
