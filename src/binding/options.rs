//! Options of an open, as the JavaScript layer passes them. It has checked them by then.

use std::path::PathBuf;
use std::time::Duration;

use napi::bindgen_prelude::{Uint8Array, Utf16String};
use napi_derive::napi;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode, Result};
use crate::seal::{Cipher, KDF_DEFAULT, KdfParameters, Key, Secret};
use crate::storage::{Durability, Encryption, OpenMode, OpenOptions};
use crate::wtf8::Wtf8String;

/// Options of `openDatabase`.
#[napi(object, object_to_js = false)]
pub struct NativeOpenOptions {
    /// The directory, or `:memory:`.
    pub path: String,
    /// `openOrCreate`, `create`, `open` or `readOnly`.
    pub mode: Option<String>,
    /// `strict`, `relaxed` or `none`.
    pub durability: Option<String>,
    /// The name of a space.
    pub space: Option<Utf16String>,
    /// Bytes of address space to reserve.
    pub map_size: Option<f64>,
    /// Milliseconds.
    pub busy_timeout: Option<f64>,
    /// Bytes.
    pub max_pending_bytes: Option<f64>,
    /// Snapshots over all processes.
    pub max_readers: Option<u32>,
    /// Milliseconds.
    pub snapshot_timeout: Option<f64>,
    /// Of a sealed database.
    pub encryption: Option<NativeEncryption>,
}

/// How a database is encrypted, and what unlocks it: a passphrase or a key.
#[napi(object, object_to_js = false)]
pub struct NativeEncryption {
    /// The passphrase.
    pub passphrase: Option<String>,
    /// The key, of 32 bytes.
    pub key: Option<Uint8Array>,
    /// `aes-256-gcm` or `chacha20-poly1305`.
    pub cipher: Option<String>,
    /// KiB of memory that Argon2id takes.
    pub memory: Option<u32>,
    /// Its passes.
    pub iterations: Option<u32>,
    /// Its lanes.
    pub parallelism: Option<u32>,
}

impl NativeEncryption {
    pub(super) fn into_encryption(self) -> Result<Encryption> {
        // What holds it is zeroized, whatever comes of it.
        let passphrase = self.passphrase.map(|text| Zeroizing::new(text.into_bytes()));
        let secret = match (passphrase, self.key) {
            (Some(passphrase), None) => Secret::Passphrase(passphrase),
            (None, Some(key)) => match Key::from_slice(&key) {
                Some(key) => Secret::Key(key),
                None => return Err(invalid("a key has 32 bytes")),
            },
            _ => return Err(invalid("a passphrase or a key is needed")),
        };
        let cipher = match self.cipher.as_deref() {
            None => Cipher::default(),
            Some(name) => [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305]
                .into_iter()
                .find(|cipher| cipher.name() == name)
                .ok_or_else(|| unknown("cipher", name))?,
        };
        let kdf = KdfParameters {
            memory: self.memory.unwrap_or(KDF_DEFAULT.memory),
            iterations: self.iterations.unwrap_or(KDF_DEFAULT.iterations),
            parallelism: self.parallelism.unwrap_or(KDF_DEFAULT.parallelism),
        };
        if !kdf.are_possible() {
            return Err(invalid("Argon2id needs 8 KiB of memory for each lane"));
        }
        Ok(Encryption { cipher, kdf, ..Encryption::with(secret) })
    }
}

/// What to open, and how.
pub(super) struct Target {
    pub path: PathBuf,
    pub space: Option<Wtf8String>,
    pub options: OpenOptions,
}

impl NativeOpenOptions {
    pub(super) fn into_target(self) -> Result<Target> {
        let defaults = OpenOptions::default();
        let mode = match self.mode.as_deref() {
            None | Some("openOrCreate") => OpenMode::OpenOrCreate,
            Some("create") => OpenMode::Create,
            Some("open") => OpenMode::Open,
            Some("readOnly") => OpenMode::ReadOnly,
            Some(other) => return Err(unknown("mode", other)),
        };
        let durability = match self.durability.as_deref() {
            None | Some("strict") => Durability::Strict,
            Some("relaxed") => Durability::Relaxed,
            Some("none") => Durability::None,
            Some(other) => return Err(unknown("durability", other)),
        };
        let options = OpenOptions {
            mode,
            durability,
            map_size: bytes(self.map_size, defaults.map_size),
            max_readers: self.max_readers.unwrap_or(defaults.max_readers),
            busy_timeout: milliseconds(self.busy_timeout, defaults.busy_timeout),
            max_pending_bytes: bytes(self.max_pending_bytes, defaults.max_pending_bytes),
            snapshot_timeout: milliseconds(self.snapshot_timeout, defaults.snapshot_timeout),
            encryption: self.encryption.map(NativeEncryption::into_encryption).transpose()?,
        };
        let space = self.space.map(|name| Wtf8String::from_utf16(&name));
        Ok(Target { path: PathBuf::from(self.path), space, options })
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

fn unknown(option: &str, value: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, format!("{option} cannot be {value:?}"))
}

/// Numbers from JavaScript saturate: negative ones and NaN give 0.
fn bytes(number: Option<f64>, default: usize) -> usize {
    number.map_or(default, |number| number as usize)
}

/// A limit in milliseconds; infinity and what exceeds a century is a century.
fn milliseconds(number: Option<f64>, default: Duration) -> Duration {
    const CENTURY: u64 = 100 * 366 * 86_400_000;
    number.map_or(default, |number| Duration::from_millis((number as u64).min(CENTURY)))
}

/// A time limit of a transaction; none if it is infinite.
pub(super) fn limit(number: Option<f64>) -> Option<Duration> {
    number
        .filter(|number| number.is_finite())
        .map(|number| milliseconds(Some(number), Duration::ZERO))
}
