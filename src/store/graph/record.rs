//! The record that names the file of a graph, and says all that there is to know of it.

use zeroize::Zeroizing;

use super::Graph;
use super::calibration::{Calibration, Effort};
use crate::error::{Error, Result};
use crate::seal::{KEY, Key};
use crate::storage::{GraphFileId, ReadTxn, TreeId, graph_file_key, meta};
use crate::vector::{MOST_NODES, format_version};

/// The version of the record.
const VERSION: u8 = 1;
/// How vectors are packed. Another number whenever they are packed otherwise.
const PACKING: u32 = 1;

/// What a record says of a file.
#[derive(Debug, Clone)]
pub(super) struct FileRecord {
    pub id: GraphFileId,
    /// What the graph is like, and how it is written: the file is of use for nothing else.
    pub kind: String,
    /// How many vectors the graph has,
    pub vectors: u64,
    /// which are all with labels below this one that the index had, and has.
    pub below: u64,
    /// How long the longest vector was when the first ones were added.
    pub longest: f64,
    /// How hard searches have to try.
    pub calibration: Calibration,
    /// Bytes.
    pub length: u64,
    pub check: Check,
}

/// How it is known that a file is what was written.
#[derive(Debug, Clone)]
pub(super) enum Check {
    /// By the hash of its bytes (XXH3, 128 bits).
    Hash(u128),
    /// It is sealed with this key, which nothing else has been sealed with.
    Key(Key),
}

impl Graph {
    /// What a file has to be of to be of use for it.
    pub(super) fn kind(&self) -> String {
        let (form, options) = (self.form, self.options);
        format!(
            "hnsw {} packing {PACKING} {} {} {} {} {}",
            format_version(),
            form.metric.as_str(),
            options.precision.as_str(),
            form.dimensions,
            options.m,
            options.ef_construction,
        )
    }
}

impl FileRecord {
    /// The record of an index in the state of a transaction, if it has one.
    ///
    /// # Errors
    /// `CORRUPT`, also for a record of a later version; those of storage.
    pub(super) fn read(txn: &ReadTxn<'_>, tree: TreeId) -> Result<Option<Self>> {
        let Some(payload) = meta::get_record(txn, &graph_file_key(tree))? else { return Ok(None) };
        Self::decode(&Zeroizing::new(payload))
            .map(Some)
            .ok_or_else(|| Error::corrupt("the record of a file with a graph is malformed"))
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let mut take = |len: usize| {
            let (taken, left) = rest.split_at_checked(len)?;
            rest = left;
            Some(taken)
        };
        if take(1)? != [VERSION] {
            return None;
        }
        let id = GraphFileId::new(take(16)?.try_into().ok()?);
        let len = usize::from(*take(1)?.first()?);
        let kind = std::str::from_utf8(take(len)?).ok()?.to_owned();
        let mut number = || Some(u64::from_le_bytes(take(8)?.try_into().ok()?));
        let (vectors, below) = (number()?, number()?);
        let longest = f64::from_bits(number()?);
        let (candidates, of, length) = (number()?, number()?, number()?);
        // Earlier versions know nothing of what is further away, and leave it zero.
        let (candidates, far) = (candidates as u32 as usize, (candidates >> 32) as usize);
        let effort = if candidates == 0 { Effort::All } else { Effort::Graph(candidates) };
        let of = usize::try_from(of).ok()?;
        let calibration = Calibration { effort, far, of, live: of };
        let check = match take(1)? {
            [0] => Check::Hash(u128::from_le_bytes(take(16)?.try_into().ok()?)),
            [1] => Check::Key(Key::from_slice(take(KEY)?)?),
            _ => return None,
        };
        let is_whole = rest.is_empty()
            && longest.is_finite()
            && vectors <= below.min(MOST_NODES as u64)
            && of <= MOST_NODES;
        is_whole.then_some(Self { id, kind, vectors, below, longest, calibration, length, check })
    }

    /// The payload of the record.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut payload = Zeroizing::new(Vec::with_capacity(512));
        payload.push(VERSION);
        payload.extend_from_slice(self.id.bytes());
        // Numbers and a few names: far below 256 bytes.
        payload.push(self.kind.len() as u8);
        payload.extend_from_slice(self.kind.as_bytes());
        let Calibration { effort, far, of, .. } = self.calibration;
        let candidates = match effort {
            Effort::All => 0,
            Effort::Graph(candidates) => u64::from(half(candidates)) | u64::from(half(far)) << 32,
        };
        let longest = self.longest.to_bits();
        for number in [self.vectors, self.below, longest, candidates, of as u64, self.length] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
        match &self.check {
            Check::Hash(hash) => {
                payload.push(0);
                payload.extend_from_slice(&hash.to_le_bytes());
            }
            Check::Key(key) => {
                payload.push(1);
                payload.extend_from_slice(key.bytes());
            }
        }
        payload
    }
}

fn half(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn record(check: Check) -> FileRecord {
        FileRecord {
            id: GraphFileId::random(),
            kind: "hnsw 1 packing 1 cosine bf16 384 16 128".to_owned(),
            vectors: 7,
            below: 9,
            longest: 2.5,
            calibration: Calibration { effort: Effort::Graph(96), far: 324, of: 6, live: 6 },
            length: 12_345,
            check,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let checks = [Check::Hash(1 << 100), Check::Key(Key::new([7; KEY]))];
        for check in checks {
            for (effort, far) in [(Effort::Graph(96), 730), (Effort::Graph(9), 0), (Effort::All, 0)]
            {
                let calibration = Calibration { effort, far, of: 6, live: 6 };
                let written = FileRecord { calibration, ..record(check.clone()) };
                let read = FileRecord::decode(&written.encode()).unwrap();
                assert_eq!(read.encode(), written.encode());
                assert_eq!((read.id, &read.kind), (written.id, &written.kind));
                assert_eq!((read.vectors, read.below, read.length), (7, 9, 12_345));
                assert_eq!((read.longest, read.calibration), (2.5, calibration));
            }
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let payload = record(Check::Hash(1)).encode();
        for len in 0..payload.len() {
            assert!(FileRecord::decode(&payload[..len]).is_none(), "{len} bytes");
        }
        assert!(FileRecord::decode(&[&payload[..], &[0]].concat()).is_none());
        let with = |at: usize, byte: u8| {
            let mut payload = payload.clone();
            payload[at] = byte;
            FileRecord::decode(&payload)
        };
        assert!(with(0, 2).is_none(), "of a later version");
        assert!(with(payload.len() - 17, 2).is_none(), "checked in an unknown way");
        let many = FileRecord { vectors: 10, ..record(Check::Hash(1)) };
        assert!(FileRecord::decode(&many.encode()).is_none());
        let most = MOST_NODES as u64;
        let of = |vectors: u64, of: usize| {
            let calibration = Calibration { of, ..record(Check::Hash(1)).calibration };
            let below = u64::MAX;
            let record = FileRecord { vectors, below, calibration, ..record(Check::Hash(1)) };
            FileRecord::decode(&record.encode()).is_some()
        };
        assert!(of(most, 1) && of(1, MOST_NODES));
        assert!(!of(most + 1, 1) && !of(u64::MAX, 1) && !of(1, MOST_NODES + 1));
    }
}
