//! Data files before they are mapped: refused, or their pages are where the meta page says.

use std::io;
use std::path::Path;

use lodestore::error::ErrorCode;
use lodestore::storage::data_file::{PageSource, check_source};

use super::allow;

struct Bytes<'b>(&'b [u8]);

impl PageSource for Bytes<'_> {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_exact_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
        Ok(())
    }
}

pub fn run(data: &[u8]) {
    const EXPECTED: [ErrorCode; 3] =
        [ErrorCode::NotADatabase, ErrorCode::IncompatibleVersion, ErrorCode::Corrupt];
    let checked = check_source(Bytes(data), Path::new("data.mdb"));
    if allow(checked, &EXPECTED).is_none() || data.is_empty() {
        return;
    }
    let field = |at: usize| u64::from_ne_bytes(*data[at..].first_chunk().unwrap());
    let page_size = u32::from_ne_bytes(*data[40..].first_chunk().unwrap()) as usize;
    let newer = if field(page_size + 144) > field(144) { page_size } else { 0 };
    for root in [field(newer + 80), field(newer + 128)] {
        if root != u64::MAX {
            let page = &data[root as usize * page_size..][..page_size];
            assert_eq!(u64::from_ne_bytes(*page.first_chunk().unwrap()), root);
        }
    }
}
