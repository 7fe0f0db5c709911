/* The few things cortexc does with HDF5, by path, without a type of the library: h5.c alone
 * includes hdf5.h. After the first failed call on a file that is being written no further HDF5 call
 * is made on it: the library (1.10) may crash when it is asked to go on after a full disk. */
#ifndef CORTEXC_H5_H
#define CORTEXC_H5_H

#include "base.h"

typedef struct H5file H5file;
typedef enum H5kind { H5K_U8, H5K_U32, H5K_U64, H5K_I64, H5K_F32, H5K_F64 } H5kind;
#define H5_FLAT UINT64_MAX /* as the width of an array: it has one dimension */
enum { H5_CHUNK = 65536 }; /* elements in a chunk, and in a block of a long array */

/* Writing. All return false when the file has failed, now or before; h5_error says why. Groups on
 * the way to a path are made. */
H5file *h5_create(const char *path, Fail *f);
bool h5_group(H5file *h, const char *path);
bool h5_link(H5file *h, const char *existing, const char *name); /* hard */
bool h5_attr(H5file *h, const char *object, const char *name, H5kind kind, size_t n, const void *v);
bool h5_attr_text(H5file *h, const char *object, const char *name, const char *text);
/* An enumeration over u8 with the values 0, 1, … for `names`. */
bool h5_attr_enum(H5file *h, const char *object, const char *name, const char *const *names, int n,
                  uint8_t value);
bool h5_text(H5file *h, const char *path, const char *text); /* scalar */
bool h5_texts(H5file *h, const char *path, size_t n, const char *const *text);
/* n times the same number or text, which takes no room in the file: it is the array's fill value.
 */
bool h5_constant(H5file *h, const char *path, H5kind kind, uint64_t n, const void *v);
bool h5_repeat(H5file *h, const char *path, uint64_t n, const char *text);
/* From now on repeated texts are written out: HDF5 (1.10) copies a fill value of variable length as a reference into the
 * file it came from, so a file that is to be copied must have none. */
void h5_spell(H5file *h);
bool h5_array(H5file *h, const char *path, H5kind kind, uint64_t n, uint64_t width, const void *v);
/* An array of no rows that h5_append extends. No filters: libsonata's packages have none. */
bool h5_growing(H5file *h, const char *path, H5kind kind, uint64_t width, uint64_t chunk_rows);
/* Rows row … row+n-1; `kind` is that of `v`, the library converts. */
bool h5_append(H5file *h, const char *path, H5kind kind, uint64_t width, uint64_t row, uint64_t n,
               const void *v);
/* The whole of another file as a new group. */
bool h5_copy(H5file *h, const char *from, const char *group);
Fail h5_error(const H5file *h);
/* Flushes and closes; frees `h` also when it fails. */
bool h5_finish(H5file *h, Fail *f);
/* Closes without looking; for read files, and for written ones that are to be removed. */
void h5_drop(H5file *h);

/* Reading. All return false, quietly, when a thing is absent or is not as asked. */
H5file *h5_open(const char *path, Fail *f);
bool h5_length(H5file *h, const char *path, uint64_t *n);     /* of a one-dimensional array */
bool h5_shape(H5file *h, const char *path, uint64_t *n, uint64_t *width); /* H5_FLAT: one dimension */
bool h5_stored(H5file *h, const char *path, uint64_t *bytes); /* what it takes in the file */
bool h5_read(H5file *h, const char *path, H5kind kind, uint64_t row, uint64_t n, void *v);
/* Rows row … row+n-1 and columns col … col+m-1 of an array of two dimensions, as doubles. */
bool h5_read_part(H5file *h, const char *path, uint64_t row, uint64_t n, uint64_t col, uint64_t m,
                  double *v);
/* The names of what a group holds, in alphabetical order; none when there is no such group. */
size_t h5_names(H5file *h, Arena *a, const char *group, const char ***name);
bool h5_read_wide(H5file *h, const char *path, uint64_t n, uint64_t width, double *v);
/* Names of what a group holds, in order, NULL at the end; none where there is no such group. */
const char **h5_children(H5file *h, Arena *a, const char *group, size_t *n);
bool h5_read_texts(H5file *h, Arena *a, const char *path, uint64_t n, const char **text);
bool h5_read_attr(H5file *h, const char *object, const char *name, H5kind kind, void *v); /* one */
bool h5_read_attr_text(H5file *h, Arena *a, const char *object, const char *name,
                       const char **text);
const char *h5_version(void); /* of the library, "1.10.8" */

#endif
