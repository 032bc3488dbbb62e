//! Queries: begun, gone on with, and ended.

use std::sync::atomic::AtomicBool;

use super::executions::Executions;
use super::fields::Fields;
use super::read::{QUERY, QUERY_END};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::execution::{Chunk, Execution, Query};
use crate::store::StoreShared;
use crate::store::read::{Response, View};
use crate::value::{NoShapes, decode};

/// Answers a request about a query: its kind, the store's id, and how many rows and bytes the
/// answer may have.
pub(super) fn answer(
    view: View<'_, '_>,
    (catalog, shared): (&Catalog, &StoreShared),
    (kind, store, (rows, max_bytes)): (u8, u32, (u32, u32)),
    mut fields: Fields<'_>,
    response: &mut Response<'_>,
) -> Result<()> {
    let executions = shared.extension::<Executions>();
    if kind == QUERY_END {
        let id = fields.u32()?;
        fields.end()?;
        executions.end(id);
        return Ok(());
    }
    let budget = fields.u32()?;
    let chunk = |cancelled| Chunk { rows, max_bytes, budget, cancelled };
    if kind == QUERY {
        let request = fields.sized()?;
        fields.end()?;
        let request = decode(request, &NoShapes).map_err(|_| fields.malformed())?;
        let query = Query::parse(&request)?;
        let definition = catalog.require_store(store)?;
        let mut execution = Execution::new(view, shared, definition, query)?;
        let never = AtomicBool::new(false);
        let done = write(view, shared, &mut execution, &chunk(&never), response)?;
        response.push_sized(&match done {
            true => Vec::new(),
            false => executions.keep(execution, store).to_le_bytes().to_vec(),
        });
        return Ok(());
    }
    let id = fields.u32()?;
    fields.end()?;
    let running = executions.get(id)?;
    catalog.require_store(running.store)?;
    let written = {
        let mut execution = running.execution.lock();
        write(view, shared, &mut execution, &chunk(&running.cancelled), response)
    };
    match written {
        Ok(false) => response.push_sized(&id.to_le_bytes()),
        Ok(true) => {
            executions.end(id);
            response.push_sized(&[]);
        }
        Err(error) => {
            executions.end(id);
            return Err(error);
        }
    }
    Ok(())
}

/// Writes `u32 rows | u8 done | rows`; tells whether none is left.
fn write(
    view: View<'_, '_>,
    shared: &StoreShared,
    execution: &mut Execution,
    chunk: &Chunk<'_>,
    response: &mut Response<'_>,
) -> Result<bool> {
    let head = response.position();
    response.push(&[0; 5]);
    let (count, done) = execution.next(view, shared, chunk, response)?;
    response.patch(head, &count.to_le_bytes());
    response.patch(head + 4, &[u8::from(done)]);
    Ok(done)
}
