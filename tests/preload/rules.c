/* The rules: which calls fail, are skipped, or are the last thing that the process does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

#define MAX_RULES 16

struct rule {
  enum action action;
  uint32_t kinds; /* a bit for each */
  unsigned long n, seen;
  bool from_then_on;
  int error; /* for A_SLOW: milliseconds */
};

static struct rule rules[MAX_RULES];
static int rule_count;
static uint64_t *counts;

static const char *const kind_names[] = {
#define X(id, name) name,
    KINDS(X)
#undef X
};

static const struct {
  const char *name;
  enum action action;
} actions[] = {{"fail", A_FAIL},
               {"short", A_SHORT},
               {"skip", A_SKIP},
               {"slow", A_SLOW},
               {"kill-before", A_KILL_BEFORE},
               {"kill-after", A_KILL_AFTER},
               {"kill-inside", A_KILL_INSIDE}};

static const struct {
  const char *name;
  int error;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
              {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"EROFS", EROFS},   {"EFBIG", EFBIG},
              {"ENOMEM", ENOMEM}};

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("LODESTORE_IO_COUNTS");
  if (path == NULL) return;
  size_t size = KIND_COUNT * sizeof *counts;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || syscall(SYS_ftruncate, fd, size) != 0) io_die("LODESTORE_IO_COUNTS");
  counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (counts == MAP_FAILED) io_die("LODESTORE_IO_COUNTS cannot be mapped");
  syscall(SYS_close, fd);
}

void io_kill(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

void io_die(const char *why) {
  static const char intro[] = "tests/preload: ";
  struct iovec parts[] = {
      {(void *)intro, sizeof intro - 1}, {(void *)why, strlen(why)}, {(void *)"\n", 1}};
  syscall(SYS_writev, 2, parts, 3);
  abort();
}

static bool is(const char *word, size_t length, const char *name) {
  return strlen(name) == length && memcmp(word, name, length) == 0;
}

static uint32_t parse_kinds(const char *word, size_t length) {
  const uint32_t writes = 1u << K_DATA_WRITE | 1u << K_META_WRITE |
                          1u << K_JOURNAL_WRITE | 1u << K_OTHER_WRITE;
  const uint32_t syncs = 1u << K_DATA_SYNC | 1u << K_JOURNAL_SYNC |
                         1u << K_OTHER_SYNC | 1u << K_DIR_SYNC;
  if (is(word, length, "write")) return writes;
  if (is(word, length, "sync")) return syncs;
  if (is(word, length, "any")) return ~0u;
  for (int i = 0; i < KIND_COUNT; i++) {
    if (is(word, length, kind_names[i])) return 1u << i;
  }
  io_die("a rule names an unknown kind");
  return 0;
}

static enum action parse_action(const char *word, size_t length) {
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    if (is(word, length, actions[i].name)) return actions[i].action;
  }
  io_die("a rule names an unknown action");
  return A_NONE;
}

static int parse_error(const char *word, size_t length) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (is(word, length, errors[i].name)) return errors[i].error;
  }
  io_die("a rule names an unknown error");
  return 0;
}

static int parse_number(const char *word, size_t length) {
  int number = 0;
  for (size_t i = 0; i < length; i++) {
    if (word[i] < '0' || word[i] > '9' || i > 8) io_die("a rule has no number of milliseconds");
    number = number * 10 + (word[i] - '0');
  }
  return number;
}

static void parse_count(struct rule *rule, const char *word, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (word[i] == '+' && i > 0 && i == length - 1) rule->from_then_on = true;
    else if (word[i] >= '0' && word[i] <= '9') rule->n = rule->n * 10 + (unsigned)(word[i] - '0');
    else io_die("a rule has no number");
  }
  if (rule->n == 0) io_die("rules count from 1");
}

static bool is_gap(char c) { return c == ' ' || c == '\n'; }

static void parse_rule(const char *at, const char *end) {
  struct rule rule = {0};
  int words = 0;
  while (at < end) {
    const char *word = at;
    while (at < end && !is_gap(*at)) at++;
    size_t length = (size_t)(at - word);
    while (at < end && is_gap(*at)) at++;
    if (length == 0) continue;
    switch (words++) {
      case 0: rule.action = parse_action(word, length); break;
      case 1: rule.kinds = parse_kinds(word, length); break;
      case 2: parse_count(&rule, word, length); break;
      case 3:
        rule.error = rule.action == A_SLOW ? parse_number(word, length) : parse_error(word, length);
        break;
      default: io_die("a rule has too many words");
    }
  }
  if (words == 0) return;
  bool has_four = rule.action == A_FAIL || rule.action == A_SLOW;
  if (words != (has_four ? 4 : 3)) io_die("a rule is incomplete");
  if (rule_count == MAX_RULES) io_die("there are too many rules");
  rules[rule_count++] = rule;
}

void io_set_rules(const char *text, size_t length) {
  rule_count = 0;
  if (length >= 4 && memcmp(text, "none", 4) == 0) return;
  const char *end = text + length;
  while (text < end) {
    const char *stop = memchr(text, ';', (size_t)(end - text));
    if (stop == NULL) stop = end;
    parse_rule(text, stop);
    text = stop + 1;
  }
}

struct verdict io_decide(enum kind kind) {
  if (counts != NULL) __atomic_fetch_add(&counts[kind], 1, __ATOMIC_RELAXED);
  struct verdict verdict = {A_NONE, 0};
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if ((rule->kinds & 1u << kind) == 0) continue;
    rule->seen++;
    bool applies = rule->from_then_on ? rule->seen >= rule->n : rule->seen == rule->n;
    if (applies && verdict.action == A_NONE) {
      verdict = (struct verdict){rule->action, rule->error};
    }
  }
  if (verdict.action == A_KILL_BEFORE) io_kill();
  return verdict;
}
