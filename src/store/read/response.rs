//! Where responses are written: a growing vector or memory of fixed size.

use crate::error::Result;
use crate::storage::envelope::Payload;

/// Collects a response.
///
/// Memory of fixed size may run out: then what follows is only counted, and the response tells how
/// much it needs.
pub struct Response<'o> {
    target: Target<'o>,
    /// Length so far, of what did not fit, too.
    len: usize,
}

enum Target<'o> {
    Growing { out: &'o mut Vec<u8>, start: usize },
    Fixed(&'o mut [u8]),
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was written; its length.
    Complete(usize),
    /// It does not fit and must be asked for again with memory of at least this many bytes.
    Needs(usize),
}

impl<'o> Response<'o> {
    /// Appends to a vector.
    pub fn growing(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        Self { target: Target::Growing { out, start }, len: 0 }
    }

    /// Writes from the start of `out`.
    pub fn fixed(out: &'o mut [u8]) -> Self {
        Self { target: Target::Fixed(out), len: 0 }
    }

    /// Bytes so far.
    #[inline]
    pub fn position(&self) -> usize {
        self.len
    }

    /// Whether that many more bytes fit.
    #[inline]
    pub fn has_room(&self, len: usize) -> bool {
        match &self.target {
            Target::Growing { .. } => true,
            Target::Fixed(out) => self.len.saturating_add(len) <= out.len(),
        }
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        let start = self.len;
        self.len += bytes.len();
        match &mut self.target {
            Target::Growing { out, .. } => out.extend_from_slice(bytes),
            Target::Fixed(out) => {
                if let Some(slot) = out.get_mut(start..self.len) {
                    slot.copy_from_slice(bytes);
                }
            }
        }
    }

    /// Appends a number of four bytes.
    #[inline]
    pub fn push_u32(&mut self, number: u32) {
        self.push(&number.to_le_bytes());
    }

    /// Appends the length of `bytes` and the bytes.
    #[inline]
    pub fn push_sized(&mut self, bytes: &[u8]) {
        self.push_u32(bytes.len() as u32);
        self.push(bytes);
    }

    /// Appends the length of a payload and the payload.
    #[inline]
    pub fn push_payload(&mut self, payload: &Payload<'_>) -> Result<()> {
        self.push_u32(payload.len() as u32);
        let start = self.len;
        self.len += payload.len();
        match &mut self.target {
            Target::Growing { out, .. } => payload.append_to(out),
            Target::Fixed(out) => match out.get_mut(start..self.len) {
                Some(slot) => payload.write_to(slot),
                None => Ok(()),
            },
        }
    }

    /// Writes over what stands at `position`.
    pub fn patch(&mut self, position: usize, bytes: &[u8]) {
        let (written, start) = match &mut self.target {
            Target::Growing { out, start } => (out.as_mut_slice(), *start + position),
            Target::Fixed(out) => (&mut **out, position),
        };
        if let Some(slot) = written.get_mut(start..start + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    }

    /// Ends the response.
    pub fn finish(self) -> Written {
        if self.has_room(0) { Written::Complete(self.len) } else { Written::Needs(self.len) }
    }
}
