//! What only the machine and its operating system know: file identity, locks, network file systems,
//! the boot id.

mod processor;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::File;
use std::io;

use memmap2::Mmap;

pub use processor::prefetch;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// Maps a file that is never written again. What is not in memory is read page by page, when it is
/// used; if that fails, the process ends, as it does where the data file cannot be read.
pub fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: files of graphs are complete before they are named, have names of their own, and are
    // written by nobody then; they are removed, which leaves those that are mapped as they are. Who
    // may write the directory of a database can do the same to the data file, which is mapped, too.
    unsafe { Mmap::map(file) }
}

/// Tells that a file that is mapped will be read here and there from now on.
pub fn expect_random_reads(map: &Mmap) {
    // Advice: nothing depends on whether it is taken.
    #[cfg(unix)]
    drop(map.advise(memmap2::Advice::Random));
    #[cfg(not(unix))]
    let _ = map;
}

/// Fills `out` with what a file has from a place on, as far as it goes.
pub fn read_up_to(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = out.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match read_at(file, rest, at + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
