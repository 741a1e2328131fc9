/* plan.h - what a model takes of memory, reckoned before it takes it.
 *
 * Model:    Memory is a sum: the weights as stored, the vocabulary, work space, logits, a reserve
 *           for the program itself, and so many bytes of keys and values for each token of context.
 *           A plan solves the sum for what was left open: the context, the type of the keys and
 *           values, or the total. Set as the cap, it holds while the model runs.
 * Threads:  Pure functions; any thread.
 * Example:  aeon_plan plan;
 *           TRY(aeon_plan_make(&plan, model, &(aeon_plan_params){.ram_bytes = 4000000000}, err));
 *           aeon_memory_set_cap(plan.cap_bytes);
 *           engine.kv_type = plan.kv_type, engine.n_kv_tokens = plan.n_kv_tokens;
 *           session.n_ctx = plan.n_ctx;
 */
#ifndef AEON_PLAN_H
#define AEON_PLAN_H

#include "aeon/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t ram_bytes; /* all that may be resident; 0: no limit, the plan says what is taken */
    size_t n_ctx;       /* tokens of the talk; 0: as many as fit, and without a limit the default,
                           at most 4096; never more than the model is made for */
    bool has_kv_type;   /* keys and values of kv_type, and no other; else aeon_machine_kv_type is
                           taken, or q8_0 where the context would not fit otherwise */
    aeon_type kv_type;
    aeon_rope_mode rope;    /* SHORT ends the context at n_ctx_original */
    int n_threads;          /* 0: one per core */
    size_t n_chunk;         /* tokens in one step; 0: 256 */
    size_t n_branches;      /* forks of the talk alive at once, beside it */
    size_t n_branch_tokens; /* that each of them may add to what it shares */
} aeon_plan_params;

/* The types that keys and values can have, the largest first. */
enum { AEON_PLAN_N_KV = 4 };

typedef struct {
    /* what takes how much, in bytes */
    uint64_t weights_bytes; /* packed in memory, or mapped */
    uint64_t vocab_bytes;   /* the vocabulary, and the description of the file */
    uint64_t scratch_bytes; /* activations and lists, by chunk, threads and context */
    uint64_t logits_bytes;  /* logits and the sampler */
    uint64_t kv_bytes;      /* keys and values of all pages, those of the branches included */
    uint64_t reserve_bytes; /* the program, its libraries and its stacks: measured, not counted */
    uint64_t total_bytes;   /* their sum */
    uint64_t ram_bytes;     /* the limit, at least the sum; 0: none */
    uint64_t cap_bytes;     /* for aeon_memory_set_cap; 0: none */

    aeon_type kv_type;
    size_t n_ctx;       /* tokens of the talk */
    size_t n_kv_tokens; /* tokens in all pages: the talk, and what the branches add */

    /* Tokens of context that the limit leaves room for with each type, at most what the model is
     * made for: 0 if none, or if the model's heads do not divide into blocks of the type. */
    struct {
        aeon_type type;
        uint64_t bytes_per_token;
        size_t n_ctx;
    } fits[AEON_PLAN_N_KV];
} aeon_plan;

/* Plan for an open model; its weights need not have been read yet. params may be NULL. Errors:
 * OUT_OF_MEMORY (the limit is too small; says what would fit, and what would be enough),
 * INVALID_ARGUMENT (a context beyond the model's, a model opened without weights), UNSUPPORTED (a
 * type that keys and values cannot have). */
AEON_API AEON_MUST_USE aeon_status aeon_plan_make(aeon_plan *out, const aeon_model *model,
                                                  const aeon_plan_params *params, aeon_error *err);

/* Plan by a description alone, before there is a file: as if all matrices were of info->type, with
 * a vocabulary of the usual size. Errors: as above, BAD_FORMAT (sizes that no model has). */
AEON_API AEON_MUST_USE aeon_status aeon_plan_estimate(aeon_plan *out, const aeon_model_info *info,
                                                      const aeon_plan_params *params,
                                                      aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
