//! Runs packed operations in a write transaction.

use super::ops::{self, Op, Ops};
use super::update_op::{LastRequest, Merging, Updating, result_bits, upsert};
use super::where_op::{self, WhereRequest};
use super::{outcome, pipeline_op, range, read, schema_op, shape_op};
use crate::error::{Error, ErrorCode, Result};
use crate::storage::WriteTxn;
use crate::store::{
    Failure, KeySource, Outcome, Put, Reference, Schema, StoreShared, Writer, nested,
};

/// Runs operations of an interactive transaction and appends their results to `out`.
///
/// Savepoints, commit and rollback are the caller's: split them off (see [`Ops`]).
///
/// # Errors
/// `INVALID_ARGUMENT` if the buffer is malformed, with nothing done; otherwise only failures after
/// which the transaction has to be rolled back. Those of single operations are results.
pub fn run_tx_ops(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    ops: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    ops::check_frames(ops)?;
    Runner::new(Writer::new(shared), true).run(txn, ops, out)
}

/// Runs operations of a plain batch, whose frames have been checked.
pub(super) fn run_batch(
    txn: &mut WriteTxn<'_>,
    shared: &StoreShared,
    ops: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    Runner::new(Writer::new(shared).registering_shapes(), false).run(txn, ops, out)
}

struct Runner<'s> {
    writer: Writer<'s>,
    /// Whether a caller waits for each buffer inside an open transaction.
    interactive: bool,
    last_update: LastRequest,
}

impl<'s> Runner<'s> {
    fn new(writer: Writer<'s>, interactive: bool) -> Self {
        Self { writer, interactive, last_update: LastRequest::default() }
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut ops = Ops::new(bytes);
        while let Some(op) = ops.next() {
            let op = op?;
            let (done, at) = match op.code {
                ops::ATOMIC_GROUP => {
                    let mut at = 0;
                    (self.group(txn, &mut ops, op.store, &mut at, out), Some(at))
                }
                _ => (self.single(txn, &op, out), None),
            };
            match done {
                Ok(()) => {}
                Err(Failure::Refused(error)) => outcome::push_error(out, &error, at),
                Err(Failure::Fatal(error)) => return Err(error),
            }
        }
        self.writer.flush(txn).map_err(Failure::into_error)
    }

    /// Runs one operation; appends its result only if it succeeds.
    fn single(&mut self, txn: &mut WriteTxn<'_>, op: &Op<'_>, out: &mut Vec<u8>) -> Outcome<()> {
        match op.code {
            ops::PUT | ops::ADD => {
                let key = self.writer.put(txn, &put(op)?)?;
                if op.has(ops::FLAG_RETURN_KEY) {
                    outcome::push_key(out, key);
                } else {
                    outcome::push_ok(out);
                }
            }
            ops::DELETE => {
                let deleted = self.writer.delete(txn, op.store, op.key)?;
                if op.has(ops::FLAG_RETURN_KEY) {
                    outcome::push_number(out, u64::from(deleted));
                } else {
                    outcome::push_ok(out);
                }
            }
            ops::UPDATE => {
                let result = self.update(txn, op)?;
                outcome::push_number(out, u64::from(result));
            }
            ops::UPSERT => {
                let (result, key) = self.upsert(txn, op)?;
                outcome::push_payload(out, &[&[result], key.as_slice()].concat());
            }
            ops::UPDATE_WHERE => {
                let answer = self.update_where(txn, op)?;
                outcome::push_payload(out, &answer);
            }
            ops::DELETE_WHERE => {
                let request = WhereRequest::decode(op)?;
                let done = request.carry_out(self.writer.shared(), |find| {
                    self.writer.delete_many(txn, op.store, find)
                })?;
                if request.is_batch() {
                    outcome::push_payload(out, &where_op::answer(&request, &done));
                } else {
                    outcome::push_number(out, done.0.modified);
                }
            }
            ops::PIPELINE => {
                let written = pipeline_op::run(&mut self.writer, txn, op)?;
                outcome::push_number(out, written);
            }
            ops::DELETE_RANGE => {
                let range = range::decode_range(op.key)?;
                let deleted = self.writer.delete_range(txn, op.store, &range)?;
                outcome::push_number(out, deleted);
            }
            ops::CLEAR => {
                self.schema(txn, |schema| schema.clear_store(&Reference::Id(op.store)))?;
                outcome::push_ok(out);
            }
            ops::SCHEMA => {
                let request = schema_op::decode(op.value)?;
                let answer = self.schema(txn, |schema| schema_op::run(schema, request))?;
                outcome::push_payload(out, &answer);
            }
            ops::REGISTER_SHAPES if !self.interactive => {
                self.writer.flush(txn)?;
                let answer = shape_op::register(txn, self.writer.shared(), op.store, op.value)?;
                self.writer.forget();
                outcome::push_payload(out, answer.as_bytes());
            }
            ops::READ_FIRST..=ops::READ_LAST if self.interactive => {
                let state = self.writer.state(txn)?;
                let shared = self.writer.shared();
                outcome::push_payload_with(out, |out| {
                    read::respond(&*txn, (&state.catalog, shared), op.value, out)
                })?;
            }
            code => return Err(misplaced(code, self.interactive).into()),
        }
        Ok(())
    }

    /// Updates one document; returns what became of it.
    fn update(&mut self, txn: &mut WriteTxn<'_>, op: &Op<'_>) -> Outcome<u8> {
        let mut updating = Updating::new(self.last_update.read(op.value)?);
        self.writer.edit(txn, op.store, op.key, &mut updating).map(result_bits)
    }

    /// Merges a document into another one, or inserts it; returns what became of it, and its key.
    fn upsert(&mut self, txn: &mut WriteTxn<'_>, op: &Op<'_>) -> Outcome<(u8, Vec<u8>)> {
        let (index, put) = upsert(op, put(op)?)?;
        let mut merging = Merging::new(&put, op.has(ops::FLAG_FRESH));
        let (result, key) = self.writer.upsert(txn, &put, index, &mut merging)?;
        Ok((result_bits(result), key))
    }

    /// Updates the documents that a query finds, or inserts one.
    fn update_where(&mut self, txn: &mut WriteTxn<'_>, op: &Op<'_>) -> Outcome<Vec<u8>> {
        let request = WhereRequest::decode(op)?;
        let mut updating = Updating::new(request.update()?);
        let done = request.carry_out(self.writer.shared(), |find| {
            self.writer.edit_many(txn, op.store, find, &mut updating)
        })?;
        let mut answer = where_op::answer(&request, &done);
        if request.upserts() && done.0.matched == 0 {
            let mut make = |shapes: &_| updating.insertion(request.document()?, shapes);
            let fresh = request.fresh_key();
            answer.extend(self.writer.insert(txn, op.store, &mut make, fresh)?);
        }
        Ok(answer)
    }

    /// Runs the next `count` operations so that all of them or none happen. `at` is the position of
    /// the one that runs.
    fn group(
        &mut self,
        txn: &mut WriteTxn<'_>,
        ops: &mut Ops<'_>,
        count: u32,
        at: &mut usize,
        out: &mut Vec<u8>,
    ) -> Outcome<()> {
        let group: Vec<Op<'_>> = ops.by_ref().take(count as usize).collect::<Result<_>>()?;
        if let [op] = group.as_slice() {
            let mut results = GroupResults::default();
            return self.grouped(txn, op, &mut results).map(|()| results.push_to(out));
        }
        self.writer.flush(txn)?;
        let done = nested(txn, |child| {
            let mut results = GroupResults::default();
            for op in &group {
                self.grouped(child, op, &mut results)?;
                *at += 1;
            }
            self.writer.flush(child)?;
            Ok(results)
        });
        match done {
            Ok(results) => {
                results.push_to(out);
                Ok(())
            }
            Err(failure) => {
                self.writer.forget();
                Err(failure)
            }
        }
    }

    /// Runs an operation of a group and notes its key, or what became of what it updated.
    fn grouped(
        &mut self,
        txn: &mut WriteTxn<'_>,
        op: &Op<'_>,
        results: &mut GroupResults,
    ) -> Outcome<()> {
        match op.code {
            ops::PUT | ops::ADD => {
                let key = self.writer.put(txn, &put(op)?)?;
                results.push(op.has(ops::FLAG_RETURN_KEY).then_some(key));
            }
            ops::UPDATE => {
                let result = self.update(txn, op)?;
                results.push(Some(&[result]));
            }
            ops::UPSERT => {
                let (result, key) = self.upsert(txn, op)?;
                results.push(Some(&[&[result], key.as_slice()].concat()));
            }
            _ => {
                self.single(txn, op, &mut Vec::new())?;
                results.push(None);
            }
        }
        Ok(())
    }

    /// Changes the schema in a nested transaction.
    fn schema<T>(
        &mut self,
        txn: &mut WriteTxn<'_>,
        work: impl FnOnce(&mut Schema<'_, '_, '_>) -> Result<T>,
    ) -> Outcome<T> {
        self.writer.flush(txn)?;
        let shared = self.writer.shared();
        let done = nested(txn, |child| Ok(work(&mut Schema::new(child, shared)?)?));
        self.writer.forget();
        done
    }
}

/// The keys of a group's operations.
#[derive(Default)]
struct GroupResults {
    payload: Vec<u8>,
    any: bool,
}

impl GroupResults {
    fn push(&mut self, key: Option<&[u8]>) {
        self.any |= key.is_some();
        let len = key.map_or(outcome::NO_KEY, |key| key.len() as u32);
        self.payload.extend_from_slice(&len.to_le_bytes());
        self.payload.extend_from_slice(key.unwrap_or_default());
    }

    fn push_to(&self, out: &mut Vec<u8>) {
        if self.any {
            outcome::push_payload(out, &self.payload);
        } else {
            outcome::push_ok(out);
        }
    }
}

fn put<'a>(op: &Op<'a>) -> Result<Put<'a>> {
    const SOURCES: u8 = ops::FLAG_PATCH | ops::FLAG_INLINE | ops::FLAG_GENERATE;
    let key = match op.flags & SOURCES {
        0 => KeySource::Given(op.key),
        _ if !op.key.is_empty() => return Err(contradiction()),
        ops::FLAG_PATCH => KeySource::Patched(op.patch),
        ops::FLAG_INLINE => KeySource::Inline,
        ops::FLAG_GENERATE => KeySource::Generated,
        _ => return Err(contradiction()),
    };
    Ok(Put { store: op.store, key, document: op.value, insert_only: op.code == ops::ADD })
}

fn contradiction() -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        "packed operations: the flags of an operation contradict its key or each other",
    )
}

fn misplaced(code: u8, interactive: bool) -> Error {
    let place = if interactive { "in a transaction" } else { "in a plain batch" };
    Error::new(
        ErrorCode::InvalidArgument,
        format!("packed operations: {code:#04x} is not an operation {place}"),
    )
}
