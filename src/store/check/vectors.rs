//! A check of vector indexes against the documents.

use super::report::{Problem, ProblemKind};
use super::store::{Built, Order, StoreCheck};
use crate::catalog::VectorDef;
use crate::error::{Error, Result};
use crate::store::entry;
use crate::store::vectors::{
    COUNT_DOCUMENTS, COUNT_LABELS, COUNT_VECTORS, DOCUMENT, LABEL, Labels, count_vectors, counter,
    document_key, label_key,
};

/// What the documents call for in a vector index.
pub(super) struct VectorCheck {
    /// Up to which document it has vectors.
    built: Built,
    documents: u64,
    vectors: u64,
    /// Whether there are documents of which it cannot be told.
    is_unknown: bool,
}

impl VectorCheck {
    /// Before the first document.
    pub(super) fn new(built: Built) -> Self {
        Self { built, documents: 0, vectors: 0, is_unknown: false }
    }

    /// What the document under a key calls for cannot be told.
    pub(super) fn unknown(&mut self, key: &[u8]) {
        self.is_unknown |= self.built.covers(key);
    }
}

impl StoreCheck<'_, '_, '_> {
    /// Reports something about a vector index.
    pub(super) fn vector_problem(
        &mut self,
        kind: ProblemKind,
        index: &VectorDef,
        key: Option<&[u8]>,
        message: String,
    ) {
        self.report.add(Problem {
            store: Some(self.store.name.to_string()),
            index: Some(index.name.to_string()),
            key: key.map(<[u8]>::to_vec),
            ..Problem::new(kind, message)
        });
    }

    /// Looks for the entries that a document calls for.
    pub(super) fn vectors_of(
        &mut self,
        position: usize,
        index: &VectorDef,
        key: &[u8],
        document: &[u8],
    ) {
        if !self.vectors.get(position).is_some_and(|check| check.built.covers(key)) {
            return;
        }
        let counted = count_vectors(index, document, &self.shapes);
        let found = counted.and_then(|count| {
            if let Some(check) = self.vectors.get_mut(position) {
                check.documents += u64::from(count > 0);
                check.vectors += u64::from(count);
            }
            self.labels_of(index, key, count)
        });
        match found {
            Ok(None) => {}
            Ok(Some((kind, message))) => {
                self.vector_problem(kind, index, Some(key), message.to_owned());
            }
            Err(error) => {
                if let Some(check) = self.vectors.get_mut(position) {
                    check.is_unknown = true;
                }
                self.vector_problem(ProblemKind::Document, index, Some(key), error.to_string());
            }
        }
    }

    /// What is wrong with the entries of a document that has so many vectors.
    fn labels_of(
        &self,
        index: &VectorDef,
        key: &[u8],
        count: u32,
    ) -> Result<Option<(ProblemKind, &'static str)>> {
        let (txn, tree) = (self.txn, entry::entries(index.tree));
        let Some(value) = tree.get(txn, &document_key(key))? else {
            let missing = (ProblemKind::MissingEntry, "the index lacks the document's vectors");
            return Ok((count > 0).then_some(missing));
        };
        let labels = Labels::read(index, value)?;
        if labels.count != count {
            let message = "the index has another number of vectors for the document";
            let kind = if count == 0 { ProblemKind::StrayEntry } else { ProblemKind::Entry };
            return Ok(Some((kind, message)));
        }
        for label in labels.each() {
            if tree.get(txn, &label_key(label))? != Some(key) {
                let message = "the index lacks a label of the document's vectors";
                return Ok(Some((ProblemKind::MissingEntry, message)));
            }
        }
        Ok(None)
    }

    /// Walks a vector index: every entry is well-formed, none is more than what the documents call
    /// for, no label will be given again.
    pub(super) fn vector_index(&mut self, position: usize, index: &VectorDef) -> Result<()> {
        let (txn, tree) = (self.txn, entry::entries(index.tree));
        let given = txn.stored_count(counter(index.tree, COUNT_LABELS))?;
        let (mut documents, mut vectors) = (0, 0);
        let mut order = Order::default();
        let mut cursor = tree.cursor(txn)?;
        let mut found = cursor.first()?;
        while let Some(entry) = found {
            self.report.entries += 1;
            if !order.follows(entry.key)? {
                let message = "an index entry is out of order".to_owned();
                self.vector_problem(ProblemKind::KeyOrder, index, None, message);
            }
            let checked = match entry.key.split_first() {
                Some((&DOCUMENT, key)) => {
                    documents += 1;
                    self.check_document_entry(index, key, entry.value, given)
                }
                Some((&LABEL, label)) => {
                    vectors += 1;
                    self.check_label(index, label, entry.value)
                }
                _ => Err(Error::corrupt("an index entry is malformed")),
            };
            match checked {
                Ok(None) => {}
                Ok(Some((key, message))) => {
                    let kind = ProblemKind::StrayEntry;
                    self.vector_problem(kind, index, Some(key), message.to_owned());
                }
                Err(error) => {
                    self.vector_problem(ProblemKind::Entry, index, None, error.to_string());
                }
            }
            self.progress.entry()?;
            found = cursor.next()?;
        }
        let expected = self.vectors.get(position);
        let expected = expected.map(|check| (check.documents, check.vectors, check.is_unknown));
        if let Some((called_for, of_them, false)) = expected
            && !self.documents_unknown
            && (called_for, of_them) != (documents, vectors)
        {
            let message = format!(
                "the index has {vectors} vectors of {documents} documents, not {of_them} of \
                 {called_for}"
            );
            self.vector_problem(ProblemKind::Count, index, None, message);
        }
        for (class, actual) in [(COUNT_DOCUMENTS, documents), (COUNT_VECTORS, vectors)] {
            let stored = txn.stored_count(counter(index.tree, class))?;
            if stored != actual {
                let message = format!("the count of class {class} is {stored}, not {actual}");
                self.vector_problem(ProblemKind::Count, index, None, message);
            }
        }
        Ok(())
    }

    fn check_document_entry<'k>(
        &self,
        index: &VectorDef,
        key: &'k [u8],
        value: &[u8],
        given: u64,
    ) -> Result<Option<(&'k [u8], &'static str)>> {
        let labels = Labels::read(index, value)?;
        if labels.first + u64::from(labels.count) > given {
            return Err(Error::corrupt("a label would be given again"));
        }
        let document = entry::documents(self.store.tree).get(self.txn, key)?;
        let stray = (key, "the index has vectors of a document that is not there");
        Ok(document.is_none().then_some(stray))
    }

    fn check_label<'k>(
        &self,
        index: &VectorDef,
        label: &[u8],
        key: &'k [u8],
    ) -> Result<Option<(&'k [u8], &'static str)>> {
        let label = label.try_into().map(u64::from_be_bytes);
        let label = label.map_err(|_| Error::corrupt("an index entry is malformed"))?;
        let tree = entry::entries(index.tree);
        let labels = tree.get(self.txn, &document_key(key))?;
        let labels = labels.map(|value| Labels::read(index, value)).transpose()?;
        let is_its = labels.is_some_and(|labels| labels.each().contains(&label));
        Ok((!is_its).then_some((key, "a label belongs to no vector of the document")))
    }
}
