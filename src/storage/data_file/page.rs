//! The structure of a page of a tree.

use super::{u16_at, u32_at, u64_at};
use crate::storage::txn::Table;

const HEADER: usize = 16;
const NODE_HEADER: usize = 8;
/// An LMDB tree's record in the main tree, and the places of its flags and its root.
const TREE_RECORD: usize = 48;
const TREE_FLAGS: usize = 4;
const TREE_ROOT: usize = 40;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
/// The bits of a page's kind; others say what a transaction is doing with it.
const KINDS: u16 = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40;
const BIG_DATA: u16 = 0x01;
const SUB_TREE: u16 = 0x02;

/// What a page is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// The list of free pages.
    Free,
    /// The tree of trees.
    Main,
    /// One of the engine's trees.
    Named,
}

/// A page that another one points to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub(super) page: u64,
    pub(super) tree: Tree,
}

/// A value in pages of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overflow {
    pub(super) page: u64,
    /// How long it is, with the page header.
    pub(super) bytes: u64,
}

/// What a page points to.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) children: Vec<Child>,
    pub(super) overflow: Vec<Overflow>,
}

/// A branch or leaf page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) number: u64,
    pub(super) tree: Tree,
}

impl Page<'_> {
    /// What the page points to; `None` if it is not what it should be.
    pub(super) fn content(&self) -> Option<Content> {
        let kind = u16_at(self.bytes, 10)? & KINDS;
        let lower = usize::from(u16_at(self.bytes, 12)?);
        let upper = usize::from(u16_at(self.bytes, 14)?);
        let slots = lower.checked_sub(HEADER)? / 2;
        let fits = lower <= upper && upper <= self.bytes.len() && lower % 2 == 0 && slots > 0;
        if u64_at(self.bytes, 0)? != self.number || !fits {
            return None;
        }
        let mut content = Content::default();
        for slot in 0..slots {
            let node = usize::from(u16_at(self.bytes, HEADER + slot * 2)?);
            if node < upper {
                return None;
            }
            match kind {
                BRANCH => content.children.push(self.branch_node(node)?),
                LEAF => self.leaf_node(node, &mut content)?,
                _ => return None,
            }
        }
        Some(content)
    }

    /// A branch node keeps its child's page number in the size and flags fields.
    fn branch_node(&self, node: usize) -> Option<Child> {
        let (size, flags, _) = self.node(node)?;
        Some(Child { page: u64::from(size) | u64::from(flags) << 32, tree: self.tree })
    }

    fn leaf_node(&self, node: usize, content: &mut Content) -> Option<()> {
        let (size, flags, key) = self.node(node)?;
        let at = node + NODE_HEADER + key.len();
        match (flags, self.tree) {
            (BIG_DATA, _) => {
                let page = u64_at(self.bytes, at)?;
                content.overflow.push(Overflow { page, bytes: HEADER as u64 + u64::from(size) });
            }
            (SUB_TREE, Tree::Main) if size as usize == TREE_RECORD => {
                let record = self.bytes.get(at..at + TREE_RECORD)?;
                content.children.extend(sub_tree(key, record)?);
            }
            (0, tree) => {
                let data = self.bytes.get(at..at.checked_add(size as usize)?)?;
                if tree == Tree::Free {
                    free_list(key, data)?;
                }
            }
            // Duplicates, which no tree that is read here has.
            _ => return None,
        }
        Some(())
    }

    /// Size, flags and key of a node.
    fn node(&self, at: usize) -> Option<(u32, u16, &[u8])> {
        let key_length = usize::from(u16_at(self.bytes, at + 6)?);
        let key = self.bytes.get(at + NODE_HEADER..at + NODE_HEADER + key_length)?;
        Some((u32_at(self.bytes, at)?, u16_at(self.bytes, at + 4)?, key))
    }
}

/// The tree of a record of the main tree, if it is one of the engine's.
fn sub_tree(name: &[u8], record: &[u8]) -> Option<Option<Child>> {
    if !Table::ALL.iter().any(|table| table.name().to_bytes() == name) {
        return Some(None);
    }
    let child = Child { page: u64_at(record, TREE_ROOT)?, tree: Tree::Named };
    // Flags would change the order of keys.
    (u16_at(record, TREE_FLAGS)? == 0).then_some(Some(child))
}

/// A record of the free list: under the id of a transaction the number of pages, then the pages.
fn free_list(key: &[u8], data: &[u8]) -> Option<()> {
    let count = usize::try_from(u64_at(data, 0)?).ok()?;
    let room = data.len() / size_of::<u64>();
    (key.len() == size_of::<u64>() && count < room).then_some(())
}
