//! What a file with a graph has in it: the graph's own bytes, which in a sealed database are sealed
//! in frames.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use super::Graph;
use super::record::{Check, FileRecord};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::seal::{Key, Random, SealedReader, SealedWriter};
use crate::storage::{GraphFileId, GraphFiles, GraphFilesLock, expect_random_reads};

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
        let file = files.create(lock, id)?;
        fault::point("graph-file-created");
        let record = self.save(&file, id, is_sealed)?;
        fault::point("graph-file-written");
        files.sync(&file, id)?;
        fault::point("graph-file-synced");
        Ok(record)
    }

    /// Writes what there is between two batches of vectors.
    fn save(&self, file: &File, id: GraphFileId, is_sealed: bool) -> Result<FileRecord> {
        let _whole = self.batch.lock();
        let (length, check) = match is_sealed {
            true => self.save_sealed(file)?,
            false => {
                let mut out = BufWriter::with_capacity(PIECE, Hashed::new(file));
                let written = self.hnsw.write_to(&mut out).and_then(|()| out.flush());
                written.map_err(not_written)?;
                let hashed = out.get_ref();
                (hashed.length, Check::Hash(hashed.hash.digest128()))
            }
        };
        Ok(FileRecord {
            id,
            kind: self.kind(),
            vectors: self.hnsw.len() as u64,
            below: self.progress.lock().next(),
            longest: self.longest.get().copied().unwrap_or_default(),
            calibration: *self.calibration.lock(),
            length,
            check,
        })
    }

    fn save_sealed(&self, file: &File) -> Result<(u64, Check)> {
        let mut filled = Ok(());
        let key = Key::filled(|bytes| filled = Random::new().fill(bytes));
        filled?;
        let written = file.try_clone().and_then(|file| {
            let mut out = SealedWriter::with_key(file, &key);
            self.hnsw.write_to(&mut out)?;
            out.end()
        });
        Ok((written.map_err(not_written)?, Check::Key(key)))
    }

    /// Reads the vectors that were written from the file from now on.
    ///
    /// # Errors
    /// `CORRUPT` if the file is not what was written; `IO`, `PERMISSION`, `RESOURCE_LIMIT`.
    pub(super) fn map_file(&self, files: &GraphFiles, record: &FileRecord) -> Result<()> {
        let file = files.map(record.id)?;
        expect_random_reads(&file);
        let _whole = self.batch.lock();
        if !self.hnsw.map(file, record.vectors) {
            return Err(damaged());
        }
        self.set_waiting(false);
        Ok(())
    }

    /// As [`read_file`](Self::read_file), but the vectors stay in the file, which is not sealed.
    ///
    /// # Errors
    /// Those of [`read_file`](Self::read_file).
    pub(super) fn read_mapped(&self, files: &GraphFiles, record: &FileRecord) -> Result<()> {
        let Check::Hash(hash) = &record.check else { return Err(damaged()) };
        let file = files.map(record.id)?;
        if (file.len() as u64, xxh3_128(&file)) != (record.length, *hash) {
            return Err(damaged());
        }
        expect_random_reads(&file);
        let is_of_use = self.hnsw.read_mapped(file, record.vectors);
        if is_of_use.map_err(not_read)? { Ok(()) } else { Err(damaged()) }
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
                file.rewind().map_err(not_read)?;
                let mut file = BufReader::with_capacity(PIECE, file);
                self.hnsw.read_from(&mut file, vectors)
            }
            (Check::Key(key), true) => {
                let mut file = SealedReader::with_key(file, key, record.length);
                self.hnsw.read_from(&mut file, vectors)
            }
            // Sealed otherwise than the database that names it.
            _ => Ok(false),
        };
        if is_of_use.map_err(not_read)? { Ok(()) } else { Err(damaged()) }
    }
}

/// Bytes that are written to a file, and their hash.
struct Hashed<'f> {
    file: &'f File,
    hash: Xxh3Default,
    length: u64,
}

impl<'f> Hashed<'f> {
    fn new(file: &'f File) -> Self {
        Self { file, hash: Xxh3Default::new(), length: 0 }
    }
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
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
        std::io::ErrorKind::OutOfMemory => {
            Error::new(ErrorCode::ResourceLimit, "there is no memory for the file of a graph")
        }
        _ => Error::new(ErrorCode::Io, "cannot read the file of a graph").with_cause(error),
    }
}
