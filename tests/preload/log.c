/* The log: records appended to a file, which several processes may share. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

static int log_file = -1;
static atomic_uint next_id;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("LODESTORE_IO_LOG");
  if (path == NULL) return;
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  log_file = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
  if (log_file < 0) io_die("LODESTORE_IO_LOG cannot be opened");
}

uint32_t io_next_id(void) { return atomic_fetch_add(&next_id, 1) + 1; }

/* One writev() with O_APPEND: whole records, also of several processes. */
void io_log(enum record_type type, uint32_t file, uint32_t flags, uint64_t offset,
            const struct iovec *payload, int parts) {
  if (log_file < 0) return;
  struct iovec vector[1 + 64];
  if (parts > 64) io_die("a write has too many parts");
  struct record record = {0, type, 0, (uint32_t)getpid(), file, flags, 0, offset};
  vector[0] = (struct iovec){&record, sizeof record};
  for (int i = 0; i < parts; i++) {
    vector[1 + i] = payload[i];
    record.payload += (uint32_t)payload[i].iov_len;
  }
  size_t length = sizeof record + record.payload;
  if (syscall(SYS_writev, log_file, vector, 1 + parts) != (long)length) {
    io_die("the log cannot be written");
  }
}

void io_log_text(enum record_type type, uint32_t file, uint32_t flags, const char *text, size_t n) {
  struct iovec part = {(void *)text, n};
  io_log(type, file, flags, 0, &part, 1);
}

void io_log_paths(enum record_type type, const char *from, const char *to) {
  struct iovec parts[] = {{(void *)from, strlen(from) + 1}, {(void *)to, strlen(to)}};
  io_log(type, 0, 0, 0, parts, 2);
}
