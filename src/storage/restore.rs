//! Putting a database in the place of another one.

use std::fs;
use std::path::{Path, PathBuf};

use super::connection::Connection;
use super::graph_files;
use super::journal;
use super::lock_file::io_error;
use super::meta::{self, tag};
use super::options::Layout;
use super::platform;
use super::unfinished::{create, sync};
use crate::error::Result;
use crate::fault;

/// What the directory of a database that is to replace the one around it begins with.
pub(super) const PREFIX: &str = "restore-";

/// A directory inside the one of a database, for what is to replace it. Gone when it is dropped.
pub struct Replacement {
    path: PathBuf,
    database: PathBuf,
    is_kept: bool,
}

impl Replacement {
    /// Makes it.
    ///
    /// # Errors
    /// `PERMISSION`, `DISK_FULL`, `IO`.
    pub fn create(database: &Path) -> Result<Self> {
        let path = database.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
        create(&path)?;
        Ok(Self { path, database: database.to_owned(), is_kept: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the database by what is in the directory: from one moment to the next, when the
    /// data file is renamed. The caller has the database to itself; the directories of spaces have
    /// names that the database has not had.
    ///
    /// # Errors
    /// `PERMISSION`, `DISK_FULL`, `IO`; then the database is as it was, or replaced.
    pub fn replace(mut self) -> Result<()> {
        let spaces = self.path.join("spaces");
        let target = self.database.join("spaces");
        let mut named = Vec::new();
        if spaces.is_dir() {
            create(&target)?;
            for entry in entries(&spaces)? {
                let name = entry.file_name();
                rename(&entry.path(), &target.join(&name))?;
                named.push(name);
            }
            sync(&target)?;
        }
        fault::point("restore-spaces");
        // They are made again of what is there; none in clear may stay beside what is sealed now.
        graph_files::remove_all(&self.database)?;
        fault::point("restore-graph-files");
        let data = Layout { directory: self.path.clone() }.data();
        rename(&data, &Layout { directory: self.database.clone() }.data())?;
        // Spaces without a name are garbage now. What is not removed below goes at the next open,
        // which looks for it if this directory is still there.
        self.is_kept = true;
        fault::point("restore-renamed");
        sync(&self.database)?;
        fault::point("restore-synced");
        // What it has is of the database that was here, and may be in clear.
        let layout = Layout { directory: self.database.clone() };
        if layout.journal().exists() {
            journal::forget(&layout)?;
        }
        let mut is_left = false;
        if target.is_dir() {
            for entry in entries(&target)? {
                let is_named = named.contains(&entry.file_name());
                is_left |= !is_named && fs::remove_dir_all(entry.path()).is_err();
            }
        }
        self.is_kept = is_left;
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Left behind, it is removed at the next open.
        if self.is_kept {
            return;
        }
        drop(fs::remove_dir_all(&self.path));
    }
}

fn entries(path: &Path) -> Result<Vec<fs::DirEntry>> {
    let entries = fs::read_dir(path).and_then(Iterator::collect);
    entries.map_err(|error| io_error("cannot read the directory", path, &error))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| io_error("cannot move a file to", to, &error))
}

impl Connection {
    /// Gives the directories of the spaces, none of which is open, names that none has ever had.
    ///
    /// # Errors
    /// `IO`, `PERMISSION`, `DISK_FULL`, and those of a write.
    pub fn rename_space_directories(&self) -> Result<()> {
        let directory = self.space_directory();
        let mut records = Vec::new();
        for space in self.spaces()? {
            let id = uuid::Uuid::new_v4().simple().to_string();
            let from = directory.join(&space.directory);
            // A space whose creation was not finished has a name alone.
            if from.is_dir() {
                rename(&from, &directory.join(&id))?;
            }
            records.push(([&[tag::SPACE], space.name.as_bytes()].concat(), id));
        }
        if records.is_empty() {
            return Ok(());
        }
        if directory.is_dir() {
            platform::sync_directory(&directory)
                .map_err(|error| io_error("cannot sync the directory", &directory, &error))?;
        }
        self.commit_now(move |txn| {
            records.iter().try_for_each(|(key, id)| meta::put_record(txn, key, id.as_bytes()))
        })
    }
}
