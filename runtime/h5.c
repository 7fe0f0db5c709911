/* The only file that includes hdf5.h; see h5.h. */
#include "h5.h"

#include <hdf5.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct H5file {
    hid_t id;
    bool dead; /* a write failed: no further HDF5 call */
    bool spelled; /* repeated texts are written out */
    char *path;
    Fail fail;
};

/* The library would flush and free at exit, and crash there when the disk was full; and it would
 * print its own error stacks. Both are turned off before its first use. */
static void start(void)
{
    static bool done;
    if (!done) {
        done = true;
        setenv("HDF5_USE_FILE_LOCKING", "FALSE",
               1); /* it truncates before it locks; output.c locks */
        H5dont_atexit();
        H5open();
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    }
}

static herr_t innermost(unsigned n, const H5E_error2_t *e, void *user)
{
    if (n == 0 && e->desc) {
        const char *os = strstr(e->desc, "error message = '");
        const char *text = os ? os + strlen("error message = '") : e->desc;
        const char *end = os ? strchr(text, '\'') : NULL;
        snprintf(user, 160, "%.*s", end ? (int)(end - text) : 159, text);
    }
    return 0;
}

static void reason(char text[160])
{
    snprintf(text, 160, "unknown error");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
    H5Eclear2(H5E_DEFAULT);
}

static bool bad(H5file *h, const char *path)
{
    if (!h->dead) {
        char why[160];
        reason(why);
        h->dead = true;
        fail_set(&h->fail, EXIT_IO, "cannot write %s of %s: %s", path, h->path, why);
    }
    return false;
}

static hid_t file_type(H5kind kind)
{
    switch (kind) {
    case H5K_U8:
        return H5T_STD_U8LE;
    case H5K_U32:
        return H5T_STD_U32LE;
    case H5K_U64:
        return H5T_STD_U64LE;
    case H5K_I64:
        return H5T_STD_I64LE;
    case H5K_F32:
        return H5T_IEEE_F32LE;
    case H5K_F64:
        return H5T_IEEE_F64LE;
    }
    cx_bug("no such kind of array: %d", (int)kind);
}

static hid_t memory_type(H5kind kind)
{
    switch (kind) {
    case H5K_U8:
        return H5T_NATIVE_UINT8;
    case H5K_U32:
        return H5T_NATIVE_UINT32;
    case H5K_U64:
        return H5T_NATIVE_UINT64;
    case H5K_I64:
        return H5T_NATIVE_INT64;
    case H5K_F32:
        return H5T_NATIVE_FLOAT;
    case H5K_F64:
        return H5T_NATIVE_DOUBLE;
    }
    cx_bug("no such kind of array: %d", (int)kind);
}

/* Texts of variable length in UTF-8: h5py reads them as str, and an attribute may pass 64 kB. */
static hid_t text_type(void)
{
    hid_t t = H5Tcopy(H5T_C_S1);
    H5Tset_size(t, H5T_VARIABLE);
    H5Tset_cset(t, H5T_CSET_UTF8);
    return t;
}

static hid_t access_list(void)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
    return fapl;
}

static H5file *wrap(hid_t id, const char *path)
{
    H5file *h = cx_alloc(1, sizeof *h, "output file");
    h->id = id;
    h->path = cx_alloc(strlen(path) + 1, 1, "output file");
    memcpy(h->path, path, strlen(path) + 1);
    return h;
}

/* Creates or truncates. NULL and a Fail (73). */
H5file *h5_create(const char *path, Fail *f)
{
    start();
    hid_t fapl = access_list();
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    if (id < 0) {
        char why[160];
        reason(why);
        H5Pclose(fapl);
        fail_set(f, EXIT_CANTCREATE, "cannot create %s: %s", path, why);
        return NULL;
    }
    H5Pclose(fapl);
    return wrap(id, path);
}

/* Opens for reading. NULL and a Fail (66) when it is no HDF5 file or is incomplete. */
H5file *h5_open(const char *path, Fail *f)
{
    start();
    hid_t fapl = access_list();
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    H5Pclose(fapl);
    if (id < 0) {
        char why[160];
        reason(why);
        fail_set(f, EXIT_NOINPUT, "cannot open %s: %s", path, strcmp(why, "unknown error") ? why : "it is no HDF5 file, or it is damaged");
        return NULL;
    }
    return wrap(id, path);
}

static hid_t link_list(void)
{
    hid_t lcpl = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(lcpl, 1);
    H5Pset_char_encoding(lcpl, H5T_CSET_UTF8);
    return lcpl;
}

/* H5Lexists fails when a group on the way is missing, so ask level by level. */
static bool there(H5file *h, const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part) return false;
    memcpy(part, path, n + 1);
    for (size_t k = 1; k <= n; k++) {
        if (part[k] != '/' && part[k] != '\0') continue;
        char c = part[k];
        part[k] = '\0';
        htri_t is = H5Lexists(h->id, part, H5P_DEFAULT);
        part[k] = c;
        if (is <= 0) {
            H5Eclear2(H5E_DEFAULT);
            return false;
        }
    }
    return true;
}

/* Makes a group and those above it; one that stands already is left alone. */
bool h5_group(H5file *h, const char *path)
{
    if (h->dead) return false;
    if (there(h, path)) return true;
    hid_t lcpl = link_list();
    hid_t g = H5Gcreate2(h->id, path, lcpl, H5P_DEFAULT, H5P_DEFAULT);
    if (g < 0 || H5Gclose(g) < 0) return bad(h, path);
    H5Pclose(lcpl);
    return true;
}

/* A second name for the same object. */
bool h5_link(H5file *h, const char *existing, const char *name)
{
    if (h->dead) return false;
    hid_t lcpl = link_list();
    if (H5Lcreate_hard(h->id, existing, h->id, name, lcpl, H5P_DEFAULT) < 0) return bad(h, name);
    H5Pclose(lcpl);
    return true;
}

static bool write_attr(H5file *h, const char *object, const char *name, hid_t file, hid_t mem,
                       size_t n, const void *v)
{
    hsize_t dim = n;
    hid_t o = H5Oopen(h->id, object, H5P_DEFAULT);
    if (o < 0) return bad(h, object);
    hid_t space = n ? H5Screate_simple(1, &dim, NULL) : H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(o, name, file, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0 || H5Awrite(a, mem, v) < 0 || H5Aclose(a) < 0) return bad(h, name);
    H5Sclose(space);
    if (H5Oclose(o) < 0) return bad(h, object);
    return true;
}

/* n numbers, or one scalar when n is 0. */
bool h5_attr(H5file *h, const char *object, const char *name, H5kind kind, size_t n, const void *v)
{
    return !h->dead && write_attr(h, object, name, file_type(kind), memory_type(kind), n, v);
}

/* A scalar text; NULL is the empty one. */
bool h5_attr_text(H5file *h, const char *object, const char *name, const char *text)
{
    if (h->dead) return false;
    const char *v = text ? text : "";
    hid_t t = text_type();
    bool ok = write_attr(h, object, name, t, t, 0, &v);
    if (ok) H5Tclose(t);
    return ok;
}

/* A scalar of an enumeration, as SONATA's `sorting` has to be: libsonata refuses a text. */
bool h5_attr_enum(H5file *h, const char *object, const char *name, const char *const *names, int n,
                  uint8_t value)
{
    if (h->dead) return false;
    hid_t t = H5Tenum_create(H5T_STD_U8LE);
    for (int k = 0; k < n; k++) {
        uint8_t v = (uint8_t)k;
        if (H5Tenum_insert(t, names[k], &v) < 0) return bad(h, name);
    }
    bool ok = write_attr(h, object, name, t, t, 0, &value);
    if (ok) H5Tclose(t);
    return ok;
}

bool h5_copy(H5file *h, const char *from, const char *group)
{
    if (h->dead) return false;
    hid_t fapl = access_list(), lcpl = link_list();
    hid_t src = H5Fopen(from, H5F_ACC_RDONLY, fapl);
    bool ok = src >= 0 && H5Ocopy(src, "/", h->id, group, H5P_DEFAULT, lcpl) >= 0;
    if (!ok) (void)bad(h, group);
    if (src >= 0) H5Fclose(src);
    H5Pclose(fapl);
    H5Pclose(lcpl);
    return ok;
}

/* A scalar text as a data set. */
bool h5_text(H5file *h, const char *path, const char *text)
{
    if (h->dead) return false;
    const char *v = text ? text : "";
    hid_t t = text_type(), space = H5Screate(H5S_SCALAR), lcpl = link_list();
    hid_t d = H5Dcreate2(h->id, path, t, space, lcpl, H5P_DEFAULT, H5P_DEFAULT);
    if (d < 0 || H5Dwrite(d, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, &v) < 0 || H5Dclose(d) < 0)
        return bad(h, path);
    H5Pclose(lcpl), H5Sclose(space), H5Tclose(t);
    return true;
}

/* n texts of variable length; for short tables. */
bool h5_texts(H5file *h, const char *path, size_t n, const char *const *text)
{
    if (h->dead) return false;
    hsize_t dim = n;
    hid_t t = text_type(), space = H5Screate_simple(1, &dim, NULL), lcpl = link_list();
    hid_t d = H5Dcreate2(h->id, path, t, space, lcpl, H5P_DEFAULT, H5P_DEFAULT);
    if (d < 0 || (n && H5Dwrite(d, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0) || H5Dclose(d) < 0)
        return bad(h, path);
    H5Pclose(lcpl), H5Sclose(space), H5Tclose(t);
    return true;
}

bool h5_growing(H5file *h, const char *path, H5kind kind, uint64_t width, uint64_t chunk_rows)
{
    if (h->dead) return false;
    int rank = width == H5_FLAT ? 1 : 2;
    uint64_t columns = rank == 2 && width ? width : 1;
    hsize_t dim[2] = {0, rank == 2 ? width : 0};
    hsize_t most[2] = {H5S_UNLIMITED, rank == 2 && width ? width : H5S_UNLIMITED};
    hsize_t chunk[2] = {chunk_rows ? chunk_rows : 1, columns < H5_CHUNK ? columns : H5_CHUNK};
    hid_t space = H5Screate_simple(rank, dim, most), lcpl = link_list();
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(dcpl, rank, chunk);
    hid_t d = H5Dcreate2(h->id, path, file_type(kind), space, lcpl, dcpl, H5P_DEFAULT);
    if (d < 0 || H5Dclose(d) < 0) return bad(h, path);
    H5Pclose(dcpl), H5Pclose(lcpl), H5Sclose(space);
    return true;
}

bool h5_append(H5file *h, const char *path, H5kind kind, uint64_t width, uint64_t row, uint64_t n,
               const void *v)
{
    if (h->dead) return false;
    int rank = width == H5_FLAT ? 1 : 2;
    hsize_t size[2] = {row + n, width}, at[2] = {row, 0}, count[2] = {n, width};
    /* No cache of chunks: whole chunks come, and a failure shows at once. */
    hid_t dapl = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(dapl, 1, 0, 1.0);
    hid_t d = H5Dopen2(h->id, path, dapl);
    if (d < 0 || H5Dset_extent(d, size) < 0) return bad(h, path);
    if (n && (rank == 1 || width)) {
        hid_t in_file = H5Dget_space(d), in_memory = H5Screate_simple(rank, count, NULL);
        if (in_file < 0 ||
            H5Sselect_hyperslab(in_file, H5S_SELECT_SET, at, NULL, count, NULL) < 0 ||
            H5Dwrite(d, memory_type(kind), in_memory, in_file, H5P_DEFAULT, v) < 0)
            return bad(h, path);
        H5Sclose(in_memory), H5Sclose(in_file);
    }
    if (H5Dclose(d) < 0) return bad(h, path);
    H5Pclose(dapl);
    return true;
}

/* A whole array, as it is, without chunks; for short tables. */
bool h5_array(H5file *h, const char *path, H5kind kind, uint64_t n, uint64_t width, const void *v)
{
    if (h->dead) return false;
    hsize_t dim[2] = {n, width};
    hid_t space = H5Screate_simple(width == H5_FLAT ? 1 : 2, dim, NULL), lcpl = link_list();
    hid_t d = H5Dcreate2(h->id, path, file_type(kind), space, lcpl, H5P_DEFAULT, H5P_DEFAULT);
    if (d < 0) return bad(h, path);
    if (n && H5Dwrite(d, memory_type(kind), H5S_ALL, H5S_ALL, H5P_DEFAULT, v) < 0)
        return bad(h, path);
    if (H5Dclose(d) < 0) return bad(h, path);
    H5Pclose(lcpl), H5Sclose(space);
    return true;
}

static bool make_constant(H5file *h, const char *path, hid_t file, hid_t mem, uint64_t n,
                          const void *v)
{
    hsize_t dim = n;
    hid_t space = H5Screate_simple(1, &dim, NULL), lcpl = link_list();
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_LATE);
    H5Pset_fill_value(dcpl, mem, v);
    hid_t d = H5Dcreate2(h->id, path, file, space, lcpl, dcpl, H5P_DEFAULT);
    if (d < 0 || H5Dclose(d) < 0) return bad(h, path);
    H5Pclose(dcpl), H5Pclose(lcpl), H5Sclose(space);
    return true;
}

bool h5_constant(H5file *h, const char *path, H5kind kind, uint64_t n, const void *v)
{
    return !h->dead && make_constant(h, path, file_type(kind), memory_type(kind), n, v);
}

void h5_spell(H5file *h) { h->spelled = true; }

/* Of variable length: libsonata reads no others. */
bool h5_repeat(H5file *h, const char *path, uint64_t n, const char *text)
{
    if (h->dead) return false;
    if (h->spelled) {
        const char **all = cx_alloc(n + 1, sizeof *all, "texts");
        for (uint64_t k = 0; k < n; k++) all[k] = text;
        bool done = h5_texts(h, path, n, all);
        cx_free(all);
        return done;
    }
    hid_t t = text_type();
    bool ok = make_constant(h, path, t, t, n, &text);
    if (ok) H5Tclose(t);
    return ok;
}

Fail h5_error(const H5file *h)
{
    return h->fail;
}

static void release(H5file *h)
{
    cx_free(h->path);
    cx_free(h);
}

bool h5_finish(H5file *h, Fail *f)
{
    if (!h->dead && H5Fflush(h->id, H5F_SCOPE_GLOBAL) < 0) bad(h, "the end");
    if (!h->dead && H5Fclose(h->id) < 0) bad(h, "the end");
    bool ok = !h->dead;
    if (!ok) fail_set(f, h->fail.exit_code, "%s", h->fail.text);
    release(h);
    return ok;
}

void h5_drop(H5file *h)
{
    if (!h) return;
    if (!h->dead) {
        H5Fclose(h->id);
        H5Eclear2(H5E_DEFAULT);
    }
    release(h);
}

/* ---- reading ---- */

/* The data set and its size; -1 when absent or of another rank. */
static hid_t open_array(H5file *h, const char *path, int rank, hsize_t *dim)
{
    if (!there(h, path)) return -1;
    hid_t d = H5Dopen2(h->id, path, H5P_DEFAULT);
    if (d < 0) return -1;
    hid_t space = H5Dget_space(d);
    bool ok = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
              H5Sget_simple_extent_dims(space, dim, NULL) == rank;
    if (space >= 0) H5Sclose(space);
    if (ok) return d;
    H5Dclose(d);
    return -1;
}

static bool is_class(hid_t type, bool text)
{
    H5T_class_t c = H5Tget_class(type);
    return text ? c == H5T_STRING && H5Tis_variable_str(type) > 0
                : c == H5T_INTEGER || c == H5T_FLOAT;
}

bool h5_length(H5file *h, const char *path, uint64_t *n)
{
    hsize_t dim = 0;
    hid_t d = open_array(h, path, 1, &dim);
    if (d < 0) return false;
    H5Dclose(d);
    *n = dim;
    return true;
}

/* Rows and width of an array of one or two dimensions. */
bool h5_shape(H5file *h, const char *path, uint64_t *n, uint64_t *width)
{
    hsize_t dim[2] = {0, 0};
    int rank = 1;
    hid_t d = open_array(h, path, 1, dim);
    if (d < 0) d = open_array(h, path, ++rank, dim);
    if (d < 0) return false;
    H5Dclose(d);
    *n = dim[0];
    *width = rank == 1 ? H5_FLAT : dim[1];
    return true;
}

bool h5_stored(H5file *h, const char *path, uint64_t *bytes)
{
    hsize_t dim[2] = {0, 0};
    hid_t d = open_array(h, path, 1, dim);
    if (d < 0) d = open_array(h, path, 2, dim);
    if (d < 0) return false;
    *bytes = H5Dget_storage_size(d);
    H5Dclose(d);
    return true;
}

/* Rows row … row+n-1 of a one-dimensional array of numbers. */
bool h5_read(H5file *h, const char *path, H5kind kind, uint64_t row, uint64_t n, void *v)
{
    hsize_t dim = 0, at = row, count = n;
    hid_t d = open_array(h, path, 1, &dim);
    if (d < 0) return false;
    hid_t type = H5Dget_type(d);
    bool ok = is_class(type, false) && row <= dim && n <= dim - row;
    if (ok && n) {
        hid_t in_file = H5Dget_space(d), in_memory = H5Screate_simple(1, &count, NULL);
        H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &at, NULL, &count, NULL);
        ok = H5Dread(d, memory_type(kind), in_memory, in_file, H5P_DEFAULT, v) >= 0;
        H5Sclose(in_memory), H5Sclose(in_file);
    }
    H5Tclose(type), H5Dclose(d);
    return ok;
}

bool h5_read_part(H5file *h, const char *path, uint64_t row, uint64_t n, uint64_t col, uint64_t m,
                  double *v)
{
    hsize_t dim[2] = {0, 0}, at[2] = {row, col}, count[2] = {n, m};
    hid_t d = open_array(h, path, 2, dim);
    if (d < 0) return false;
    hid_t type = H5Dget_type(d);
    bool ok = is_class(type, false) && row <= dim[0] && n <= dim[0] - row && col <= dim[1] &&
              m <= dim[1] - col;
    if (ok && n && m) {
        hid_t in_file = H5Dget_space(d), in_memory = H5Screate_simple(2, count, NULL);
        H5Sselect_hyperslab(in_file, H5S_SELECT_SET, at, NULL, count, NULL);
        ok = H5Dread(d, H5T_NATIVE_DOUBLE, in_memory, in_file, H5P_DEFAULT, v) >= 0;
        H5Sclose(in_memory), H5Sclose(in_file);
    }
    H5Tclose(type), H5Dclose(d);
    return ok;
}

size_t h5_names(H5file *h, Arena *a, const char *group, const char ***name)
{
    H5G_info_t info;
    size_t n = 0;
    hid_t g = there(h, group) ? H5Gopen2(h->id, group, H5P_DEFAULT) : -1;
    *name = NULL;
    if (g >= 0 && H5Gget_info(g, &info) >= 0) {
        *name = arena_many(a, const char *, info.nlinks);
        for (hsize_t k = 0; k < info.nlinks; k++) {
            char text[512];
            ssize_t len = H5Lget_name_by_idx(g, ".", H5_INDEX_NAME, H5_ITER_INC, k, text,
                                             sizeof text, H5P_DEFAULT);
            if (len > 0 && len < (ssize_t)sizeof text) (*name)[n++] = arena_strdup(a, text);
        }
    }
    if (g >= 0) H5Gclose(g);
    H5Eclear2(H5E_DEFAULT);
    return n;
}

/* A whole array of exactly n rows and `width` columns. */
bool h5_read_wide(H5file *h, const char *path, uint64_t n, uint64_t width, double *v)
{
    hsize_t dim[2] = {0, 0};
    hid_t d = open_array(h, path, 2, dim);
    if (d < 0) return false;
    hid_t type = H5Dget_type(d);
    bool ok = is_class(type, false) && dim[0] == n && dim[1] == width &&
              H5Dread(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0;
    H5Tclose(type), H5Dclose(d);
    return ok;
}

const char **h5_children(H5file *h, Arena *a, const char *group, size_t *n)
{
    const char **names = NULL;
    H5G_info_t info;
    *n = 0;
    if (there(h, group) && H5Gget_info_by_name(h->id, group, &info, H5P_DEFAULT) >= 0) {
        for (hsize_t k = 0; k < info.nlinks && k < 65536; k++) {
            char name[1024];
            ssize_t len = H5Lget_name_by_idx(h->id, group, H5_INDEX_NAME, H5_ITER_INC, k, name, sizeof name, H5P_DEFAULT);
            if (len > 0 && (size_t)len < sizeof name) vec_push(names, arena_strdup(a, name));
        }
    }
    H5Eclear2(H5E_DEFAULT);
    *n = vec_len(names);
    const char **out = arena_many(a, const char *, *n + 1);
    for (size_t k = 0; k < *n; k++) out[k] = names[k];
    vec_free(names);
    return out;
}

/* An array of exactly n texts of variable length, copied into the arena. */
bool h5_read_texts(H5file *h, Arena *a, const char *path, uint64_t n, const char **text)
{
    hsize_t dim = 0;
    hid_t d = open_array(h, path, 1, &dim);
    if (d < 0) return false;
    hid_t type = H5Dget_type(d), mem = text_type(), space = H5Dget_space(d);
    bool ok = is_class(type, true) && dim == n;
    if (ok && n) {
        char **got = cx_alloc(n, sizeof *got, "texts of a file");
        ok = H5Dread(d, mem, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0;
        for (uint64_t k = 0; ok && k < n; k++)
            text[k] = arena_strdup(a, got[k] ? got[k] : "");
        if (ok) H5Dvlen_reclaim(mem, space, H5P_DEFAULT, got);
        cx_free(got);
    }
    H5Sclose(space), H5Tclose(mem), H5Tclose(type), H5Dclose(d);
    return ok;
}

static hid_t open_attr(H5file *h, const char *object, const char *name, bool text)
{
    if (!there(h, object)) return -1;
    htri_t is = H5Aexists_by_name(h->id, object, name, H5P_DEFAULT);
    hid_t a = is > 0 ? H5Aopen_by_name(h->id, object, name, H5P_DEFAULT, H5P_DEFAULT) : -1;
    H5Eclear2(H5E_DEFAULT);
    if (a < 0) return -1;
    hid_t type = H5Aget_type(a), space = H5Aget_space(a);
    bool ok = is_class(type, text) && H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space), H5Tclose(type);
    if (ok) return a;
    H5Aclose(a);
    return -1;
}

bool h5_read_attr(H5file *h, const char *object, const char *name, H5kind kind, void *v)
{
    hid_t a = open_attr(h, object, name, false);
    if (a < 0) return false;
    bool ok = H5Aread(a, memory_type(kind), v) >= 0;
    H5Aclose(a);
    return ok;
}

bool h5_read_attr_text(H5file *h, Arena *arena, const char *object, const char *name,
                       const char **text)
{
    hid_t a = open_attr(h, object, name, true);
    if (a < 0) return false;
    hid_t mem = text_type(), space = H5Aget_space(a);
    char *got = NULL;
    bool ok = H5Aread(a, mem, &got) >= 0;
    if (ok) {
        *text = arena_strdup(arena, got ? got : "");
        H5Dvlen_reclaim(mem, space, H5P_DEFAULT, &got);
    }
    H5Sclose(space), H5Tclose(mem), H5Aclose(a);
    return ok;
}

const char *h5_version(void)
{
    static char text[48];
    unsigned a, b, c;
    H5get_libversion(&a, &b, &c);
    snprintf(text, sizeof text, "%u.%u.%u", a, b, c);
    return text;
}
