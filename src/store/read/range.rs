//! Key ranges.

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound<'a> {
    /// The encoded key, ascending whatever the index's direction. For a compound index an array,
    /// perhaps of fewer elements than the index has parts, or such elements back to back.
    pub key: &'a [u8],
    /// Whether what equals the bound is outside the range.
    pub open: bool,
}

/// A range of keys, in the order of the values, whatever the direction of an index.
///
/// In a native compound index, a bound of fewer elements than parts stands for everything that
/// begins with them: all of it is in the range, or with an open bound none of it. An index made by
/// IndexedDB compares whole arrays, as its specification says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// The lower end; `None`: no limit.
    pub lower: Option<Bound<'a>>,
    /// The upper end; `None`: no limit.
    pub upper: Option<Bound<'a>>,
}

impl<'a> KeyRange<'a> {
    /// Everything.
    pub const ALL: KeyRange<'static> = KeyRange { lower: None, upper: None };

    /// A single key.
    pub const fn only(key: &'a [u8]) -> Self {
        let bound = Bound { key, open: false };
        Self { lower: Some(bound), upper: Some(bound) }
    }

    /// Whether the range has no limits.
    pub const fn is_all(&self) -> bool {
        self.lower.is_none() && self.upper.is_none()
    }
}
