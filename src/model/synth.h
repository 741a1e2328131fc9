/* synth.h - inside the writer of synthetic models: shapes, and the two files that fill them.
 *
 * Model:    A shape is a row of sizes; synth.c turns it into tensors of random weights, and
 *           synth_vocab.c into a small but complete tokenizer.
 * Uses:     base/, format/gguf.h.
 */
#ifndef AE_MODEL_SYNTH_H
#define AE_MODEL_SYNTH_H

#include "aeon/file.h"
#include "format/gguf.h"

typedef struct {
    const char *name;
    const char *architecture; /* as GGUF names it */
    uint32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab;
    uint32_t rope_dim, n_ctx;
    uint32_t n_ctx_original; /* LongRoPE: the long factors begin after these; 0: no LongRoPE */
    float rope_theta, norm_eps;
    float
        rope_freqs_last; /* the last of the frequency divisors of Llama 3.1, rising from 1; or 0 */
    bool is_fused;       /* q, k, v in one matrix, gate and up in one */
    bool is_tied;        /* no output head of its own */
    bool has_qkv_bias, has_qk_norm;
    const char *split; /* tokenizer.ggml.pre */
    bool adds_bos;
    bool has_chat_template; /* that of Phi-4-mini */
} ae_synth_shape;

/* The whole work with a given number of threads (0: one per core), on which the bytes of the file
 * do not depend. Otherwise like aeon_synth_write. */
AEON_MUST_USE aeon_status ae_synth_write(const char *path, const char *shape, aeon_type type,
                                         uint64_t seed, int n_threads, aeon_progress_fn progress,
                                         void *user, aeon_error *err);

/* The same into memory, which *out becomes; to be closed with ae_map_close. */
AEON_MUST_USE aeon_status ae_synth_make(ae_map *out, const char *shape, aeon_type type,
                                        uint64_t seed, int n_threads, aeon_progress_fn progress,
                                        void *user, aeon_error *err);

/* All keys of the tokenizer: bytes, merges of some English words, fillers, special tokens. */
AEON_MUST_USE aeon_status ae_synth_put_vocab(ae_gguf_writer *w, const ae_synth_shape *shape,
                                             aeon_error *err);

#endif
