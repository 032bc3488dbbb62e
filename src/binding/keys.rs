//! What opens a sealed database.

use napi_derive::napi;

use super::database::NativeDatabase;
use super::error::OrThrow;
use super::options::NativeEncryption;
use crate::error::{Error, ErrorCode, Result};
use crate::seal::{KdfParameters, Secret};
use crate::storage::Unlock;

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
