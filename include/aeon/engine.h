/* engine.h - run a model: an engine owns the threads and the memory, a session is one timeline.
 *
 *     engine     pages of keys and values  [ 0 | 1 | 2 | 3 | 4 | .. ]   32 tokens each
 *     session A  tokens t0 .. t80          pages 0 1 2
 *     session B  a fork of A at t64        pages 0 1 4        0 and 1 stand in memory once
 *
 * Model:    A session is a list of tokens with their keys and values. push appends tokens that then
 *           wait; a step of the engine computes waiting tokens of many sessions at once, and leaves
 *           the logits after a session's last one. feed is push, and steps until they are computed.
 *           rewind forgets from the end; fork makes a second session that shares what it holds.
 *           Logits are bit-identical however the tokens were chunked, whoever else was in a step,
 *           and however many threads ran.
 * Threads:  One thread at a time per engine, sessions included. Different engines are independent.
 *           What the engine calls (on_logits, on_text, compact, progress) must not use it.
 * Example:  TRY(aeon_engine_new(&engine, model, NULL, err));
 *           TRY(aeon_session_new(&session, engine, NULL, err));
 *           TRY(aeon_session_feed(session, ids.ids, ids.n, NULL, err));
 *           int32_t next = aeon_sampler_pick(sampler, aeon_session_logits(session));
 */
#ifndef AEON_ENGINE_H
#define AEON_ENGINE_H

#include "aeon/model.h"
#include "aeon/sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aeon_engine aeon_engine;
typedef struct aeon_session aeon_session;

typedef struct {
    int n_threads;      /* 0: one per core */
    size_t n_chunk;     /* most tokens in one step; 0: 256 */
    aeon_type kv_type;  /* of keys and values: AEON_TYPE_F32, _F16, _BF16 or _Q8_0 */
    size_t n_kv_tokens; /* for how many tokens all sessions together have keys and values; 0: one
                         * session of the default length */
    size_t page_tokens; /* a multiple of 32; 0: 32 */
    bool has_prefixes;  /* remember computed beginnings: who repeats one, starts behind it */
} aeon_engine_params;

/* The defaults: keys and values F16, beginnings remembered, all else 0. */
AEON_API aeon_engine_params aeon_engine_params_default(void);

/* params may be NULL (defaults). The model is borrowed and must outlive the engine. The memory for
 * all keys and values is taken here. Errors: OUT_OF_MEMORY (says how much is needed),
 * INVALID_ARGUMENT, UNSUPPORTED (a type that keys and values can't have). */
AEON_API AEON_MUST_USE aeon_status aeon_engine_new(aeon_engine **out, const aeon_model *model,
                                                   const aeon_engine_params *params,
                                                   aeon_error *err);
/* All sessions must have been freed. */
AEON_API void aeon_engine_free(aeon_engine *e);
AEON_API int aeon_engine_n_threads(const aeon_engine *e);

typedef struct {
    size_t n_sessions;
    size_t page_tokens, page_bytes;
    size_t n_pages, n_free_pages;
    size_t n_prefix_pages;    /* that hold remembered beginnings */
    size_t n_asked, n_reused; /* tokens of new timelines, and those that were remembered */
    size_t n_forgotten;       /* pages that were remembered and had to give way */
} aeon_engine_stats;
AEON_API aeon_engine_stats aeon_engine_stats_get(const aeon_engine *e);

/* Forget all beginnings: no later talk starts behind one of an earlier talk. */
AEON_API void aeon_engine_forget(aeon_engine *e);

/* Compute the next waiting tokens: one of every session that waits for one, and as much of the
 * prompts as fits beside, the most urgent first. Returns how many; 0 when no session waits. A
 * session for which there are no more pages fails; the others go on. */
AEON_API size_t aeon_engine_step(aeon_engine *e);

/* Which rotary factors a LongRoPE model uses; without effect on other models. */
typedef enum {
    AEON_ROPE_AUTO,  /* short up to n_ctx_original; recomputed with the long ones when crossed */
    AEON_ROPE_SHORT, /* always short: the context ends at n_ctx_original */
    AEON_ROPE_LONG,  /* always long */
} aeon_rope_mode;

/* What happens when a timeline is full. Nothing is ever dropped silently: see the stats. */
typedef enum {
    AEON_WINDOW_ERROR, /* a push is refused; an answer ends with FINISH_CONTEXT */
    AEON_WINDOW_STOP,  /* a push is refused; an answer ends with FINISH_LENGTH, as servers say */
    AEON_WINDOW_SLIDE, /* "window": the oldest turns are dropped, later keys move back: at once, and
                        * nearly right; aeon_session_rebuild makes it exact */
    AEON_WINDOW_COMPACT, /* a summary takes the place of the oldest turns, and what follows is
                          * computed anew: exact, and takes its time */
} aeon_window;

/* The word for a policy: "error", "stop", "window", "compact"; NULL for another number. */
AEON_API const char *aeon_window_name(aeon_window w);
AEON_API bool aeon_window_find(const char *name, aeon_window *out);

/* Called with the tokens that are about to be dropped; may append up to n_max tokens to summary
 * that stand in their place. On failure nothing is dropped, and the push fails. */
typedef aeon_status (*aeon_compact_fn)(void *user, const int32_t *ids, size_t n, size_t n_max,
                                       aeon_tokens *summary, aeon_error *err);

typedef struct {
    size_t n_ctx; /* most tokens the session can hold; 0: min(n_ctx_max, 4096, n_kv_tokens) */
    aeon_rope_mode rope;
    int priority; /* prompts of a higher one are read first */
    aeon_window window;
    aeon_compact_fn compact; /* for AEON_WINDOW_COMPACT; NULL: nothing takes their place */
    void *user;              /* for compact */
} aeon_session_params;

/* The defaults: all 0, AUTO. */
AEON_API aeon_session_params aeon_session_params_default(void);

/* params may be NULL (defaults). The session takes pages as it grows. Errors: INVALID_ARGUMENT (a
 * context beyond the model's or the engine's), OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_session_new(aeon_session **out, aeon_engine *engine,
                                                    const aeon_session_params *params,
                                                    aeon_error *err);
AEON_API void aeon_session_free(aeon_session *s);

/* A second session with the same timeline, logits included, and without a passphrase. It shares the
 * pages of s; a page is copied when one of them writes to it. Costs microseconds, whatever the
 * length. Errors: INVALID_ARGUMENT (tokens of s wait, or a step is under way), OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_session_fork(aeon_session **out, const aeon_session *s,
                                                     aeon_error *err);

/* Append ids[0..n) to the timeline; they wait for steps. If they don't fit, the session's window
 * makes room; what it dropped remains dropped, whatever becomes of the push. Errors:
 * INVALID_ARGUMENT (an id out of range, n = 0, a step is under way), CONTEXT_FULL (names both
 * numbers): then nothing happened. Those of a compact function. */
AEON_API AEON_MUST_USE aeon_status aeon_session_push(aeon_session *s, const int32_t *ids, size_t n,
                                                     aeon_error *err);

/* Take back all tokens that wait, computed or not: the timeline is what it was before they were
 * pushed, and their pages are free. Not while a step is under way. */
AEON_API void aeon_session_cancel(aeon_session *s);

typedef enum {
    AEON_SESSION_IDLE,    /* nothing waits, and there are no logits */
    AEON_SESSION_WAITING, /* tokens wait for steps */
    AEON_SESSION_READY,   /* the logits after the last token are there */
    AEON_SESSION_FAILED,  /* the last push could not be computed and was taken back */
} aeon_session_state;
AEON_API aeon_session_state aeon_session_state_get(const aeon_session *s);

/* Why the last push failed, borrowed until the next; NULL if it did not. */
AEON_API const aeon_error *aeon_session_error(const aeon_session *s);

/* Called once per fed token, in order, with the logits [n_vocab] that follow it; borrowed for the
 * call. Return false to cancel. */
typedef bool (*aeon_logits_fn)(void *user, size_t pos, const float *logits);

typedef struct {
    aeon_logits_fn on_logits;  /* or NULL: then only the last token's logits are computed */
    aeon_progress_fn progress; /* or NULL; called between prefill chunks */
    void *user;                /* for both */
} aeon_feed_params;

/* Push, and step until the session waits no more; other sessions that wait come along. params may
 * be NULL. On any failure the timeline is what it was before. Errors: those of push, CANCELLED,
 * OUT_OF_MEMORY (no page is free), INVALID_ARGUMENT also if tokens wait already. */
AEON_API AEON_MUST_USE aeon_status aeon_session_feed(aeon_session *s, const int32_t *ids, size_t n,
                                                     const aeon_feed_params *params,
                                                     aeon_error *err);

/* Logits [n_vocab] after the last token, borrowed until the next push; NULL when nothing was fed,
 * while tokens wait, and after a rewind or a generate. */
AEON_API const float *aeon_session_logits(const aeon_session *s);

/* Keep the first n_keep tokens, forget the rest. Errors: INVALID_ARGUMENT if n_keep exceeds the
 * length, or is less than what is pinned and not 0. A timeline under the long factors stays under
 * them, unless nothing is kept: an empty AUTO session is as good as new. */
AEON_API AEON_MUST_USE aeon_status aeon_session_rewind(aeon_session *s, size_t n_keep,
                                                       aeon_error *err);

/* ---- windows --------------------------------------------------------------------------------- */

/* The first n tokens (a system message) are never dropped, nor rewound but with all others. Errors:
 * INVALID_ARGUMENT (n exceeds the length). */
AEON_API AEON_MUST_USE aeon_status aeon_session_pin(aeon_session *s, size_t n, aeon_error *err);

/* A turn begins at this position, which is after that of the last one and at most the length. Turns
 * are dropped whole, the oldest first; if the last alone is too long, and without turns, the oldest
 * tokens are. A turn or a pin set while tokens wait goes with them if they are taken back. Errors:
 * INVALID_ARGUMENT, OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_session_begin_turn(aeon_session *s, size_t pos,
                                                           aeon_error *err);

/* Compute what a window left nearly right once more, exactly, in a copy that takes the session's
 * place when it is done: with the steps of the engine, after everything else that waits. Nothing
 * happens if the session is exact. Errors: INVALID_ARGUMENT (tokens wait), OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_session_rebuild(aeon_session *s, aeon_error *err);

/* The timeline: n tokens, borrowed until the next feed or rewind. */
AEON_API const int32_t *aeon_session_ids(const aeon_session *s, size_t *n);

typedef struct {
    size_t n_past, n_ctx;      /* tokens held, tokens possible */
    size_t n_pages;            /* of keys and values, */
    size_t n_shared_pages;     /* those that others hold as well */
    size_t kv_bytes;           /* all of them */
    size_t kv_bytes_per_token; /* of which each token uses */
    size_t n_pinned;           /* tokens that are never dropped */
    size_t n_turns;            /* begun and not dropped */
    size_t n_dropped;          /* tokens dropped by the window so far, */
    size_t n_dropped_turns;    /* and whole turns */
    size_t n_summary;          /* tokens that stand for what was dropped, behind what stays */
    bool is_exact;             /* false: keys have moved since they were computed */
    bool is_locked;            /* it is saved under a passphrase */
    bool is_long_rope;         /* the long factors are in use */
    size_t n_recomputed;       /* tokens recomputed by LongRoPE crossings and compactions */
} aeon_session_stats;
AEON_API aeon_session_stats aeon_session_stats_get(const aeon_session *s);

/* ---- on disk --------------------------------------------------------------------------------- */

/* Save the session from now on under a passphrase (NULL or "": no more). Making the key takes about
 * a second of work and 256 MiB, on purpose; saving does not. Errors: OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_session_lock(aeon_session *s, const char *passphrase,
                                                     aeon_error *err);

/* Write the timeline with its keys and values, and text[0..len) of the caller's, to a file of mode
 * 0600, beside the old one and renamed. Turns and pins are the caller's to write down. Errors:
 * INVALID_ARGUMENT (tokens wait), NOT_FOUND (no such folder), IO, OUT_OF_MEMORY; an old file is
 * then untouched. */
AEON_API AEON_MUST_USE aeon_status aeon_session_save(aeon_session *s, const char *path,
                                                     const char *text, size_t len, aeon_error *err);

typedef struct {
    const char *passphrase;    /* or NULL; a session that was loaded with one is saved under it */
    aeon_progress_fn progress; /* or NULL; called while tokens are computed anew */
    void *user;
    aeon_text *text;  /* or NULL; becomes the text that was saved */
    aeon_error *note; /* or NULL; code AEON_OK if the keys and values were used, else why not */
} aeon_load_params;

/* Make the session what was saved, in place of what it held. Keys and values are used if they were
 * made by the same model, of the same type and under factors that the session may use, and are
 * undamaged; else the tokens are computed anew, and *note says why. Afterwards the session holds no
 * logits. params may be NULL. Errors: NOT_FOUND, IO, BAD_FORMAT (no snapshot, or damaged beyond its
 * keys and values), MISMATCH (another model; a wrong passphrase), INVALID_ARGUMENT (a passphrase is
 * missing, or not needed; tokens wait), CONTEXT_FULL: then the timeline is what it was. Of what can
 * fail while tokens are computed (CANCELLED, OUT_OF_MEMORY) it is empty. */
AEON_API AEON_MUST_USE aeon_status aeon_session_load(aeon_session *s, const char *path,
                                                     const aeon_load_params *params,
                                                     aeon_error *err);

/* ---- generation ---------------------------------------------------------------------------- */

typedef enum {
    AEON_FINISH_STOP,
    AEON_FINISH_LENGTH,
    AEON_FINISH_CONTEXT,
    AEON_FINISH_CANCEL
} aeon_finish;

/* The word for a finish reason: "stop", "length", "context", "cancel". */
AEON_API const char *aeon_finish_name(aeon_finish f);

typedef struct {
    size_t n_max;             /* most tokens to generate; 0: until the context is full, and under
                               * a window that makes room until something else ends the answer */
    const char *const *stops; /* generation ends before the first of these texts, none empty */
    size_t n_stops;
    bool ignore_stop_ids; /* go on after end-of-turn tokens */
    bool with_control;    /* show control tokens in the text */
    /* New text, never part of a stop string, in whole UTF-8 characters; only where the answer ends
     * within a character does the last call. Return false to cancel. May be called with len 0 while
     * text is held back, so that a cancel is seen at every token. */
    bool (*on_text)(void *user, const char *text, size_t len);
    aeon_progress_fn progress; /* or NULL; called while a crossing or a compaction computes */
    void *user;                /* for both */
} aeon_generate_params;

typedef struct {
    size_t n_tokens; /* generated, the stop token included if there was one */
    aeon_finish finish;
    double first_ms; /* from the call to the first token */
    double total_ms;
} aeon_generate_result;

/* Continue the timeline: sample, feed, give out text, until a stop token, a stop string, n_max or
 * the end of the context. The session must hold logits. The timeline then ends with every sampled
 * token (the stop token included), so that a chat can go on from it; the logits are gone unless the
 * context is full. params may be NULL. Errors: INVALID_ARGUMENT (no logits, a stop string that is
 * empty or begins inside a character), MISMATCH (a sampler of another vocabulary), OUT_OF_MEMORY.
 */
AEON_API AEON_MUST_USE aeon_status aeon_session_generate(aeon_session *s, aeon_sampler *sampler,
                                                         const aeon_generate_params *params,
                                                         aeon_generate_result *result,
                                                         aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
