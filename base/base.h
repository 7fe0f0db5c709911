/* base: what every other room stands on. Memory, names, source text, diagnostics, units,
 * hashes, exact decimals, the operating system. Knows nothing of neurons.
 *
 * Errors, three kinds, three mechanisms:
 *   the model is wrong   -> a diagnostic (diag_error), the pass goes on
 *   the world failed     -> a function returns false and fills a Fail
 *   we are wrong         -> cx_bug, always compiled in
 */
#ifndef CORTEXC_BASE_H
#define CORTEXC_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CX_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define CX_NORETURN __attribute__((noreturn))

/* ---- bug.c: an internal contradiction. Prints file, line and message, exits with 70. ---- */
#define cx_bug(...) cx_bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define cx_assert(c) ((c) ? (void)0 : cx_bug("assertion failed: %s", #c))
void cx_bug_at(const char *file, int line, const char *fmt, ...) CX_PRINTF(3, 4) CX_NORETURN;

/* ---- mem.c: the one place memory comes from. Never returns NULL: out of memory ends the
 * program with 71 and a message that names the purpose. cx_alloc zeroes. Large columns are
 * 64-byte aligned; sizes are size_t throughout and count*size is checked for overflow. ---- */
void *cx_alloc(size_t count, size_t size, const char *purpose);
void *cx_realloc(void *p, size_t count, size_t size, const char *purpose);
void cx_free(void *p);
size_t cx_mem_now(void);  /* bytes handed out and not yet freed */
size_t cx_mem_peak(void); /* the largest value cx_mem_now ever had */
void cx_mem_fail_after(long n); /* for tests: the n-th allocation from now on fails; 0: none */

/* ---- arena.c: memory that lives as long as one thing (a compilation, a run). ---- */
typedef struct Arena Arena;
Arena *arena_new(const char *name);
void arena_free(Arena *a);
void *arena_alloc(Arena *a, size_t count, size_t size); /* zeroed, 16-byte aligned */
void *arena_dup(Arena *a, const void *p, size_t bytes);
char *arena_strdup(Arena *a, const char *s);
char *arena_strndup(Arena *a, const char *s, size_t n);
char *arena_printf(Arena *a, const char *fmt, ...) CX_PRINTF(2, 3);
char *arena_vprintf(Arena *a, const char *fmt, va_list ap);
#define arena_one(a, T) ((T *)arena_alloc((a), 1, sizeof(T)))
#define arena_many(a, T, n) ((T *)arena_alloc((a), (n), sizeof(T)))

/* ---- vec: a growable array, `T *v = NULL; vec_push(v, x); vec_len(v); vec_free(v);`.
 * Heap memory; the header sits in front of the elements. ---- */
typedef struct VecHead {
    size_t len, cap;
} VecHead;
void *vec_grow(void *v, size_t more, size_t elem);
#define vec_head(v) ((VecHead *)(void *)(v)-1)
#define vec_len(v) ((v) ? vec_head(v)->len : (size_t)0)
#define vec_push(v, x) ((v) = vec_grow((v), 1, sizeof *(v)), (v)[vec_head(v)->len++] = (x))
#define vec_extend(v, n) ((v) = vec_grow((v), (n), sizeof *(v)), vec_head(v)->len += (n))
#define vec_pop(v) ((v)[--vec_head(v)->len])
#define vec_clear(v) ((v) ? (void)(vec_head(v)->len = 0) : (void)0)
#define vec_free(v) (vec_drop(v), (v) = NULL)
void vec_drop(void *v);

/* ---- intern.c: one pointer per spelling, so names compare with ==. Lives for the process. */
typedef const char *Sym;
Sym sym(const char *s);
Sym sym_n(const char *s, size_t n);
void sym_free_all(void); /* at exit, for leak checkers */

/* ---- source.c: files in one global space of byte offsets. Lines are looked up to print. ---- */
typedef struct Span {
    uint32_t lo, hi; /* [lo, hi), byte offsets over all files; {0,0} is "nowhere" */
} Span;
typedef struct SourceFile {
    const char *path;  /* as shown to the user */
    const char *text;  /* NUL-terminated */
    uint32_t base, len; /* text[k] has the offset base + k; base >= 1 */
} SourceFile;
typedef struct Sources Sources;
typedef struct Place {
    const SourceFile *file;
    uint32_t line, col;      /* 1-based; col counts code points */
    const char *line_text;   /* not terminated */
    uint32_t line_len;       /* bytes, without the line end */
    uint32_t col_byte;       /* 0-based byte within the line */
} Place;
Sources *source_new(Arena *a);
/* Adds text (copied). NULL if all files together would pass 2 GiB. */
const SourceFile *source_add(Sources *s, const char *path, const char *text, size_t len);
Place source_place(const Sources *s, uint32_t offset);
/* Bytes of the character at s (n > 0 are left); a byte that is no valid UTF-8 is one character. */
size_t source_char(const char *s, size_t n);
size_t source_count(const Sources *s);
const SourceFile *source_at(const Sources *s, size_t k);
static inline Span span_join(Span a, Span b)
{
    if (!a.hi) return b;
    if (!b.hi) return a;
    return (Span){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

/* ---- diag.c, diag.def: messages about the model. Short, lower case, no period. ---- */
typedef enum DiagId {
#define DIAG(id, text, sev, story) D_##id,
#include "diag.def"
#undef DIAG
    N_DIAG
} DiagId;
typedef enum DiagSeverity { SEV_ERROR, SEV_WARNING, SEV_NOTE } DiagSeverity;
typedef struct Diag Diag;
typedef struct Diags Diags;
Diags *diag_new(Arena *a, Sources *s);
/* `at` gets the carets. The returned handle takes marks, notes and hints; never NULL.
 * Severity comes from diag.def. The same id at the same span twice is kept once. */
Diag *diag_add(Diags *ds, DiagId id, Span at, const char *fmt, ...) CX_PRINTF(4, 5);
void diag_mark(Diag *d, Span s);                                    /* underline with ~ */
void diag_caret(Diag *d, uint32_t offset);                          /* ^ at one place, `at` gets ~ */
void diag_note(Diag *d, const char *fmt, ...) CX_PRINTF(2, 3);      /* a fact */
void diag_note_at(Diag *d, Span s, const char *fmt, ...) CX_PRINTF(3, 4); /* a fact with its place */
void diag_hint(Diag *d, const char *fmt, ...) CX_PRINTF(2, 3);      /* a sentence one can act on */
/* What a hint that reads just "write `X`" or "did you mean `X`?" would replace by X: what the carets are under, unless
 * another range is given here; {0, 0} says that it cannot be applied to the letter. */
void diag_range(Diag *d, Span s);
void diag_mend(Diag *d, Span s, const char *fmt, ...) CX_PRINTF(3, 4); /* for hints in other words: what to put where */
typedef struct DiagView { /* a diagnostic for programs */
    DiagId id;
    DiagSeverity severity;
    Span at;
    const char *text;
    size_t n_remarks;
    Span range;              /* and `fix`: what to replace by what; NULL when no hint can be applied to the letter */
    const char *fix;
} DiagView;
/* Number k of all, as they came. Texts belong to the diagnostics; `fix` to their arena. */
DiagView diag_view(const Diags *ds, size_t k);
const char *diag_remark(const Diags *ds, size_t k, size_t remark, bool *is_hint, Span *at);
size_t diag_errors(const Diags *ds);
size_t diag_warnings(const Diags *ds);
size_t diag_count(const Diags *ds);
/* In order of place. Colours when `color`. At most `limit` are shown (0: all), then a count. */
void diag_print(const Diags *ds, FILE *out, bool color, size_t limit);
const char *diag_name(DiagId id);  /* "unit-mismatch" */
const char *diag_story(DiagId id); /* the long explanation of `--explain` */
bool diag_find(const char *name, DiagId *id);
/* The nearest of `n` candidates to `word` ("did you mean"), or NULL when none is near. */
const char *diag_nearest(const char *word, const char *const *candidates, size_t n);

/* ---- fail.c: the world failed. ---- */
typedef struct Fail {
    int exit_code; /* sysexits: 66 no input, 71 system, 73 cannot create, 74 I/O, 75 limit */
    char text[512];
} Fail;
bool fail_set(Fail *f, int exit_code, const char *fmt, ...) CX_PRINTF(3, 4); /* returns false */
enum { EXIT_USAGE = 64, EXIT_MODEL = 65, EXIT_NOINPUT = 66, EXIT_BUG = 70, EXIT_SYSTEM = 71,
       EXIT_CANTCREATE = 73, EXIT_IO = 74, EXIT_LIMIT = 75 };

/* ---- unit.c, units.def ----
 * A dimension is a vector of exponents of kg m s A K mol cd, in sixtieths, so that square and
 * cube roots are exact. All values inside are in the coherent system built on
 * ms, um, mV, pA (hence nS, pF, nA*..: every factor is a power of ten except min, h, day). */
enum { DIM_KG, DIM_M, DIM_S, DIM_A, DIM_K, DIM_MOL, DIM_CD, N_DIM };
typedef struct Dim {
    int16_t e[N_DIM]; /* 60 = exponent 1 */
} Dim;
typedef struct Unit {
    Dim dim;
    double pow10;     /* exponent such that 1 of this unit = factor * 10^pow10 internal units */
    double factor;    /* 1 but for min, h, day, and roots of odd powers of ten */
    const char *text; /* as the user wrote it, for reports; NULL if none was written */
} Unit;
extern const Dim DIM_NONE, DIM_TIME, DIM_VOLTAGE, DIM_CURRENT, DIM_RATE, DIM_CONDUCTANCE,
    DIM_CAPACITANCE, DIM_LENGTH, DIM_RESISTANCE;
bool dim_eq(Dim a, Dim b);
bool dim_none(Dim a);
Dim dim_mul(Dim a, Dim b);
Dim dim_div(Dim a, Dim b);
/* a^(num/den); false when an exponent is no multiple of 1/60 or out of range. */
bool dim_pow(Dim a, int num, int den, Dim *out);
/* "a voltage (mV)", "a current (pA)", "a plain number", "a current per length (A/m)". */
const char *dim_say(Arena *a, Dim d);
/* The unit in which such a value is customarily shown ("mV"), "" for plain numbers. */
const char *dim_unit(Arena *a, Dim d);
/* One unit name with its prefix (mV, kHz, Ω, µm). False when it is none. */
bool unit_name(const char *s, size_t n, Unit *out);
/* A compound such as "uF/cm^2", "mV/ms^(1/2)", "1/ms". Returns the bytes consumed, 0 if none. */
size_t unit_parse(const char *s, size_t n, Unit *out);
double unit_factor(const Unit *u); /* internal units per 1 of u */
/* Correctly rounded internal value of the decimal literal `digits` in unit `u`. */
double unit_value(const char *digits, size_t n, const Unit *u);
/* "1.5 ms", "-70 mV": v is in internal units, shown in `u` (or the customary unit if NULL). */
const char *unit_show(Arena *a, double v, Dim d, const Unit *u);
/* The unit meant by a word that is none: other capitals ("mv") or spelled out ("sec"); or NULL. */
const char *unit_nearest(Arena *a, const char *word);
size_t unit_count(void); /* rows of units.def, for `list units` */
void unit_row(size_t k, const char **name, const char **doc, Unit *u);

/* ---- decimal.c: exact decimal arithmetic for time. A double stands for its shortest
 * decimal that reads back as the same double, so 0.3 ms over 0.1 ms is exactly 3. ---- */
typedef struct Decimal {
    __int128 m; /* value = m * 10^e */
    int e;
} Decimal;
bool decimal_of(double v, Decimal *out);                  /* false if not finite or too large */
/* steps = v/dt. Ties up when it does not divide; *exact tells whether it did. */
bool decimal_steps(double v, double dt, int64_t *steps, bool *exact);
double decimal_time(int64_t step, double dt);             /* the double nearest to step*dt */

/* ---- hash.c ---- */
typedef struct Hash Hash; /* streaming XXH3, 64 bits */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);
uint64_t hash_str(const char *s, uint64_t seed);
Hash *hash_new(void);
void hash_add(Hash *h, const void *p, size_t n);
uint64_t hash_value(const Hash *h);
void hash_free(Hash *h);

/* ---- os.c ---- */
/* Whole file into arena memory, NUL-terminated. Fails (66) on missing files, directories, no
 * permission; (75) above `max` bytes. */
bool os_read_file(Arena *a, const char *path, size_t max, char **text, size_t *len, Fail *f);
double os_now(void);                      /* monotonic seconds */
int os_cores(void);
bool os_is_tty(FILE *f);
int os_columns(FILE *f);                  /* terminal width, 80 if unknown */
uint64_t os_rss(void);                    /* resident bytes now */
uint64_t os_memory(void);                 /* bytes of this machine; 0 if unknown */
void os_large_pages(void *p, size_t bytes); /* asks for them where a large array is met in any order */
uint64_t os_free_bytes(const char *path); /* free space where `path` would be created */
bool os_rename(const char *from, const char *to, Fail *f); /* syncs file and folder */
bool os_exists(const char *path);
bool os_is_dir(const char *path);
/* The one path of a file, however it is spelled; `path` itself when it cannot be found. */
const char *os_real_path(Arena *a, const char *path);
const char *os_basename(Arena *a, const char *path, const char *strip_ext);

/* ---- buf.c: text that grows (dumps, messages, JSON-free reports). ---- */
typedef struct Buf {
    char *p; /* NUL-terminated once anything was added */
    size_t len, cap;
} Buf;
void buf_printf(Buf *b, const char *fmt, ...) CX_PRINTF(2, 3);
void buf_add(Buf *b, const char *s, size_t n);
void buf_free(Buf *b);

#endif
