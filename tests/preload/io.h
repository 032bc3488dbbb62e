/*
 * A library to preload into a program that has a database open: it records what the program writes
 * and syncs, lets calls fail, skips syncs or has them take long, and kills the program at a chosen
 * call. Linux, 64 bits.
 *
 * Everything concerns the files and directories under one directory only. Absolute paths (and
 * paths relative to a directory that was opened by one) are recognised, as they are written.
 *
 * Environment variables
 *
 *   LODESTORE_IO_DIR     the directory, absolute and without symbolic links. Without it the library
 *                        does nothing.
 *   LODESTORE_IO_LOG     a file outside of it to which every change is appended, see "Log" below.
 *   LODESTORE_IO_COUNTS  a file outside of it that holds, for each kind of call in the order of
 *                        KINDS, a u64 of the machine's byte order: how many there were, also by
 *                        several processes and when one was killed.
 *   LODESTORE_IO_RULES   rules, separated by ';', see below.
 *
 * Files that exist only for the program under test: opened for writing, each write() to them is
 *
 *   $LODESTORE_IO_DIR/io-mark    a mark in the log, for example "acknowledged 17"
 *   $LODESTORE_IO_DIR/io-rules   new rules in the place of all older ones; empty ones: "none"
 *
 * Rules: ACTION KIND N, or ACTION KIND N+, then an error for `fail`, milliseconds for `slow`
 *
 *   fail KIND N ERROR     the call fails (nothing is done) with an error such as EIO
 *   short KIND N          a write writes half of what it should
 *   skip KIND N           a sync does nothing and reports success
 *   slow KIND N MS        a sync takes so much longer; other calls go on meanwhile
 *   kill-before KIND N    SIGKILL to the process in the place of the call
 *   kill-after KIND N     SIGKILL to the process when the call has been done
 *   kill-inside KIND N    half of a write is done, then SIGKILL
 *
 * N counts the calls of the kind from 1, from the moment at which the rule was set and in this
 * process alone; N+ is the N-th call and all that follow. Of several rules the first that applies
 * is taken. KIND is one of KINDS, or `write`, `sync` or `any` for several of them.
 *
 *   data-write   a write to a file named data.mdb behind its meta pages
 *   meta-write   a write to a data.mdb that begins in its meta pages: what commits a transaction
 *   data-sync    fdatasync or fsync of a data.mdb
 *   journal-write, journal-sync   of a file named data.journal
 *   other-write, other-sync   of other files
 *   dir-sync     fsync of a directory
 *   open         open of a file or directory, whether or not it creates one
 *   truncate, allocate, rename, unlink (also rmdir), mkdir, link
 *
 * So the places in LMDB's commit are `kill-before data-sync`, `kill-before meta-write` (between
 * both) and `kill-after meta-write`; with the journal, `kill-before journal-write` and
 * `kill-before journal-sync` follow, and there is no data-sync.
 *
 * Log: records, each a header (`struct record`, in the machine's byte order) and `payload` bytes.
 * A record is appended when the call has succeeded, and no other call on files of the directory
 * runs meanwhile, so their order is the order of effect.
 *
 *   R_OPEN      file = the id that the following records use (with the pid), flags, payload: path
 *   R_WRITE     file, offset, flags O_DSYNC if it was synced when it returned, payload: the bytes
 *   R_SYNC      file
 *   R_SKIPPED   file: a sync that was skipped
 *   R_TRUNCATE  file, offset = the new length (also for an allocation that makes the file longer)
 *   R_RENAME, R_LINK   payload: both paths, with a NUL in between
 *   R_UNLINK    payload: path; flags 1 for a directory
 *   R_MKDIR     payload: path
 *   R_MARK      payload: text
 */
#ifndef LODESTORE_IO_H
#define LODESTORE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#if !defined(__linux__) || !defined(__LP64__)
#error "this library is for 64-bit Linux"
#endif

/* Kinds of calls, in the order of the counts. */
#define KINDS(X) \
  X(DATA_WRITE, "data-write") X(META_WRITE, "meta-write") X(DATA_SYNC, "data-sync") \
  X(JOURNAL_WRITE, "journal-write") X(JOURNAL_SYNC, "journal-sync") \
  X(OTHER_WRITE, "other-write") X(OTHER_SYNC, "other-sync") X(DIR_SYNC, "dir-sync") \
  X(OPEN, "open") X(TRUNCATE, "truncate") X(ALLOCATE, "allocate") X(RENAME, "rename") \
  X(UNLINK, "unlink") X(MKDIR, "mkdir") X(LINK, "link")

enum kind {
#define X(id, name) K_##id,
  KINDS(X)
#undef X
  KIND_COUNT
};

enum action {
  A_NONE, A_FAIL, A_SHORT, A_SKIP, A_SLOW, A_KILL_BEFORE, A_KILL_AFTER, A_KILL_INSIDE
};

enum record_type {
  R_OPEN = 1, R_WRITE, R_SYNC, R_SKIPPED, R_TRUNCATE, R_RENAME, R_LINK, R_UNLINK, R_MKDIR, R_MARK
};

struct record {
  uint32_t payload;
  uint16_t type;
  uint16_t reserved;
  uint32_t pid;
  uint32_t file;
  uint32_t flags;
  uint32_t reserved2;
  uint64_t offset;
};

/* What a file descriptor stands for. */
enum role { ROLE_NONE, ROLE_DATA, ROLE_JOURNAL, ROLE_OTHER, ROLE_DIRECTORY, ROLE_MARK, ROLE_RULES };

struct file {
  enum role role;
  uint32_t id;
  bool synced; /* opened with O_DSYNC or O_SYNC */
  char path[1024];
};

/* files.c */
extern bool io_enabled;
bool io_path(int dirfd, const char *path, char out[1024]);
enum role io_role(const char *path, int fd);
struct file *io_file(int fd);
void io_register(int fd, enum role role, uint32_t id, bool synced, const char *path);
void io_copy(int from, int to);
void io_forget(int fd);

/* log.c */
void io_log(enum record_type type, uint32_t file, uint32_t flags, uint64_t offset,
            const struct iovec *payload, int parts);
void io_log_text(enum record_type type, uint32_t file, uint32_t flags, const char *text, size_t n);
void io_log_paths(enum record_type type, const char *from, const char *to);
uint32_t io_next_id(void);

/* rules.c: all with the lock held */
struct verdict {
  enum action action;
  int error; /* for A_SLOW: milliseconds */
};
void io_set_rules(const char *text, size_t length);
struct verdict io_decide(enum kind kind);
void io_kill(void);
void io_die(const char *why);

/* One lock around every call on files of the directory. */
void io_lock(void);
void io_unlock(void);

#endif
