//! Keeping graphs in files, so that the next process need not build them anew.
//!
//! A file is written beside the data file, and counts from the commit of the record on that names
//! it. Labels are given once: a file that has all labels of its state below some label has them in
//! every later state, too, so what it takes to bring it up to date are the labels from there on.
//! Those that have gone since are in it still, as they are in every graph: searches look each label
//! up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::builder::is_passing;
use super::record::FileRecord;
use super::room::{Room, can_map};
use super::{Graph, Graphs, LEAST};
use crate::catalog::{StoreDef, VectorDef};
use crate::error::{Error, ErrorCode, Result};
use crate::fault;
use crate::storage::{
    Environment, FormatRecord, GraphFileId, GraphFilesLock, ReadTxn, WriteTxn, format_flag,
    graph_file_key, meta,
};
use crate::store::vectors::{COUNT_LABELS, counter};

/// A graph that is up to date is written when it has grown by one of so many parts,
const GROWN: u64 = 16;
/// and one that is not, by a half of these. Fewer vectors are added sooner than they are written.
const GROWN_BEHIND: u64 = 2;
const LEAST_GROWTH: u64 = 256;
const LEAST_GROWTH_BEHIND: u64 = 20_000;
/// Writing takes at most about one of so many parts of the time; but a file is not put off for
/// longer than so many bytes a second would take, however long the one before it has taken.
const PARTS_OF_TIME: u32 = 10;
const BYTES_PER_SECOND: f64 = 1e6;
/// How long to wait after a failure, and for somebody else who writes.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
const AFTER_OTHERS: Duration = Duration::from_secs(1);

/// What is known of the file of a graph.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Kept {
    /// It has the vectors with labels below this one,
    below: u64,
    /// which are so many, with those that are not there any more.
    vectors: u64,
    /// The file that was of no use: it is as if there were none.
    useless: Option<GraphFileId>,
}

impl Kept {
    pub(super) fn vectors(&self) -> u64 {
        self.vectors
    }
}

/// What the thread does about files.
pub(super) struct Keeper {
    /// What comes of the file that is being written: a disk may take long, and graphs grow
    /// meanwhile.
    writing: Option<Receiver<Result<Written>>>,
    /// What comes of the commit that names the file that was written last.
    naming: Option<Naming>,
    /// When to try again what has failed, and when it is time for the next file.
    not_before: Instant,
    rested: Instant,
    has_failed: bool,
    /// Whether there may be files that no record names.
    has_unnamed: bool,
}

/// What came of a file that was to be written.
enum Written {
    /// It is to be named, and the next one is not written sooner than after a while.
    File(Naming, Duration),
    /// Somebody else is at work on files.
    Busy,
    /// It was written to make room, and has no name.
    Unnamed,
    /// There was nothing to be written: somebody else was faster.
    Nothing,
    /// Nobody may write.
    Never,
}

type Naming = Receiver<Result<()>>;

impl Default for Keeper {
    fn default() -> Self {
        Self {
            writing: None,
            naming: None,
            not_before: Instant::now(),
            rested: Instant::now(),
            has_failed: false,
            has_unnamed: false,
        }
    }
}

impl Keeper {
    /// Goes on with what is to be written or removed. `is_behind`: graphs have not got all labels
    /// yet.
    pub(super) fn step(
        &mut self,
        graphs: &Graphs,
        environment: &Arc<Environment>,
        is_behind: bool,
        has_unnamed: bool,
    ) {
        self.has_unnamed |= has_unnamed;
        let mut stepped = self.name().and_then(|()| self.note_written());
        if stepped.is_ok() && self.has_unnamed && !self.is_at_work() {
            stepped = self.remove_unnamed(environment);
        }
        let now = Instant::now();
        if stepped.is_ok() && !self.is_at_work() && now >= self.not_before {
            // Where vectors wait for room, no time is lost.
            let is_resting = now < self.rested;
            if let Some(due) = graphs.due(is_behind).filter(|due| due.waits || !is_resting) {
                stepped = self.write(due, Arc::clone(environment), is_behind);
            }
        }
        let Err(error) = stepped else { return };
        if is_passing(&error) {
            self.not_before = Instant::now() + AFTER_OTHERS;
            return;
        }
        self.not_before = Instant::now() + AFTER_FAILURE;
        if !std::mem::replace(&mut self.has_failed, true) {
            let message = "the graph of a vector index cannot be kept in a file";
            environment.warn(Error::new(error.code(), format!("{message}: {}", error.message())));
        }
    }

    /// Whether there is something to come back for soon.
    pub(super) fn is_at_work(&self) -> bool {
        self.writing.is_some() || self.naming.is_some()
    }

    /// Has a graph written, on a thread of its own.
    fn write(&mut self, due: Due, environment: Arc<Environment>, is_behind: bool) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        let started =
            std::thread::Builder::new().name("lodestore-keep".to_owned()).spawn(move || {
                // Nobody waits for it when the database is closed.
                drop(sender.send(write(&due, &environment, is_behind)));
            });
        started.map_err(|error| {
            Error::new(ErrorCode::ResourceLimit, "there is no thread for it").with_cause(error)
        })?;
        self.writing = Some(receiver);
        Ok(())
    }

    /// Looks whether the file was written, which is then to be named.
    fn note_written(&mut self) -> Result<()> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        match writing.try_recv() {
            Err(TryRecvError::Empty) => self.writing = Some(writing),
            Err(TryRecvError::Disconnected) => {
                return Err(Error::new(ErrorCode::Io, "the thread that writes it panicked"));
            }
            Ok(written) => match written? {
                Written::File(naming, pause) => {
                    self.naming = Some(naming);
                    self.rested = Instant::now() + pause;
                    self.has_failed = false;
                }
                Written::Unnamed => {}
                Written::Busy | Written::Nothing => {
                    self.not_before = Instant::now() + AFTER_OTHERS;
                }
                Written::Never => self.not_before = Instant::now() + AFTER_FAILURE,
            },
        }
        Ok(())
    }

    /// Removes the files that no record names, as soon as nobody else is at work on files.
    fn remove_unnamed(&mut self, environment: &Arc<Environment>) -> Result<()> {
        self.has_unnamed = false;
        environment.with_graph_files(|files, _| match files.lock()? {
            Some(lock) => environment.remove_unnamed_graph_files(files, &lock),
            None => {
                self.has_unnamed = true;
                Ok(())
            }
        })
    }

    /// Looks whether the record was committed. Then the file before it is named no more, or else
    /// this one.
    fn name(&mut self) -> Result<()> {
        let Some(committed) = self.naming.take() else { return Ok(()) };
        match committed.try_recv() {
            Err(TryRecvError::Empty) => self.naming = Some(committed),
            // The database is being closed.
            Err(TryRecvError::Disconnected) => {}
            Ok(named) => {
                self.has_unnamed = true;
                named?;
                fault::point("graph-file-named");
            }
        }
        Ok(())
    }
}

/// A graph that is to be written.
struct Due {
    graph: Arc<Graph>,
    /// It is to take the place of another one, whose file counts until then.
    is_next: bool,
    /// Its vectors are to make room for others.
    waits: bool,
}

/// Writes a graph, and has the file named.
fn write(due: &Due, environment: &Arc<Environment>, is_behind: bool) -> Result<Written> {
    let Due { graph, is_next, waits } = due;
    let begun = Instant::now();
    let mut written = Written::Never;
    environment.with_graph_files(|files, connection| {
        let Some(lock) = files.lock()? else {
            written = Written::Busy;
            return Ok(());
        };
        // Another process may have been faster.
        let is_due = environment.snapshot()?.with(|txn| {
            graph.note_file(txn);
            Ok(graph.is_due(is_behind))
        })?;
        if !is_due && !waits {
            written = Written::Nothing;
            return Ok(());
        }
        let is_sealed = environment.is_sealed();
        environment.remove_unnamed_graph_files(files, &lock)?;
        let record = graph.write_file(files, &lock, is_sealed)?;
        let pause = pause_after(begun.elapsed(), record.length);
        let id = record.id;
        if graph.is_mapped() {
            graph.map_file(files, &record).inspect_err(|_| files.remove(id))?;
        }
        if *is_next {
            // What is mapped stays as it is. Where that keeps the file, it goes with the next ones.
            files.remove(id);
            written = Written::Unnamed;
            return Ok(());
        }
        let committed = connection.commit_later(naming(graph, &record, lock));
        written = Written::File(committed.inspect_err(|_| files.remove(id))?, pause);
        Ok(())
    })?;
    if let Some(graphs) = Graphs::of(environment).filter(|_| *waits) {
        // The vectors that have waited.
        graphs.wake();
    }
    Ok(written)
}

/// How long the next file is put off after one of so many bytes, which has taken so long.
fn pause_after(taken: Duration, bytes: u64) -> Duration {
    let longest = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
    longest.min(taken * PARTS_OF_TIME)
}

/// The change that names a file, unless the index is not there any more. Until it is committed, or
/// given up, nobody removes what is not named.
fn naming(
    graph: &Graph,
    record: &FileRecord,
    lock: GraphFilesLock,
) -> impl FnMut(&mut WriteTxn<'_>) -> Result<()> + Send + 'static {
    let (key, payload) = (graph_file_key(graph.tree), record.encode());
    let (labels, below) = (counter(graph.tree, COUNT_LABELS), record.below);
    move |txn| {
        let _held = &lock;
        if txn.count(labels)? < below {
            return Ok(());
        }
        FormatRecord::require(txn, format_flag::GRAPH_FILES)?;
        meta::put_record(txn, &key, &payload)
    }
}

impl Graphs {
    /// A graph that is to be written.
    fn due(&self, is_behind: bool) -> Option<Due> {
        let known = self.known.lock();
        let each = known.graphs.values().flat_map(|place| {
            let next = place.next.as_ref().map(|graph| (graph, true));
            [Some((&place.graph, false)), next].into_iter().flatten()
        });
        let due = each.filter_map(|(graph, is_next)| {
            let waits = graph.waits_for_room();
            let is_due = waits || !is_next && graph.is_due(is_behind);
            is_due.then(|| Due { graph: Arc::clone(graph), is_next, waits })
        });
        due.max_by_key(|due| (due.waits, due.graph.vectors()))
    }

    /// Takes up what the file of a graph has, once, if there is one; else the graph is built anew,
    /// and if there should have been one, that is told.
    ///
    /// # Errors
    /// Those of a snapshot that may go away by themselves.
    pub(super) fn load(
        &self,
        environment: &Arc<Environment>,
        generation: u64,
        graph: &Arc<Graph>,
    ) -> Result<()> {
        if graph.is_begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        let loaded = self.try_load(environment, generation, graph);
        match loaded.and_then(|()| graph.copy_if_it_pays()) {
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => environment.warn(error),
            Ok(()) => {}
        }
        graph.begin();
        Ok(())
    }

    fn try_load(
        &self,
        environment: &Arc<Environment>,
        generation: u64,
        graph: &Arc<Graph>,
    ) -> Result<()> {
        let Some(files) = environment.graph_files() else { return Ok(()) };
        let is_sealed = environment.is_sealed();
        let mut failed: Option<(GraphFileId, Error)> = None;
        loop {
            let found = environment.snapshot()?.with(|txn| {
                if environment.generation() != generation {
                    return Ok(None);
                }
                let Some((store, index)) = self.definition(txn, graph)? else { return Ok(None) };
                let given = txn.stored_count(counter(index.tree, COUNT_LABELS))?;
                let record = FileRecord::read(txn, graph.tree).and_then(|record| match record {
                    Some(record) if record.below > given => {
                        Err(Error::corrupt("its record tells of vectors that there are not"))
                    }
                    record => Ok(record),
                });
                let record = record.map_err(|error| {
                    if is_passing(&error) { error } else { useless(&store, &index, &error) }
                })?;
                Ok(record.map(|record| (record, txn.id(), store, index)))
            })?;
            let Some((record, txn_id, store, index)) = found else { return Ok(()) };
            if let Some((id, error)) = failed
                && id == record.id
            {
                graph.kept.lock().useless = Some(id);
                return Err(useless(&store, &index, &error));
            }
            if record.kind != graph.kind() {
                let what = format!("it was made by another version: {}", record.kind);
                let error = Error::new(ErrorCode::IncompatibleVersion, what);
                return Err(useless(&store, &index, &error));
            }
            let read = match graph.room_to_read(record.vectors, can_map(environment)) {
                Room::Whole => graph.read_file(&files, &record, is_sealed),
                Room::WithFile => graph.read_mapped(&files, &record),
                Room::WhenWritten | Room::None => return Ok(()),
            };
            match read {
                Ok(()) => {
                    graph.take_up(&record, txn_id);
                    return Ok(());
                }
                // Another process may have put another one in its place.
                Err(error) => failed = Some((record.id, error)),
            }
        }
    }
}

/// What is said of a file that should have been there, and as it was.
fn useless(store: &StoreDef, index: &VectorDef, error: &Error) -> Error {
    let message = format!(
        "the file with the graph of vector index {:?} of store {:?} is of no use, and the graph is \
         built anew: {}",
        index.name,
        store.name,
        error.message()
    );
    Error::new(error.code(), message)
}

impl Graph {
    /// It is not looked for in a file (any more).
    pub(super) fn begin(&self) {
        self.is_begun.store(true, Ordering::Relaxed);
    }

    /// It has what a file had whose record is in the state of a transaction.
    fn take_up(&self, record: &FileRecord, txn_id: u64) {
        self.from_file.store(self.hnsw.len(), Ordering::Relaxed);
        // Nothing was added before.
        self.longest.get_or_init(|| record.longest);
        *self.calibration.lock() = record.calibration;
        // What was there when the file was named, and is no more in this state, does not count for
        // states before it.
        self.progress.lock().add(record.below, txn_id);
    }

    /// Notes what the newest state says of its file. What cannot be read is of no use, and is
    /// replaced.
    pub(super) fn note_file(&self, txn: &ReadTxn<'_>) {
        let record = FileRecord::read(txn, self.tree).ok().flatten();
        let mut kept = self.kept.lock();
        let record = record.filter(|record| kept.useless != Some(record.id));
        let record = record.filter(|record| record.kind == self.kind());
        kept.below = record.as_ref().map_or(0, |record| record.below);
        kept.vectors = record.as_ref().map_or(0, |record| record.vectors);
    }

    /// Whether it is to be written.
    fn is_due(&self, is_behind: bool) -> bool {
        let kept = *self.kept.lock();
        let (vectors, next) = (self.hnsw.len() as u64, self.progress.lock().next());
        if vectors < LEAST {
            return false;
        }
        let (part, least) = match is_behind {
            true => (GROWN_BEHIND, LEAST_GROWTH_BEHIND),
            false => (GROWN, LEAST_GROWTH),
        };
        // It may also have been built anew without what is not there any more.
        let has_shrunk = !is_behind && next >= kept.below && vectors < kept.vectors / 4 * 3;
        has_shrunk || next.saturating_sub(kept.below) >= (vectors / part).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_does_not_put_small_files_off() {
        let pause = |seconds, bytes| pause_after(Duration::from_secs(seconds), bytes).as_secs_f64();
        // 200 kB that took 9 seconds, and 2 GB that took 6.
        assert_eq!(pause(9, 200_000), 0.2);
        assert_eq!(pause(6, 2_000_000_000), 60.0);
    }
}
