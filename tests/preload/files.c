/* Which file descriptors belong to the directory, and what they stand for. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define MAX_FILES 1024

bool io_enabled;
static char directory[1024];
static size_t directory_length;
static struct file files[MAX_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void io_lock(void) { pthread_mutex_lock(&lock); }
void io_unlock(void) { pthread_mutex_unlock(&lock); }

/* A child of fork() starts with the lock free, whatever other threads of its parent were doing. */
__attribute__((constructor)) static void start(void) {
  const char *value = getenv("LODESTORE_IO_DIR");
  if (value == NULL) return;
  directory_length = strlen(value);
  if (value[0] != '/' || directory_length >= sizeof directory) io_die("LODESTORE_IO_DIR");
  memcpy(directory, value, directory_length);
  pthread_atfork(io_lock, io_unlock, io_unlock);
  const char *rules = getenv("LODESTORE_IO_RULES");
  if (rules != NULL) io_set_rules(rules, strlen(rules));
  io_enabled = true;
}

/* The full path of what a call names, if it lies in the directory. */
bool io_path(int dirfd, const char *path, char out[1024]) {
  if (!io_enabled || path == NULL) return false;
  size_t length = strlen(path);
  size_t base = 0;
  if (path[0] != '/') {
    struct file *parent = io_file(dirfd);
    if (parent == NULL) return false;
    base = strlen(parent->path);
    if (base + 1 >= 1024) io_die("a path is too long");
    memcpy(out, parent->path, base);
    out[base++] = '/';
  }
  if (base + length >= 1024) return false;
  memcpy(out + base, path, length + 1);
  for (length += base; length > 1 && out[length - 1] == '/';) out[--length] = 0;
  if (strncmp(out, directory, directory_length) != 0) return false;
  return out[directory_length] == '/' || out[directory_length] == 0;
}

enum role io_role(const char *path, int fd) {
  const char *name = strrchr(path, '/') + 1;
  if (strcmp(name, "data.mdb") == 0) return ROLE_DATA;
  if (strcmp(name, "data.journal") == 0) return ROLE_JOURNAL;
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) return ROLE_DIRECTORY;
  return ROLE_OTHER;
}

struct file *io_file(int fd) {
  if (!io_enabled || fd < 0 || fd >= MAX_FILES || files[fd].role == ROLE_NONE) return NULL;
  return &files[fd];
}

void io_register(int fd, enum role role, uint32_t id, bool synced, const char *path) {
  if (fd >= MAX_FILES) io_die("too many files are open");
  files[fd].id = id;
  files[fd].synced = synced;
  strcpy(files[fd].path, path);
  files[fd].role = role;
}

void io_copy(int from, int to) {
  struct file *file = io_file(from);
  if (file != NULL) io_register(to, file->role, file->id, file->synced, file->path);
  else io_forget(to);
}

void io_forget(int fd) {
  if (fd >= 0 && fd < MAX_FILES) files[fd].role = ROLE_NONE;
}
