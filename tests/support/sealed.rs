//! Tests of sealed databases: `LODESTORE_TEST_SEALED=1` makes the tests that use these helpers run
//! on sealed databases.

#![allow(dead_code, reason = "each test uses its own part")]

use lodestore::seal::Secret;
use lodestore::storage::{Encryption, OpenOptions};

/// How databases of tests are encrypted: not at all, unless the environment says so.
pub fn encryption() -> Option<Encryption> {
    let wanted = std::env::var_os("LODESTORE_TEST_SEALED").is_some_and(|value| value == "1");
    wanted.then(|| Encryption::with(Secret::key([7; 32])))
}

/// The usual options, sealed if the environment says so.
pub fn options() -> OpenOptions {
    OpenOptions { encryption: encryption(), ..OpenOptions::default() }
}
