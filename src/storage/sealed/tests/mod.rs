//! Sealed trees against ordered maps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod epochs;
mod model;
mod nodes;
mod reading;
mod structure;

use std::collections::BTreeMap;

use super::commit::create;
use super::store::{Limits, TREES};
use super::*;
use crate::seal::{Cipher, DataKeys, KeyRecord, Random as Generator};
use crate::storage::lmdb::{Dbi, Env, EnvFlags, EnvOptions, RoTxn};
use crate::storage::meta::tag;
use crate::test_random::Random;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// An LMDB environment with sealed trees, and the same trees as other processes would have them:
/// with keys, epochs and a cache of their own.
struct Database {
    env: Env,
    places: Places,
    stores: [SealedStore; 3],
    _directory: tempfile::TempDir,
}

const DATABASE: [u8; 16] = [9; 16];
const ROOTS: [u64; TREES] = [11, 22, u64::MAX, 0];

fn limits(changed: usize) -> Limits {
    Limits { seals: 1 << 28, changed, cached: 512 }
}

impl Database {
    fn new(cipher: Cipher, block_size: u32, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = EnvOptions {
            flags: EnvFlags { no_sync: true, ..EnvFlags::default() },
            map_size: 8 << 30,
            max_readers: 64,
        };
        let env = crate::storage::copy::open_alone(directory.path(), options).unwrap();
        let mut txn = env.write_txn().unwrap();
        let clear = txn.create_tree(c"meta").unwrap();
        let blocks = txn.create_tree(c"docs").unwrap();
        let copies = txn.create_tree(c"log").unwrap();
        let places = Places { blocks, clear, copies };
        let mut random = Generator::new();
        let keys = DataKeys::generate(&mut random).unwrap();
        let (record, _) =
            KeyRecord::new(cipher, block_size, &DATABASE, &keys, b"", &mut random).unwrap();
        put_clear(&mut txn, places, &[tag::KEYS], &record.encode()).unwrap();
        let store = || {
            SealedStore::new(cipher, DATABASE, keys.clone(), block_size, ROOTS).with_limits(limits)
        };
        let stores = [store(), store(), store()];
        create(&stores[0], &mut txn, places).unwrap();
        txn.commit().unwrap();
        Self { env, places, stores, _directory: directory }
    }

    fn entries(&self, dbi: Dbi) -> u64 {
        RoTxn::begin(&self.env).unwrap().get().unwrap().entries(dbi).unwrap()
    }
}
