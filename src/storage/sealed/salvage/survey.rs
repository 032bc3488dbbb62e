//! Finding the blocks of a damaged database: the walk from the roots, and what it did not come to.

use std::collections::{BTreeMap, HashSet};

use super::super::block::{self, Stamp};
use super::super::node::{Blob, Node, Value};
use super::super::store::TREES;
use super::super::txn::ById;
use super::{Leaf, Place, SealedSalvage, report};
use crate::error::Result;
use crate::storage::care::Care;
use crate::storage::data_file::{Found, Remains, Trust};
use crate::storage::txn::Table;

/// How often a page is tried as a block whose id is known and whose page is not: each time takes
/// about a microsecond.
const TRIES: u64 = 100_000_000;

const DAMAGED: &str = "a block is damaged";
const MISSING: &str = "a block is missing";
const MISPLACED: &str = "a block is of another state than the one above it";
const UNLED: &str = "nothing leads to a block, which was found all the same";
const OLDER: &str = "of a block there is only an older state, or what may be one";
const NAMELESS: &str = "a block has no id any more";
const UNTRIED: &str = "too many blocks are missing to look for all of them on all pages";

/// Where the walk expects a node.
#[derive(Debug, Clone)]
struct Step {
    tree: usize,
    id: u64,
    /// `None` of a root.
    level: Option<u8>,
    low: Vec<u8>,
    high: Option<Vec<u8>>,
}

struct Survey<'a, 's> {
    remains: &'a mut SealedSalvage<'s>,
    care: &'a dyn Care,
    /// Blocks that were looked at.
    used: HashSet<u64>,
    /// The ids of the nodes of each tree.
    nodes: [Vec<u64>; TREES],
    /// Blocks that something refers to and that are not there, with where they would be in a tree.
    missing: BTreeMap<u64, Option<Step>>,
    /// By their first ids, how many blocks the blobs have.
    blobs: BTreeMap<u64, u64>,
    /// Pages whose block has been opened.
    opened: HashSet<u64>,
    faults: [bool; TREES],
    tries: u64,
}

pub(super) fn survey(remains: &mut SealedSalvage<'_>, care: &dyn Care) -> Result<()> {
    collect(remains, care)?;
    let mut survey = Survey {
        remains,
        care,
        used: HashSet::new(),
        nodes: [const { Vec::new() }; TREES],
        missing: BTreeMap::new(),
        blobs: BTreeMap::new(),
        opened: HashSet::new(),
        faults: [false; TREES],
        tries: 0,
    };
    let mut steps: Vec<_> = (0..TREES)
        .map(|tree| Step {
            tree,
            id: survey.remains.keys.store.root(tree),
            level: None,
            low: Vec::new(),
            high: None,
        })
        .collect();
    // What is found leads to more. First to what is below it, in the trees.
    while !steps.is_empty() {
        survey.walk(steps)?;
        survey.look_for_parts()?;
        steps = survey.find_missing()?.into_iter().flatten().collect();
    }
    loop {
        survey.look_at_others()?;
        survey.look_for_parts()?;
        if survey.find_missing()?.is_empty() {
            return survey.finish();
        }
    }
}

/// Takes in where LMDB's leaves say that blocks are.
fn collect(remains: &mut SealedSalvage<'_>, care: &dyn Care) -> Result<()> {
    let SealedSalvage { salvage, keys, .. } = &mut *remains;
    let size = keys.store.stored_size();
    let knows_free = salvage.knows_free_pages();
    let knows_newest = salvage.knows_newest();
    let mut out = vec![0; keys.store.payload()];
    let mut found: Vec<(u64, Place)> = Vec::new();
    // Of what was reached.
    let mut newest: Option<Stamp> = None;
    let mut take = |entry: Found<'_>| {
        let (Ok(id), Some(page), Some(stored)) =
            (entry.key.try_into().map(u64::from_be_bytes), entry.page, entry.value)
        else {
            return Ok(entry.is_entry);
        };
        let is_reached = entry.trust == Trust::Reached;
        let must_open = !entry.is_entry || !knows_newest;
        let opens = stored.len() == size && must_open && keys.open(id, stored, &mut out);
        let is_block = stored.len() == size && (entry.is_entry || opens);
        let stamp = block::stamp_of(stored).filter(|_| opens);
        let follows = stamp.is_some_and(|stamp| newest.is_none_or(|known| is_later(stamp, &known)));
        if is_reached && follows {
            newest = stamp.copied();
        }
        // Where pages were free, only what was written after all that was reached counts.
        if is_block && (entry.trust != Trust::Stale || follows) {
            let is_current = is_reached || knows_free;
            found.push((id, Place { page, is_certain: is_current && !entry.may_be_old }));
        }
        Ok(is_block || entry.is_entry)
    };
    salvage.visit_reached(Table::Docs, care, "blocks", &mut take)?;
    salvage.visit_others(Trust::Orphan, care, "blocks", &mut take)?;
    if !knows_newest {
        salvage.visit_others(Trust::Stale, care, "blocks", &mut take)?;
    }
    out.fill(0);
    let mut several: ById<Vec<Place>> = ById::default();
    for (id, mut place) in found {
        // A page that is free has an older state, whatever leads to it.
        place.is_certain &= !remains.salvage.is_free(place.page);
        if let Some(known) = remains.blocks.insert(id, place) {
            several.entry(id).or_insert_with(|| vec![known]).push(place);
        }
    }
    for (id, places) in several {
        if let Some(place) = remains.latest(id, &places)? {
            remains.blocks.insert(id, place);
        }
    }
    Ok(())
}

impl SealedSalvage<'_> {
    /// Of pages that hold states of a block, the one with the newest.
    fn latest(&mut self, id: u64, places: &[Place]) -> Result<Option<Place>> {
        let mut best: Option<(Place, Stamp)> = None;
        for place in places {
            if self.payload(id, place.page)?.is_none() {
                continue;
            }
            let Some(stamp) = block::stamp_of(&self.stored).copied() else { continue };
            let is_better = best.is_none_or(|(other, known)| {
                (place.is_certain, true) > (other.is_certain, is_later(&known, &stamp))
            });
            if is_better {
                best = Some((*place, stamp));
            }
        }
        Ok(best.map(|(place, _)| place))
    }
}

/// Whether the first of two states of a block was sealed later, or may have been: nonces of an
/// epoch count up; a process that began to write later has a higher epoch.
fn is_later(one: &Stamp, other: &Stamp) -> bool {
    let count = |stamp: &Stamp| {
        stamp.get(4..).and_then(<[u8]>::first_chunk).map(|c| u64::from_le_bytes(*c))
    };
    let (epoch, other_epoch) = (block::epoch_of(one), block::epoch_of(other));
    if epoch != other_epoch {
        return epoch > other_epoch;
    }
    let (count, other_count) = (count(one).unwrap_or(0), count(other).unwrap_or(0));
    (count.wrapping_sub(other_count) as i64) >= 0
}

impl Survey<'_, '_> {
    /// Walks from nodes to the leaves below them.
    fn walk(&mut self, mut steps: Vec<Step>) -> Result<()> {
        steps.reverse();
        let knows_free = self.remains.salvage.knows_free_pages();
        while let Some(step) = steps.pop() {
            let (used, blocks) = (self.used.len() as u64, self.remains.blocks.len() as u64);
            report(self.care, "trees", used, blocks)?;
            // An entry of LMDB's that is damaged may lead to an older state of its block.
            let is_current = |place: &Place| place.is_certain || !knows_free;
            let node = self.node(step.id)?.filter(|(place, _)| is_current(place));
            let Some((place, node)) = node else {
                self.missing.insert(step.id, Some(step));
                continue;
            };
            let fits = step.level.is_none_or(|level| level == node.level())
                && node.is_within(&step.low, step.high.as_deref());
            if !self.used.insert(step.id) || !fits {
                self.remains.damage.push((Some(place.page), MISPLACED));
                self.fault(step.tree);
                if node.is_leaf() {
                    let place = Place { is_certain: false, ..place };
                    self.remains.others.push(Leaf { id: step.id, place });
                }
                continue;
            }
            if let Some(nodes) = self.nodes.get_mut(step.tree) {
                nodes.push(step.id);
            }
            if node.is_leaf() {
                self.note_blobs(&node);
                if !place.is_certain {
                    self.fault(step.tree);
                    self.remains.others.push(Leaf { id: step.id, place });
                } else if let Some(leaves) = self.remains.reached.get_mut(step.tree) {
                    leaves.push(Leaf { id: step.id, place });
                }
                continue;
            }
            let keys: Vec<_> =
                (0..node.count()).map(|at| [node.prefix(), node.rest(at)].concat()).collect();
            for at in (0..=node.count()).rev() {
                let low = at.checked_sub(1).and_then(|at| keys.get(at)).unwrap_or(&step.low);
                steps.push(Step {
                    tree: step.tree,
                    id: node.child(at),
                    level: Some(node.level() - 1),
                    low: low.clone(),
                    high: keys.get(at).or(step.high.as_ref()).cloned(),
                });
            }
        }
        Ok(())
    }

    fn fault(&mut self, tree: usize) {
        if let Some(fault) = self.faults.get_mut(tree) {
            *fault = true;
        }
    }

    /// The node of a block, if it can be read.
    fn node(&mut self, id: u64) -> Result<Option<(Place, Node)>> {
        let Some(place) = self.remains.blocks.get(&id).copied() else { return Ok(None) };
        let Some(payload) = self.remains.payload(id, place.page)? else { return Ok(None) };
        self.opened.insert(place.page);
        Ok(Node::parse(payload).map(|node| (place, node)))
    }

    fn note_blobs(&mut self, node: &Node) {
        let payload = self.remains.keys.store.payload() as u64;
        let most = self.remains.salvage.pages();
        for at in 0..node.count() {
            if let Value::Blob(Blob { id, len }) = node.value(at) {
                self.blobs.insert(id, len.div_ceil(payload).clamp(1, most));
            }
        }
    }

    fn is_in_blob(&self, id: u64) -> bool {
        let before = self.blobs.range(..=id).next_back();
        before.is_some_and(|(first, count)| id - first < *count)
    }

    /// Looks at the blocks that the walk did not come to.
    fn look_at_others(&mut self) -> Result<()> {
        let is_new = |id: &u64| !self.used.contains(id);
        let ids: Vec<_> = self.remains.blocks.keys().copied().filter(is_new).collect();
        for (done, id) in ids.iter().enumerate() {
            report(self.care, "blocks", done as u64, ids.len() as u64)?;
            if !self.is_in_blob(*id) && !self.has_neighbour(*id) {
                self.look_at(*id)?;
            }
        }
        Ok(())
    }

    /// Whether a block is one of several with consecutive ids: those are parts of a blob, whose
    /// content, which may be anything, is not to be taken for a node.
    fn has_neighbour(&self, id: u64) -> bool {
        let is_known = |id: Option<u64>| id.is_some_and(|id| self.remains.blocks.contains_key(&id));
        is_known(id.checked_add(1)) || is_known(id.checked_sub(1))
    }

    fn look_at(&mut self, id: u64) -> Result<()> {
        let Some((place, node)) = self.node(id)? else {
            let is_lost = self.remains.blocks.get(&id).is_some_and(|place| {
                // Otherwise it is the one part of a blob.
                !self.opened.contains(&place.page)
            });
            if is_lost {
                self.missing.entry(id).or_insert(None);
            }
            return Ok(());
        };
        self.used.insert(id);
        if node.is_leaf() {
            self.note_blobs(&node);
            self.remains.others.push(Leaf { id, place });
            return Ok(());
        }
        for at in 0..=node.count() {
            let child = node.child(at);
            if !self.remains.blocks.contains_key(&child) {
                self.missing.entry(child).or_insert(None);
            }
        }
        Ok(())
    }

    /// Notes the parts of blobs that are not there, or damaged.
    fn look_for_parts(&mut self) -> Result<()> {
        let blobs: Vec<_> = self.blobs.iter().map(|(id, count)| (*id, *count)).collect();
        for (done, (first, count)) in blobs.iter().enumerate() {
            report(self.care, "large values", done as u64, blobs.len() as u64)?;
            for id in (*first..).take(usize::try_from(*count).unwrap_or(0)) {
                if self.used.contains(&id) {
                    continue;
                }
                let place = self.remains.blocks.get(&id).copied();
                match place {
                    Some(place) if self.remains.payload(id, place.page)?.is_some() => {
                        self.opened.insert(place.page);
                        self.used.insert(id);
                    }
                    _ => drop(self.missing.entry(id).or_insert(None)),
                }
            }
        }
        Ok(())
    }

    /// Tries the pages that are left over as the blocks that are missing; gives those that it has
    /// found, each with its place in a tree if that is known.
    fn find_missing(&mut self) -> Result<Vec<Option<Step>>> {
        let ids: Vec<_> = self.missing.keys().copied().collect();
        let knows_free = self.remains.salvage.knows_free_pages();
        let knows_newest = self.remains.salvage.knows_newest();
        let mut found: BTreeMap<u64, Vec<Place>> = BTreeMap::new();
        for page in 2..self.remains.salvage.pages() {
            if ids.is_empty() || self.tries > TRIES {
                break;
            }
            // Those of the newest state may stand where pages were free in the one that is known.
            let is_older = self.remains.salvage.is_free(page) && knows_newest;
            if !is_older && let Some(id) = self.try_page(page, &ids)? {
                found.entry(id).or_default().push(Place { page, is_certain: knows_free });
            }
        }
        let mut steps = Vec::new();
        for (id, places) in found {
            let Some(place) = self.remains.latest(id, &places)? else { continue };
            self.opened.insert(place.page);
            self.remains.blocks.insert(id, place);
            self.remains.damage.push((Some(place.page), UNLED));
            steps.extend(self.missing.remove(&id));
        }
        Ok(steps)
    }

    /// Tries a page that no block was found on as each of some blocks.
    fn try_page(&mut self, page: u64, ids: &[u64]) -> Result<Option<u64>> {
        report(self.care, "missing blocks", page, self.remains.salvage.pages())?;
        if self.opened.contains(&page) || self.remains.salvage.is_leaf(page) {
            return Ok(None);
        }
        let SealedSalvage { salvage, keys, stored, .. } = &mut *self.remains;
        if !salvage.read_content(page, stored)? || !keys.may_open(stored) {
            return Ok(None);
        }
        let mut out = vec![0; keys.store.payload()];
        self.tries += ids.len() as u64;
        let id = ids.iter().copied().find(|id| keys.open(*id, stored, &mut out));
        out.fill(0);
        Ok(id)
    }

    /// Finds older states of the records, if there is none of the newest; notes what is lost.
    fn finish(mut self) -> Result<()> {
        let mut others = std::mem::take(&mut self.remains.others);
        others.retain(|leaf| !self.is_in_blob(leaf.id));
        // What is certain comes first.
        others.sort_by_key(|leaf| !leaf.place.is_certain);
        self.remains.others = others;
        for step in self.missing.values().flatten() {
            if let Some(fault) = self.faults.get_mut(step.tree) {
                *fault = true;
            }
        }
        self.remains.whole = self.faults.map(|fault| !fault);
        if !self.remains.is_whole(Table::Meta) {
            self.find_older_records()?;
        }
        self.note_damage()
    }

    /// Looks on free pages, and on those that are left over, for what the blocks of the records
    /// were before.
    fn find_older_records(&mut self) -> Result<()> {
        let tree = Table::Meta as usize;
        let of_tree = |step: &Step| (step.tree == tree).then_some(step.id);
        let mut ids = self.nodes.get(tree).cloned().unwrap_or_default();
        ids.extend(self.missing.values().flatten().filter_map(of_tree));
        let mut known: HashSet<u64> = ids.iter().copied().collect();
        while !ids.is_empty() && self.tries <= TRIES {
            let mut more = Vec::new();
            for page in 2..self.remains.salvage.pages() {
                let Some(id) = self.try_page(page, &ids)? else { continue };
                self.opened.insert(page);
                let Some(node) = self.remains.payload(id, page)?.and_then(Node::parse) else {
                    continue;
                };
                if node.is_leaf() {
                    let place = Place { page, is_certain: false };
                    self.remains.stale.push(Leaf { id, place });
                    continue;
                }
                let children = (0..=node.count()).map(|at| node.child(at));
                more.extend(children.filter(|child| known.insert(*child)));
            }
            ids = more;
        }
        Ok(())
    }

    /// Notes what cannot be read.
    fn note_damage(&mut self) -> Result<()> {
        let mut damage = std::mem::take(&mut self.remains.damage);
        for id in self.missing.keys() {
            match self.remains.blocks.get(id) {
                None => damage.push((None, MISSING)),
                // One that is damaged is noted below.
                Some(place) if !place.is_certain => damage.push((Some(place.page), OLDER)),
                Some(_) => {}
            }
        }
        let places: Vec<_> = self.remains.blocks.iter().map(|(id, place)| (*id, *place)).collect();
        for (id, place) in places {
            if !self.opened.contains(&place.page) && self.remains.payload(id, place.page)?.is_none()
            {
                damage.push((Some(place.page), DAMAGED));
            } else {
                self.opened.insert(place.page);
            }
        }
        if self.tries > TRIES {
            damage.push((None, UNTRIED));
        }
        let SealedSalvage { salvage, keys, stored, .. } = &mut *self.remains;
        for page in 2..salvage.pages() {
            let is_looked_at = self.opened.contains(&page) || !salvage.is_unknown(page);
            if salvage.knows_free_pages()
                && !is_looked_at
                && salvage.is_run(page)?
                && salvage.read_content(page, stored)?
                && keys.may_open(stored)
            {
                damage.push((Some(page), NAMELESS));
            }
        }
        self.remains.damage = damage;
        Ok(())
    }
}
