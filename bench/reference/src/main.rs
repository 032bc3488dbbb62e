//! One document after another through bare heed: a commit each, with the same changes to trees as
//! the benchmark's documents need (the document, an entry in each of two indexes), and nothing of
//! what a document store does besides.
//!
//! `lodestore-bench-reference <directory> <strict|relaxed|none> <seconds>` prints
//! `{"puts":…,"seconds":…}`.

use std::error::Error;
use std::time::{Duration, Instant};

use heed::byteorder::BE;
use heed::types::{Bytes, Str, U64, Unit};
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, WithTls};

/// As many bytes as an encoded document has.
const VALUE: usize = 180;
const CITIES: u64 = 1_000;
const SCORE_MODULUS: u64 = 1_000_003;

struct Trees {
    env: Env<WithTls>,
    documents: Database<'static, U64<BE>, Bytes>,
    by_city: Database<'static, Str, Unit>,
    by_score: Database<'static, Bytes, Unit>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, durability, seconds] = arguments.as_slice() else {
        return Err("usage: <directory> <strict|relaxed|none> <seconds>".into());
    };
    let seconds = Duration::from_secs_f64(seconds.parse()?);
    let trees = Trees::open(directory, durability)?;
    let warm = trees.put_for(seconds / 5, 0)?;
    let started = Instant::now();
    let end = trees.put_for(seconds, warm)?;
    let spent = started.elapsed();
    trees.check(end)?;
    println!("{{\"puts\":{},\"seconds\":{}}}", end - warm, spent.as_secs_f64());
    Ok(())
}

impl Trees {
    fn open(directory: &str, durability: &str) -> Result<Self, Box<dyn Error>> {
        let flags = match durability {
            "strict" => EnvFlags::empty(),
            "relaxed" => EnvFlags::NO_META_SYNC,
            "none" => EnvFlags::NO_SYNC,
            other => return Err(format!("there is no durability {other}").into()),
        };
        let mut options = EnvOpenOptions::new();
        options.map_size(4 << 30).max_dbs(3);
        // SAFETY: the directory is new and nothing else has it open; without syncs it is thrown
        // away after a power failure, like every database of the benchmark.
        let env = unsafe { options.flags(flags).open(directory)? };
        let txn = env.write_txn()?;
        let (documents, by_city, by_score) = env
            .create_databases_and_commit(txn, |opener, txn| -> heed::Result<_> {
                let documents = opener.create_database(txn, Some("documents"))?;
                let by_city = opener.create_database(txn, Some("byCity"))?;
                let by_score = opener.create_database(txn, Some("byScore"))?;
                Ok(CommitOrAbort::<_, ()>::Commit((documents, by_city, by_score)))
            })?
            .unwrap_commit();
        Ok(Self { env, documents, by_city, by_score })
    }

    /// Commits documents from `next` on until the time is up. Answers with the first that is left.
    fn put_for(&self, time: Duration, mut next: u64) -> heed::Result<u64> {
        let started = Instant::now();
        while started.elapsed() < time {
            let mut txn = self.env.write_txn()?;
            self.documents.put(&mut txn, &next, &value(next))?;
            self.by_city.put(&mut txn, &city_entry(next), &())?;
            self.by_score.put(&mut txn, &score_entry(next), &())?;
            txn.commit()?;
            next += 1;
        }
        Ok(next)
    }

    /// Everything that was put is there.
    fn check(&self, count: u64) -> Result<(), Box<dyn Error>> {
        let txn = self.env.read_txn()?;
        let lengths =
            [self.documents.len(&txn)?, self.by_city.len(&txn)?, self.by_score.len(&txn)?];
        if lengths != [count; 3] {
            return Err(format!("{count} documents were put, and {lengths:?} are there").into());
        }
        for i in 0..count {
            if self.documents.get(&txn, &i)? != Some(&value(i)[..]) {
                return Err(format!("document {i} differs").into());
            }
        }
        Ok(())
    }
}

fn value(i: u64) -> [u8; VALUE] {
    let mut bytes = [0; VALUE];
    let mut word = i;
    for chunk in bytes.chunks_mut(8) {
        word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ i;
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

fn city_entry(i: u64) -> String {
    format!("City {:03} {i:010}", i * 7_919 % CITIES)
}

fn score_entry(i: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(i * 48_271 % SCORE_MODULUS).to_be_bytes());
    bytes[8..].copy_from_slice(&i.to_be_bytes());
    bytes
}
