/* engine/save.c: a talk that went to disk and back goes on with the same bits; what does not fit is
 * computed anew and said; what is not ours is refused and changes nothing. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "format/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_IDS = 200, N_TALK = 77, N_MORE = 9, N_BORDER = 128, N_CHUNK = 32 };

static aeon_error err;
static char folder[] = "/tmp/aeon-save-XXXXXX";
static char path[64], other_path[64];
static aeon_model *model, *other, *bordered; /* LongRoPE's border is at N_BORDER */
static int32_t ids[N_IDS];

static aeon_engine *open_engine(const aeon_model *m, aeon_type kv_type, bool has_prefixes)
{
    aeon_engine *e = NULL;
    CHECK_OK(aeon_engine_new(&e, m,
                             &(aeon_engine_params){.n_threads = 2,
                                                   .n_chunk = N_CHUNK,
                                                   .kv_type = kv_type,
                                                   .n_kv_tokens = 2 * N_IDS,
                                                   .has_prefixes = has_prefixes},
                             &err));
    return e;
}

static aeon_engine *make_engine(const aeon_model *m, aeon_type kv_type)
{
    return open_engine(m, kv_type, false);
}

static aeon_session *make_session(aeon_engine *e, aeon_rope_mode rope)
{
    aeon_session *s = NULL;
    CHECK_OK(aeon_session_new(&s, e, &(aeon_session_params){.n_ctx = N_IDS, .rope = rope}, &err));
    return s;
}

static void close_both(aeon_engine *e, aeon_session *s)
{
    aeon_session_free(s);
    aeon_engine_free(e);
}

static size_t length(const aeon_session *s)
{
    return aeon_session_stats_get(s).n_past;
}

/* Go on with the talk; the logits must be those of a talk that never stopped. */
static void check_goes_on(aeon_session *s, aeon_type kv_type, aeon_rope_mode rope)
{
    aeon_engine *e = make_engine(model, kv_type);
    aeon_session *straight = make_session(e, rope);
    CHECK_OK(aeon_session_feed(straight, ids, N_TALK + N_MORE, NULL, &err));
    assert_int_equal(length(s), N_TALK);
    CHECK_OK(aeon_session_feed(s, ids + N_TALK, N_MORE, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), aeon_session_logits(straight),
                        aeon_model_describe(model)->n_vocab * sizeof(float));
    close_both(e, straight);
}

/* Save the first N_TALK tokens. */
static void save_talk(aeon_type kv_type, aeon_rope_mode rope, const char *passphrase)
{
    aeon_engine *e = make_engine(model, kv_type);
    aeon_session *s = make_session(e, rope);
    if (passphrase) CHECK_OK(aeon_session_lock(s, passphrase, &err));
    CHECK_OK(aeon_session_feed(s, ids + 100, 90, NULL, &err)); /* another talk, in the same pages */
    CHECK_OK(aeon_session_rewind(s, 0, &err));
    CHECK_OK(aeon_session_feed(s, ids, N_TALK, NULL, &err));
    CHECK_OK(aeon_session_save(s, path, "notes", 5, &err));
    check_goes_on(s, kv_type, rope);
    close_both(e, s);
}

static void a_resumed_talk_goes_on_with_the_same_bits(void **state)
{
    (void)state;
    const aeon_type types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16, AEON_TYPE_Q8_0};
    for (size_t i = 0; i < 4; i++)
        for (int is_long = 0; is_long < 2; is_long++) {
            aeon_rope_mode rope = is_long ? AEON_ROPE_LONG : AEON_ROPE_AUTO;
            save_talk(types[i], rope, NULL);
            aeon_engine *e = make_engine(model, types[i]);
            aeon_session *s = make_session(e, AEON_ROPE_AUTO);
            aeon_text text = {0};
            aeon_error note = {.code = AEON_IO};
            CHECK_OK(aeon_session_feed(s, ids + 50, 60, NULL, &err));
            CHECK_OK(aeon_session_load(s, path, &(aeon_load_params){.text = &text, .note = &note},
                                       &err));
            assert_int_equal(note.code, AEON_OK);
            assert_string_equal(text.data, "notes");
            assert_null(aeon_session_logits(s));
            assert_int_equal(aeon_session_stats_get(s).is_long_rope, is_long);
            check_goes_on(s, types[i], rope);
            aeon_text_release(&text);
            close_both(e, s);
        }
}

static void an_empty_talk_and_a_last_token_not_computed(void **state)
{
    (void)state;
    aeon_engine *e = make_engine(model, AEON_TYPE_F16);
    aeon_session *s = make_session(e, AEON_ROPE_AUTO);
    CHECK_OK(aeon_session_save(s, path, NULL, 0, &err));
    CHECK_OK(aeon_session_feed(s, ids, 10, NULL, &err));
    CHECK_OK(aeon_session_load(s, path, NULL, &err));
    assert_int_equal(length(s), 0);

    CHECK_OK(aeon_session_feed(s, ids, N_TALK, NULL, &err));
    aeon_sampler *greedy = NULL;
    size_t n, n_loaded;
    aeon_sampler_params how = aeon_sampler_params_default();
    how.temperature = 0;
    CHECK_OK(aeon_sampler_new(&greedy, &how, aeon_model_describe(model)->n_vocab, &err));
    aeon_generate_result result;
    CHECK_OK(aeon_session_generate(s, greedy, &(aeon_generate_params){.n_max = 1}, &result, &err));
    aeon_sampler_free(greedy);
    CHECK_OK(aeon_session_save(s, path, NULL, 0, &err));
    aeon_session *resumed = make_session(e, AEON_ROPE_AUTO);
    CHECK_OK(aeon_session_load(resumed, path, NULL, &err));
    const int32_t *expected = aeon_session_ids(s, &n);
    assert_memory_equal(aeon_session_ids(resumed, &n_loaded), expected, n * sizeof *expected);
    assert_int_equal(n_loaded, N_TALK + 1);
    CHECK_OK(aeon_session_feed(s, ids, 5, NULL, &err));
    CHECK_OK(aeon_session_feed(resumed, ids, 5, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), aeon_session_logits(resumed),
                        aeon_model_describe(model)->n_vocab * sizeof(float));
    aeon_session_free(resumed);
    close_both(e, s);
}

/* Moved keys stay behind: what comes back is exact. */
static void a_talk_that_slid_comes_back_exact(void **state)
{
    (void)state;
    aeon_engine *e = make_engine(model, AEON_TYPE_F16);
    aeon_session *s = NULL, *back = make_session(e, AEON_ROPE_AUTO);
    aeon_session_params p = {.n_ctx = 100, .window = AEON_WINDOW_SLIDE};
    CHECK_OK(aeon_session_new(&s, e, &p, &err));
    for (int i = 0; i < 9; i++) CHECK_OK(aeon_session_feed(s, ids + 20 * i, 20, NULL, &err));
    assert_false(aeon_session_stats_get(s).is_exact);
    CHECK_OK(aeon_session_save(s, path, NULL, 0, &err));
    CHECK_OK(aeon_session_load(back, path, NULL, &err));
    CHECK_OK(aeon_session_feed(back, ids, 3, NULL, &err));
    size_t n;
    const int32_t *held = aeon_session_ids(back, &n);
    aeon_engine *apart = make_engine(model, AEON_TYPE_F16);
    aeon_session *fresh = make_session(apart, AEON_ROPE_AUTO);
    CHECK_OK(aeon_session_feed(fresh, held, n, NULL, &err));
    assert_memory_equal(aeon_session_logits(back), aeon_session_logits(fresh),
                        aeon_model_describe(model)->n_vocab * sizeof(float));
    close_both(apart, fresh);
    aeon_session_free(back);
    close_both(e, s);
}

/* Keys from a file are for their own talk: no other starts behind them, nor behind its forks. */
static void keys_from_a_file_are_not_handed_on(void **state)
{
    (void)state;
    save_talk(AEON_TYPE_F16, AEON_ROPE_AUTO, NULL);
    aeon_engine *e = NULL;
    CHECK_OK(aeon_engine_new(&e, model,
                             &(aeon_engine_params){.kv_type = AEON_TYPE_F16,
                                                   .n_kv_tokens = 3 * N_IDS,
                                                   .has_prefixes = true},
                             &err));
    aeon_session *s = make_session(e, AEON_ROPE_AUTO), *fork = NULL;
    CHECK_OK(aeon_session_load(s, path, NULL, &err));
    CHECK_OK(aeon_session_feed(s, ids, 40, NULL, &err));
    CHECK_OK(aeon_session_fork(&fork, s, &err));
    CHECK_OK(aeon_session_feed(fork, ids, 40, NULL, &err));
    assert_int_equal(aeon_engine_stats_get(e).n_prefix_pages, 0);
    CHECK_OK(aeon_session_rewind(s, 0, &err));
    CHECK_OK(aeon_session_feed(s, ids, 40, NULL, &err));
    assert_int_equal(aeon_engine_stats_get(e).n_prefix_pages, 1); /* its own work */
    aeon_session_free(fork);
    close_both(e, s);
}

/* Keys and values that can't be used are computed anew from the tokens, and that is said. */
static void what_does_not_fit_is_computed_anew(void **state)
{
    (void)state;
    const struct {
        aeon_type kv_type;
        aeon_rope_mode rope;
        const char *why;
    } rows[] = {{AEON_TYPE_BF16, AEON_ROPE_AUTO, "type"}, {AEON_TYPE_F16, AEON_ROPE_LONG, "rope"}};
    for (size_t i = 0; i < 2; i++) {
        save_talk(AEON_TYPE_F16, AEON_ROPE_AUTO, NULL);
        aeon_engine *e = make_engine(model, rows[i].kv_type);
        aeon_session *s = make_session(e, rows[i].rope);
        aeon_error note = {.code = AEON_OK};
        CHECK_OK(aeon_session_load(s, path, &(aeon_load_params){.note = &note}, &err));
        assert_int_equal(note.code, AEON_MISMATCH);
        assert_non_null(strstr(note.text, rows[i].why));
        check_goes_on(s, rows[i].kv_type, rows[i].rope);
        close_both(e, s);
    }
}

/* ---- called off ------------------------------------------------------------------------------ */

/* What is saved under `saved` and loaded under `rope`, and so is computed anew under `used`. */
typedef struct {
    size_t n;
    aeon_type saved_type; /* and loaded as F16 */
    aeon_rope_mode saved, rope, used;
} recomputed;

static aeon_session *make_bordered(aeon_engine *e, aeon_rope_mode rope)
{
    aeon_session *s = NULL;
    aeon_session_params p = {.n_ctx = rope == AEON_ROPE_SHORT ? N_BORDER : N_IDS, .rope = rope};
    CHECK_OK(aeon_session_new(&s, e, &p, &err));
    return s;
}

static void save_bordered(const recomputed *r)
{
    aeon_engine *e = make_engine(bordered, r->saved_type);
    aeon_session *s = make_bordered(e, r->saved);
    CHECK_OK(aeon_session_feed(s, ids, r->n, NULL, &err));
    CHECK_OK(aeon_session_save(s, path, NULL, 0, &err));
    close_both(e, s);
}

static void check_same_logits(const aeon_session *a, const aeon_session *b)
{
    assert_non_null(aeon_session_logits(a));
    assert_memory_equal(aeon_session_logits(a), aeon_session_logits(b),
                        aeon_model_describe(bordered)->n_vocab * sizeof(float));
}

/* Only remembered beginnings hold pages. */
static void check_no_page_is_held(aeon_engine *e)
{
    aeon_engine_stats stats = aeon_engine_stats_get(e);
    assert_int_equal(stats.n_free_pages + stats.n_prefix_pages, stats.n_pages);
}

static void check_is_as_new(const aeon_session *s, aeon_rope_mode rope)
{
    aeon_session_stats stats = aeon_session_stats_get(s);
    assert_int_equal(stats.n_past, 0);
    assert_int_equal(stats.n_pages, 0);
    assert_int_equal(stats.n_pinned, 0);
    assert_int_equal(stats.n_turns, 0);
    assert_true(stats.is_exact);
    assert_int_equal(stats.is_long_rope, rope == AEON_ROPE_LONG);
    assert_null(aeon_session_logits(s));
}

typedef struct {
    size_t n_calls, n_borne;
} patience;

static bool ask_for_patience(void *user, const char *what, double done)
{
    patience *p = user;
    assert_string_equal(what, "reading");
    assert_true(done >= 0 && done < 1);
    return p->n_calls++ < p->n_borne;
}

/* Load, called off at the first call of progress, then at the second, .. until it is not; each time
 * the session was and is in use. How many calls a whole load takes. */
static size_t load_with_growing_patience(aeon_engine *e, aeon_session *s, const recomputed *r,
                                         const aeon_session *fresh)
{
    patience p = {0};
    aeon_error note = {.code = AEON_OK};
    aeon_load_params how = {.progress = ask_for_patience, .user = &p, .note = &note};
    for (aeon_status status = AEON_CANCELLED; status != AEON_OK; p.n_borne++) {
        CHECK_OK(aeon_session_feed(s, ids + 50, 60, NULL, &err));
        check_same_logits(s, fresh);
        CHECK_OK(aeon_session_pin(s, 5, &err));
        CHECK_OK(aeon_session_begin_turn(s, 7, &err));
        size_t before = aeon_memory_stats_get().current_bytes;
        p.n_calls = 0;
        status = aeon_session_load(s, path, &how, &err);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_CANCELLED);
        assert_int_equal(p.n_calls, p.n_borne + 1);
        check_is_as_new(s, r->rope);
        check_no_page_is_held(e);
    }
    assert_int_equal(note.code, AEON_MISMATCH);
    return p.n_calls;
}

static void check_called_off(const recomputed *r, bool has_prefixes)
{
    aeon_engine *e = open_engine(bordered, AEON_TYPE_F16, has_prefixes);
    aeon_engine *apart = make_engine(bordered, AEON_TYPE_F16);
    aeon_session *s = make_bordered(e, r->rope), *fresh = make_bordered(apart, r->rope);
    CHECK_OK(aeon_session_feed(fresh, ids + 50, 60, NULL, &err));
    size_t n_calls = load_with_growing_patience(e, s, r, fresh);
    size_t n_chunks = (r->n + N_CHUNK - 1) / N_CHUNK;
    assert_true(has_prefixes ? n_calls < n_chunks : n_calls == n_chunks);
    assert_int_equal(aeon_session_stats_get(s).is_long_rope,
                     r->used == AEON_ROPE_LONG || r->n > N_BORDER);
    aeon_session_free(fresh);
    fresh = make_bordered(apart, r->used);
    CHECK_OK(aeon_session_feed(s, ids + r->n, N_MORE, NULL, &err));
    CHECK_OK(aeon_session_feed(fresh, ids, r->n + N_MORE, NULL, &err));
    check_same_logits(s, fresh);
    close_both(apart, fresh);
    aeon_session_free(s);
    check_no_page_is_held(e);
    aeon_engine_forget(e);
    assert_int_equal(aeon_engine_stats_get(e).n_prefix_pages, 0);
    check_no_page_is_held(e);
    aeon_engine_free(e);
}

/* At whatever call of progress: the session is empty and as good as new, its factors too. */
static void a_load_may_be_called_off_at_every_call(void **state)
{
    (void)state;
    enum { N_LONG = N_BORDER + 40 };
    const recomputed rows[] = {
        {N_TALK, AEON_TYPE_F16, AEON_ROPE_AUTO, AEON_ROPE_LONG, AEON_ROPE_LONG},
        {N_TALK, AEON_TYPE_F16, AEON_ROPE_LONG, AEON_ROPE_SHORT, AEON_ROPE_SHORT},
        {N_TALK, AEON_TYPE_BF16, AEON_ROPE_LONG, AEON_ROPE_AUTO, AEON_ROPE_LONG},
        {N_LONG, AEON_TYPE_BF16, AEON_ROPE_AUTO, AEON_ROPE_AUTO, AEON_ROPE_AUTO},
        {N_LONG, AEON_TYPE_Q8_0, AEON_ROPE_LONG, AEON_ROPE_LONG, AEON_ROPE_LONG}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        save_bordered(&rows[i]);
        check_called_off(&rows[i], false);
        check_called_off(&rows[i], true);
    }
    assert_int_equal(ae_mem_current(AE_MEM_KV), 0);
}

/* ---- damage and refusals --------------------------------------------------------------------- */

static long file_size(void)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    fclose(f);
    return size;
}

static void flip_byte(long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 0x10, f);
    fclose(f);
}

/* Wherever a byte was changed: refused, or computed anew with the same bits as ever. */
static void a_damaged_file_never_changes_an_answer(void **state)
{
    (void)state;
    aeon_engine *e = make_engine(model, AEON_TYPE_F16);
    aeon_session *s = make_session(e, AEON_ROPE_AUTO);
    uint64_t random = 4;
    int n_refused = 0, n_anew = 0;
    save_talk(AEON_TYPE_F16, AEON_ROPE_AUTO, NULL);
    for (int i = 0; i < 60; i++) {
        long at = i < 30 ? (long)(check_random(&random) % 600)
                         : (long)(check_random(&random) % (uint64_t)file_size());
        aeon_error note = {.code = AEON_OK};
        CHECK_OK(aeon_session_rewind(s, 0, &err));
        CHECK_OK(aeon_session_feed(s, ids, 3, NULL, &err));
        flip_byte(at);
        aeon_status status = aeon_session_load(s, path, &(aeon_load_params){.note = &note}, &err);
        flip_byte(at);
        if (status == AEON_OK) {
            assert_int_equal(note.code, AEON_BAD_FORMAT);
            n_anew++;
            if (i % 10 == 9) check_goes_on(s, AEON_TYPE_F16, AEON_ROPE_AUTO);
        } else {
            assert_true(status == AEON_BAD_FORMAT || status == AEON_UNSUPPORTED);
            assert_int_equal(length(s), 3);
            n_refused++;
        }
    }
    assert_true(n_refused > 10 && n_anew > 10);
    close_both(e, s);
}

static void what_is_not_ours_is_refused(void **state)
{
    (void)state;
    save_talk(AEON_TYPE_F16, AEON_ROPE_AUTO, NULL);
    aeon_engine *e = make_engine(other, AEON_TYPE_F16);
    aeon_session *s = make_session(e, AEON_ROPE_AUTO);
    CHECK_OK(aeon_session_feed(s, ids, 3, NULL, &err));
    CHECK_FAILS(aeon_session_load(s, path, NULL, &err), AEON_MISMATCH);
    assert_non_null(strstr(err.text, "another model"));
    CHECK_FAILS(aeon_session_load(s, "/nonexistent/talk", NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_session_save(s, "/nonexistent/talk", NULL, 0, &err), AEON_NOT_FOUND);
    assert_int_equal(length(s), 3);
    assert_non_null(aeon_session_logits(s));
    CHECK_OK(aeon_session_push(s, ids, 3, &err));
    CHECK_FAILS(aeon_session_save(s, path, NULL, 0, &err), AEON_INVALID_ARGUMENT);
    CHECK_FAILS(aeon_session_load(s, path, NULL, &err), AEON_INVALID_ARGUMENT);
    close_both(e, s);

    e = make_engine(model, AEON_TYPE_F16);
    CHECK_OK(aeon_session_new(&s, e, &(aeon_session_params){.n_ctx = N_TALK - 1}, &err));
    CHECK_FAILS(aeon_session_load(s, path, NULL, &err), AEON_CONTEXT_FULL);
    close_both(e, s);
}

static void a_locked_talk_needs_its_passphrase(void **state)
{
    (void)state;
    save_talk(AEON_TYPE_F16, AEON_ROPE_AUTO, "open sesame");
    aeon_engine *e = make_engine(model, AEON_TYPE_F16);
    aeon_session *s = make_session(e, AEON_ROPE_AUTO);
    CHECK_FAILS(aeon_session_load(s, path, NULL, &err), AEON_INVALID_ARGUMENT);
    CHECK_FAILS(aeon_session_load(s, path, &(aeon_load_params){.passphrase = "open"}, &err),
                AEON_MISMATCH);
    CHECK_OK(aeon_session_load(s, path, &(aeon_load_params){.passphrase = "open sesame"}, &err));
    CHECK_OK(aeon_session_save(s, path, NULL, 0, &err)); /* under the same passphrase */
    CHECK_FAILS(aeon_session_load(s, path, NULL, &err), AEON_INVALID_ARGUMENT);
    CHECK_OK(aeon_session_load(s, path, &(aeon_load_params){.passphrase = "open sesame"}, &err));
    check_goes_on(s, AEON_TYPE_F16, AEON_ROPE_AUTO);
    CHECK_OK(aeon_session_lock(s, NULL, &err));
    CHECK_OK(aeon_session_save(s, path, NULL, 0, &err));
    CHECK_OK(aeon_session_load(s, path, NULL, &err));
    close_both(e, s);
}

/* Pages are used again and again: what a talk did not write into its last one is not saved. A head
 * has a panel of keys, head_dim numbers of 32 positions each, and rows of values (model/kv.h). */
static void nothing_of_another_talk_is_saved(void **state)
{
    (void)state;
    ae_snapshot_file *f = NULL;
    save_talk(AEON_TYPE_F32, AEON_ROPE_AUTO, NULL);
    CHECK_OK(ae_snapshot_open(&f, path, NULL, &err));
    const ae_snapshot *s = ae_snapshot_get(f);
    assert_int_equal(s->n_pages, 3);
    float *page = malloc((size_t)s->key.page_bytes);
    CHECK_OK(ae_snapshot_read_page(f, 2, page, &err));
    size_t n_used = 0, head_dim = aeon_model_describe(model)->head_dim, n_half = 32 * head_dim;
    for (size_t i = 0; i < s->key.page_bytes / sizeof *page; i++) {
        size_t in_half = i % n_half, pos = i / n_half % 2 ? in_half / head_dim : in_half % 32;
        if (page[i] != 0 && pos >= N_TALK % 32) fail_msg("number %zu is not empty", i);
        n_used += page[i] != 0;
    }
    assert_true(n_used > 0);
    free(page);
    ae_snapshot_close(f);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    save_talk(AEON_TYPE_F16, AEON_ROPE_AUTO, NULL);
    aeon_engine *e = make_engine(model, AEON_TYPE_F16);
    aeon_session *s = make_session(e, AEON_ROPE_AUTO);
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_text text = {0};
        CHECK_OK(aeon_session_rewind(s, 0, &err));
        CHECK_OK(aeon_session_feed(s, ids, 3, NULL, &err));
        size_t before = aeon_memory_stats_get().current_bytes;
        ae_mem_fail_at(k, false);
        status = aeon_session_load(s, path, &(aeon_load_params){.text = &text}, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        assert_int_equal(length(s), status == AEON_OK ? N_TALK : 3);
        aeon_text_release(&text);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
    check_goes_on(s, AEON_TYPE_F16, AEON_ROPE_AUTO);
    close_both(e, s);
}

static int open_models(void **state)
{
    (void)state;
    uint64_t random = 9;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    snprintf(other_path, sizeof other_path, "%s/other.gguf", folder);
    CHECK_OK(aeon_synth_write(path, "phi3-nano", AEON_TYPE_Q8_0, 1, NULL, NULL, &err));
    CHECK_OK(aeon_synth_write(other_path, "phi3-nano", AEON_TYPE_Q8_0, 2, NULL, NULL, &err));
    CHECK_OK(aeon_model_open(&model, path, NULL, &err));
    CHECK_OK(aeon_model_open(&other, other_path, NULL, &err));
    CHECK_OK(aeon_synth_write(path, "phi3-pico", AEON_TYPE_Q8_0, 1, NULL, NULL, &err));
    CHECK_OK(aeon_model_open(&bordered, path, NULL, &err));
    for (int i = 0; i < N_IDS; i++)
        ids[i] = (int32_t)(check_random(&random) % aeon_model_describe(model)->n_vocab);
    unlink(path);
    unlink(other_path);
    snprintf(path, sizeof path, "%s/talk", folder);
    return 0;
}

static int close_models(void **state)
{
    (void)state;
    aeon_model_close(model);
    aeon_model_close(other);
    aeon_model_close(bordered);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_talk_goes_on_with_the_same_bits),
        cmocka_unit_test(an_empty_talk_and_a_last_token_not_computed),
        cmocka_unit_test(a_talk_that_slid_comes_back_exact),
        cmocka_unit_test(keys_from_a_file_are_not_handed_on),
        cmocka_unit_test(what_does_not_fit_is_computed_anew),
        cmocka_unit_test(a_load_may_be_called_off_at_every_call),
        cmocka_unit_test(a_damaged_file_never_changes_an_answer),
        cmocka_unit_test(what_is_not_ours_is_refused),
        cmocka_unit_test(a_locked_talk_needs_its_passphrase),
        cmocka_unit_test(nothing_of_another_talk_is_saved),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("save", tests, open_models, close_models);
}
