//! What only the machine and its operating system know: file identity, locks, network file systems,
//! the boot id.

mod processor;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use processor::prefetch;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;
