//! Known answers, from the specifications.

#![allow(clippy::unwrap_used)]

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};

use super::super::{Cipher, Key, SealingKey, TAG};
use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

struct Case {
    key: &'static str,
    nonce: &'static str,
    associated: &'static str,
    plaintext: Vec<u8>,
    ciphertext: &'static str,
    tag: &'static str,
}

fn check(cipher: Cipher, case: &Case) {
    let key = SealingKey::new(cipher, &Key::from_slice(&bytes(case.key)).unwrap());
    let nonce = bytes(case.nonce).try_into().unwrap();
    let associated = bytes(case.associated);
    let mut sealed = case.plaintext.clone();
    let tag = key.seal(nonce, &associated, &mut sealed).unwrap();
    assert_eq!(sealed, bytes(case.ciphertext));
    assert_eq!(tag.to_vec(), bytes(case.tag));
    sealed.extend_from_slice(&tag);
    assert_eq!(*key.open(nonce, &associated, &mut sealed.clone()).unwrap(), *case.plaintext);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        assert!(key.open(nonce, &associated, &mut changed).is_none(), "byte {at}");
    }
    let other = [&*associated, b"x"].concat();
    assert!(key.open(nonce, &other, &mut sealed.clone()).is_none());
    assert!(key.open([9; 12], &associated, &mut sealed.clone()).is_none());
    let short = sealed.get_mut(..TAG - 1).unwrap();
    assert!(key.open(nonce, &associated, short).is_none());
}

const GCM_TEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
const GCM_KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

/// The specification of GCM (McGrew and Viega), which NIST SP 800-38D refers to: cases 13 to 16.
#[test]
fn aes_256_gcm() {
    let zero = "0000000000000000000000000000000000000000000000000000000000000000";
    let cases = [
        Case {
            key: zero,
            nonce: "000000000000000000000000",
            associated: "",
            plaintext: Vec::new(),
            ciphertext: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        Case {
            key: zero,
            nonce: "000000000000000000000000",
            associated: "",
            plaintext: vec![0; 16],
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919",
        },
        Case {
            key: GCM_KEY,
            nonce: "cafebabefacedbaddecaf888",
            associated: "",
            plaintext: bytes(GCM_TEXT),
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c",
        },
        Case {
            key: GCM_KEY,
            nonce: "cafebabefacedbaddecaf888",
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            plaintext: bytes(GCM_TEXT).get(..60).unwrap().to_vec(),
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];
    cases.iter().for_each(|case| check(Cipher::Aes256Gcm, case));
}

/// RFC 8439, section 2.8.2.
#[test]
fn chacha20_poly1305() {
    let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
                the future, sunscreen would be it.";
    let case = Case {
        key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        nonce: "070000004041424344454647",
        associated: "50515253c0c1c2c3c4c5c6c7",
        plaintext: text.into(),
        ciphertext: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
            3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
            92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
            3ff4def08e4b7a9de576d26586cec64b6116",
        tag: "1ae10b594f09e26a7e902ecbd0600691",
    };
    check(Cipher::ChaCha20Poly1305, &case);
}

/// RFC 9106, section 5.3.
#[test]
fn argon2id() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    assert_eq!(tag.to_vec(), bytes(expected));
}

/// The vectors of Argon2's reference implementation (src/test.c), by way of our own derivation.
#[test]
fn argon2id_of_passphrases() {
    let cases = [
        (256, 2, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
        (256, 2, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
        (65_536, 2, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
    ];
    for (memory, iterations, parallelism, expected) in cases {
        let parameters = KdfParameters { memory, iterations, parallelism };
        let key = parameters.derive(b"password", b"somesalt").unwrap();
        assert_eq!(key.bytes().to_vec(), bytes(expected), "{parameters:?}");
    }
    let impossible = KdfParameters { memory: 8, iterations: 1, parallelism: 2 };
    assert!(impossible.derive(b"password", b"somesalt").is_err());
}

/// RFC 5869, appendix A, cases 1 and 3: the first 32 bytes of the output.
#[test]
fn hkdf_sha256() {
    let salt = bytes("000102030405060708090a0b0c");
    let info = bytes("f0f1f2f3f4f5f6f7f8f9");
    let key = derive_key(&[0x0b; 22], &salt, &[&info]).unwrap();
    let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
    assert_eq!(key.bytes().to_vec(), bytes(expected));
    let key = derive_key(&[0x0b; 22], &[], &[]).unwrap();
    let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
    assert_eq!(key.bytes().to_vec(), bytes(expected));
}
