//! What lies far back in the data file.

use super::page::{Data, HEADER, Page, damaged, is_tree_page, own_pages};
use super::snapshot_pages::TreePages;
use super::{Dbi, LmdbResult, Txn};

/// Keys of entries of a tree.
pub(in crate::storage) type Keys = Vec<Vec<u8>>;

impl Txn<'_> {
    /// Keys of entries: whoever writes these again as they are writes all leaves of a tree that are
    /// the page `from` or one behind it to other pages, and all values that have such a page for
    /// themselves. Values with more pages are left out. `None` if `goes_on` has said no; it is
    /// asked for each child of a branch.
    ///
    /// LMDB believes what pages say of themselves, so all that are met have to be what their
    /// parents say.
    ///
    /// # Errors
    /// `CORRUPTED`.
    pub fn entries_behind(
        &self,
        dbi: Dbi,
        from: u64,
        goes_on: &dyn Fn() -> bool,
    ) -> LmdbResult<Option<Keys>> {
        let mut keys = Vec::new();
        let Some(tree) = self.pages(dbi)? else { return Ok(None) };
        let Some(root) = tree.root() else { return Ok(Some(keys)) };
        let is_whole = tree.behind((root, tree.depth()), from, goes_on, &mut keys)?;
        Ok(is_whole.then_some(keys))
    }
}

impl TreePages<'_> {
    fn behind(
        &self,
        (number, height): (u64, usize),
        from: u64,
        goes_on: &dyn Fn() -> bool,
        keys: &mut Keys,
    ) -> LmdbResult<bool> {
        if !is_tree_page(self.whole(number)?, number)? {
            return Err(damaged());
        }
        if height <= 1 {
            let leaf = self.leaf(number)?;
            self.leaf_behind(&leaf, number >= from, from, keys)?;
            return Ok(true);
        }
        let branch = self.branch(number)?;
        for at in 0..branch.count() {
            if !goes_on() || !self.behind((branch.child(at)?, height - 1), from, goes_on, keys)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn leaf_behind(
        &self,
        leaf: &Page<'_>,
        is_behind: bool,
        from: u64,
        keys: &mut Keys,
    ) -> LmdbResult<()> {
        let before = keys.len();
        let mut other = None;
        for at in 0..leaf.count() {
            match leaf.data(at)? {
                Some((key, Data::Elsewhere { page, len }))
                    if page >= from && HEADER + len <= self.page_size() =>
                {
                    let pages = own_pages(self.whole(page)?, page)?.ok_or_else(damaged)?;
                    keys.extend((pages == 1).then(|| key.to_vec()));
                }
                Some((key, Data::Here(_))) => other = other.or(Some(key)),
                _ => {}
            }
        }
        if is_behind && keys.len() == before {
            keys.extend(other.map(<[u8]>::to_vec));
        }
        Ok(())
    }
}
