//! Results of operations: one record for each, in order.
//!
//! `u8 status | …`: 0 ok · 1 error: u32 length, error document · 2 ok with key: u32 length, key ·
//! 3 ok with number: u64 · 4 ok with payload: u32 length, bytes. All little-endian.

use super::error_document::encode_error;
use crate::error::Error;

/// Status: done, nothing to say.
pub const OK: u8 = 0;
/// Status: failed; an error document follows.
pub const ERROR: u8 = 1;
/// Status: done; the primary key follows.
pub const KEY: u8 = 2;
/// Status: done; a number follows.
pub const NUMBER: u8 = 3;
/// Status: done; a payload follows.
pub const PAYLOAD: u8 = 4;
/// Stands for a length where there is no key.
pub const NO_KEY: u32 = u32::MAX;

/// Appends [`OK`].
pub fn push_ok(out: &mut Vec<u8>) {
    out.push(OK);
}

/// Appends an error. `at` is the position of the failing operation in its atomic group.
pub fn push_error(out: &mut Vec<u8>, error: &Error, at: Option<usize>) {
    push_bytes(out, ERROR, &encode_error(error, at));
}

/// Appends a primary key.
pub fn push_key(out: &mut Vec<u8>, key: &[u8]) {
    push_bytes(out, KEY, key);
}

/// Appends a number.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    out.push(NUMBER);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends a payload.
pub fn push_payload(out: &mut Vec<u8>, payload: &[u8]) {
    push_bytes(out, PAYLOAD, payload);
}

/// Appends a payload that `fill` writes, without a copy; if it fails, nothing is appended.
pub fn push_payload_with<E>(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[PAYLOAD, 0, 0, 0, 0]);
    if let Err(error) = fill(out) {
        out.truncate(start);
        return Err(error);
    }
    let len = (out.len() - start - 5) as u32;
    if let Some(slot) = out.get_mut(start + 1..start + 5) {
        slot.copy_from_slice(&len.to_le_bytes());
    }
    Ok(())
}

/// Whether all results are [`OK`], so that nothing needs to travel.
///
/// Every other record begins with a byte that is not 0.
pub fn all_ok(results: &[u8]) -> bool {
    results.iter().all(|byte| *byte == OK)
}

/// Whether any of the results is an [`ERROR`].
pub fn any_failed(results: &[u8]) -> bool {
    let mut rest = results;
    while let Some((status, behind)) = rest.split_first() {
        let length = match *status {
            OK => 0,
            NUMBER => size_of::<u64>(),
            ERROR => return true,
            _ => {
                let length = behind.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
                length.map_or(behind.len(), |length| size_of::<u32>() + length as usize)
            }
        };
        rest = behind.get(length..).unwrap_or_default();
    }
    false
}

fn push_bytes(out: &mut Vec<u8>, status: u8, bytes: &[u8]) {
    out.push(status);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn failures_are_found_wherever_they_stand() {
        let error = Error::new(ErrorCode::KeyExists, "taken");
        let mut results = Vec::new();
        push_ok(&mut results);
        // Bytes that look like a failure.
        push_number(&mut results, u64::from_le_bytes([ERROR; 8]));
        push_key(&mut results, &[ERROR, ERROR]);
        push_payload(&mut results, &[ERROR]);
        push_key(&mut results, &[]);
        assert!(!any_failed(&results));
        assert!(!any_failed(&[]));
        for at_end in [false, true] {
            let mut results = results.clone();
            push_error(&mut results, &error, None);
            if !at_end {
                push_ok(&mut results);
            }
            assert!(any_failed(&results));
        }
    }
}
