//! What vectors of an index have in common.

/// The most dimensions of a vector.
pub const MAX_DIMENSIONS: u32 = 65_536;

/// What "near" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// 1 − the cosine of the angle between two vectors: from 0 to 2.
    Cosine,
    /// The negative inner product.
    Dot,
    /// The Euclidean distance.
    L2,
    /// How many bits differ.
    Hamming,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cosine, Self::Dot, Self::L2, Self::Hamming];

    /// Its name in records and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
            Self::Hamming => "hamming",
        }
    }

    /// The metric of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == name)
    }
}

/// What the vectors of an index are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// How many components, or bits, a vector has.
    pub dimensions: u32,
    /// What "near" means.
    pub metric: Metric,
}

impl Form {
    /// Why there can be no such vectors.
    pub fn fault(self) -> Option<&'static str> {
        match self.dimensions {
            0 => Some("a vector has one dimension at least"),
            MAX_DIMENSIONS.. if self.dimensions > MAX_DIMENSIONS => {
                Some("a vector has 65,536 dimensions at most")
            }
            _ if self.is_binary() && !self.dimensions.is_multiple_of(8) => {
                Some("the dimensions of vectors of bits are a multiple of 8")
            }
            _ => None,
        }
    }

    /// Whether the vectors are bits.
    pub const fn is_binary(self) -> bool {
        matches!(self.metric, Metric::Hamming)
    }

    /// How many bytes a vector takes.
    pub const fn bytes(self) -> usize {
        let dimensions = self.dimensions as usize;
        if self.is_binary() { dimensions.div_ceil(8) } else { dimensions * size_of::<f32>() }
    }
}
