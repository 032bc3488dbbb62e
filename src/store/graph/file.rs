//! What a file with a graph has in it: what the library writes, which in a sealed database is
//! sealed in frames.

use std::fs::File;
use std::io::{Read, Seek, Write};

use xxhash_rust::xxh3::Xxh3Default;
use zeroize::Zeroizing;

use super::Graph;
use super::record::{Check, FileRecord};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::seal::{Key, Random, SealedReader, SealedWriter};
use crate::storage::{GraphFileId, GraphFiles, GraphFilesLock};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

impl Graph {
    /// Writes a new file, and puts it on disk; gives the record that is to name it.
    ///
    /// # Errors
    /// `IO`, `DISK_FULL`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub(super) fn write_file(
        &self,
        files: &GraphFiles,
        lock: &GraphFilesLock,
        is_sealed: bool,
    ) -> Result<FileRecord> {
        let id = GraphFileId::random();
        let written = self.write_file_of(id, (files, lock), is_sealed);
        written.inspect_err(|_| files.remove(id))
    }

    fn write_file_of(
        &self,
        id: GraphFileId,
        (files, lock): (&GraphFiles, &GraphFilesLock),
        is_sealed: bool,
    ) -> Result<FileRecord> {
        let mut file = files.create(lock, id)?;
        fault::point("graph-file-created");
        let (mut record, bytes) = self.save(id, files, is_sealed)?;
        // What is added from here on is not in the file.
        record.check = match (&bytes, is_sealed) {
            (Some(bytes), true) => write_sealed(&file, bytes)?,
            (Some(bytes), false) => {
                file.write_all(bytes).map_err(not_written)?;
                check_plain(&mut file, record.length)?
            }
            (None, _) => check_plain(&mut file, record.length)?,
        };
        drop(bytes);
        fault::point("graph-file-written");
        files.sync(&file, id)?;
        fault::point("graph-file-synced");
        Ok(record)
    }

    /// Has the library write what there is between two batches of vectors, to the file if that may
    /// be read by anyone, else to memory; gives the record, without the check.
    fn save(
        &self,
        id: GraphFileId,
        files: &GraphFiles,
        is_sealed: bool,
    ) -> Result<(FileRecord, Option<Zeroizing<Vec<u8>>>)> {
        let _whole = self.batch.lock();
        let saved = if is_sealed { None } else { self.hnsw.save(&files.path(id))? };
        let (length, bytes) = match saved {
            Some(length) => (length, None),
            None => {
                let bytes = self.hnsw.to_bytes()?;
                (bytes.len() as u64, Some(bytes))
            }
        };
        let calibration = *self.calibration.lock();
        let record = FileRecord {
            id,
            kind: self.kind(),
            vectors: self.hnsw.len() as u64,
            below: self.progress.lock().next(),
            longest: self.longest.get().copied().unwrap_or_default(),
            effort: calibration.effort(),
            calibrated: calibration.of() as u64,
            length,
            check: Check::Hash(0),
        };
        Ok((record, bytes))
    }

    /// Takes up what a file has. After an error the graph is as it was.
    ///
    /// # Errors
    /// `CORRUPT` if the file is not what the record says; `IO`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub(super) fn read_file(
        &self,
        files: &GraphFiles,
        record: &FileRecord,
        is_sealed: bool,
    ) -> Result<()> {
        let mut file = files.open(record.id)?;
        let vectors = record.vectors;
        let is_of_use = match (&record.check, is_sealed) {
            (Check::Hash(hash), false) => {
                let found = hash_of(&mut file).map_err(not_read)?;
                if found != (record.length, *hash) {
                    return Err(damaged());
                }
                match self.hnsw.load(&files.path(record.id), vectors)? {
                    Some(is_of_use) => is_of_use,
                    None => {
                        let bytes = read_all(&mut file, record.length)?;
                        self.hnsw.load_bytes(&bytes, vectors)?
                    }
                }
            }
            (Check::Key(key), true) => {
                let mut file = SealedReader::with_key(file, key, record.length);
                let bytes = read_all(&mut file, record.length)?;
                self.hnsw.load_bytes(&bytes, vectors)?
            }
            // Sealed otherwise than the database that names it.
            _ => false,
        };
        if is_of_use { Ok(()) } else { Err(damaged()) }
    }
}

/// Whether a graph that takes so many bytes in a file, and about as many in memory, can be written
/// and read within a limit: to be sealed it has to be in memory twice.
pub(super) fn fits(length: u64, is_sealed: bool, limit: u64) -> bool {
    let times = if is_sealed { 2 } else { 1 };
    length.saturating_mul(times) <= limit
}

/// What a file has to be checked by that has to be so long.
fn check_plain(file: &mut File, length: u64) -> Result<Check> {
    // The library does not tell of everything that fails.
    let (written, hash) = hash_of(file).map_err(not_written)?;
    if written != length {
        let message = "the file of a graph was not written as a whole";
        return Err(Error::new(ErrorCode::Io, message));
    }
    Ok(Check::Hash(hash))
}

fn write_sealed(file: &File, bytes: &[u8]) -> Result<Check> {
    let mut filled = Ok(());
    let key = Key::filled(|bytes| filled = Random::new().fill(bytes));
    filled?;
    let written = file.try_clone().map(|file| SealedWriter::with_key(file, &key));
    written
        .and_then(|mut writer| writer.write_all(bytes).and_then(|()| writer.end()))
        .map_err(not_written)?;
    Ok(Check::Key(key))
}

fn hash_of(file: &mut File) -> std::io::Result<(u64, u128)> {
    file.rewind()?;
    let mut hash = Xxh3Default::new();
    let (mut piece, mut length) = (vec![0; PIECE], 0);
    loop {
        let read = file.read(&mut piece)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        length += read as u64;
    }
    Ok((length, hash.digest128()))
}

/// Reads a file of a known length.
fn read_all(file: &mut impl Read, length: u64) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let length = usize::try_from(length).map_err(|_| damaged())?;
    bytes.try_reserve_exact(length).map_err(|_| {
        Error::new(ErrorCode::ResourceLimit, "there is no memory for the file of a graph")
    })?;
    // Not one more: what is read is not moved, so that no copy of it is left behind.
    file.take(length as u64).read_to_end(&mut bytes).map_err(not_read)?;
    if bytes.len() == length { Ok(bytes) } else { Err(damaged()) }
}

fn damaged() -> Error {
    Error::corrupt("the file is not what was written")
}

fn not_written(error: std::io::Error) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        _ => ErrorCode::Io,
    };
    Error::new(code, "cannot write the file of a graph").with_cause(error)
}

fn not_read(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData => damaged(),
        _ => Error::new(ErrorCode::Io, "cannot read the file of a graph").with_cause(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_has_to_fit_twice() {
        for (length, plain, sealed) in [(50, true, true), (51, true, false), (101, false, false)] {
            assert_eq!(fits(length, false, 100), plain);
            assert_eq!(fits(length, true, 100), sealed);
        }
        assert!(!fits(u64::MAX, true, u64::MAX - 1));
    }
}
