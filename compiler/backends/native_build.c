/* Compiles the C of a kernel with the system's compiler and loads it. Kernels are kept in a cache by the content of
 * their text, the compiler and its options. */
#define _GNU_SOURCE
#include "native.h"

#include "interp.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MAX_PATH = 1024 };

static const char *const common_options[] = {
    "-std=gnu17", "-O3", "-fPIC", "-shared", "-w", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-fvisibility=hidden", NULL};

typedef struct Paths {
    char compiler[MAX_PATH], dir[MAX_PATH];
    char source[MAX_PATH], library[MAX_PATH];             /* in the cache, there as a whole or not at all */
    char new_source[MAX_PATH], new_library[MAX_PATH], log[MAX_PATH]; /* of this process */
    const char *options[4]; /* for the instruction set, NULL at the end */
} Paths;

/* $CC or cc, found by PATH; false when there is none. */
static bool find_compiler(char *out, size_t size)
{
    const char *name = getenv("CC");
    if (!name || !*name || strchr(name, ' ')) name = "cc";
    if (strchr(name, '/')) return (size_t)snprintf(out, size, "%s", name) < size && access(out, X_OK) == 0;
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t n = strcspn(path, ":");
        if (n && (size_t)snprintf(out, size, "%.*s/%s", (int)n, path, name) < size && access(out, X_OK) == 0) return true;
        path += n + (path[n] == ':');
    }
    return false;
}

/* The folder of kernels, for this user alone: others must not be able to put code there. */
static bool cache_folder(char *out, size_t size, Fail *f)
{
    const char *base = getenv("CORTEXC_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    size_t n = base && *base ? (size_t)snprintf(out, size, "%s", base)
               : xdg && *xdg ? (size_t)snprintf(out, size, "%s/cortexc", xdg)
               : home && *home ? (size_t)snprintf(out, size, "%s/.cache/cortexc", home)
                               : (size_t)snprintf(out, size, "/tmp/cortexc-%u", (unsigned)getuid());
    if (n + 64 > size) return fail_set(f, EXIT_SYSTEM, "the path of the cache is too long");
    for (char *p = out + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        (void)mkdir(out, 0777);
        *p = '/';
    }
    (void)mkdir(out, 0700);
    struct stat st;
    if (lstat(out, &st) != 0 || !S_ISDIR(st.st_mode)) return fail_set(f, EXIT_SYSTEM, "cannot make the folder %s for compiled kernels", out);
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return fail_set(f, EXIT_SYSTEM, "%s is not a folder that only its owner can write", out);
    return true;
}

/* DIR/KEY, the number of this process where it is `own`, and the ending. */
static bool name(char *out, const Paths *p, uint64_t key, bool own, const char *ending)
{
    char number[16] = "";
    if (own) snprintf(number, sizeof number, "-%d", (int)getpid());
    return (size_t)snprintf(out, MAX_PATH, "%s/%016llx%s%s", p->dir, (unsigned long long)key, number, ending) < MAX_PATH;
}

static bool find_paths(const NativeJob *job, Paths *p, Fail *f)
{
    const InterpIsa *isa = interp_isa(f);
    struct stat st;
    if (!isa) return false;
    if (!find_compiler(p->compiler, sizeof p->compiler) || stat(p->compiler, &st) != 0)
        return fail_set(f, EXIT_SYSTEM, "there is no C compiler (`cc`; CC names another)");
    int n = 0;
#ifdef __x86_64__
    if (!strcmp(isa->name, "avx2")) p->options[n++] = "-march=x86-64-v3";
    if (!strcmp(isa->name, "avx512")) p->options[n++] = "-march=x86-64-v4", p->options[n++] = "-mprefer-vector-width=512";
#endif
    p->options[n] = NULL;
    if (!cache_folder(p->dir, sizeof p->dir, f)) return false;
    uint64_t key = hash_bytes(job->source, job->len, CORTEXC_KERNEL_ABI);
    key = hash_str(p->compiler, key);
    key = hash_bytes(&st.st_mtim, sizeof st.st_mtim, key);
    key = hash_bytes(&st.st_size, sizeof st.st_size, key);
    for (int k = 0; common_options[k]; k++) key = hash_str(common_options[k], key);
    key = hash_str(isa->name, key);
    bool fits = name(p->library, p, key, false, ".so") && name(p->source, p, key, false, ".c") &&
                name(p->new_library, p, key, true, ".so") && name(p->new_source, p, key, true, ".c") && name(p->log, p, key, true, ".log");
    return fits || fail_set(f, EXIT_SYSTEM, "the path of the cache is too long");
}

static bool load(const char *path, NativeLib *lib, Fail *f)
{
    void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!h) return fail_set(f, EXIT_SYSTEM, "cannot load %s: %s", path, dlerror());
    const NativeTable *t = dlsym(h, "cortexc_native");
    if (!t) {
        dlclose(h);
        return fail_set(f, EXIT_SYSTEM, "%s is no kernel", path);
    }
    *lib = (NativeLib){h, t};
    return true;
}

bool native_build_cached(const NativeJob *job, NativeLib *lib)
{
    Paths p;
    Fail f;
    return find_paths(job, &p, &f) && access(p.library, R_OK) == 0 && load(p.library, lib, &f);
}

static bool write_source(const NativeJob *job, const Paths *p, Fail *f)
{
    int fd = open(p->new_source, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;
    while (fd >= 0 && done < job->len) {
        ssize_t n = write(fd, job->source + done, job->len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    int saved = errno;
    if (fd >= 0) close(fd);
    return (fd >= 0 && done == job->len) || fail_set(f, EXIT_SYSTEM, "cannot write %s: %s", p->new_source, strerror(saved));
}

/* The first line of the compiler's complaint. */
static void first_line(const char *path, char *out, size_t size)
{
    FILE *log = fopen(path, "r");
    out[0] = 0;
    while (log && fgets(out, (int)size, log) && !strstr(out, "error")) {}
    if (log) fclose(log);
    out[strcspn(out, "\n")] = 0;
}

/* Waits for the compiler, which ends with us: when nobody wants the kernel any more it is killed. */
static bool wait_for(pid_t child, const volatile int *stop, int *status)
{
    for (;;) {
        pid_t got = waitpid(child, status, WNOHANG);
        if (got == child) return true;
        if (got < 0 && errno != EINTR) return false;
        if (stop && *stop) {
            kill(-child, SIGKILL);
            while (waitpid(child, status, 0) < 0 && errno == EINTR) {}
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static bool compile(const Paths *p, const volatile int *stop, Fail *f)
{
    const char *argv[32];
    int n = 0, status = 0;
    argv[n++] = p->compiler;
    for (int k = 0; common_options[k]; k++) argv[n++] = common_options[k];
    for (int k = 0; p->options[k]; k++) argv[n++] = p->options[k];
    argv[n++] = "-o", argv[n++] = p->new_library, argv[n++] = p->new_source, argv[n] = NULL;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, p->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    sigset_t none; /* threads of ours block signals; the compiler should not */
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setpgroup(&attr, 0); /* so that its helpers can be ended with it */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    pid_t child;
    int error = posix_spawn(&child, p->compiler, &files, &attr, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (error) return fail_set(f, EXIT_SYSTEM, "cannot start %s: %s", p->compiler, strerror(error));
    bool ended = wait_for(child, stop, &status);
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    char line[256];
    first_line(p->log, line, sizeof line);
    unlink(p->new_library);
    unlink(p->log);
    if (!ended) unlink(p->new_source);
    if (!ended) return fail_set(f, EXIT_SYSTEM, "the compiler was stopped");
    return fail_set(f, EXIT_SYSTEM, "%s cannot compile %s: %s", p->compiler, p->new_source, *line ? line : "it says nothing");
}

bool native_build(const NativeJob *job, NativeLib *lib, Fail *f)
{
    Paths p;
    if (native_build_cached(job, lib)) return true;
    if (!find_paths(job, &p, f) || !write_source(job, &p, f) || !compile(&p, job->stop, f)) return false;
    if (rename(p.new_source, p.source) != 0 || rename(p.new_library, p.library) != 0) {
        unlink(p.new_library);
        return fail_set(f, EXIT_SYSTEM, "cannot write %s: %s", p.library, strerror(errno));
    }
    unlink(p.log);
    return load(p.library, lib, f);
}

void native_build_drop(NativeLib *lib)
{
    if (lib->handle) dlclose(lib->handle);
    *lib = (NativeLib){0};
}
