//! The content of the lock file: only nothing, and this boot's id, mean that all was synced.

use lodestore::storage::lock_file::tells_of_unsynced_writes;

const BOOT_ID: &str = "5c1f7a3e-6f0c-4d8b-9d1e-2a7b3c4d5e6f";

pub fn run(data: &[u8]) {
    let is_this_boot = String::from_utf8_lossy(data).trim_ascii() == BOOT_ID;
    assert_eq!(tells_of_unsynced_writes(data, Some(BOOT_ID)), !data.is_empty() && !is_this_boot);
    assert_eq!(tells_of_unsynced_writes(data, None), !data.is_empty());
}
