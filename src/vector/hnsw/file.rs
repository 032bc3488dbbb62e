//! A graph as bytes. All numbers are little-endian.
//!
//! That the bytes are those that were written is known before they are read. What is checked here
//! is that nothing leads out of the graph.

use std::io::{self, Read, Write};

use memmap2::Mmap;

use super::Hnsw;
use super::nodes::{MOST_LEVELS, Mapped, Nodes};

/// The version of what is written. Another number whenever that changes, or what it means.
const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"LodeHnsw";
/// As many vectors are read at once.
const AT_ONCE: usize = 1 << 10;

/// The version of what graphs are written as: what one writes no other one reads.
pub const fn format_version() -> u32 {
    VERSION
}

impl Hnsw {
    /// Writes all that there is; not while vectors are added.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let nodes = self.nodes.read();
        let all = 0..nodes.len() as u32;
        let (entry, _) = nodes.entry().unwrap_or_default();
        out.write_all(MAGIC)?;
        let length = self.packing.bytes() as u32;
        for number in [VERSION, self.options.m, length, nodes.len() as u32, entry] {
            out.write_all(&number.to_le_bytes())?;
        }
        all.clone().try_for_each(|node| out.write_all(&nodes.label(node).to_le_bytes()))?;
        all.clone().try_for_each(|node| out.write_all(&[nodes.level(node)]))?;
        all.clone().try_for_each(|node| out.write_all(nodes.vector(node)))?;
        let mut list = Vec::new();
        for node in all {
            for level in 0..=nodes.level(node) {
                list.clear();
                list.extend([0; 2]);
                nodes.neighbours(level, node).for_each(|one| list.extend(one.to_le_bytes()));
                let count = (list.len() / 4) as u16;
                if let Some(place) = list.first_chunk_mut() {
                    *place = count.to_le_bytes();
                }
                out.write_all(&list)?;
            }
        }
        Ok(())
    }

    /// Takes up what [`write_to`](Self::write_to) has written, in the place of all that there is;
    /// false, and nothing is changed, if it is not so many vectors of this kind.
    ///
    /// # Errors
    /// Those of the reader, and [`io::ErrorKind::OutOfMemory`]. Nothing is changed.
    pub fn read_from(&self, from: &mut impl Read, vectors: u64) -> io::Result<bool> {
        self.take_up(self.read_nodes(from, vectors))
    }

    /// As [`read_from`](Self::read_from), but its vectors stay in the file.
    ///
    /// # Errors
    /// [`io::ErrorKind::OutOfMemory`]. Nothing is changed.
    pub fn read_mapped(&self, file: Mmap, vectors: u64) -> io::Result<bool> {
        self.take_up(self.read_mapped_nodes(file, vectors))
    }

    /// Reads the vectors that it had when it was [written](Self::write_to), so many, from that file
    /// from now on, and gives back the memory that they took; false, and nothing is changed, if the
    /// file is of another graph, or has fewer than the one that it reads already. Not while vectors
    /// are added.
    pub fn map(&self, file: Mmap, vectors: u64) -> bool {
        let mut bytes: &[u8] = &file;
        let Ok(Some(head)) = self.read_head(&mut bytes, vectors) else { return false };
        let from = file.len() - bytes.len();
        let count = head.labels.len();
        if bytes.len() < count * self.packing.bytes() {
            return false;
        }
        {
            let nodes = self.nodes.read();
            // Those that are read from another file are not in memory any more.
            if count < nodes.mapped() || !nodes.begins_with(&head.labels) {
                return false;
            }
        }
        self.replace(|nodes| nodes.map(Mapped { file, from, vectors: count }));
        true
    }

    fn take_up(&self, nodes: io::Result<Option<Nodes>>) -> io::Result<bool> {
        let nodes = match nodes {
            Ok(nodes) => nodes,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        let Some(nodes) = nodes else { return Ok(false) };
        let len = nodes.len();
        self.replace(|own| std::mem::replace(own, nodes));
        self.count.store(len, std::sync::atomic::Ordering::Relaxed);
        Ok(true)
    }

    /// The nodes that were written; `None` if they are not such a graph.
    fn read_nodes(&self, from: &mut impl Read, vectors: u64) -> io::Result<Option<Nodes>> {
        let Some(head) = self.read_head(from, vectors)? else { return Ok(None) };
        let mut nodes = Nodes::new(self.packing.bytes(), self.options.m as usize);
        nodes.reserve(head.labels.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let parts = head.labels.chunks(AT_ONCE).zip(head.levels.chunks(AT_ONCE));
        for (labels, levels) in parts {
            let length = labels.len() * self.packing.bytes();
            let packed = read_numbers(from, length, |[byte]| byte)?;
            nodes.push(labels, (&packed, &[]), levels).map_err(|_| io::ErrorKind::OutOfMemory)?;
        }
        Ok(head.read_lists(from, &nodes)?.then_some(nodes))
    }

    /// As [`read_nodes`](Self::read_nodes), but the vectors stay in the file.
    fn read_mapped_nodes(&self, file: Mmap, vectors: u64) -> io::Result<Option<Nodes>> {
        let mut bytes: &[u8] = &file;
        let Some(head) = self.read_head(&mut bytes, vectors)? else { return Ok(None) };
        let (from, vectors) = (file.len() - bytes.len(), head.labels.len());
        let lists = from + vectors * self.packing.bytes();
        let mut nodes = Nodes::new(self.packing.bytes(), self.options.m as usize);
        drop(nodes.map(Mapped { file, from, vectors }));
        nodes.reserve(vectors).map_err(|_| io::ErrorKind::OutOfMemory)?;
        nodes
            .push(&head.labels, (&[], &[]), &head.levels)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        Ok(head.read_lists(&mut nodes.mapped_from(lists), &nodes)?.then_some(nodes))
    }

    /// What stands before the vectors; `None` if it is not of so many of this kind.
    fn read_head(&self, from: &mut impl Read, vectors: u64) -> io::Result<Option<Head>> {
        if read_array(from)? != *MAGIC {
            return Ok(None);
        }
        let mut kind = [0; 5];
        for number in &mut kind {
            *number = u32::from_le_bytes(read_array(from)?);
        }
        let [version, m, length, count, entry] = kind;
        let is_like = (version, m) == (VERSION, self.options.m)
            && length as usize == self.packing.bytes()
            && u64::from(count) == vectors;
        if !is_like || entry >= count.max(1) {
            return Ok(None);
        }
        let labels = read_numbers(from, count as usize, u64::from_le_bytes)?;
        let levels = read_numbers(from, count as usize, |[level]: [u8; 1]| level)?;
        let ascend = labels.is_sorted_by(|one, next| one < next);
        if !ascend || levels.iter().any(|level| *level > MOST_LEVELS) {
            return Ok(None);
        }
        Ok(Some(Head { labels, levels, entry }))
    }
}

/// What a graph has, but for the vectors and their neighbours.
struct Head {
    labels: Vec<u64>,
    levels: Vec<u8>,
    /// The vector where searches begin.
    entry: u32,
}

impl Head {
    /// Reads the neighbours; false if they lead out of the graph.
    fn read_lists(&self, from: &mut impl Read, nodes: &Nodes) -> io::Result<bool> {
        for (node, top) in self.levels.iter().enumerate() {
            for level in 0..=*top {
                let neighbours = u16::from_le_bytes(read_array(from)?).into();
                let list = read_numbers(from, neighbours, u32::from_le_bytes)?;
                // Who has no such level has no list to go on from.
                let leads_out =
                    |one: &u32| self.levels.get(*one as usize).is_none_or(|top| *top < level);
                if list.len() > nodes.lists(level).room() || list.iter().any(leads_out) {
                    return Ok(false);
                }
                nodes.link(level, node as u32, list.into_iter());
            }
        }
        if !self.labels.is_empty() {
            nodes.set_entry(self.entry);
        }
        Ok(true)
    }
}

fn read_array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_numbers<const N: usize, T>(
    from: &mut impl Read,
    count: usize,
    number: impl Fn([u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let mut bytes = Vec::new();
    let length = count.saturating_mul(N);
    bytes.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(length, 0);
    from.read_exact(&mut bytes)?;
    Ok(bytes.as_chunks().0.iter().map(|bytes| number(*bytes)).collect())
}
