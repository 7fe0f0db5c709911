/* The operating system: files, time, cores, the terminal. */
#define _GNU_SOURCE
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* A whole file into arena memory, NUL-terminated. Fails with 66 on missing files, folders and
 * missing permission, with 74 when reading breaks off, with 75 above `max` bytes. */
bool os_read_file(Arena *a, const char *path, size_t max, char **text, size_t *len, Fail *f)
{
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_set(f, EXIT_NOINPUT, "cannot read %s: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        return fail_set(f, EXIT_NOINPUT, "cannot read %s: it is a folder", path);
    }
    if (S_ISREG(st.st_mode) && st.st_size > 0 && (uintmax_t)st.st_size > max) {
        close(fd);
        return fail_set(f, EXIT_LIMIT, "%s is longer than %zu bytes", path, max);
    }
    /* Pipes and /proc have no length, so the length is only a first guess. */
    char *v = NULL;
    size_t n = 0, cap = 65536;
    if (st.st_size > 0 && (size_t)st.st_size <= max) cap = (size_t)st.st_size + 1;
    bool ok = true;
    for (;;) {
        if (!v || n == cap) {
            if (v) cap *= 2;
            v = cx_realloc(v, cap, 1, path);
        }
        ssize_t got = read(fd, v + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            ok = fail_set(f, EXIT_IO, "cannot read %s: %s", path, strerror(errno));
            break;
        }
        if (got == 0) break;
        n += (size_t)got;
        if (n > max) {
            ok = fail_set(f, EXIT_LIMIT, "%s is longer than %zu bytes", path, max);
            break;
        }
    }
    close(fd);
    if (ok) {
        *text = arena_strndup(a, v, n);
        *len = n;
    }
    cx_free(v);
    return ok;
}

/* Seconds on a clock that never jumps. */
double os_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* Cores this process may use, at least 1. */
int os_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than a cpu_set_t can name */
    return n > 0 ? (int)n : 1;
}

/* Is it a terminal? */
bool os_is_tty(FILE *f)
{
    return isatty(fileno(f)) == 1;
}

/* Width of the terminal in columns, 80 if it is none. */
int os_columns(FILE *f)
{
    struct winsize w;
    if (ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0) return w.ws_col;
    return 80;
}

/* Resident bytes now, 0 if the system does not tell. */
uint64_t os_rss(void)
{
    unsigned long long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%llu %llu", &total, &resident) != 2) resident = 0;
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The folder of a path, in `dir`; "." if it has none. False when it does not fit. */
static bool folder_of(const char *path, char *dir, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n + 2 > size) return false;
    if (!slash) strcpy(dir, ".");
    else if (n == 0) strcpy(dir, "/");
    else {
        memcpy(dir, path, n);
        dir[n] = '\0';
    }
    return true;
}

/* Bytes free where `path` is or would be created; UINT64_MAX if the system does not tell. */
uint64_t os_free_bytes(const char *path)
{
    char dir[4096];
    struct statvfs st;
    if (!folder_of(path, dir, sizeof dir) || statvfs(dir, &st) != 0) return UINT64_MAX;
    return (uint64_t)st.f_bavail * st.f_frsize;
}

static bool sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) return false;
    /* Some file systems cannot sync a folder and say EINVAL; then there is nothing more to do. */
    bool ok = fsync(fd) == 0 || errno == EINVAL;
    close(fd);
    return ok;
}

/* Puts `from` in the place of `to` at once: after a crash either the old or the whole new file is
 * there. Syncs file and folder. Fails with 74. */
bool os_rename(const char *from, const char *to, Fail *f)
{
    char dir[4096];
    if (!sync_path(from, O_RDONLY)) {
        return fail_set(f, EXIT_IO, "cannot write %s to disk: %s", from, strerror(errno));
    }
    if (rename(from, to) != 0) {
        return fail_set(f, EXIT_IO, "cannot rename %s to %s: %s", from, to, strerror(errno));
    }
    if (folder_of(to, dir, sizeof dir) && !sync_path(dir, O_RDONLY | O_DIRECTORY)) {
        return fail_set(f, EXIT_IO, "cannot write the folder %s to disk: %s", dir, strerror(errno));
    }
    return true;
}

/* Is anything there? */
bool os_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* Is it a folder? */
bool os_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Resolves links, `.` and `..`, so that two spellings of one file compare equal. */
const char *os_real_path(Arena *a, const char *path)
{
    char *real = realpath(path, NULL);
    const char *keep = arena_strdup(a, real ? real : path);
    free(real);
    return keep;
}

/* The last part of a path, without `strip_ext` (such as ".cortex"; NULL: none) at its end. */
const char *os_basename(Arena *a, const char *path, const char *strip_ext)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    size_t n = end - start, ext = strip_ext ? strlen(strip_ext) : 0;
    if (ext && n > ext && memcmp(path + end - ext, strip_ext, ext) == 0) n -= ext;
    return arena_strndup(a, path + start, n);
}

/* Asks for large pages behind an array that nobody has touched yet: where it is met in any order, most of the time
 * would go into finding pages. Nothing happens where the system has none. */
void os_large_pages(void *p, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t page = (uintptr_t)1 << 21;
    uintptr_t first = ((uintptr_t)p + page - 1) & ~(page - 1), end = ((uintptr_t)p + bytes) & ~(page - 1);
    if (first < end) madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)p, (void)bytes;
#endif
}

/* Memory of this machine in bytes; 0 if it does not say. */
uint64_t os_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}
