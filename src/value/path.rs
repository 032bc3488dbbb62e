//! Field names and dotted paths, prepared for looking up fields in many documents.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::text::push_text;
use crate::wtf8::Wtf8String;

/// The name of a field, with what comparing it needs.
pub struct FieldName {
    name: Wtf8String,
    hash: u64,
    /// The name as documents hold it.
    encoded: Box<[u8]>,
    /// The number of the shape in which it was looked up last, above [`PLACE_BITS`] bits for the
    /// place that it has there. Shapes never change, so one number tells all that others may know.
    last: AtomicU64,
}

const PLACE_BITS: u32 = 8;
/// The shape does not have the name.
const NOWHERE: u64 = 0xff;

impl FieldName {
    /// Prepares a name.
    pub fn new(name: impl Into<Wtf8String>) -> Self {
        let name = name.into();
        let mut encoded = Vec::with_capacity(name.as_bytes().len() + 5);
        push_text(&mut encoded, &name);
        Self { hash: hash_name(&name), encoded: encoded.into(), name, last: AtomicU64::new(0) }
    }

    /// The place of the name in the shape of a number, which is not 0: what `find` finds, unless it
    /// was asked for just before.
    #[inline]
    pub(super) fn place_in(
        &self,
        shape: u64,
        find: impl FnOnce(&Self) -> Option<usize>,
    ) -> Option<usize> {
        let last = self.last.load(Ordering::Relaxed);
        if last >> PLACE_BITS == shape {
            let place = last & NOWHERE;
            return (place != NOWHERE).then_some(place as usize);
        }
        let found = find(self);
        let place = found.map_or(NOWHERE, |place| place as u64);
        self.last.store(shape << PLACE_BITS | place, Ordering::Relaxed);
        found
    }

    /// The name itself.
    pub fn name(&self) -> &Wtf8String {
        &self.name
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

impl Clone for FieldName {
    fn clone(&self) -> Self {
        let last = AtomicU64::new(self.last.load(Ordering::Relaxed));
        Self { name: self.name.clone(), hash: self.hash, encoded: self.encoded.clone(), last }
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FieldName {}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

pub(super) fn hash_name(name: &Wtf8String) -> u64 {
    xxh3_64(name.as_bytes())
}

/// A path to a field through objects, such as `address.city`. Copies share the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    segments: Arc<[FieldName]>,
}

impl FieldPath {
    /// Splits a dotted path; the empty path means the document itself.
    pub fn parse(path: &str) -> Self {
        Self::parse_wtf8(&Wtf8String::from(path))
    }

    /// Splits a dotted path that may hold lone surrogates.
    pub fn parse_wtf8(path: &Wtf8String) -> Self {
        if path.is_empty() {
            return Self::from_names([]);
        }
        let names = path.as_bytes().split(|byte| *byte == b'.').filter_map(Wtf8String::from_bytes);
        Self::from_names(names)
    }

    /// A path of names that are not split further.
    pub fn from_names(names: impl IntoIterator<Item = Wtf8String>) -> Self {
        Self { segments: names.into_iter().map(FieldName::new).collect() }
    }

    /// The names, outermost first.
    pub fn segments(&self) -> &[FieldName] {
        &self.segments
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            segment.name.fmt(f)?;
        }
        Ok(())
    }
}
