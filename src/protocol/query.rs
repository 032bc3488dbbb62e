//! Queries: begun, gone on with, and ended.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::executions::{Executions, Work, closed};
use super::fields::Fields;
use super::read::{QUERY, QUERY_END};
use crate::catalog::{Catalog, StoreDef, document};
use crate::error::{ErrorCode, Result};
use crate::execution::{Aggregation, Chunk, Execution, From, Query};
use crate::store::StoreShared;
use crate::store::read::{Response, View};
use crate::value::{NoShapes, Value, decode};

/// Answers a request about a query: its kind, the store's id, and how many rows and bytes the
/// answer may have.
pub(super) fn answer(
    view: View<'_, '_>,
    (catalog, shared): (&Catalog, &StoreShared),
    (kind, store, (rows, max_bytes)): (u8, u32, (u32, u32)),
    mut fields: Fields<'_>,
    response: &mut Response<'_>,
) -> Result<()> {
    let executions = || shared.extension::<Executions>();
    if kind == QUERY_END {
        let id = fields.u32()?;
        fields.end()?;
        executions().end(id);
        return Ok(());
    }
    let from = From { view, catalog, shared };
    let budget = fields.u32()?;
    let chunk = |cancelled| Chunk { rows, max_bytes, budget, cancelled };
    if kind == QUERY {
        let request = fields.sized()?;
        fields.end()?;
        let request = decode(request, &NoShapes).map_err(|_| fields.malformed())?;
        let definition = catalog.require_store(store)?;
        let mut work = begin(from, definition, &request)?;
        let never = AtomicBool::new(false);
        let done = write(from, &mut work, &chunk(&never), response)?;
        response.push_sized(&match done {
            true => Vec::new(),
            false => executions().keep(work, store)?.to_le_bytes().to_vec(),
        });
        return Ok(());
    }
    let id = fields.u32()?;
    fields.end()?;
    let executions = executions();
    let running = executions.get(id)?;
    catalog.require_store(running.store)?;
    let written = {
        let mut work = running.work.lock();
        write(from, &mut work, &chunk(&running.cancelled), response)
    };
    match written {
        Ok(false) => response.push_sized(&id.to_le_bytes()),
        Ok(true) => {
            executions.end(id);
            response.push_sized(&[]);
        }
        Err(error) => {
            executions.end(id);
            let is_closed = error.code() == ErrorCode::Aborted && executions.is_closed();
            return Err(if is_closed { closed() } else { error });
        }
    }
    Ok(())
}

/// A query; a pipeline if `returns` is `'aggregate'`, or `'explainAggregate'`.
fn begin(from: From<'_, '_, '_>, store: &Arc<StoreDef>, request: &Value) -> Result<Work> {
    if let Some(fields) = document::fields(request)
        && let Some(Value::String(returns)) = document::get(fields, "returns")
    {
        let pipeline = match returns.as_str() {
            Some("aggregate") => Some(Aggregation::new(from, store, fields)?),
            Some("explainAggregate") => Some(Aggregation::explained(from, store, fields)?),
            _ => None,
        };
        if let Some(pipeline) = pipeline {
            return Ok(Work::Pipeline(Box::new(pipeline)));
        }
    }
    let query = Query::parse_for(request, store.id)?;
    Ok(Work::Query(Box::new(Execution::new(from.view, from.shared, store, query)?)))
}

/// Writes `u32 rows | u8 done | rows`; tells whether none is left.
fn write(
    from: From<'_, '_, '_>,
    work: &mut Work,
    chunk: &Chunk<'_>,
    response: &mut Response<'_>,
) -> Result<bool> {
    let head = response.position();
    response.push(&[0; 5]);
    let (count, done) = work.next(from, chunk, response)?;
    response.patch(head, &count.to_le_bytes());
    response.patch(head + 4, &[u8::from(done)]);
    Ok(done)
}
