//! Records of keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::SlotKind;
use super::super::secret::KEY;
use super::*;

const DATABASE: [u8; 16] = [7; 16];
const CHEAP: KdfParameters = KdfParameters { memory: 8, iterations: 1, parallelism: 1 };

fn code<T>(result: Result<T>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

fn record(cipher: Cipher, secrets: &[Secret]) -> (KeyRecord, Opened, Vec<SlotKey>) {
    let mut random = Random::new();
    let keys = DataKeys::generate(&mut random).unwrap();
    let (mut record, mut opened) =
        KeyRecord::new(cipher, 4_080, &DATABASE, &keys, b"content", &mut random).unwrap();
    let add =
        |secret| record.add_slot(&DATABASE, &mut opened, (secret, CHEAP), &mut random).unwrap();
    let slots = secrets.iter().map(add).collect();
    (record, opened, slots)
}

fn same(one: &DataKeys, other: &DataKeys) -> bool {
    *one.encode() == *other.encode()
}

#[test]
fn each_secret_unlocks_the_same_keys() {
    let secrets = [Secret::passphrase("one"), Secret::key([3; KEY]), Secret::passphrase("two")];
    let mut random = Random::new();
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let (mut record, mut opened, _) = record(cipher, &secrets);
        for (secret, id) in secrets.iter().zip(1..) {
            let unlocked = record.unlock(&DATABASE, secret).unwrap();
            assert_eq!(unlocked.slot.id, id);
            assert_eq!(unlocked.opened.content, b"content");
            assert!(same(&unlocked.opened.keys, &opened.keys));
        }
        for wrong in [Secret::passphrase("three"), Secret::passphrase(""), Secret::key([4; 32])] {
            assert_eq!(code(record.unlock(&DATABASE, &wrong)), Some(ErrorCode::WrongKey));
        }
        for is_there in [true, false] {
            let removed = record.remove_slot(&DATABASE, &mut opened, 1, &mut random);
            assert_eq!(removed.unwrap(), is_there);
        }
        let gone = record.unlock(&DATABASE, &secrets[0]);
        assert_eq!(code(gone), Some(ErrorCode::WrongKey));
        assert!(record.unlock(&DATABASE, &secrets[2]).is_ok());
        let other = record.unlock(&[8; 16], &secrets[2]);
        assert_eq!(code(other), Some(ErrorCode::WrongKey), "of another database");
    }
}

#[test]
fn data_keys_are_replaced_without_secrets() {
    let secrets = [Secret::passphrase("one"), Secret::key([3; KEY])];
    let mut random = Random::new();
    let (before, opened, slots) = record(Cipher::Aes256Gcm, &secrets);
    let mut record = KeyRecord::decode(&before.encode()).unwrap();
    let mut replaced = record.open(&DATABASE, &opened.keys).unwrap().unwrap();
    let both = opened.keys.succeeded(&mut random).unwrap();
    record.replace_keys(&DATABASE, &mut replaced, both.clone(), &mut random).unwrap();
    assert_eq!(both.numbers().collect::<Vec<_>>(), [1, 2]);
    let mut record = KeyRecord::decode(&record.encode()).unwrap();
    // Who knows only the old key learns nothing, who has the key of a slot does.
    assert!(record.open(&DATABASE, &opened.keys).unwrap().is_none());
    for (secret, slot) in secrets.iter().zip(&slots) {
        assert!(same(&record.unlock(&DATABASE, secret).unwrap().opened.keys, &both));
        assert!(same(&record.keys_of(&DATABASE, slot).unwrap().unwrap(), &both));
    }
    let new = both.current().unwrap();
    record.replace_keys(&DATABASE, &mut replaced, new.clone(), &mut random).unwrap();
    for (secret, slot) in secrets.iter().zip(&slots) {
        assert!(same(&record.unlock(&DATABASE, secret).unwrap().opened.keys, &new));
        assert!(same(&record.keys_of(&DATABASE, slot).unwrap().unwrap(), &new));
    }
    // What was sealed is never the same twice, and nothing of a slot fits into another one.
    assert_ne!(before.encode(), record.encode());
    let wrong = SlotKey { id: slots[1].id, private: slots[0].private.clone() };
    assert!(record.keys_of(&DATABASE, &wrong).unwrap().is_none());
}

#[test]
fn a_slot_that_goes_while_a_data_key_is_replaced_is_noted() {
    let secrets = [Secret::key([3; KEY]), Secret::key([4; KEY]), Secret::key([5; KEY])];
    let mut random = Random::new();
    let (mut record, mut opened, slots) = record(Cipher::Aes256Gcm, &secrets);
    record.remove_slot(&DATABASE, &mut opened, slots[0].id, &mut random).unwrap();
    assert!(!opened.outlives_slot(&record));
    let both = opened.keys.succeeded(&mut random).unwrap();
    record.replace_keys(&DATABASE, &mut opened, both.clone(), &mut random).unwrap();
    assert!(!opened.outlives_slot(&record));
    record.remove_slot(&DATABASE, &mut opened, slots[1].id, &mut random).unwrap();
    // It is not forgotten, whoever changes the record next.
    let mut record = KeyRecord::decode(&record.encode()).unwrap();
    assert!(record.unlock(&DATABASE, &secrets[1]).is_err());
    let mut opened = record.unlock(&DATABASE, &secrets[2]).unwrap().opened;
    assert!(opened.outlives_slot(&record));
    record.add_slot(&DATABASE, &mut opened, (&secrets[0], CHEAP), &mut random).unwrap();
    assert!(opened.outlives_slot(&record));
    let new = both.current().unwrap();
    record.replace_keys(&DATABASE, &mut opened, new, &mut random).unwrap();
    assert!(!record.unlock(&DATABASE, &secrets[2]).unwrap().opened.outlives_slot(&record));
}

#[test]
fn every_flipped_bit_is_found() {
    let secret = Secret::key([3; KEY]);
    let (record, ..) = record(Cipher::Aes256Gcm, std::slice::from_ref(&secret));
    let encoded = record.encode();
    assert_eq!(KeyRecord::decode(&encoded).unwrap(), record);
    for at in 0..encoded.len() {
        for bit in 0..8 {
            let mut changed = encoded.clone();
            changed[at] ^= 1 << bit;
            let opened =
                KeyRecord::decode(&changed).and_then(|other| other.unlock(&DATABASE, &secret));
            // The next slot's id alone is not covered: it opens nothing.
            assert_eq!(opened.is_ok(), (6..10).contains(&at), "bit {bit} of byte {at}");
        }
    }
    for len in 0..encoded.len() {
        assert!(KeyRecord::decode(&encoded[..len]).is_err());
    }
}

#[test]
fn slots_are_bounded() {
    let secret = Secret::key([3; KEY]);
    let (mut record, mut opened, _) = record(Cipher::Aes256Gcm, &[]);
    let mut random = Random::new();
    let mut add = |record: &mut KeyRecord| {
        record.add_slot(&DATABASE, &mut opened, (&secret, CHEAP), &mut random)
    };
    for _ in 0..MAX_SLOTS {
        assert!(add(&mut record).unwrap().private.is_some());
    }
    assert_eq!(code(add(&mut record)), Some(ErrorCode::ResourceLimit));
    assert!(record.slots().iter().all(|slot| slot.kind == SlotKind::Key));
    let decoded = KeyRecord::decode(&record.encode()).unwrap();
    assert_eq!(decoded, record);
    assert_eq!(decoded.unlock(&DATABASE, &secret).unwrap().slot.id, 1);
}
