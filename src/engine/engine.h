/* engine.h - the inside of the engine, shared by the files of this folder.
 *
 *     engine.c   births and deaths: threads, scratch, the arena of pages, buffers for logits
 *     session.c  one timeline: what was appended, what of it is computed
 *     step.c     one pass through the model for the sessions that wait
 *     window.c   room in a timeline that is full
 *     save.c     sessions on disk
 */
#ifndef AE_ENGINE_ENGINE_H
#define AE_ENGINE_ENGINE_H

#include "aeon/engine.h"
#include "base/pool.h"
#include "base/status.h"
#include "engine/pace.h"
#include "engine/prefix.h"
#include "format/snapshot.h"
#include "model/forward.h"

/* A session's length where nobody said otherwise. */
enum { AE_DEFAULT_CTX = 4096 };

/* Tokens whose logits a feed is given at a time: weights are read once for all of them. */
enum { AE_LOGITS_TILE = 8 };

/* Logits of one token, held by the session that it belongs to and its forks. An engine has one
 * buffer for every session alive, so a session that needs one of its own always finds it. */
typedef struct ae_logits {
    struct ae_logits *next; /* of the free ones */
    uint32_t n_holders;
    float values[]; /* [n_vocab], and their peaks */
} ae_logits;

struct aeon_engine {
    const aeon_model *model;
    ae_pool *pool;
    ae_forward *forward;
    ae_kv_arena *arena;
    ae_prefix *prefixes;    /* or NULL */
    aeon_session *sessions; /* all of them, a list */
    size_t n_sessions;
    ae_logits *free_logits;
    size_t n_logits; /* buffers, free or held */
    uint64_t n_pushes;
    bool is_stepping;
    uint8_t fingerprint[32]; /* of the model, once a session was saved or loaded */
    bool has_fingerprint;

    /* step.c */
    size_t n_chunk; /* most tokens in a step */
    ae_pace pace;
    size_t n_speaking;      /* in the running step, its first members */
    ae_span *spans;         /* [n_chunk] of the running step, */
    aeon_session **members; /* [n_chunk] whose they are, */
    size_t n_members;       /* and how many */
    size_t n_tokens;        /* in all spans */
    float *tile;            /* [AE_LOGITS_TILE][ae_logits_len(n_vocab)] */
    size_t *last_tokens;    /* [n_chunk] the last ones of members that are over, */
    float **last_logits;    /* [n_chunk] and where theirs go */
};

/*     IDLE --push--> WAITING --step--> .. --step--> READY --push--> WAITING ..
 *      ^                |                             |
 *      +--- cancel, failure: what it was before ------+--- rewind: IDLE
 *
 * ids      [ t0 t1 t2 ... | ...        ]      n of n_ctx
 *           computed: keys and values stand under the session's rope set
 *
 * Whatever invalidates keys (a rewind, a change of the rope set, a cancelled push) only lowers
 * n_computed; the steps after the next push make good what is missing. */
struct aeon_session {
    aeon_engine *engine;
    aeon_session *next, *previous;
    aeon_rope_mode rope;
    ae_rope_set rope_set;
    int priority;
    size_t n_ctx, n, n_computed, n_recomputed;
    int32_t *ids; /* [n_ctx] */
    ae_kv kv;

    ae_logits *logits;
    size_t n_logits; /* the logits are those after so many tokens; 0: there are none */

    bool is_waiting;
    uint64_t turn;   /* the earliest of those that wait comes first */
    size_t n_before; /* length before the push that waits, */
    size_t pinned_before;
    bool was_short;     /* and whether it made the timeline cross to the long factors */
    aeon_status status; /* how the last push ended */
    aeon_error error;

    aeon_window window; /* window.c */
    aeon_compact_fn compact;
    void *compact_user;
    size_t n_pinned, n_summary;
    size_t *turns; /* [turns_cap] where they begin, n_turns of them */
    size_t n_turns, turns_cap;
    size_t n_dropped, n_dropped_turns;
    bool is_foreign; /* keys from a file, perhaps of another kind of machine: for this talk alone */
    size_t n_exact;  /* keys of the first tokens never moved; SIZE_MAX: of none did */
    aeon_session *rebuilt, *rebuilds; /* the copy under way; whose copy this is */

    const aeon_feed_params *feed; /* while a feed runs: whom to give logits */
    ae_snapshot_lock *lock;       /* what it is saved under; NULL: nothing */
};

/* Append one token to the timeline without computing it: the next push does that along with its own
 * tokens. The session holds no logits afterwards. The context must have room (asserted). */
void ae_session_append(aeon_session *s, int32_t id);

const aeon_model *ae_session_model(const aeon_session *s);
size_t ae_sampler_n_vocab(const aeon_sampler *s);

/* aeon_sampler_pick, for logits whose peaks are known (model/logits.h). */
int32_t ae_sampler_pick(aeon_sampler *s, const float *logits, const float *peaks);

/* Let remembered beginnings give way until positions pos .. pos+n-1 of a table can be written, if
 * they can. */
void ae_engine_free_pages(aeon_engine *e, const ae_kv *kv, size_t pos, size_t n);
ae_prefix_key ae_session_prefix_key(const aeon_session *s);

/* Forget the keys and values behind the first n_keep tokens. */
void ae_session_forget(aeon_session *s, size_t n_keep);

/* window.c: make room for n more tokens, as the session's policy says. Errors: CONTEXT_FULL. */
AEON_MUST_USE aeon_status ae_session_make_room(aeon_session *s, size_t n, aeon_error *err);
/* The timeline was cut to its first n tokens. */
void ae_session_cut_turns(aeon_session *s, size_t n);
/* After a step: put the finished copy in the place of what it rebuilds. */
void ae_session_take_rebuilt(aeon_session *copy);
void ae_session_stop_rebuilding(aeon_session *s);

/* An empty session. */
AEON_MUST_USE aeon_status ae_session_new(aeon_session **out, aeon_engine *e, size_t n_ctx,
                                         aeon_rope_mode rope, aeon_error *err);

/* Are these tokens of the vocabulary? Errors: INVALID_ARGUMENT. */
AEON_MUST_USE aeon_status ae_session_check_ids(const aeon_session *s, const int32_t *ids, size_t n,
                                               aeon_error *err);

/* Refuse while tokens wait or a step is under way. Errors: INVALID_ARGUMENT. */
AEON_MUST_USE aeon_status ae_session_check_idle(const aeon_session *s, aeon_error *err);

/* Make the timeline what it was before the push that waits, for this reason. */
void ae_session_fail(aeon_session *s, const aeon_error *reason);

/* A buffer for logits that nobody else holds, in place of the session's. */
float *ae_session_own_logits(aeon_session *s);

/* Buffers: one more session, one less; hold and drop one. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_logits_add(aeon_engine *e, aeon_error *err);
void ae_logits_drop(aeon_engine *e, ae_logits *l);

#endif
