//! What a check has found.

use crate::wtf8::Wtf8String;

/// How many problems a report describes, if nothing else is asked for; further ones are only
/// counted.
const DESCRIBED: usize = 100;

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// Stores looked at.
    pub stores: u64,
    /// Indexes looked at.
    pub indexes: u64,
    /// Documents looked at.
    pub documents: u64,
    /// Index entries looked at.
    pub entries: u64,
    /// The first problems.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
    /// The space that is being looked at.
    space: Option<Wtf8String>,
    described: usize,
}

/// Something that is not as it should be.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What sort of thing it is.
    pub kind: ProblemKind,
    /// The space, if it is in one.
    pub space: Option<Wtf8String>,
    /// The store's name, if it concerns one.
    pub store: Option<String>,
    /// The index's name, if it concerns one.
    pub index: Option<String>,
    /// The encoded primary key, if it concerns a document.
    pub key: Option<Vec<u8>>,
    /// The page, if it concerns one.
    pub page: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// The sorts of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// A page is not what it should be.
    Page,
    /// Keys are not in ascending order.
    KeyOrder,
    /// A page belongs to two owners.
    SharedPage,
    /// A page belongs to nothing.
    LeakedPage,
    /// A tree has other pages or entries than LMDB has counted.
    PageCount,
    /// A tree cannot be read to its end.
    Unreadable,
    /// A record of the catalog, or about it, is wrong.
    Catalog,
    /// A logical tree has two owners, or none.
    TreeOwner,
    /// A stored value does not match its checksum, or cannot be unpacked.
    Checksum,
    /// A document cannot be decoded.
    Document,
    /// A document's key is not a key, or not the one inside it.
    Key,
    /// A document lacks an index entry.
    MissingEntry,
    /// An index entry has no document that calls for it.
    StrayEntry,
    /// An index entry is malformed, or of the wrong kind.
    Entry,
    /// Two documents share a key of a unique index.
    Unique,
    /// A stored count is not the number of what it counts.
    Count,
    /// A key generator would make a key that is taken.
    KeyGenerator,
    /// A space has no directory, or cannot be opened.
    Space,
}

impl ProblemKind {
    /// Its name for users.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::KeyOrder => "keyOrder",
            Self::SharedPage => "sharedPage",
            Self::LeakedPage => "leakedPage",
            Self::PageCount => "pageCount",
            Self::Unreadable => "unreadable",
            Self::Catalog => "catalog",
            Self::TreeOwner => "treeOwner",
            Self::Checksum => "checksum",
            Self::Document => "document",
            Self::Key => "key",
            Self::MissingEntry => "missingEntry",
            Self::StrayEntry => "strayEntry",
            Self::Entry => "entry",
            Self::Unique => "unique",
            Self::Count => "count",
            Self::KeyGenerator => "keyGenerator",
            Self::Space => "space",
        }
    }
}

impl Problem {
    /// A problem of the whole database.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            space: None,
            store: None,
            index: None,
            key: None,
            page: None,
            message: message.into(),
        }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::describing(DESCRIBED)
    }
}

impl Report {
    /// An empty report, which will describe so many problems.
    pub fn describing(described: usize) -> Self {
        Self {
            stores: 0,
            indexes: 0,
            documents: 0,
            entries: 0,
            problems: Vec::new(),
            problem_count: 0,
            space: None,
            described,
        }
    }

    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    /// What comes next is in a space; `None`: in the database itself.
    pub fn enter(&mut self, space: Option<Wtf8String>) {
        self.space = space;
    }

    /// Takes a problem in.
    pub fn add(&mut self, mut problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < self.described {
            problem.space = problem.space.or_else(|| self.space.clone());
            self.problems.push(problem);
        }
    }
}
