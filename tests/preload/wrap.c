/*
 * The wrapped calls. Each makes the system call itself, without libc's own function, so that they
 * work from the first instruction of the program on; none allocates.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

#define EXPORT __attribute__((visibility("default")))

/* The end of every wrapper of a call that was let through: kills if a rule says so. */
static long finish(struct verdict verdict, long result) {
  int error = errno;
  if (verdict.action == A_KILL_AFTER) io_kill();
  io_unlock();
  errno = error;
  return result;
}

static long refuse(int error) {
  io_unlock();
  errno = error;
  return -1;
}

/* Others go on while a call takes long. */
static void wait_for(int milliseconds) {
  io_unlock();
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
  io_lock();
}

/* ---- opening and closing ---- */

static int open_special(const char *path, int flags) {
  const char *name = strrchr(path, '/') + 1;
  enum role role = strcmp(name, "io-mark") == 0    ? ROLE_MARK
                   : strcmp(name, "io-rules") == 0 ? ROLE_RULES
                                                   : ROLE_NONE;
  if (role == ROLE_NONE) return -1;
  flags &= ~(O_CREAT | O_EXCL | O_TRUNC);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", flags, 0);
  if (fd >= 0) io_register(fd, role, 0, false, path);
  return fd;
}

static int do_open(int dirfd, const char *path, int flags, mode_t mode) {
  char full[1024];
  if (!io_path(dirfd, path, full)) {
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    io_forget(fd);
    return fd;
  }
  io_lock();
  int special = open_special(full, flags);
  if (special >= 0) return (int)finish((struct verdict){A_NONE, 0}, special);
  struct verdict verdict = io_decide(K_OPEN);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
  if (fd >= 0) {
    uint32_t id = io_next_id();
    io_register(fd, io_role(full, fd), id, (flags & (O_DSYNC | O_SYNC)) != 0, full);
    io_log_text(R_OPEN, id, (uint32_t)flags, full, strlen(full));
  }
  return (int)finish(verdict, fd);
}

static mode_t mode_of(int flags, va_list list) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define OPEN(name) \
  EXPORT int name(const char *path, int flags, ...) { \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = mode_of(flags, list); \
    va_end(list); \
    return do_open(AT_FDCWD, path, flags, mode); \
  }
#define OPENAT(name) \
  EXPORT int name(int dirfd, const char *path, int flags, ...) { \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = mode_of(flags, list); \
    va_end(list); \
    return do_open(dirfd, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPENAT(openat)
OPENAT(openat64)
OPENAT(__openat_2)
OPENAT(__openat64_2)

#define CREAT(name) \
  EXPORT int name(const char *path, mode_t mode) { \
    return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); \
  }
CREAT(creat)
CREAT(creat64)

EXPORT int close(int fd) {
  /* Forgotten first: another thread may get the number as soon as it is free. */
  io_forget(fd);
  return (int)syscall(SYS_close, fd);
}

EXPORT int closedir(DIR *dir) {
  static int (*real)(DIR *);
  if (real == NULL) real = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");
  io_forget(dirfd(dir));
  return real(dir);
}

EXPORT int dup(int fd) {
  int copy = (int)syscall(SYS_dup, fd);
  if (copy >= 0) io_copy(fd, copy);
  return copy;
}

EXPORT int dup3(int fd, int to, int flags) {
  int copy = (int)syscall(SYS_dup3, fd, to, flags);
  if (copy >= 0) io_copy(fd, copy);
  return copy;
}

EXPORT int dup2(int fd, int to) {
  if (fd == to) return syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : fd;
  return dup3(fd, to, 0);
}

#define FCNTL(name) \
  EXPORT int name(int fd, int command, ...) { \
    va_list list; \
    va_start(list, command); \
    void *argument = va_arg(list, void *); \
    va_end(list); \
    int result = (int)syscall(SYS_fcntl, fd, command, argument); \
    if (result >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC)) io_copy(fd, result); \
    return result; \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

/* ---- writing ---- */

#define HERE ((off_t) - 1)

static ssize_t raw_write(int fd, const struct iovec *parts, int count, off_t offset) {
  if (offset == HERE) return syscall(SYS_writev, fd, parts, count);
  return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

/* Half of a write: of its first part only, and at least one byte. */
static ssize_t half_write(int fd, const struct iovec *parts, size_t total, off_t offset) {
  size_t half = total / 2 > 0 ? total / 2 : 1;
  struct iovec part = {parts[0].iov_base, half < parts[0].iov_len ? half : parts[0].iov_len};
  return raw_write(fd, &part, 1, offset);
}

static enum kind write_kind(const struct file *file, off_t offset) {
  if (file->role == ROLE_JOURNAL) return K_JOURNAL_WRITE;
  if (file->role != ROLE_DATA) return K_OTHER_WRITE;
  return offset < 2 * (off_t)sysconf(_SC_PAGESIZE) ? K_META_WRITE : K_DATA_WRITE;
}

/* Records the first `written` bytes of the parts. */
static void log_write(struct file *file, const struct iovec *parts, int count, off_t at,
                      size_t written) {
  struct iovec done[64];
  int n = 0;
  for (; n < count && written > 0; n++) {
    if (n == 64) io_die("a write has too many parts");
    size_t length = parts[n].iov_len < written ? parts[n].iov_len : written;
    done[n] = (struct iovec){parts[n].iov_base, length};
    written -= length;
  }
  io_log(R_WRITE, file->id, file->synced ? O_DSYNC : 0, (uint64_t)at, done, n);
}

static ssize_t do_write(int fd, const struct iovec *parts, int count, off_t offset) {
  struct file *file = io_file(fd);
  if (file == NULL) return raw_write(fd, parts, count, offset);
  size_t total = 0;
  for (int i = 0; i < count; i++) total += parts[i].iov_len;
  io_lock();
  if (file->role == ROLE_MARK || file->role == ROLE_RULES) {
    for (int i = 0; i < count; i++) {
      if (file->role == ROLE_MARK) io_log_text(R_MARK, 0, 0, parts[i].iov_base, parts[i].iov_len);
      else io_set_rules(parts[i].iov_base, parts[i].iov_len);
    }
    return finish((struct verdict){A_NONE, 0}, (ssize_t)total);
  }
  off_t at = offset;
  if (offset == HERE) {
    int appends = (int)syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND;
    at = syscall(SYS_lseek, fd, 0, appends ? SEEK_END : SEEK_CUR);
  }
  struct verdict verdict = io_decide(write_kind(file, at));
  if (verdict.action == A_FAIL) return refuse(verdict.error);
  bool halves = verdict.action == A_SHORT || verdict.action == A_KILL_INSIDE;
  ssize_t written = halves && total > 0 ? half_write(fd, parts, total, offset)
                                        : raw_write(fd, parts, count, offset);
  if (written > 0) log_write(file, parts, count, at, (size_t)written);
  if (verdict.action == A_KILL_INSIDE) io_kill();
  return finish(verdict, written);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) {
  /* Not by way of writev for files of others, whose errors may differ. */
  if (io_file(fd) == NULL) return syscall(SYS_write, fd, bytes, length);
  struct iovec part = {(void *)bytes, length};
  return do_write(fd, &part, 1, HERE);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
  return do_write(fd, parts, count, HERE);
}

#define PWRITE(name) \
  EXPORT ssize_t name(int fd, const void *bytes, size_t length, off_t offset) { \
    if (io_file(fd) == NULL) return syscall(SYS_pwrite64, fd, bytes, length, offset); \
    struct iovec part = {(void *)bytes, length}; \
    return do_write(fd, &part, 1, offset); \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name) \
  EXPORT ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) { \
    return do_write(fd, parts, count, offset); \
  }
PWRITEV(pwritev)
PWRITEV(pwritev64)

/* ---- syncing, lengths ---- */

static int do_sync(int fd, long call) {
  struct file *file = io_file(fd);
  if (file == NULL) return (int)syscall(call, fd);
  io_lock();
  struct verdict verdict = io_decide(file->role == ROLE_DATA        ? K_DATA_SYNC
                                     : file->role == ROLE_JOURNAL   ? K_JOURNAL_SYNC
                                     : file->role == ROLE_DIRECTORY ? K_DIR_SYNC
                                                                    : K_OTHER_SYNC);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  if (verdict.action == A_SLOW) wait_for(verdict.error);
  bool skipped = verdict.action == A_SKIP;
  int result = skipped ? 0 : (int)syscall(call, fd);
  if (result == 0) io_log(skipped ? R_SKIPPED : R_SYNC, file->id, 0, 0, NULL, 0);
  return (int)finish(verdict, result);
}

EXPORT int fsync(int fd) { return do_sync(fd, SYS_fsync); }
EXPORT int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }

/* Promises nothing for a power failure, so it is not in the log; but it may fail. */
EXPORT int sync_file_range(int fd, off_t offset, off_t length, unsigned flags) {
  if (io_file(fd) == NULL) return (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
  io_lock();
  struct verdict verdict = io_decide(K_OTHER_SYNC);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  return (int)finish(verdict, syscall(SYS_sync_file_range, fd, offset, length, flags));
}

static int do_truncate(int fd, off_t length) {
  struct file *file = io_file(fd);
  if (file == NULL) return (int)syscall(SYS_ftruncate, fd, length);
  io_lock();
  struct verdict verdict = io_decide(K_TRUNCATE);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  int result = (int)syscall(SYS_ftruncate, fd, length);
  if (result == 0) io_log(R_TRUNCATE, file->id, 0, (uint64_t)length, NULL, 0);
  return (int)finish(verdict, result);
}

EXPORT int ftruncate(int fd, off_t length) { return do_truncate(fd, length); }
EXPORT int ftruncate64(int fd, off_t length) { return do_truncate(fd, length); }

static int do_allocate(int fd, int mode, off_t offset, off_t length) {
  struct file *file = io_file(fd);
  if (file == NULL) return (int)syscall(SYS_fallocate, fd, mode, offset, length);
  io_lock();
  struct verdict verdict = io_decide(K_ALLOCATE);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  struct stat before;
  int known = fstat(fd, &before);
  int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
  if (result == 0 && mode == 0 && known == 0 && offset + length > before.st_size) {
    io_log(R_TRUNCATE, file->id, 0, (uint64_t)(offset + length), NULL, 0);
  }
  return (int)finish(verdict, result);
}

#define ALLOCATE(name, posix_name) \
  EXPORT int name(int fd, int mode, off_t offset, off_t length) { \
    return do_allocate(fd, mode, offset, length); \
  } \
  EXPORT int posix_name(int fd, off_t offset, off_t length) { \
    int kept = errno; \
    int result = do_allocate(fd, 0, offset, length) == 0 ? 0 : errno; \
    errno = kept; \
    return result; \
  }
ALLOCATE(fallocate, posix_fallocate)
ALLOCATE(fallocate64, posix_fallocate64)

/* ---- names ---- */

static int do_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  char old_path[1024], new_path[1024];
  bool inside = io_path(from_dir, from, old_path);
  if (io_path(to_dir, to, new_path) != inside) io_die("a file is renamed in or out");
  if (!inside) return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
  io_lock();
  struct verdict verdict = io_decide(K_RENAME);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
  if (result == 0) io_log_paths(R_RENAME, old_path, new_path);
  return (int)finish(verdict, result);
}

EXPORT int rename(const char *from, const char *to) {
  return do_rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  return do_rename(from_dir, from, to_dir, to, 0);
}
EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  return do_rename(from_dir, from, to_dir, to, flags);
}

EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  char old_path[1024], new_path[1024];
  if (!io_path(to_dir, to, new_path) || !io_path(from_dir, from, old_path)) {
    return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
  }
  io_lock();
  struct verdict verdict = io_decide(K_LINK);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  int result = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
  if (result == 0) io_log_paths(R_LINK, old_path, new_path);
  return (int)finish(verdict, result);
}
EXPORT int link(const char *from, const char *to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int unlinkat(int dirfd, const char *path, int flags) {
  char full[1024];
  if (!io_path(dirfd, path, full)) return (int)syscall(SYS_unlinkat, dirfd, path, flags);
  io_lock();
  struct verdict verdict = io_decide(K_UNLINK);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  int result = (int)syscall(SYS_unlinkat, dirfd, path, flags);
  if (result == 0) io_log_text(R_UNLINK, 0, flags == AT_REMOVEDIR, full, strlen(full));
  return (int)finish(verdict, result);
}
EXPORT int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
EXPORT int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

EXPORT int mkdirat(int dirfd, const char *path, mode_t mode) {
  char full[1024];
  if (!io_path(dirfd, path, full)) return (int)syscall(SYS_mkdirat, dirfd, path, mode);
  io_lock();
  struct verdict verdict = io_decide(K_MKDIR);
  if (verdict.action == A_FAIL) return (int)refuse(verdict.error);
  int result = (int)syscall(SYS_mkdirat, dirfd, path, mode);
  if (result == 0) io_log_text(R_MKDIR, 0, 0, full, strlen(full));
  return (int)finish(verdict, result);
}
EXPORT int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
