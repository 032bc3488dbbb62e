//! What opens a sealed database.

use napi::bindgen_prelude::{AsyncTask, BufferSlice, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;
use zeroize::Zeroizing;

use super::database::NativeDatabase;
use super::error::{OrThrow, guarded};
use super::options::NativeEncryption;
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{KdfParameters, Key, Secret};
use crate::storage::{Unlock, rotate_keys};

fn secret(given: NativeEncryption) -> Result<(Secret, KdfParameters)> {
    let encryption = given.into_encryption()?;
    match encryption.unlock {
        Unlock::Secret(secret) => Ok((secret, encryption.kdf)),
        Unlock::Keys(_) => Err(Error::new(ErrorCode::InvalidArgument, "a secret is needed")),
    }
}

#[napi]
impl NativeDatabase {
    /// Lets `next` open the database in the place of `current`.
    #[napi(catch_unwind)]
    pub fn change_key(
        &self,
        ticket: u32,
        current: NativeEncryption,
        next: NativeEncryption,
    ) -> napi::Result<()> {
        let ((current, _), (next, kdf)) = (secret(current).or_throw()?, secret(next).or_throw()?);
        self.spawn(ticket, move |shared, _| {
            shared.connection.change_secret(&current, &next, kdf).map(|()| Vec::new())
        })
        .or_throw()
    }

    /// Lets `additional` open the database as well as `current`.
    #[napi(catch_unwind)]
    pub fn add_key(
        &self,
        ticket: u32,
        current: NativeEncryption,
        additional: NativeEncryption,
    ) -> napi::Result<()> {
        let (current, _) = secret(current).or_throw()?;
        let (additional, kdf) = secret(additional).or_throw()?;
        self.spawn(ticket, move |shared, _| {
            shared.connection.add_secret(&current, &additional, kdf).map(|()| Vec::new())
        })
        .or_throw()
    }

    /// Replaces the data keys, and seals everything anew.
    #[napi(catch_unwind)]
    pub fn rotate_key(&self, ticket: u32) -> napi::Result<()> {
        self.spawn(ticket, |shared, reporter| {
            rotate_keys(&shared.connection, &*reporter).map(|()| Vec::new())
        })
        .or_throw()
    }

    /// Lets `removed` open the database no more.
    #[napi(catch_unwind)]
    pub fn remove_key(&self, ticket: u32, removed: NativeEncryption) -> napi::Result<()> {
        let (removed, _) = secret(removed).or_throw()?;
        self.spawn(ticket, move |shared, _| {
            shared.connection.remove_secret(&removed).map(|()| Vec::new())
        })
        .or_throw()
    }
}

/// The key of a passphrase, by Argon2id: KiB of memory, passes and lanes.
#[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
pub fn derive_passphrase_key(
    passphrase: String,
    salt: Uint8Array,
    memory: u32,
    iterations: u32,
    parallelism: u32,
) -> AsyncTask<DeriveTask> {
    let passphrase = Zeroizing::new(passphrase.into_bytes());
    let parameters = KdfParameters { memory, iterations, parallelism };
    AsyncTask::new(DeriveTask { passphrase, salt: salt.to_vec(), parameters })
}

/// The work of [`derive_passphrase_key`].
pub struct DeriveTask {
    passphrase: Zeroizing<Vec<u8>>,
    salt: Vec<u8>,
    parameters: KdfParameters,
}

impl Task for DeriveTask {
    type Output = Key;
    type JsValue = BufferSlice<'static>;

    fn compute(&mut self) -> napi::Result<Key> {
        guarded(|| self.parameters.derive(&self.passphrase, &self.salt).or_throw())
    }

    fn resolve(&mut self, env: Env, key: Key) -> napi::Result<BufferSlice<'static>> {
        BufferSlice::copy_from(&env, key.bytes())
    }
}
