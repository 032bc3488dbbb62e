//! The entries of a leaf of which parts may be damaged.
//!
//! Where the page's header can be right, its slots lead to the entries. What no slot leads to, and
//! every entry of a page whose header cannot be right, is looked for at each place where it might
//! begin: whoever visits tells by a checksum whether it is one.

use std::iter::StepBy;
use std::ops::Range;

use super::super::{u16_at, u32_at, u64_at};

pub(super) const HEADER: usize = 16;
const NODE_HEADER: usize = 8;
const LEAF: u16 = 0x02;
pub(super) const BIG_DATA: u16 = 0x01;
const SUB_TREE: u16 = 0x02;

/// Something that looks like an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'p> {
    pub(super) key: &'p [u8],
    pub(super) data: Data<'p>,
    /// Whether a slot leads to it.
    pub(super) has_slot: bool,
    /// Whether it may be what is left of an entry that was removed.
    pub(super) may_be_old: bool,
}

/// Where a value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Data<'p> {
    Here(&'p [u8]),
    /// In pages of its own.
    Elsewhere {
        page: u64,
        size: usize,
    },
}

/// The structure of a leaf, if its header can be right.
struct Frame {
    upper: usize,
    slots: Vec<usize>,
}

/// Where the slots of a page of one kind stand and where its entries begin, if its header can be
/// right.
pub(super) fn slots_of(page: &[u8], flags: u16) -> Option<(StepBy<Range<usize>>, usize)> {
    let (lower, upper) = (usize::from(u16_at(page, 12)?), usize::from(u16_at(page, 14)?));
    let fits = u16_at(page, 10)? == flags
        && lower > HEADER
        && lower.is_multiple_of(2)
        && lower <= upper
        && upper <= page.len();
    fits.then(|| ((HEADER..lower).step_by(2), upper))
}

impl Frame {
    fn of(page: &[u8]) -> Option<Self> {
        let (slots, upper) = slots_of(page, LEAF)?;
        let slots: Vec<_> =
            slots.map(|at| u16_at(page, at).map(usize::from)).collect::<Option<_>>()?;
        Some(Self { upper, slots })
    }

    /// Whether the entries begin where the header says.
    fn is_tight(&self) -> bool {
        self.slots.iter().min() == Some(&self.upper)
    }
}

/// Visits everything in a page that may be an entry; `visit` tells whether it is one.
pub(super) fn visit<'p, E>(
    page: &'p [u8],
    mut visit: impl FnMut(Node<'p>) -> Result<bool, E>,
) -> Result<(), E> {
    let Some(frame) = Frame::of(page) else {
        return visit_places(page, HEADER, &[], true, &mut visit);
    };
    let may_be_old = !frame.is_tight();
    let mut taken = Vec::with_capacity(frame.slots.len());
    for &at in &frame.slots {
        if at < frame.upper {
            continue;
        }
        let Some((mut node, end)) = node(page, at) else { continue };
        node.has_slot = true;
        if visit(node)? {
            taken.push((at, end));
        }
    }
    if taken.len() < frame.slots.len() {
        taken.sort_unstable();
        // Entries may begin before the place that the header says, if it is damaged.
        let from = if may_be_old { HEADER } else { frame.upper };
        visit_places(page, from, &taken, may_be_old, &mut visit)?;
    }
    Ok(())
}

/// Visits what may be entries from a place on, besides those that are `taken`.
fn visit_places<'p, E>(
    page: &'p [u8],
    from: usize,
    taken: &[(usize, usize)],
    may_be_old: bool,
    visit: &mut impl FnMut(Node<'p>) -> Result<bool, E>,
) -> Result<(), E> {
    let mut at = from.next_multiple_of(2);
    let mut taken = taken.iter().peekable();
    while at < page.len() {
        if let Some(&&(start, end)) = taken.peek()
            && at >= start
        {
            at = at.max(end.next_multiple_of(2));
            taken.next();
            continue;
        }
        let next = match node(page, at) {
            Some((node, end)) if visit(Node { may_be_old, ..node })? => end.next_multiple_of(2),
            _ => at + 2,
        };
        at = next.max(at + 2);
    }
    Ok(())
}

/// What begins at a place, and where it ends.
fn node(page: &[u8], at: usize) -> Option<(Node<'_>, usize)> {
    let (size, flags) = (u32_at(page, at)? as usize, u16_at(page, at + 4)?);
    let key_at = at + NODE_HEADER;
    let data_at = key_at + usize::from(u16_at(page, at + 6)?);
    let key = page.get(key_at..data_at)?;
    if key.is_empty() || !at.is_multiple_of(2) {
        return None;
    }
    let (data, end) = match flags {
        0 | SUB_TREE => {
            (Data::Here(page.get(data_at..data_at.checked_add(size)?)?), data_at + size)
        }
        BIG_DATA => (Data::Elsewhere { page: u64_at(page, data_at)?, size }, data_at + 8),
        _ => return None,
    };
    Some((Node { key, data, has_slot: false, may_be_old: false }, end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// A page of 512 bytes with three entries, of which the last one stands first.
    fn page() -> Vec<u8> {
        let mut page = vec![0; 512];
        page[10] = 2;
        let mut upper = 512;
        for (i, key) in [b"aa", b"bb", b"cc"].iter().enumerate() {
            let value = [i as u8 + 1; 6];
            upper -= NODE_HEADER + 8;
            page[upper] = 6;
            page[upper + 6] = 2;
            page[upper + 8..upper + 10].copy_from_slice(*key);
            page[upper + 10..upper + 16].copy_from_slice(&value);
            let slot = HEADER + i * 2;
            page[slot..slot + 2].copy_from_slice(&(upper as u16).to_ne_bytes());
        }
        page[12] = (HEADER + 6) as u8;
        page[14..16].copy_from_slice(&(upper as u16).to_ne_bytes());
        page
    }

    fn found(page: &[u8]) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        let is_value = |value: &[u8]| value.len() == 6 && value.iter().all(|b| *b == value[0]);
        visit::<()>(page, |node| {
            let Data::Here(value) = node.data else { return Ok(false) };
            let is_entry = node.key.len() == 2 && is_value(value) && value[0] > 0;
            if is_entry {
                found.push((String::from_utf8_lossy(node.key).into_owned(), node.may_be_old));
            }
            Ok(is_entry)
        })
        .unwrap();
        found.sort();
        found
    }

    #[test]
    fn entries_are_found_whatever_part_of_the_page_is_damaged() {
        let all = |may_be_old| ["aa", "bb", "cc"].map(|key| (key.to_owned(), may_be_old));
        assert_eq!(found(&page()), all(false));
        for (at, byte) in [(10, 9), (13, 0xFF), (15, 0xFF)] {
            let mut damaged = page();
            damaged[at] = byte;
            assert_eq!(found(&damaged), all(true), "byte {at}");
        }
        // The place where entries begin, and two of the slots.
        let mut damaged = page();
        damaged[14..16].copy_from_slice(&510_u16.to_ne_bytes());
        damaged[HEADER..HEADER + 4].fill(0xFF);
        assert_eq!(found(&damaged), all(true));
        // A slot that leads nowhere.
        let mut damaged = page();
        damaged[HEADER + 1] = 0xFF;
        assert_eq!(found(&damaged), all(false));
        // An entry whose length is damaged.
        let mut damaged = page();
        let at = usize::from(u16_at(&damaged, HEADER + 2).unwrap());
        damaged[at] = 0xF0;
        assert_eq!(found(&damaged), [("aa".to_owned(), false), ("cc".to_owned(), false)]);
    }
}
