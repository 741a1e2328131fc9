/* gguf.h - read tensors and metadata from a GGUF file (versions 2 and 3), and write one (3).
 *
 * Model:    A read-only mapping plus two indexes: key -> value and name -> tensor.
 * Uses:     base/, tensor/.      Threads: immutable after open; any thread may read.
 * Promises: (1) every tensor lies inside the mapping and has a supported type, 1-4 dimensions of at
 *           least 1, and whole blocks in each row  (2) names and keys are unique  (3) nothing is
 *           allocated by a number from the file before the file is seen to hold that much
 * Format:   github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * Example:  TRY(ae_gguf_open(&g, path, err)); ... ae_gguf_close(g);
 */
#ifndef AE_FORMAT_GGUF_H
#define AE_FORMAT_GGUF_H

#include "base/file.h"
#include "tensor/tensor.h"

typedef struct ae_gguf ae_gguf;

/* Values of the file's type numbers. */
typedef enum {
    AE_GGUF_U8,
    AE_GGUF_I8,
    AE_GGUF_U16,
    AE_GGUF_I16,
    AE_GGUF_U32,
    AE_GGUF_I32,
    AE_GGUF_F32,
    AE_GGUF_BOOL,
    AE_GGUF_STRING,
    AE_GGUF_ARRAY,
    AE_GGUF_U64,
    AE_GGUF_I64,
    AE_GGUF_F64,
} ae_gguf_type;

/* Bytes of one value of a fixed-size type; 0 for strings, arrays and unknown numbers. */
size_t ae_gguf_type_bytes(ae_gguf_type type);

/* Bytes in the file, not 0-terminated. */
typedef struct {
    const char *data;
    size_t len;
} ae_str;

typedef struct {
    const char *key; /* 0-terminated, borrowed */
    ae_gguf_type type;
    ae_gguf_type element_type; /* of an array */
    uint64_t n;                /* elements of an array, else 1 */
    const void *data;          /* the encoded value (array: first element); may be unaligned */
    const ae_str *strings;     /* string: 1, array of strings: n; else NULL. Borrowed. */
} ae_gguf_value;

/* Errors: NOT_FOUND, IO, BAD_FORMAT, UNSUPPORTED (version or tensor type, named), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_gguf_open(ae_gguf **out, const char *path, aeon_error *err);
/* The same over bytes that outlive the result; name stands in error texts. */
AEON_MUST_USE aeon_status ae_gguf_open_memory(ae_gguf **out, const void *data, size_t size,
                                              const char *name, aeon_error *err);
void ae_gguf_close(ae_gguf *g);

uint32_t ae_gguf_version(const ae_gguf *g);
const char *ae_gguf_path(const ae_gguf *g);
uint64_t ae_gguf_file_bytes(const ae_gguf *g);

size_t ae_gguf_n_tensors(const ae_gguf *g);
const ae_tensor *ae_gguf_tensor_at(const ae_gguf *g, size_t i);
/* By exact name; NULL if absent. Borrowed. */
const ae_tensor *ae_gguf_tensor_find(const ae_gguf *g, const char *name);

size_t ae_gguf_n_values(const ae_gguf *g);
const ae_gguf_value *ae_gguf_value_at(const ae_gguf *g, size_t i);
const ae_gguf_value *ae_gguf_value_find(const ae_gguf *g, const char *key);

/* Refuses one of several files that hold a model together. Errors: UNSUPPORTED. */
AEON_MUST_USE aeon_status ae_gguf_check_whole(const ae_gguf *g, aeon_error *err);

/* Typed reading of a value that may be absent: false if the key is absent, or the value is not of
 * the kind or does not fit. Any integer type is read as u32/i32, F32 and F64 as f32. */
bool ae_gguf_get_u32(const ae_gguf *g, const char *key, uint32_t *out);
bool ae_gguf_get_f32(const ae_gguf *g, const char *key, float *out);
bool ae_gguf_get_bool(const ae_gguf *g, const char *key, bool *out);
bool ae_gguf_get_str(const ae_gguf *g, const char *key, ae_str *out);
/* Element i of a numeric array as double/int64; the index and type must be right (asserted). */
double ae_gguf_array_number(const ae_gguf_value *v, uint64_t i);

/* ---- writing --------------------------------------------------------------------------------- */

/* First every key and tensor is declared, then the data of each tensor is put in the order of
 * declaration, in any number of pieces; the writer aligns and checks sizes. Names that were
 * declared twice are refused with the first data. The file appears under its name only at commit.
 * After a failure the writer can only be aborted. */
typedef struct ae_gguf_writer ae_gguf_writer;

AEON_MUST_USE aeon_status ae_gguf_writer_open(ae_gguf_writer **out, const char *path,
                                              aeon_error *err);
/* The same into memory that *map becomes with the first data, and that is the caller's to close
 * after commit. map outlives the writer; name stands in error texts. */
AEON_MUST_USE aeon_status ae_gguf_writer_open_memory(ae_gguf_writer **out, ae_map *map,
                                                     const char *name, aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_u32(ae_gguf_writer *w, const char *key, uint32_t value,
                                          aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_u64(ae_gguf_writer *w, const char *key, uint64_t value,
                                          aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_f32(ae_gguf_writer *w, const char *key, float value,
                                          aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_bool(ae_gguf_writer *w, const char *key, bool value,
                                           aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_str(ae_gguf_writer *w, const char *key, const char *value,
                                          aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_strings(ae_gguf_writer *w, const char *key,
                                              const ae_str *values, uint64_t n, aeon_error *err);
/* element_type is a fixed-size number; values: n of them, packed. */
AEON_MUST_USE aeon_status ae_gguf_put_array(ae_gguf_writer *w, const char *key,
                                            ae_gguf_type element_type, const void *values,
                                            uint64_t n, aeon_error *err);
/* A value of another file, unchanged. */
AEON_MUST_USE aeon_status ae_gguf_put_value(ae_gguf_writer *w, const ae_gguf_value *value,
                                            aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_add_tensor(ae_gguf_writer *w, const char *name, aeon_type type,
                                             int n_dims, const uint64_t *dims, aeon_error *err);
AEON_MUST_USE aeon_status ae_gguf_put_data(ae_gguf_writer *w, const void *data, size_t size,
                                           aeon_error *err);
/* Both free w. commit fails with INVALID_ARGUMENT if tensor data is missing. abort accepts NULL. */
AEON_MUST_USE aeon_status ae_gguf_writer_commit(ae_gguf_writer *w, aeon_error *err);
void ae_gguf_writer_abort(ae_gguf_writer *w);

#endif
