//! Files that are written once, in order, and read in that order, each under a key of its own:
//! temporary ones, whose key is nowhere else, and others whose key is kept in a safe place.

use std::fmt;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, Write};

use zeroize::Zeroizing;

use super::cipher::{Cipher, NONCE, Nonce, SealingKey, TAG};
use super::random::Random;
use super::secret::Key;

/// Bytes that are sealed together.
const FRAME: usize = 32 << 10;

/// A file that is being written. Frames of [`FRAME`] bytes, the last one shorter, each followed by
/// its tag; the nonce is the frame's number.
pub struct SealedWriter {
    file: File,
    key: SealingKey,
    frame: u64,
    buffer: Zeroizing<Vec<u8>>,
}

impl SealedWriter {
    /// Begins to write an empty file.
    ///
    /// # Errors
    /// If there are no random numbers for a key.
    pub fn new(file: File) -> Result<Self> {
        let mut filled = Ok(());
        let key = Key::filled(|bytes| filled = Random::new().fill(bytes));
        filled.map_err(Error::other)?;
        Ok(Self::with_key(file, &key))
    }

    /// Begins to write an empty file, with a key that nothing else is sealed with.
    pub fn with_key(file: File, key: &Key) -> Self {
        let key = SealingKey::new(Cipher::Aes256Gcm, key);
        Self { file, key, frame: 0, buffer: Zeroizing::new(Vec::with_capacity(FRAME + TAG)) }
    }

    fn seal(&mut self) -> Result<()> {
        let tag = self.key.seal(nonce(self.frame), &[], &mut self.buffer);
        let tag = tag.ok_or_else(|| Error::other("a frame cannot be sealed"))?;
        self.buffer.extend_from_slice(&tag);
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        self.frame += 1;
        Ok(())
    }

    /// Writes the rest; how many bytes were written to it in all.
    ///
    /// # Errors
    /// Those of the file.
    pub fn end(mut self) -> Result<u64> {
        let length = self.frame * FRAME as u64 + self.buffer.len() as u64;
        self.seal().map(|()| length)
    }

    /// What was written, to be read from the beginning.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(mut self) -> Result<SealedReader> {
        self.seal()?;
        self.file.rewind()?;
        Ok(SealedReader {
            file: self.file,
            key: self.key,
            frames: self.frame,
            frame: 0,
            buffer: Zeroizing::new(Vec::new()),
            at: 0,
        })
    }
}

/// Appends.
impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let room = FRAME - self.buffer.len();
        let now = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(now);
        if self.buffer.len() == FRAME {
            self.seal()?;
        }
        Ok(now.len())
    }

    /// A frame that is not full stays here until [`end`](SealedWriter::end).
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A file that was written with [`SealedWriter`], read from its beginning.
pub struct SealedReader {
    file: File,
    key: SealingKey,
    frames: u64,
    frame: u64,
    buffer: Zeroizing<Vec<u8>>,
    at: usize,
}

impl SealedReader {
    /// What [`SealedWriter::with_key`] has written: `length` bytes, at the beginning of a file.
    pub fn with_key(file: File, key: &Key, length: u64) -> Self {
        Self {
            file,
            key: SealingKey::new(Cipher::Aes256Gcm, key),
            // The last one is shorter, if need be empty.
            frames: length / FRAME as u64 + 1,
            frame: 0,
            buffer: Zeroizing::new(Vec::new()),
            at: 0,
        }
    }

    fn next_frame(&mut self) -> Result<()> {
        self.buffer.clear();
        self.at = 0;
        let limit = (FRAME + TAG) as u64;
        Read::by_ref(&mut self.file).take(limit).read_to_end(&mut self.buffer)?;
        let opened = self.key.open(nonce(self.frame), &[], &mut self.buffer).map(|text| text.len());
        let len = opened.ok_or_else(|| {
            Error::new(ErrorKind::InvalidData, "a sealed file is not what was written to it")
        })?;
        self.buffer.truncate(len);
        self.frame += 1;
        Ok(())
    }
}

impl Read for SealedReader {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while self.at == self.buffer.len() && self.frame < self.frames {
            self.next_frame()?;
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let len = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        self.at += len;
        Ok(len)
    }
}

impl fmt::Debug for SealedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedReader({} of {} frames)", self.frame, self.frames)
    }
}

fn nonce(frame: u64) -> Nonce {
    let mut nonce = [0; NONCE];
    for (to, from) in nonce.iter_mut().zip(frame.to_le_bytes()) {
        *to = from;
    }
    nonce
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn written(text: &[u8]) -> SealedReader {
        let mut writer = SealedWriter::new(tempfile::tempfile().unwrap()).unwrap();
        for part in text.chunks(1_000) {
            writer.write_all(part).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_not_seen() {
        for len in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 200_000] {
            let text: Vec<u8> = b"a marker, ".iter().cycle().take(len).copied().collect();
            let mut reader = written(&text);
            let mut stored = Vec::new();
            reader.file.read_to_end(&mut stored).unwrap();
            assert!(!stored.windows(8).any(|window| window == b"a marker"));
            reader.file.rewind().unwrap();
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn a_file_is_read_again_with_its_key_alone() {
        let key = Key::new([5; 32]);
        for len in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME] {
            let text: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            let mut writer = SealedWriter::with_key(file.try_clone().unwrap(), &key);
            writer.write_all(&text).unwrap();
            writer.end().unwrap();
            let mut again = file.try_clone().unwrap();
            let mut read = |key: &Key, len: usize| {
                file.rewind().unwrap();
                let mut found = Vec::new();
                let mut reader = SealedReader::with_key(file.try_clone().unwrap(), key, len as u64);
                reader.read_to_end(&mut found).map(|_| found)
            };
            assert_eq!(read(&key, len).unwrap(), text);
            assert!(read(&Key::new([6; 32]), len).is_err());
            assert!(read(&key, len + FRAME).is_err(), "one frame is missing");
            again.seek(std::io::SeekFrom::End(0)).unwrap();
            again.write_all(&[0]).unwrap();
            assert!(read(&key, len).is_err(), "there is more");
        }
    }

    #[test]
    fn changes_are_noticed() {
        let mut reader = written(&[7; 100_000]);
        let mut byte = [0];
        reader.file.seek(std::io::SeekFrom::Start(50_000)).unwrap();
        reader.file.read_exact(&mut byte).unwrap();
        reader.file.seek(std::io::SeekFrom::Start(50_000)).unwrap();
        reader.file.write_all(&[byte[0] ^ 1]).unwrap();
        reader.file.rewind().unwrap();
        let failure = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidData);
        let mut reader = written(&[7; 100_000]);
        reader.file.set_len(40_000).unwrap();
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}
