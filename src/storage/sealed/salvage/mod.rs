//! What is left of a sealed database whose file is damaged.
//!
//! The file's pages are read as those of any other ([`Salvage`]); they lead to blocks, or blocks
//! lie on pages that nothing leads to. A block opens under its own id alone, so what opens is
//! what was stored there. The trees are walked from their roots, whose ids the key record has.
//! A block of the newest state that the walk did not come to is found as well: LMDB's leaves have
//! its id, or else a branch does, and it is tried on the pages that are left over.
//!
//! Each block of the newest state belongs to a tree. So what stands in one is current, whatever is
//! lost of the branches above it.

mod keys;
mod survey;

use std::collections::BTreeMap;

use self::keys::Keys;
use super::node::{Blob, Node, Value};
use super::plaintext::Plaintext;
use super::store::TREES;
use super::unlock::NewKeys;
use crate::error::Result;
use crate::storage::care::Care;
use crate::storage::data_file::{Found, Remains, Salvage, Trust, report};
use crate::storage::format::FormatRecord;
use crate::storage::options::Encryption;
use crate::storage::txn::Table;

/// Where a block is.
#[derive(Debug, Clone, Copy)]
struct Place {
    page: u64,
    /// Whether it belongs to the newest state for certain.
    is_certain: bool,
}

/// A leaf of a sealed tree.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    id: u64,
    place: Place,
}

/// The remains of a sealed database.
pub(crate) struct SealedSalvage<'s> {
    salvage: &'s mut Salvage,
    keys: Keys,
    blocks: BTreeMap<u64, Place>,
    /// The leaves of the trees that were reached.
    reached: [Vec<Leaf>; TREES],
    /// Leaves that nothing led to.
    others: Vec<Leaf>,
    /// Leaves of older states, which may have records.
    stale: Vec<Leaf>,
    whole: [bool; TREES],
    damage: Vec<(Option<u64>, &'static str)>,
    stored: Vec<u8>,
}

impl<'s> SealedSalvage<'s> {
    /// Unlocks a database with one of these, and finds out where its blocks are.
    ///
    /// # Errors
    /// `WRONG_KEY`; `CORRUPT` if the records of its keys are lost; `INCOMPATIBLE_VERSION`,
    /// `ABORTED`, `IO`, and those of a derivation.
    pub(crate) fn open(
        salvage: &'s mut Salvage,
        encryptions: &[Encryption],
        care: &dyn Care,
    ) -> Result<Self> {
        let keys = Keys::find(salvage, encryptions, care)?;
        let mut this = Self {
            stored: vec![0; keys.store.stored_size()],
            salvage,
            keys,
            blocks: BTreeMap::new(),
            reached: [const { Vec::new() }; TREES],
            others: Vec::new(),
            stale: Vec::new(),
            whole: [false; TREES],
            damage: Vec::new(),
        };
        survey::survey(&mut this, care)?;
        Ok(this)
    }

    /// The format record.
    pub(crate) fn format(&self) -> FormatRecord {
        self.keys.format
    }

    /// The same keys, for the database that takes the place of this one.
    pub(crate) fn new_keys(&self) -> NewKeys {
        NewKeys::of_another(self.keys.record.clone(), self.keys.store.anew())
    }

    /// What is wrong, each with its page if that is known.
    pub(crate) fn damage(&self) -> &[(Option<u64>, &'static str)] {
        &self.damage
    }

    /// Decrypts what stands on a page as the block `id`; `None` if it is not that.
    fn payload(&mut self, id: u64, page: u64) -> Result<Option<Plaintext>> {
        if !self.salvage.read_content(page, &mut self.stored)? {
            return Ok(None);
        }
        let mut out = Plaintext::zeroed(self.keys.store.payload());
        Ok(self.keys.open(id, &self.stored, out.bytes_mut()).then_some(out))
    }

    /// The value that a blob holds; `None` if it is not whole.
    fn blob(&mut self, blob: Blob) -> Result<Option<Plaintext>> {
        let Some(len) =
            usize::try_from(blob.len).ok().filter(|_| blob.len <= self.salvage.length())
        else {
            return Ok(None);
        };
        let mut bytes = Plaintext::zeroed(len);
        let payload = self.keys.store.payload();
        for (at, chunk) in bytes.bytes_mut().chunks_mut(payload).enumerate() {
            let id = blob.id.wrapping_add(at as u64);
            let Some(place) = self.blocks.get(&id).copied() else { return Ok(None) };
            let Some(part) = self.payload(id, place.page)? else { return Ok(None) };
            chunk.copy_from_slice(part.bytes().get(..chunk.len()).unwrap_or_default());
        }
        Ok(Some(bytes))
    }

    fn visit_leaves(
        &mut self,
        leaves: &[Leaf],
        trust: Trust,
        (care, phase): (&dyn Care, &str),
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()> {
        for (done, leaf) in leaves.iter().enumerate() {
            report(care, phase, done as u64, leaves.len() as u64)?;
            let Some(payload) = self.payload(leaf.id, leaf.place.page)? else { continue };
            let Some(node) = Node::parse(payload) else { continue };
            for at in 0..node.count() {
                let key = [node.prefix(), node.rest(at)].concat();
                let blob;
                let value = match node.value(at) {
                    Value::Inline(value) => Some(value),
                    Value::Blob(reference) => {
                        blob = self.blob(reference)?;
                        blob.as_ref().map(Plaintext::bytes)
                    }
                };
                let is_certain = leaf.place.is_certain;
                visit(Found {
                    key: &key,
                    value,
                    trust,
                    may_be_old: !is_certain,
                    is_entry: is_certain,
                    page: None,
                })?;
            }
        }
        Ok(())
    }
}

impl Remains for SealedSalvage<'_> {
    fn is_whole(&self, table: Table) -> bool {
        self.whole.get(table as usize).copied().unwrap_or(false)
    }

    /// Whether a block is current was found out for each.
    fn knows_free_pages(&self) -> bool {
        self.salvage.knows_free_pages()
    }

    fn knows_newest(&self) -> bool {
        self.salvage.knows_newest()
    }

    fn visit_reached(
        &mut self,
        table: Table,
        care: &dyn Care,
        phase: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()> {
        let leaves = self.reached.get_mut(table as usize).map(std::mem::take).unwrap_or_default();
        let visited = self.visit_leaves(&leaves, Trust::Reached, (care, phase), visit);
        if let Some(slot) = self.reached.get_mut(table as usize) {
            *slot = leaves;
        }
        visited
    }

    fn visit_others(
        &mut self,
        trust: Trust,
        care: &dyn Care,
        phase: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<bool>,
    ) -> Result<()> {
        let leaves = std::mem::take(match trust {
            Trust::Stale => &mut self.stale,
            Trust::Orphan | Trust::Reached => &mut self.others,
        });
        let visited = self.visit_leaves(&leaves, trust, (care, phase), visit);
        match trust {
            Trust::Stale => self.stale = leaves,
            Trust::Orphan | Trust::Reached => self.others = leaves,
        }
        visited
    }
}
