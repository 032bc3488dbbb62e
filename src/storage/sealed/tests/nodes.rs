//! Nodes and blocks by themselves.

use super::*;
use crate::seal::{Key, SealingKey};
use crate::storage::sealed::block;
use crate::storage::sealed::node::{Content, Node, Value};
use crate::storage::sealed::plaintext::Plaintext;

/// Whatever bytes are decrypted, no access leads out of them.
#[test]
fn arbitrary_bytes_are_refused_or_harmless() {
    let mut random = Random::from_env();
    let mut good = Node::empty_leaf(400);
    for key in [b"one", b"two"] {
        assert!(good.insert(good.count(), key, Content::Value(Value::Inline(b"value"))));
    }
    let mut taken = 0;
    for _ in 0..50_000 {
        let mut bytes = match random.below(3) {
            0 => (0..400).map(|_| random.u64() as u8).collect(),
            _ => good.bytes().to_vec(),
        };
        for _ in 0..1 + random.below(4) {
            let within = if random.below(4) == 0 { bytes.len() } else { 48 };
            let at = random.below(within);
            bytes[at] = random.u64() as u8;
        }
        let Some(node) = Node::parse(Plaintext::copy_of(&bytes)) else { continue };
        taken += 1;
        node.search(b"two").unwrap_or_else(|at| at);
        for at in 0..node.count() + 1 {
            let _ = (node.rest(at), node.child(at), node.value(at), node.item(at).key());
        }
    }
    assert!(taken > 100, "{taken}");
}

#[test]
fn a_block_opens_under_its_id_and_database_alone() {
    let key = SealingKey::new(Cipher::Aes256Gcm, &Key::new([1; 32]));
    let payload: Vec<u8> = (0..100).collect();
    let stamp = [3; 16];
    let mut stored = vec![0; payload.len() + block::OVERHEAD];
    assert!(block::seal(&key, &DATABASE, 5, &stamp, &payload, &mut stored));
    let open = |key: &SealingKey, database: &[u8; 16], id, stored: &[u8]| {
        let mut out = vec![0; payload.len()];
        block::open_into(key, database, id, stored, &mut out).then_some(out)
    };
    assert_eq!(open(&key, &DATABASE, 5, &stored).as_deref(), Some(&*payload));
    assert!(open(&key, &DATABASE, 6, &stored).is_none());
    assert!(open(&key, &[8; 16], 5, &stored).is_none());
    let other = SealingKey::new(Cipher::Aes256Gcm, &Key::new([2; 32]));
    assert!(open(&other, &DATABASE, 5, &stored).is_none());
    // But for the epoch, which chooses the key.
    for at in 4..stored.len() {
        let mut changed = stored.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(open(&key, &DATABASE, 5, &changed).is_none(), "byte {at}");
    }
    assert!(open(&key, &DATABASE, 5, &stored[..stored.len() - 1]).is_none());
}
