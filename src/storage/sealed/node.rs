//! A node of a block tree: what a block holds when it is decrypted.
//!
//! ```text
//! u8 level (0: leaf) | u8 0 | u16 count | u16 prefix length | u16 heap | u16 dead | u16 next
//! | u32 0 | u64 leftmost child (of branches) | prefix | count × slot | free | heap
//! ```
//!
//! All keys of a node begin with its prefix, which they are stored without. A slot is `u32 head |
//! u16 offset | u16 length`: the first four bytes of the rest of the key as a big-endian number,
//! padded with zeros, and where in the node the rest begins, and its length. In the heap, which
//! begins at `heap` and ends with the node, the rest of a key has before it, in leaves, a `u16`
//! that tells the value's length, or [`IN_BLOB`], and after it the value, or `u64` block id and
//! `u64` length of the blob that holds it; in branches after it the `u64` id of the child whose
//! keys are at or above the key. `dead` counts bytes of the heap that nothing refers to. `next` is
//! the place after the last entry that was inserted, 0 if that is not known: while entries come in
//! ascending order, the next one is inserted there. Numbers are little-endian.

use super::plaintext::Plaintext;
use crate::storage::platform::prefetch;

/// Bytes of the header.
pub(super) const HEADER: usize = 24;
/// Bytes of a slot.
pub(super) const SLOT: usize = 8;
/// Stands for the length of a value that is in a blob.
const IN_BLOB: u16 = u16::MAX;
/// Bytes that refer to a blob.
const BLOB_REFERENCE: usize = 16;
const CHILD: usize = 8;
const VALUE_LENGTH: usize = 2;
/// Bytes that are asked for together, as many as the processor waits for at once.
const FETCHED: usize = 256;
/// Levels at most; LMDB has as many.
pub(super) const MAX_LEVEL: u8 = 31;

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Node(pub(super) Plaintext);

/// A value of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'v> {
    /// The value itself.
    Inline(&'v [u8]),
    /// Where it is.
    Blob(Blob),
}

/// A run of blocks that hold one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    /// The id of the first block.
    pub id: u64,
    /// Bytes of the value.
    pub len: u64,
}

impl Node {
    /// A leaf without entries in a block with `size` bytes of payload.
    pub(super) fn empty_leaf(size: usize) -> Self {
        let mut node = Self(Plaintext::zeroed(size));
        node.set_u16(6, size);
        node
    }

    /// Takes decrypted bytes; `None` if they are no node.
    ///
    /// They are authentic, so that only a defect of this code could make them none. Afterwards no
    /// number in the node leads out of it.
    pub(super) fn parse(bytes: Plaintext) -> Option<Self> {
        let node = Self(bytes);
        let (size, slots) = (node.size(), node.slots_at());
        if node.level() > MAX_LEVEL || size > usize::from(u16::MAX) {
            return None;
        }
        let end = slots + node.count() * SLOT;
        if end > node.heap() || node.heap() > size {
            return None;
        }
        let (before, after) = if node.is_leaf() { (VALUE_LENGTH, 0) } else { (0, CHILD) };
        let heap = node.heap();
        for slot in node.slots() {
            let (_, offset, length) = read_slot(slot);
            if offset < heap + before || offset + length + after > size {
                return None;
            }
            if node.is_leaf() {
                let stored = u16_at(node.bytes(), offset - VALUE_LENGTH);
                let stored = if stored == IN_BLOB { BLOB_REFERENCE } else { usize::from(stored) };
                if offset + length + stored > size {
                    return None;
                }
            }
        }
        Some(node)
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Bytes of the payload.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.bytes().len()
    }

    #[inline]
    pub(super) fn level(&self) -> u8 {
        self.bytes().first().copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn is_leaf(&self) -> bool {
        self.level() == 0
    }

    /// How many keys there are. A branch has one child more.
    #[inline]
    pub(super) fn count(&self) -> usize {
        usize::from(u16_at(self.bytes(), 2))
    }

    #[inline]
    pub(super) fn prefix(&self) -> &[u8] {
        slice(self.bytes(), HEADER, self.prefix_len())
    }

    #[inline]
    pub(super) fn prefix_len(&self) -> usize {
        usize::from(u16_at(self.bytes(), 4))
    }

    #[inline]
    fn heap(&self) -> usize {
        usize::from(u16_at(self.bytes(), 6))
    }

    /// Bytes of the heap that nothing refers to.
    #[inline]
    pub(super) fn dead(&self) -> usize {
        usize::from(u16_at(self.bytes(), 8))
    }

    /// Whether an entry that is inserted at this place follows the last one that was.
    pub(super) fn is_next(&self, at: usize) -> bool {
        at > 0 && at == usize::from(u16_at(self.bytes(), 10))
    }

    /// Notes that the entry at this place was inserted.
    pub(super) fn set_next(&mut self, at: usize) {
        self.set_u16(10, at + 1);
    }

    pub(super) fn leftmost(&self) -> u64 {
        u64_at(self.bytes(), 16)
    }

    #[inline]
    fn slots_at(&self) -> usize {
        HEADER + self.prefix_len()
    }

    #[inline]
    fn slots(&self) -> &[[u8; SLOT]] {
        slice(self.bytes(), self.slots_at(), self.count() * SLOT).as_chunks().0
    }

    #[inline]
    fn slot(&self, at: usize) -> (u32, usize, usize) {
        self.slots().get(at).map_or((0, 0, 0), read_slot)
    }

    /// Bytes that entries and the header take.
    pub(super) fn used(&self) -> usize {
        let taken = self.size().saturating_sub(self.heap()).saturating_sub(self.dead());
        self.slots_at() + self.count() * SLOT + taken
    }

    /// Bytes between the slots and the heap.
    fn gap(&self) -> usize {
        self.heap().saturating_sub(self.slots_at() + self.count() * SLOT)
    }

    /// A key without the prefix.
    #[inline]
    pub(super) fn rest(&self, at: usize) -> &[u8] {
        let (_, offset, length) = self.slot(at);
        slice(self.bytes(), offset, length)
    }

    /// Whether the keys ascend, and lie between those that the branches above say.
    pub(super) fn is_within(&self, low: &[u8], high: Option<&[u8]>) -> bool {
        let key = |at: usize| [self.prefix(), self.rest(at)].concat();
        let Some(last) = self.count().checked_sub(1) else { return true };
        (0..last).all(|at| self.rest(at) < self.rest(at + 1))
            && low <= key(0).as_slice()
            && high.is_none_or(|high| key(last).as_slice() < high)
    }

    /// Where `key` is, or where it would be inserted.
    #[inline]
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let prefix = self.prefix();
        let Some(rest) = key.strip_prefix(prefix) else {
            return Err(if key < prefix { 0 } else { self.count() });
        };
        let head = head_of(rest);
        let slots = self.slots();
        let (mut low, mut high) = (0, slots.len());
        while low < high {
            let middle = low.midpoint(high);
            let (other, offset, length) = slots.get(middle).map_or((0, 0, 0), read_slot);
            let ordering =
                other.cmp(&head).then_with(|| slice(self.bytes(), offset, length).cmp(rest));
            match ordering {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    /// Of a branch: the place of the child under which `key` belongs.
    #[inline]
    pub(super) fn search_child(&self, key: &[u8]) -> usize {
        match self.search(key) {
            Ok(at) => at + 1,
            Err(at) => at,
        }
    }

    /// Of a branch: the child at a place from 0 to the number of keys.
    #[inline]
    pub(super) fn child(&self, place: usize) -> u64 {
        match place.checked_sub(1) {
            None => self.leftmost(),
            Some(at) => {
                let (_, offset, length) = self.slot(at);
                u64_at(self.bytes(), offset + length)
            }
        }
    }

    /// Of a leaf: the value at a place.
    #[inline]
    pub(super) fn value(&self, at: usize) -> Value<'_> {
        let (_, offset, length) = self.slot(at);
        let stored = u16_at(self.bytes(), offset.saturating_sub(VALUE_LENGTH));
        let value = offset + length;
        if stored == IN_BLOB {
            let (id, len) = (u64_at(self.bytes(), value), u64_at(self.bytes(), value + 8));
            return Value::Blob(Blob { id, len });
        }
        Value::Inline(slice(self.bytes(), value, usize::from(stored)))
    }

    /// Of a leaf: the entries at places `from` to `to`, each the key without the prefix, and the
    /// value.
    #[inline]
    pub(super) fn entries(
        &self,
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = (&[u8], Value<'_>)> {
        let bytes = self.bytes();
        self.slots().get(from..to).unwrap_or_default().iter().map(move |slot| {
            let (_, offset, length) = read_slot(slot);
            let entry = bytes.get(offset.saturating_sub(VALUE_LENGTH)..).unwrap_or_default();
            let (stored, entry) = entry.split_first_chunk().unwrap_or((&[0; VALUE_LENGTH], &[]));
            let (rest, behind) = entry.split_at_checked(length).unwrap_or_default();
            let stored = u16::from_le_bytes(*stored);
            if stored == IN_BLOB {
                let (id, len) = (u64_at(behind, 0), u64_at(behind, 8));
                return (rest, Value::Blob(Blob { id, len }));
            }
            (rest, Value::Inline(behind.get(..usize::from(stored)).unwrap_or_default()))
        })
    }

    /// Asks for a part of the node's memory, which will be needed soon.
    #[inline]
    pub(super) fn fetch(&self, part: usize) {
        const LINE: usize = 64;
        let bytes = self.bytes().get(part * FETCHED..).unwrap_or_default();
        for line in bytes.get(..FETCHED).unwrap_or(bytes).chunks(LINE) {
            prefetch(line);
        }
    }

    /// Of a leaf: where a value is that is in the node itself, and its length.
    #[inline]
    pub(super) fn value_range(&self, at: usize) -> (usize, usize) {
        let (_, offset, length) = self.slot(at);
        let stored = u16_at(self.bytes(), offset.saturating_sub(VALUE_LENGTH));
        (offset + length, usize::from(stored))
    }

    /// The entry at a place, to be put into another node.
    pub(super) fn item(&self, at: usize) -> Item<'_> {
        let content = if self.is_leaf() {
            Content::Value(self.value(at))
        } else {
            Content::Child(self.child(at + 1))
        };
        Item { prefix: self.prefix(), rest: self.rest(at), content }
    }

    /// Room for one more entry, or for a larger one.
    pub(super) fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::with_capacity(self.count() + 1);
        items.extend((0..self.count()).map(|at| self.item(at)));
        items
    }

    /// Puts an entry in at a place; false if that needs the node to be built anew.
    pub(super) fn insert(&mut self, at: usize, key: &[u8], content: Content<'_>) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix()) else { return false };
        let before = content.before();
        let needed = before.len() + rest.len() + content.len();
        if needed + SLOT > self.gap() {
            return false;
        }
        let (count, slots) = (self.count(), self.slots_at());
        let start = self.heap() - needed;
        self.write_entry(start, [rest, &[]], content);
        let (from, end) = (slots + at * SLOT, slots + count * SLOT);
        let offset = start + before.len();
        let bytes = self.0.bytes_mut();
        if from > end || end + SLOT > bytes.len() {
            return false;
        }
        bytes.copy_within(from..end, from + SLOT);
        write_slot(bytes, from, head_of(rest), offset, rest.len());
        self.set_u16(2, count + 1);
        self.set_u16(6, start);
        self.set_next(at);
        true
    }

    /// Writes an entry whose key, but for the prefix, comes in two parts.
    fn write_entry(&mut self, start: usize, rest: [&[u8]; 2], content: Content<'_>) {
        let mut out = self.0.bytes_mut().get_mut(start..).unwrap_or_default();
        for part in [content.before().bytes(), rest[0], rest[1]] {
            write(&mut out, part);
        }
        match content {
            Content::Value(Value::Inline(value)) => write(&mut out, value),
            Content::Value(Value::Blob(blob)) => {
                write(&mut out, &blob.id.to_le_bytes());
                write(&mut out, &blob.len.to_le_bytes());
            }
            Content::Child(id) => write(&mut out, &id.to_le_bytes()),
        }
    }

    /// Takes the entry at a place out.
    pub(super) fn remove(&mut self, at: usize) {
        let (count, slots) = (self.count(), self.slots_at());
        if at >= count {
            return;
        }
        let (from, end) = (slots + at * SLOT, slots + count * SLOT);
        let dead = self.dead() + self.item(at).heap_len();
        self.0.bytes_mut().copy_within(from + SLOT..end, from);
        self.set_u16(2, count - 1);
        self.set_u16(8, dead);
        self.set_u16(10, 0);
    }

    /// Writes a value over one of the same length; false if there is none.
    pub(super) fn overwrite(&mut self, at: usize, value: Value<'_>) -> bool {
        let (Value::Inline(new), Value::Inline(old)) = (value, self.value(at)) else {
            return false;
        };
        if new.len() != old.len() {
            return false;
        }
        let (_, offset, length) = self.slot(at);
        let start = offset + length;
        if let Some(slot) = self.0.bytes_mut().get_mut(start..start + new.len()) {
            slot.copy_from_slice(new);
        }
        true
    }

    /// Of a branch: leads the place to another child.
    pub(super) fn set_leftmost(&mut self, id: u64) {
        if let Some(slot) = self.0.bytes_mut().get_mut(16..24) {
            slot.copy_from_slice(&id.to_le_bytes());
        }
    }

    /// Removes what nothing refers to, so that it is not sealed along.
    pub(super) fn compact(&mut self) {
        if self.dead() > 0 {
            let next = u16_at(self.bytes(), 10);
            let compacted = build(self.size(), self.level(), self.leftmost(), &self.items());
            *self = compacted;
            self.set_u16(10, usize::from(next));
        }
    }

    fn set_u16(&mut self, at: usize, value: usize) {
        if let Some(slot) = self.0.bytes_mut().get_mut(at..at + 2) {
            slot.copy_from_slice(&(value as u16).to_le_bytes());
        }
    }
}

/// What belongs to a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'c> {
    /// In leaves.
    Value(Value<'c>),
    /// In branches.
    Child(u64),
}

/// What stands before a key: nothing, or a value's length.
#[derive(Clone, Copy)]
struct Before([u8; VALUE_LENGTH], usize);

impl Before {
    fn len(self) -> usize {
        self.1
    }

    fn bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

impl Content<'_> {
    fn before(&self) -> Before {
        match self {
            Content::Value(Value::Inline(value)) => {
                Before((value.len() as u16).to_le_bytes(), VALUE_LENGTH)
            }
            Content::Value(Value::Blob(_)) => Before(IN_BLOB.to_le_bytes(), VALUE_LENGTH),
            Content::Child(_) => Before([0; VALUE_LENGTH], 0),
        }
    }

    /// Bytes after the key.
    fn len(&self) -> usize {
        match self {
            Content::Value(Value::Inline(value)) => value.len(),
            Content::Value(Value::Blob(_)) => BLOB_REFERENCE,
            Content::Child(_) => CHILD,
        }
    }
}

/// An entry on its way into a node. Its key is `prefix` and `rest`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'i> {
    pub prefix: &'i [u8],
    pub rest: &'i [u8],
    pub content: Content<'i>,
}

impl<'i> Item<'i> {
    pub(super) fn new(key: &'i [u8], content: Content<'i>) -> Self {
        Self { prefix: &[], rest: key, content }
    }

    pub(super) fn key_len(&self) -> usize {
        self.prefix.len() + self.rest.len()
    }

    pub(super) fn key(&self) -> Vec<u8> {
        [self.prefix, self.rest].concat()
    }

    /// Bytes in the heap of its node.
    fn heap_len(&self) -> usize {
        self.content.before().len() + self.rest.len() + self.content.len()
    }

    /// Bytes in a node without a prefix, its slot included.
    pub(super) fn size(&self) -> usize {
        SLOT + self.prefix.len() + self.heap_len()
    }

    fn key_bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.prefix.iter().chain(self.rest).copied()
    }

    /// How many bytes the beginnings of both keys share.
    pub(super) fn common(&self, other: &Item<'_>) -> usize {
        self.key_bytes().zip(other.key_bytes()).take_while(|(a, b)| a == b).count()
    }
}

/// The largest entry that is stored in a node of `size` bytes: two always fit.
pub(super) const fn max_item(size: usize) -> usize {
    (size - HEADER) / 2
}

/// Bytes of a node of these entries, which are sorted.
pub(super) fn size_of_items(items: &[Item<'_>]) -> usize {
    let prefix = common_prefix(items);
    let entries: usize = items.iter().map(Item::size).sum();
    HEADER + entries + prefix - items.len() * prefix
}

fn common_prefix(items: &[Item<'_>]) -> usize {
    match (items.first(), items.last()) {
        (Some(first), Some(last)) => first.common(last).min(first.key_len()),
        _ => 0,
    }
}

/// A node of entries that fit, in their order.
pub(super) fn build(size: usize, level: u8, leftmost: u64, items: &[Item<'_>]) -> Node {
    let mut node = Node::empty_leaf(size);
    let prefix = common_prefix(items);
    if let Some(first) = node.0.bytes_mut().first_mut() {
        *first = level;
    }
    if let Some(first) = items.first()
        && let Some(out) = node.0.bytes_mut().get_mut(HEADER..HEADER + prefix)
    {
        for (out, byte) in out.iter_mut().zip(first.key_bytes()) {
            *out = byte;
        }
    }
    node.set_u16(4, prefix);
    node.set_leftmost(leftmost);
    let slots = HEADER + prefix;
    let mut start = size;
    for (at, item) in items.iter().enumerate() {
        let skipped = item.rest.get(prefix.saturating_sub(item.prefix.len())..);
        let rest = [item.prefix.get(prefix..).unwrap_or_default(), skipped.unwrap_or_default()];
        let rest_len = rest[0].len() + rest[1].len();
        let before = item.content.before().len();
        start = start.saturating_sub(before + rest_len + item.content.len());
        node.write_entry(start, rest, item.content);
        let head = head_of(slice(node.bytes(), start + before, rest_len));
        write_slot(node.0.bytes_mut(), slots + at * SLOT, head, start + before, rest_len);
    }
    node.set_u16(2, items.len());
    node.set_u16(6, start);
    node
}

/// The first four bytes as a number, so that most comparisons are of numbers.
#[inline]
fn head_of(rest: &[u8]) -> u32 {
    if let Some(head) = rest.first_chunk() {
        return u32::from_be_bytes(*head);
    }
    let mut head = [0; 4];
    for (to, from) in head.iter_mut().zip(rest) {
        *to = *from;
    }
    u32::from_be_bytes(head)
}

#[inline]
fn read_slot(slot: &[u8; SLOT]) -> (u32, usize, usize) {
    let slot = u64::from_le_bytes(*slot);
    (slot as u32, (slot >> 32 & 0xFFFF) as usize, (slot >> 48) as usize)
}

fn write_slot(bytes: &mut [u8], at: usize, head: u32, offset: usize, length: usize) {
    let slot = u64::from(head) | (offset as u64) << 32 | (length as u64) << 48;
    if let Some(out) = bytes.get_mut(at..at + SLOT) {
        out.copy_from_slice(&slot.to_le_bytes());
    }
}

/// Writes to the front of `out`, and moves it on.
fn write(out: &mut &mut [u8], bytes: &[u8]) {
    if let Some(slot) = out.split_off_mut(..bytes.len()) {
        slot.copy_from_slice(bytes);
    }
}

#[inline]
fn slice(bytes: &[u8], at: usize, len: usize) -> &[u8] {
    bytes.get(at..at + len).unwrap_or_default()
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

#[inline]
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
