/* train.h - train a small model of the phi3 architecture from chats.
 *
 * Model:    A run is a JSON configuration: data, shape, schedule, where the checkpoints go. It
 *           continues from its newest checkpoint if asked to, exactly as if never stopped.
 * Threads:  One run at a time in a process (the matrix library's threads are global).
 * Example:  aeon_train_params p = {.config_path = "train.json", .resume = true};
 *           TRY(aeon_train_run(&p, err));
 */
#ifndef AEON_TRAIN_H
#define AEON_TRAIN_H

#include "aeon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t step, n_steps;
    double loss;          /* mean over the tokens since the last report, natural logarithm */
    double held_out_loss; /* NaN until measured */
    double learning_rate;
    double grad_norm;
    double tokens_per_s;
    double seconds_left;
} aeon_train_report;

typedef struct {
    const char *config_path;
    const char *const *settings; /* [n_settings] "FIELD=VALUE", stronger than the file */
    size_t n_settings;
    bool resume;
    bool only_export; /* write the model of the checkpoint; no step, no curve */
    bool skip_bad;    /* go on behind malformed lines of the data; notes tell how many */
    int n_threads;    /* 0: one per core */
    /* Called after every reporting interval; or NULL. */
    void (*on_report)(void *user, const aeon_train_report *report);
    /* Asked after every step: false writes a checkpoint and stops; or NULL. */
    bool (*goes_on)(void *user);
    /* A line for a person: what was loaded, what was written; or NULL. */
    void (*on_note)(void *user, const char *line);
    void *user;
} aeon_train_params;

/* Run to the end, write the model the configuration names. Errors: NOT_FOUND, IO, BAD_FORMAT (names
 * file and line), INVALID_ARGUMENT (names the field), MISMATCH (checkpoint of another
 * configuration), OUT_OF_MEMORY, INTERNAL (the loss is not a number; names the step), CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_train_run(const aeon_train_params *params, aeon_error *err);

/* ---- how fast it is -------------------------------------------------------------------------- */

typedef struct {
    const char *config_path; /* shape, batch, optimizer and products; NULL: the built-in model's */
    int n_threads;           /* 0: one per core */
    size_t n_steps;          /* to measure, after one to warm up; at least 1 */
    bool (*goes_on)(void *user); /* asked after every step; or NULL */
    void *user;
} aeon_train_bench_params;

/* Operations are those of products that the definition needs, two for each multiply-add: 6 for each
 * weight in the layers' matrices and token; 6 for each weight of the output head and target; and
 * for attention 12 * n_heads * head_dim in each layer for each pair of a token and one at or before
 * it in its document. What is computed twice, norms and the optimizer do not count. */
typedef struct {
    uint64_t n_parameters, n_tokens, n_targets; /* tokens and targets of one step, on average */
    int n_threads;
    bool has_bf16;                       /* products outside attention */
    bool has_muon;                       /* else AdamW */
    double median_tps, min_tps, max_tps; /* tokens per second, by step */
    double flop_per_token;
    double gflops;      /* of the median step */
    double peak_gflops; /* f32 products of large squares by the matrix library, on all threads */
} aeon_train_speed;

/* Train on tokens by chance, in documents of 60 to 400 of which the last third is to be learned.
 * Writes no file. Errors: as aeon_train_run. */
AEON_API AEON_MUST_USE aeon_status aeon_train_bench(const aeon_train_bench_params *params,
                                                    aeon_train_speed *out, aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
