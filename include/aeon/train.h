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
    bool skip_bad; /* go on behind malformed lines of the data; notes tell how many */
    int n_threads; /* 0: one per core */
    /* Called after every reporting interval; or NULL. */
    void (*on_report)(void *user, const aeon_train_report *report);
    /* Asked after every step: false writes a checkpoint and stops; or NULL. */
    bool (*goes_on)(void *user);
    /* A line for a person: what was loaded, what was written; or NULL. */
    void (*on_note)(void *user, const char *line);
    void *user;
} aeon_train_params;

/* Run to the end, write the model the configuration names. Errors: IO, BAD_FORMAT (names file and
 * line), INVALID_ARGUMENT (names the field), MISMATCH (checkpoint of another configuration),
 * OUT_OF_MEMORY, CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_train_run(const aeon_train_params *params, aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
