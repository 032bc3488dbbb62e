//! Whether something passes.

/// Whether something passes.
///
/// It is as wide as an error, so that functions return a `Result` of it in two registers. One of a
/// `bool` is put together in memory and then read as a whole, for which the processor waits longer
/// than simple tests take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Verdict {
    /// It does not pass.
    Fails,
    /// It passes.
    Passes,
}

impl Verdict {
    /// Whether it passes.
    #[inline]
    pub fn passes(self) -> bool {
        self == Self::Passes
    }
}

impl From<bool> for Verdict {
    #[inline]
    fn from(passes: bool) -> Self {
        if passes { Self::Passes } else { Self::Fails }
    }
}

impl std::ops::Not for Verdict {
    type Output = Self;

    #[inline]
    fn not(self) -> Self {
        Self::from(!self.passes())
    }
}
