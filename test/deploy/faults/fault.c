/* Preloaded into the program: counts every call that changes the disk below FAULT_ROOT, in all threads and
 * child processes together, and at one of them kills the program or lets the call fail.
 *   FAULT_STATE  a file of three longs, shared: the number of calls so far; which of them, from 1, or 0 for none;
 *                errno of that call, or 0 for SIGKILL before it is made
 *   FAULT_LOG    a file that gets a line for each call
 *   FAULT_READS  if set, the calls that read are counted in their place */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct {
  _Atomic long count;
  volatile long at, error;
} *state;
static const char *root;
static int report = -1, reads;

__attribute__((constructor)) static void begin(void) {
  root = getenv("FAULT_ROOT");
  const char *file = getenv("FAULT_STATE");
  if (!root || !file) return;
  reads = getenv("FAULT_READS") != 0;
  int fd = open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  state = mmap(0, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (getenv("FAULT_LOG")) report = open(getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
}

/* 1: the call is to fail with errno set */
static int reach(const char *call, const char *path) {
  if (!state || !path || strncmp(path, root, strlen(root)) != 0) return 0;
  long number = atomic_fetch_add(&state->count, 1) + 1;
  if (report >= 0) dprintf(report, "%ld %s %s\n", number, call, path);
  if (number != state->at) return 0;
  if (state->error) {
    errno = (int)state->error;
    return 1;
  }
  /* A child of the program: the program itself is what is killed, and the child with it. */
  char name[64] = "";
  FILE *comm = fopen("/proc/self/comm", "r");
  if (comm) {
    if (!fgets(name, sizeof name, comm)) name[0] = 0;
    fclose(comm);
  }
  if (strncmp(name, "cp", 2) == 0) kill(getppid(), SIGKILL);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* A path through a descriptor, as the folder that it leads to and the rest. */
static const char *resolve(const char *path, char *room, size_t size) {
  char link[64];
  int fd, end = 0, pid;
  if (!path) return path;
  if (sscanf(path, "/proc/self/fd/%d%n", &fd, &end) < 1 && sscanf(path, "/proc/%d/fd/%d%n", &pid, &fd, &end) < 2)
    return path;
  snprintf(link, sizeof link, "%.*s", end, path);
  ssize_t length = readlink(link, room, size - 1);
  if (length < 0) return path;
  snprintf(room + length, size - length, "%s", path + end);
  return room;
}

static int reach_path(const char *call, const char *path) {
  if (reads) return 0;
  char room[8192];
  return reach(call, resolve(path, room, sizeof room));
}

static int reach_any(const char *call, int fd) {
  char link[64], path[4096];
  if (!state) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return reach(call, path);
}

static int reach_fd(const char *call, int fd) { return reads ? 0 : reach_any(call, fd); }
static int reach_read(const char *call, int fd) { return reads ? reach_any(call, fd) : 0; }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BY_PATH(type, name, declare, path, ...)            \
  type name declare {                                      \
    return reach_path(#name, path) ? -1 : REAL(name)(__VA_ARGS__); \
  }
#define BY_FD(type, name, declare, fd, ...)                   \
  type name declare {                                         \
    return reach_fd(#name, fd) ? -1 : REAL(name)(__VA_ARGS__); \
  }

#define READ(name, declare, fd, ...)                               \
  ssize_t name declare {                                           \
    return reach_read(#name, fd) ? -1 : REAL(name)(__VA_ARGS__);   \
  }

#define OPEN(name)                                                           \
  int name(const char *path, int flags, ...) {                               \
    mode_t mode = 0;                                                         \
    if (flags & (O_CREAT | O_TMPFILE)) {                                     \
      va_list rest;                                                          \
      va_start(rest, flags);                                                 \
      mode = va_arg(rest, mode_t);                                           \
      va_end(rest);                                                          \
    }                                                                        \
    if ((flags & (O_CREAT | O_TRUNC)) && reach_path("open", path)) return -1;     \
    return REAL(name)(path, flags, mode);                                    \
  }
OPEN(open)
OPEN(open64)

BY_PATH(int, rename, (const char *a, const char *b), b, a, b)
BY_PATH(int, link, (const char *a, const char *b), b, a, b)
BY_PATH(int, symlink, (const char *a, const char *b), b, a, b)
char *mkdtemp(char *path) { return reach_path("mkdtemp", path) ? 0 : REAL(mkdtemp)(path); }

BY_PATH(int, unlink, (const char *a), a, a)
BY_PATH(int, rmdir, (const char *a), a, a)
BY_PATH(int, mkdir, (const char *a, mode_t m), a, a, m)
BY_PATH(int, chmod, (const char *a, mode_t m), a, a, m)
BY_PATH(int, truncate, (const char *a, off_t s), a, a, s)
BY_FD(int, fchmod, (int f, mode_t m), f, f, m)
BY_FD(int, fchown, (int f, uid_t u, gid_t g), f, f, u, g)
BY_FD(int, ftruncate, (int f, off_t s), f, f, s)
BY_FD(int, ftruncate64, (int f, off64_t s), f, f, s)
BY_FD(int, fsync, (int f), f, f)
BY_FD(int, fdatasync, (int f), f, f)
BY_FD(ssize_t, write, (int f, const void *b, size_t s), f, f, b, s)
BY_FD(ssize_t, writev, (int f, const struct iovec *v, int n), f, f, v, n)
BY_FD(ssize_t, pwrite, (int f, const void *b, size_t s, off_t o), f, f, b, s, o)
BY_FD(ssize_t, pwrite64, (int f, const void *b, size_t s, off64_t o), f, f, b, s, o)
BY_FD(ssize_t, pwritev, (int f, const struct iovec *v, int n, off_t o), f, f, v, n, o)
BY_FD(ssize_t, pwritev64, (int f, const struct iovec *v, int n, off64_t o), f, f, v, n, o)
BY_FD(int, fsetxattr, (int f, const char *n, const void *v, size_t s, int x), f, f, n, v, s, x)

READ(read, (int f, void *b, size_t s), f, f, b, s)
READ(readv, (int f, const struct iovec *v, int n), f, f, v, n)
READ(pread, (int f, void *b, size_t s, off_t o), f, f, b, s, o)
READ(pread64, (int f, void *b, size_t s, off64_t o), f, f, b, s, o)
READ(preadv, (int f, const struct iovec *v, int n, off_t o), f, f, v, n, o)
READ(preadv64, (int f, const struct iovec *v, int n, off64_t o), f, f, v, n, o)
