//! Unix.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::ops::Range;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// What makes two paths the same directory.
pub type Identity = (u64, u64);

/// The identity of a directory.
pub fn identity(directory: &Path) -> io::Result<Identity> {
    let metadata = std::fs::metadata(directory)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Creates a directory (and its parents) that only its owner may enter.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file for reading and writing, creating it for its owner alone.
pub fn open_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The path of a directory without links and relative parts.
pub fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

/// Whether a file that is open, and was at a path, was removed from there.
pub fn is_removed(file: &File, path: &Path) -> io::Result<bool> {
    let there = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        there => there?,
    };
    let file = file.metadata()?;
    // Another one may have taken its place. Not every file system gives a file one number for ever.
    Ok(file.nlink() == 0 && (file.dev(), file.ino()) != (there.dev(), there.ino()))
}

/// What a process locks while it tries to have the database of a lock file for itself: the
/// directory.
pub fn open_turn(lock_file: &Path) -> io::Result<File> {
    match lock_file.parent() {
        Some(directory) => File::open(directory),
        None => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Where the marker of unsynced writes stands: in the lock file itself.
pub fn open_marker(lock_file: &File, _path: &Path) -> io::Result<File> {
    lock_file.try_clone()
}

/// Writes a directory's entries to disk.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// How many bytes can still be written to the file system of a directory.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    let path = std::ffi::CString::new(directory.as_os_str().as_encoded_bytes())?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: a C string and room for what is found, which is complete if the call succeeds.
    let found = unsafe {
        if libc::statvfs(path.as_ptr(), found.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        found.assume_init()
    };
    // The types differ from system to system.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    Ok((found.f_bavail as u64).saturating_mul(found.f_frsize as u64))
}

/// How long a file of this process may be.
pub fn largest_file() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for what is found.
    match unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) } {
        0 => limit.rlim_cur,
        _ => u64::MAX,
    }
}

/// Whether there is address space for another map of `size` bytes. Memory maps that cannot be had
/// must be known before LMDB gives up the one that it has.
pub fn can_reserve(size: usize) -> bool {
    if size == 0 {
        return true;
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new map at an address of the system's choice, given back at once.
    unsafe {
        let map = libc::mmap(std::ptr::null_mut(), size, libc::PROT_NONE, flags, -1, 0);
        map != libc::MAP_FAILED && libc::munmap(map, size) == 0
    }
}

/// Makes sure that a file has its place on the disk: one that does not exist yet gets `length`
/// bytes; one that does stays as long as it is, since others may have mapped it.
pub fn allocate(path: &Path, length: u64) -> io::Result<()> {
    if path.exists() {
        return fill_holes(path);
    }
    // Complete before it has its name, since another process may be about to use it.
    let unfinished = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
    let create = || {
        let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
        let mut file = open_private_file(&unfinished)?;
        io::Write::write_all(&mut file, &zeros)?;
        // What the file system allocates late, it must allocate now.
        file.sync_data()?;
        match std::fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // A file system without links: then LMDB creates the file.
            Err(error) if is_no_link(&error) => Ok(()),
            result => result,
        }
    };
    let created = create();
    let removed = std::fs::remove_file(&unfinished);
    created.and(removed)
}

fn is_no_link(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EOPNOTSUPP | libc::ENOSYS))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn fill_holes(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    /// The unit in which the system tells of room on the disk.
    const UNIT: u64 = 512;
    let metadata = std::fs::metadata(path)?;
    // A file that has as much room as it is long has no hole.
    if metadata.len() > 0 && metadata.blocks().saturating_mul(UNIT) >= metadata.len() {
        return Ok(());
    }
    let file = open_private_file(path)?;
    let length = libc::off_t::try_from(file.metadata()?.len()).unwrap_or(libc::off_t::MAX);
    // SAFETY: a valid descriptor.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 => Ok(()),
        // An empty file, or a file system that allocates when it writes.
        libc::EINVAL | libc::EOPNOTSUPP => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Reads from a place of a file, as much as the system gives at once.
pub(super) fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    file.read_at(out, at)
}

/// Writes bytes at a place of a file.
pub fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.write_all_at(bytes, at)
}

/// Makes a hole of a part of a file, which then reads as zeros and takes no room. Where that cannot
/// be done, nothing happens.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn punch_hole(file: &File, part: Range<u64>) -> io::Result<()> {
    if part.is_empty() {
        return Ok(());
    }
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let start = libc::off_t::try_from(part.start).map_err(too_long)?;
    let length = libc::off_t::try_from(part.end - part.start).map_err(too_long)?;
    // SAFETY: a valid descriptor.
    if unsafe { libc::fallocate(file.as_raw_fd(), mode, start, length) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
        _ => Err(error),
    }
}

/// The room that a file takes on the disk, in bytes; `None` if it is deleted already, and where
/// holes cannot be made.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn room_of(metadata: &Metadata) -> Option<u64> {
    const BLOCK: u64 = 512;
    (metadata.nlink() > 0).then(|| metadata.blocks() * BLOCK)
}

/// Not done on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn punch_hole(_file: &File, _part: Range<u64>) -> io::Result<()> {
    Ok(())
}

/// Not asked for on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn room_of(_metadata: &Metadata) -> Option<u64> {
    None
}

/// Not known on this system; what was made here has no holes.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn fill_holes(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Tries to take, for this process image, the byte of the lock file that stands for it. False if
/// another copy of this library in the same process has it already.
///
/// An open-file-description lock: it belongs to `file`, not to the process, so that two copies in
/// one process conflict, and it ends with the last descriptor.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn lock_process_byte(file: &File) -> io::Result<bool> {
    let error = match lock_byte(file, process_offset(), libc::F_WRLCK) {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Ok(false),
        // A file system without byte-range locks cannot tell copies apart; `flock` still works.
        Some(libc::EINVAL | libc::ENOLCK | libc::EBADF) => Ok(true),
        _ => Err(error),
    }
}

/// Gives the byte up again.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn unlock_process_byte(file: &File) -> io::Result<()> {
    lock_byte(file, process_offset(), libc::F_UNLCK)
}

/// Says that the turn is waited for, or not any more, to whoever has it and asks [`is_wanted`].
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn want(file: &File, wants: bool) -> io::Result<()> {
    lock_byte(file, WANTED, if wants { libc::F_RDLCK } else { libc::F_UNLCK })
}

/// Whether somebody else [wants](want) the turn; true as well where that cannot be known.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn is_wanted(file: &File) -> bool {
    let mut lock = byte_lock(WANTED, libc::F_WRLCK);
    // SAFETY: a valid descriptor and a fully initialised struct, which the call may change.
    let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    asked != 0 || lock.l_type != libc::F_UNLCK as libc::c_short
}

/// The byte of the lock file that is locked, shared, by those who wait for the turn.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WANTED: libc::off_t = 0;

#[cfg(any(target_os = "linux", target_os = "android"))]
fn byte_lock(place: libc::off_t, kind: libc::c_int) -> libc::flock {
    let mut lock: libc::flock = zeroed_flock();
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = place;
    lock.l_len = 1;
    lock
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn lock_byte(file: &File, place: libc::off_t, kind: libc::c_int) -> io::Result<()> {
    let lock = byte_lock(place, kind);
    // SAFETY: a valid descriptor and a fully initialised struct.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &lock) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Elsewhere copies cannot be told apart by a lock that belongs to a descriptor.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn lock_process_byte(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// There is none to give up.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn unlock_process_byte(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Nobody can be told here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn want(_file: &File, _wants: bool) -> io::Result<()> {
    Ok(())
}

/// Not known here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn is_wanted(_file: &File) -> bool {
    true
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn zeroed_flock() -> libc::flock {
    // SAFETY: `flock` is a plain C struct of integers, for which zero is valid.
    unsafe { std::mem::zeroed() }
}

/// A place in the lock file that no other process shares: a hash of process id and start time, so
/// that equal ids in two containers do not meet.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn process_offset() -> libc::off_t {
    let start = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let start = start.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19));
    let text = format!("{}/{}", std::process::id(), start.unwrap_or(""));
    let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    libc::off_t::try_from(hash >> 2).unwrap_or(0) + 1
}

/// The kind of network file system that holds `path`, if it is one: locks and shared memory maps
/// do not work there between hosts.
#[cfg(target_os = "linux")]
pub fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: a NUL-terminated path and an out pointer to the C struct.
    if unsafe { libc::statfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are valid, and the call filled it in.
    let kind = unsafe { stat.assume_init() }.f_type & 0xFFFF_FFFF;
    Ok(match kind {
        0x6969 => Some("NFS"),
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => Some("SMB"),
        0x0102_1997 => Some("9p"),
        0x5346_414F => Some("AFS"),
        0x00C3_6400 => Some("Ceph"),
        0x0BD0_0BD0 => Some("Lustre"),
        _ => None,
    })
}

/// The kind of network file system that holds `path`, if it is one.
#[cfg(target_os = "macos")]
pub fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: a NUL-terminated path and an out pointer to the C struct.
    if unsafe { libc::statfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are valid, and the call filled it in.
    let flags = unsafe { stat.assume_init() }.f_flags;
    Ok((flags & libc::MNT_LOCAL as u32 == 0).then_some("network"))
}

/// Not known on this system.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn network_file_system(_path: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// What changes when the machine starts; `None` where it cannot be told.
pub fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// The calling thread, as LMDB's table of readers names it.
pub fn current_thread() -> usize {
    // SAFETY: it has no preconditions.
    unsafe { libc::pthread_self() as usize }
}

/// Whether a process of this id is alive.
pub fn process_is_alive(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 only asks.
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Lets a write beyond the limit on the size of files (`ulimit -f`) fail on this thread, instead of
/// ending the process: Node.js ignores that signal, other programs do not.
pub fn survive_file_size_limit() {
    // SAFETY: the set is initialised before it is read, and only this thread's mask changes.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGXFSZ);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}

/// Asks to be run soon when this thread is woken, for a short time, before threads that compute.
/// Otherwise it waits for the end of their time slices, some milliseconds, when as many of them are
/// at work as there are processors.
///
/// It is a wish: Linux knows it from version 6.12 on.
#[cfg(target_os = "linux")]
pub fn prefer_short_slices() {
    /// The shortest that there is, in nanoseconds.
    const SLICE: u64 = 100_000;
    let size = size_of::<libc::sched_attr>() as u32;
    // SAFETY: both calls are about this thread (0), and read or write a structure of this size.
    unsafe {
        let mut attr: libc::sched_attr = std::mem::zeroed();
        let asked = libc::syscall(libc::SYS_sched_getattr, 0, &mut attr, size, 0);
        if asked == 0 && attr.sched_policy == libc::SCHED_OTHER as u32 {
            attr.sched_runtime = SLICE;
            libc::syscall(libc::SYS_sched_setattr, 0, &attr, 0);
        }
    }
}

/// As on Linux; no other system knows such a wish.
#[cfg(not(target_os = "linux"))]
pub fn prefer_short_slices() {}

static FORKED: AtomicBool = AtomicBool::new(false);

/// Whether this process was forked after [`watch_forks`]: its LMDB state belongs to the parent.
#[inline]
pub fn is_forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// Makes [`is_forked`] true in children.
pub fn watch_forks() {
    static WATCH: Once = Once::new();
    extern "C" fn mark() {
        FORKED.store(true, Ordering::Relaxed);
    }
    // SAFETY: the handler only stores to an atomic, which is allowed between fork and exec.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(mark));
    });
}

/// A file in memory that cannot become longer.
#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
pub fn file_of_length(length: u64) -> File {
    use std::os::fd::FromRawFd;

    // SAFETY: the name ends with a zero byte.
    let descriptor = unsafe { libc::memfd_create(c"test".as_ptr(), libc::MFD_ALLOW_SEALING) };
    assert!(descriptor >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: it is open, and nobody else has it.
    let file = unsafe { File::from_raw_fd(descriptor) };
    file.set_len(length).unwrap();
    // SAFETY: it is open.
    let sealed = unsafe { libc::fcntl(descriptor, libc::F_ADD_SEALS, libc::F_SEAL_GROW) };
    assert_eq!(sealed, 0);
    file
}
