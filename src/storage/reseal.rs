//! A copy that is encrypted otherwise than its source: not at all, or with other keys.

use std::path::Path;

use super::care::Care;
use super::copy::create_environment;
use super::format::{FormatRecord, flag};
use super::lmdb::{Env, PutMode};
use super::meta::{TREE, tag};
use super::options::Encryption;
use super::sealed::{NewKeys, SealedStore};
use super::tree::RawCursor;
use super::txn::{ReadTxn, Table, Tables, WriteTxn};
use crate::error::Result;

/// Bytes of keys and values in one transaction of the copy.
const BATCH: usize = 16 << 20;
/// Entries between two reports of progress.
const PROGRESS_STEP: u64 = 1_000;

/// Copies everything that `source` sees, which has the format record `format`, to a new environment
/// in the empty directory `target`.
///
/// # Errors
/// `ABORTED`, `DISK_FULL`, `IO`, `PERMISSION`; `CORRUPT` if the source is damaged.
pub(super) fn copy_resealed(
    source: &ReadTxn<'_>,
    format: &FormatRecord,
    target: &Path,
    map_size: usize,
    encryption: Option<&Encryption>,
    (phase, care): (&str, &dyn Care),
) -> Result<()> {
    let (env, tables) = create_environment(target, map_size)?;
    let mut format = FormatRecord { page_size: env.page_size(), ..*format };
    let keys = match encryption {
        Some(encryption) => {
            format.flags |= flag::SEALED;
            Some(NewKeys::generate(encryption, format.uuid, format.page_size)?)
        }
        None => {
            format.flags &= !flag::SEALED;
            None
        }
    };
    let mut txn = WriteTxn::new(env.write_txn()?, tables);
    format.write(&mut txn)?;
    let sealed = keys.map(|keys| keys.create(txn.raw_mut(), tables.places())).transpose()?;
    txn.commit()?;
    let copy = Copy { source, env: &env, tables, sealed: sealed.as_ref(), phase, care };
    let mut done = 0;
    for table in Table::ALL {
        copy.table(table, &mut done)?;
    }
    care.progress(phase, done, done);
    env.sync()?;
    super::unfinished::sync(target)
}

struct Copy<'c, 's> {
    source: &'c ReadTxn<'s>,
    env: &'c Env,
    tables: Tables,
    sealed: Option<&'c SealedStore>,
    phase: &'c str,
    care: &'c dyn Care,
}

impl Copy<'_, '_> {
    fn begin(&self) -> Result<WriteTxn<'_>> {
        let raw = self.env.write_txn()?;
        Ok(match self.sealed {
            None => WriteTxn::new(raw, self.tables),
            Some(store) => WriteTxn::of_sealed(raw, self.tables, store),
        })
    }

    fn table(&self, table: Table, done: &mut u64) -> Result<()> {
        let own = [tag::FORMAT, tag::SPACE_KEY, tag::LAST_SPACE_KEY]
            .map(|tag| [&*TREE.id.prefix(), &[tag]].concat());
        let graph_files = [&*TREE.id.prefix(), &[tag::GRAPH_FILE]].concat();
        let mut cursor = RawCursor::open(self.source, table)?;
        let mut txn = self.begin()?;
        let mut bytes = 0;
        while cursor.next()? {
            let Some((key, value)) = cursor.entry() else { break };
            // In a database that is not sealed the format record stands among the others; the copy
            // has its own. So it has its own key for its spaces, if it has any.
            if table == Table::Meta && own.iter().any(|own| own == key) {
                continue;
            }
            // The files stay where they are, sealed as the source is.
            if table == Table::Meta && key.starts_with(&graph_files) {
                continue;
            }
            self.care.check_cancelled()?;
            txn.write(table, key, value.len(), &[PutMode::Append, PutMode::Upsert], |out| {
                out.copy_from_slice(value);
            })?;
            bytes += key.len() + value.len();
            *done += 1;
            if done.is_multiple_of(PROGRESS_STEP) {
                self.care.progress(self.phase, *done, *done);
            }
            if bytes > BATCH {
                txn.commit()?;
                txn = self.begin()?;
                bytes = 0;
            }
        }
        txn.commit()
    }
}
