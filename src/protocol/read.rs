//! Read requests and their answers.
//!
//! A request is `u8 kind | u8 flags | u16 0 | u32 store id | u32 index id (0: the store itself) |
//! u32 limit (0: none) | u32 offset | u32 most bytes (0: any)`, followed, for [`SCAN`], [`COUNT`]
//! and [`FIRST_KEY`], by `range | u32 length, resume`, for the others by `u32 n | n × (u32 length,
//! key)`. Little-endian.
//!
//! [`QUERY`] is followed by `u32 budget | u32 length, query`, an encoded value that
//! [`Query::parse`](crate::execution::Query::parse) takes, [`QUERY_NEXT`] by `u32 budget | u32
//! number of the query`, [`QUERY_END`] by that number. The budget is how much may be looked at
//! before there is an answer, which may then have no rows; 0: as much as is needed, for a while.
//!
//! Answers: [`SCAN`] as [`scan`] says; [`COUNT`] u64; [`GET`] and [`GET_MANY`] for each key u32
//! length and document, or [`NOTHING`]; [`HAS`] for each key 0 or 1; [`FIRST_KEY`] u32 length and
//! primary key, or [`NOTHING`]; [`QUERY`] and [`QUERY_NEXT`] as [`SCAN`], where the resume bytes
//! are the number of the query; [`QUERY_END`] nothing.

use super::catalog_json::catalog_json;
use super::fields::Fields;
use super::query;
use super::range::read_range;
use crate::catalog::{Catalog, IndexDef, StoreDef};
use crate::error::Result;
use crate::store::StoreShared;
use crate::store::read::{
    self, KeyRange, Response, RowParts, Scan, View, Written, first_key, scan,
};

/// Kind: rows of a range.
pub const SCAN: u8 = 1;
/// Kind: how many are in a range; no more than the limit.
pub const COUNT: u8 = 2;
/// Kind: the documents of several keys.
pub const GET_MANY: u8 = 3;
/// Kind: the document of one key.
pub const GET: u8 = 4;
/// Kind: whether there are documents under keys.
pub const HAS: u8 = 5;
/// Kind: the primary key of a range's first row.
pub const FIRST_KEY: u8 = 6;

/// Kind: the catalog, as [`catalog_json`] gives it; what follows the head is ignored.
pub const CATALOG: u8 = 7;

/// Kind: begins a query.
pub const QUERY: u8 = 8;
/// Kind: goes on with a query.
pub const QUERY_NEXT: u8 = 9;
/// Kind: ends a query that need not have come to its end.
pub const QUERY_END: u8 = 10;

/// Flag: from the last to the first.
pub const REVERSE: u8 = 1;
/// Flag: rows carry the key.
pub const KEYS: u8 = 2;
/// Flag: rows carry the document.
pub const VALUES: u8 = 4;
/// Flag: one row for each index key, of the lowest primary key.
pub const UNIQUE: u8 = 8;
/// Flag: rows carry the primary key.
pub const PRIMARY_KEYS: u8 = 16;

/// Flag: `resume` is a point among the entries, see [`Scan::begin_at`].
pub const BEGIN_AT: u8 = 32;

/// Stands for a length where there is nothing.
pub const NOTHING: u32 = u32::MAX;

/// Answers a request; appends the answer to `out`, or nothing if it fails.
///
/// # Errors
/// `INVALID_ARGUMENT` if the request is malformed; `STORE_NOT_FOUND`, `INDEX_NOT_FOUND`,
/// `INDEX_NOT_READY`; `INVALID_KEY` if a bound is; `CORRUPT`.
pub fn respond<'t, 'e: 't>(
    view: impl Into<View<'t, 'e>>,
    (catalog, shared): (&Catalog, &StoreShared),
    request: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    let mut response = Response::growing(out);
    let answered = answer(view.into(), (catalog, shared), request, &mut response);
    if answered.is_err() {
        out.truncate(start);
    }
    answered
}

/// Answers a request into memory of fixed size. Scans end when it is full; other answers may need
/// more.
///
/// # Errors
/// As [`respond`].
pub fn respond_into<'t, 'e: 't>(
    view: impl Into<View<'t, 'e>>,
    (catalog, shared): (&Catalog, &StoreShared),
    request: &[u8],
    out: &mut [u8],
) -> Result<Written> {
    let mut response = Response::fixed(out);
    answer(view.into(), (catalog, shared), request, &mut response)?;
    Ok(response.finish())
}

/// The part that all requests begin with.
struct Head {
    kind: u8,
    flags: u8,
    store: u32,
    index: u32,
    limit: u32,
    offset: u32,
    max_bytes: u32,
}

impl Head {
    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let (kind, flags, zero) = (fields.u8()?, fields.u8()?, fields.u16()?);
        let head = Self {
            kind,
            flags,
            store: fields.u32()?,
            index: fields.u32()?,
            limit: fields.u32()?,
            offset: fields.u32()?,
            max_bytes: fields.u32()?,
        };
        let allowed = match kind {
            SCAN => REVERSE | KEYS | VALUES | UNIQUE | PRIMARY_KEYS | BEGIN_AT,
            FIRST_KEY => REVERSE,
            _ => 0,
        };
        if zero != 0 || flags & !allowed != 0 {
            return Err(fields.malformed());
        }
        Ok(head)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn answer(
    view: View<'_, '_>,
    (catalog, shared): (&Catalog, &StoreShared),
    request: &[u8],
    response: &mut Response<'_>,
) -> Result<()> {
    let mut fields = Fields::new(request, "a read request");
    let head = Head::read(&mut fields)?;
    match head.kind {
        CATALOG => {
            response.push(catalog_json(view, catalog)?.as_bytes());
            return Ok(());
        }
        QUERY | QUERY_NEXT | QUERY_END => {
            let size = (head.limit, head.max_bytes);
            let place = (head.kind, head.store, size);
            return query::answer(view, (catalog, shared), place, fields, response);
        }
        _ => {}
    }
    let store = catalog.require_store(head.store)?;
    match head.kind {
        SCAN | COUNT | FIRST_KEY => {
            let range = read_range(&mut fields)?;
            let resume = fields.sized()?;
            fields.end()?;
            let index = match head.index {
                0 => None,
                id => Some(&**store.ready_index(id)?),
            };
            answer_range(view, (shared, store, index), &head, (range, resume), response)
        }
        GET | GET_MANY | HAS if head.index == 0 => {
            answer_keys(view, store, &head, fields, response)
        }
        _ => Err(fields.malformed()),
    }
}

fn answer_range(
    view: View<'_, '_>,
    (shared, store, index): (&StoreShared, &StoreDef, Option<&IndexDef>),
    head: &Head,
    (range, resume): (KeyRange<'_>, &[u8]),
    response: &mut Response<'_>,
) -> Result<()> {
    let request = Scan {
        range,
        reverse: head.has(REVERSE),
        unique: head.has(UNIQUE),
        parts: RowParts {
            keys: head.has(KEYS),
            primary_keys: head.has(PRIMARY_KEYS),
            values: head.has(VALUES),
        },
        limit: head.limit,
        offset: head.offset,
        max_bytes: head.max_bytes,
        resume,
        begin_at: head.has(BEGIN_AT),
        shared: Some(shared),
    };
    match head.kind {
        COUNT => {
            let count = read::count(view, store, index, &range, head.limit)?;
            response.push(&count.to_le_bytes());
        }
        FIRST_KEY => match first_key(view, store, index, &request)? {
            Some(key) => response.push_sized(&key),
            None => response.push_u32(NOTHING),
        },
        _ => scan(view, store, index, &request, response)?,
    }
    Ok(())
}

fn answer_keys(
    view: View<'_, '_>,
    store: &StoreDef,
    head: &Head,
    mut fields: Fields<'_>,
    response: &mut Response<'_>,
) -> Result<()> {
    let count = fields.u32()?;
    if head.kind == GET && count != 1 {
        return Err(fields.malformed());
    }
    let keys = fields.clone();
    for _ in 0..count {
        fields.sized()?;
    }
    fields.end()?;
    let mut keys = keys;
    let keys = (0..count).map_while(|_| keys.sized().ok());
    if head.kind == HAS {
        for key in keys {
            response.push(&[u8::from(read::has(view.txn(), store, key)?)]);
        }
        return Ok(());
    }
    read::get_many(view.txn(), store, keys, response)
}
