/* convert.h - where a conversion takes its tensors and metadata from.
 *
 * Model:    A source is a list of tensors as a GGUF file will name, order and shape them, whatever
 *           they are called at home, and their rows.
 * Uses:     config.h, format/, tensor/.      Threads: any number may read rows at once.
 * Example:  TRY(ae_source_open_gguf(&s, path, err));
 *           ae_source_read(&s->tensors[i], 0, n_rows, values, scratch);
 *           s->close(s);
 */
#ifndef AE_MODEL_CONVERT_H
#define AE_MODEL_CONVERT_H

#include "model/config.h"
#include "text/vocab.h"

typedef struct {
    char name[64];           /* in GGUF files */
    const ae_tensor *stored; /* the rest of it, as it is at home; see ae_hf_tensor_at */
    /* Queries and keys whose halves rotate at home, and neighbours in GGUF files: the rows of each
     * head_dim are in another order, in which the first rope_dim take part. 0: all as stored. */
    uint32_t head_dim, rope_dim;
} ae_source_tensor;

typedef struct ae_source ae_source;
struct ae_source {
    const char *path; /* for error texts */
    ae_source_tensor *tensors;
    size_t n_tensors;
    uint32_t n_layers;
    bool is_tied; /* the embedding is the head as well */

    /* All metadata. file_type, has_blocks: what general.* shall say; are any tensors quantized? */
    aeon_status (*put_values)(const ae_source *s, ae_gguf_writer *w, uint32_t file_type,
                              bool has_blocks, aeon_error *err);
    void (*close)(ae_source *s);
};

/* A whole model of an architecture that we know, or an error: those of opening the file and of
 * ae_weights_load, and INVALID_ARGUMENT for a packed file. gguf: path may name a built-in model. */
AEON_MUST_USE aeon_status ae_source_open_gguf(ae_source **out, const char *path, aeon_error *err);
AEON_MUST_USE aeon_status ae_source_open_hf(ae_source **out, const char *folder, aeon_error *err);

/* Does the vocabulary make a tokenizer, with a token for each of n_rows embeddings? Otherwise no
 * one could open what is written. Errors: those of ae_tokenizer_new, MISMATCH. */
AEON_MUST_USE aeon_status ae_source_check_vocab(const ae_source *s, const ae_vocab *v,
                                                size_t n_rows, aeon_error *err);

/* Was it rounded to fewer bits than floats have? */
bool ae_source_is_quantized(const ae_source_tensor *t);

/* Rows first .. first+n-1: in f32, out [n][dims[0]], with room for dims[0] floats at scratch; or as
 * they are stored. */
void ae_source_read(const ae_source_tensor *t, uint64_t first, uint64_t n, float *out,
                    float *scratch);
void ae_source_copy(const ae_source_tensor *t, uint64_t first, uint64_t n, void *out);

/* The rows are not needed any more, for now: what was read of a file may leave the memory. */
void ae_source_forget(const ae_source_tensor *t, uint64_t first, uint64_t n);

#endif
