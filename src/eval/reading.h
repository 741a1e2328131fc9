/* reading.h - windows of tokens read by one model, or by two side by side.
 *
 *     window   [ begin .. | n_first ..              | n - 1 ]
 *                read       read, and scored          looked up alone
 *
 * Model:    A window is read as if nothing came before it. Both models read the same few tokens in
 *           turn and leave their logits in buffers; then all threads measure the places, each of
 *           them one place at a time. No model's expectations are ever written down.
 * Uses:     base/, engine/, eval/measure.h.      Threads: makes its own.
 * Example:  ae_windows w = {0};
 *           TRY(aeon_tokens_append(&w.ids, ids, n, err));
 *           TRY(ae_windows_add(&w, (ae_window){.n = n, .n_first = n / 2}, err));
 *           TRY(ae_windows_read(&result, &w, model, &params, err));
 */
#ifndef AE_EVAL_READING_H
#define AE_EVAL_READING_H

#include "aeon/engine.h"
#include "aeon/eval.h"
#include "base/status.h"

typedef struct {
    size_t begin, n; /* tokens of the list, n >= 2 */
    size_t n_first;  /* read before any is scored, at most n - 2 */
} ae_window;

typedef struct {
    aeon_tokens ids;
    ae_window *list;
    size_t n, cap;
} ae_windows;

AEON_MUST_USE aeon_status ae_windows_add(ae_windows *w, ae_window window, aeon_error *err);
void ae_windows_release(ae_windows *w);

/* The longest window that model and reference (or NULL) hold. */
size_t ae_windows_longest(const aeon_model *model, const aeon_model *reference);

/* Divide a text into windows of n_ctx tokens (0: 512, or what the models hold), all alike: a rest
 * at the end is left out, and each begins as the texts do that the model was trained on. Errors:
 * INVALID_ARGUMENT (n < 2, a window that they do not hold), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_windows_cut(ae_windows *w, const aeon_model *model,
                                         const aeon_model *reference, const int32_t *ids, size_t n,
                                         size_t n_ctx, aeon_error *err);

/* For a window of n tokens. It is one sequence: if it is long enough for the long factors, all of
 * it is. */
aeon_session_params ae_window_session(const aeon_model_info *model, size_t n);

/* Read and score all of them, at least one. Errors: as aeon_text_eval_run. */
AEON_MUST_USE aeon_status ae_windows_read(aeon_text_eval *out, const ae_windows *w,
                                          const aeon_model *model,
                                          const aeon_text_eval_params *params, aeon_error *err);

#endif
