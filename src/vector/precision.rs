//! How exactly a graph has its vectors.

use super::metric::{Form, Metric};

/// What the components of vectors are in a graph; documents keep theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    F32,
    /// 16 bits, 11 of them significant: up to 65,504.
    F16,
    /// 16 bits, 8 of them significant, as far as those of 32 bits.
    Bf16,
    /// 8 bits, in steps of the 127th part of the vector's largest component.
    I8,
    /// The bits of vectors of bits.
    B1,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::F32, Self::F16, Self::Bf16, Self::I8, Self::B1];

    /// Its name in records and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
            Self::B1 => "b1",
        }
    }

    /// The precision of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.as_str() == name)
    }

    /// What a metric has if nothing else is said.
    pub const fn default_of(metric: Metric) -> Self {
        match metric {
            Metric::Hamming => Self::B1,
            _ => Self::Bf16,
        }
    }

    /// How many bytes the components of a vector take in a graph.
    pub const fn bytes_of_components(self, form: Form) -> usize {
        let dimensions = form.dimensions as usize;
        match self {
            Self::F32 => dimensions * 4,
            Self::F16 | Self::Bf16 => dimensions * 2,
            Self::I8 => dimensions,
            Self::B1 => dimensions.div_ceil(8),
        }
    }

    /// How many bytes a vector takes in a graph.
    pub const fn bytes(self, form: Form) -> usize {
        let components = self.bytes_of_components(form);
        // Behind the components stand the size of a step and the square of the length.
        let components = components + if matches!(self, Self::I8) { 8 } else { 0 };
        // Behind all that stands what makes all vectors equally long.
        components + if matches!(form.metric, Metric::Dot) { 4 } else { 0 }
    }
}

/// What a graph is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphOptions {
    /// How exactly it has its vectors.
    pub precision: Precision,
    /// How many neighbours a vector has at most; in the lowest level twice as many.
    pub m: u32,
    /// How many candidates are kept while neighbours are looked for.
    pub ef_construction: u32,
    /// How many candidates a search keeps that does not say; `None`: as many as the graph finds it
    /// needs.
    pub ef_search: Option<u32>,
    /// The most memory that it takes, in bytes.
    pub memory_limit: u64,
}

/// The fewest and the most neighbours.
pub const M: std::ops::RangeInclusive<u32> = 4..=128;
/// The fewest and the most candidates.
pub const EF: std::ops::RangeInclusive<u32> = 8..=65_536;

impl GraphOptions {
    /// What an index has that says nothing of its graph.
    pub const fn default_of(metric: Metric) -> Self {
        Self {
            precision: Precision::default_of(metric),
            m: 16,
            ef_construction: 128,
            ef_search: None,
            memory_limit: 2 << 30,
        }
    }

    /// Why there can be no such graph.
    pub fn fault(self, form: Form) -> Option<&'static str> {
        if form.is_binary() != (self.precision == Precision::B1) {
            return Some("the precision b1 goes with the metric hamming, and no other one does");
        }
        if !M.contains(&self.m) {
            return Some("m is from 4 to 128");
        }
        let ef = [Some(self.ef_construction), self.ef_search];
        if ef.into_iter().flatten().any(|ef| !EF.contains(&ef)) {
            return Some("efConstruction and efSearch are from 8 to 65,536");
        }
        (self.memory_limit >= 1 << 53).then_some("the memory limit is below 2^53 bytes")
    }
}
