//! Keys of the catalog's records in `meta`. Ids are big-endian, so that records sort by id.

use crate::storage::TreeId;
use crate::storage::meta::tag;

/// Tag of the progress of an index build, by store id and index id.
pub const INDEX_BUILD: u8 = b'B';

/// A store's record.
pub fn store(id: u32) -> [u8; 5] {
    tagged(tag::STORE, id)
}

/// The id in the key of a store's record.
pub fn store_id(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.strip_prefix(&[tag::STORE])?.try_into().ok()?))
}

/// A key generator's current number.
pub fn generator(store: u32) -> [u8; 5] {
    tagged(tag::GENERATOR, store)
}

/// What the keys of a store's shapes begin with.
pub fn shapes(store: u32) -> [u8; 5] {
    tagged(tag::SHAPE, store)
}

/// A shape's record.
pub fn shape(store: u32, shape: u16) -> [u8; 7] {
    let [a, b, c, d, e] = shapes(store);
    let [f, g] = shape.to_be_bytes();
    [a, b, c, d, e, f, g]
}

/// The shape id in the key of a shape's record.
pub fn shape_id(key: &[u8]) -> Option<u16> {
    match key {
        [tag::SHAPE, _, _, _, _, high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// What the keys of a store's index builds begin with.
pub fn index_builds(store: u32) -> [u8; 5] {
    tagged(INDEX_BUILD, store)
}

/// The progress of an index build.
pub fn index_build(store: u32, index: u32) -> [u8; 9] {
    let mut key = [0; 9];
    for (to, from) in key.iter_mut().zip(index_builds(store).into_iter().chain(index.to_be_bytes()))
    {
        *to = from;
    }
    key
}

/// The store id and index id in the key of an index build's progress.
pub fn index_build_ids(key: &[u8]) -> Option<(u32, u32)> {
    let (store, index) = key.strip_prefix(&[INDEX_BUILD])?.split_first_chunk()?;
    Some((u32::from_be_bytes(*store), u32::from_be_bytes(index.try_into().ok()?)))
}

/// A tree that waits to be swept.
pub fn sweep(tree: TreeId) -> Vec<u8> {
    let mut key = vec![tag::SWEEP];
    key.extend_from_slice(&tree.prefix());
    key
}

/// The tree in the key of a sweep record.
pub fn sweep_tree(key: &[u8]) -> Option<TreeId> {
    match TreeId::read(key.strip_prefix(&[tag::SWEEP])?)? {
        (tree, []) => Some(tree),
        _ => None,
    }
}

fn tagged(tag: u8, id: u32) -> [u8; 5] {
    let [a, b, c, d] = id.to_be_bytes();
    [tag, a, b, c, d]
}
