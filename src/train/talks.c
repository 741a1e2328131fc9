#include "train/talks.h"

#include "base/file.h"
#include "base/mem.h"
#include "text/json.h"
#include "train/example.h"
#include "train/random.h"

#include <string.h>

/* ---- one talk -------------------------------------------------------------------------------- */

/* Marks for the tokens appended since there were as many as marks. */
static aeon_status mark(ae_talks *t, bool is_target, aeon_error *err)
{
    const char value = is_target;
    while (t->is_target.len < t->ids.n) {
        TRY(aeon_text_append(&t->is_target, &value, 1, err));
        t->n_targets += is_target;
    }
    return AEON_OK;
}

/* Messages up to an answer are the prompt of that answer: encoded by the template, as in a session
 * that goes on; what the model writes for the answer, to its end token, is learned. */
static aeon_status encode_answer(ae_talks *t, const ae_talks_how *how, const aeon_message *prompt,
                                 size_t n, bool is_first, const aeon_message *answer,
                                 aeon_error *err)
{
    unsigned flags = is_first ? 0 : AEON_CHAT_CONTINUE;
    TRY(aeon_chat_encode(how->chat, how->tokenizer, prompt, n, flags, &t->ids, err));
    TRY(mark(t, how->learn_all, err));
    TRY(aeon_chat_encode_answer(how->chat, how->tokenizer, answer, &t->ids, err));
    return mark(t, true, err);
}

static aeon_status encode_chat(ae_talks *t, const ae_talks_how *how, const aeon_message *messages,
                               size_t n, aeon_error *err)
{
    size_t begin = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(messages[i].role, "assistant") != 0) continue;
        TRY(encode_answer(t, how, messages + begin, i - begin, begin == 0, &messages[i], err));
        begin = i + 1;
    }
    if (begin == 0)
        return ae_fail(err, AEON_BAD_FORMAT, "no message of the assistant to learn from");
    return AEON_OK;
}

/* A text is learned from its second token to the token behind its end. */
static aeon_status encode_text(ae_talks *t, const ae_talks_how *how, const char *text,
                               aeon_error *err)
{
    if (how->end_of_text < 0)
        return ae_fail(err, AEON_MISMATCH, "the vocabulary has no token that ends a text");
    TRY(aeon_tokenizer_encode(how->tokenizer, text, strlen(text), AEON_ENCODE_BOS, &t->ids, err));
    TRY(aeon_tokens_push(&t->ids, how->end_of_text, err));
    return mark(t, true, err);
}

static aeon_status encode_example(ae_talks *t, const ae_talks_how *how, const ae_example *e,
                                  aeon_error *err)
{
    size_t first = t->ids.n;
    uint64_t n_targets = t->n_targets;
    TRY(e->text ? encode_text(t, how, e->text, err) : encode_chat(t, how, e->messages, e->n, err));
    /* Nothing comes before the first token that could predict it. */
    t->n_targets -= (uint64_t)t->is_target.data[first];
    t->is_target.data[first] = 0;
    size_t n_tokens = t->ids.n - first;
    if (n_tokens > how->max_tokens)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "the talk has %zu tokens, a sequence holds %zu: shorten it or raise "
                       "\"sequence\"",
                       n_tokens, how->max_tokens);
    if (t->n_targets == n_targets)
        return ae_fail(err, AEON_BAD_FORMAT, "there is nothing to learn in it");
    return AEON_OK;
}

/* ---- the file -------------------------------------------------------------------------------- */

static aeon_status close_talk(ae_talks *t, aeon_error *err)
{
    size_t n = t->n_talks + 1, *grown = ae_mem_room(AE_MEM_TRAIN, t->starts, n, &t->cap, sizeof n);
    if (!grown) return ae_fail_memory(err, n * sizeof n, "the list of talks");
    t->starts = grown;
    t->starts[++t->n_talks] = t->ids.n;
    return AEON_OK;
}

static aeon_status load_example(ae_talks *t, const ae_talks_how *how, const char *line, size_t len,
                                aeon_error *err)
{
    ae_example e;
    TRY(ae_example_read(&e, line, len, err));
    aeon_status status = encode_example(t, how, &e, err);
    ae_example_release(&e);
    return status == AEON_OK ? close_talk(t, err) : status;
}

/* A line that is malformed, or that the template refuses, leaves nothing; it ends the loading
 * unless such lines are to be skipped. */
static aeon_status load_line(ae_talks *t, const ae_talks_how *how, const ae_json_lines *at,
                             const char *path, aeon_error *err)
{
    aeon_error why;
    size_t n_tokens = t->ids.n;
    uint64_t n_targets = t->n_targets;
    aeon_status status = load_example(t, how, at->line, at->len, &why);
    if (status == AEON_OK) return AEON_OK;
    if (status == AEON_INVALID_ARGUMENT) status = AEON_BAD_FORMAT;
    bool is_skipped = status == AEON_BAD_FORMAT && how->skip_bad;
    size_t n = t->n_skipped;
    aeon_error *told = !is_skipped ? err : n < AE_TALKS_MAX_TOLD ? &t->skipped[n] : NULL;
    (void)ae_fail(told, status, "%s:%zu: %s", path, at->number, why.text);
    if (!is_skipped) return status;
    t->n_skipped++;
    t->ids.n = t->is_target.len = n_tokens;
    t->n_targets = n_targets;
    return AEON_OK;
}

/* Some editors begin a file with a byte order mark. */
static size_t mark_size(const ae_map *map)
{
    return map->size >= 3 && memcmp(map->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static aeon_status load_lines(ae_talks *t, const ae_talks_how *how, const ae_map *map,
                              const char *path, aeon_error *err)
{
    ae_json_lines lines = {
        .text = (const char *)map->data, .size = map->size, .at = mark_size(map)};
    while (ae_json_lines_next(&lines)) {
        if (lines.number % 4096 == 0 && how->goes_on && !how->goes_on(how->user))
            return ae_fail(err, AEON_CANCELLED, "stopped while reading %s", path);
        if (!lines.is_blank) TRY(load_line(t, how, &lines, path, err));
    }
    if (t->n_talks == 0 && t->n_skipped)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: no line of %zu can be learned; %.300s", path,
                       t->n_skipped, t->skipped[0].text);
    if (t->n_talks == 0) return ae_fail(err, AEON_BAD_FORMAT, "%s: there is no talk in it", path);
    return AEON_OK;
}

/* FNV-1a over the bytes. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001B3u;
    return hash;
}

aeon_status ae_talks_load(ae_talks *out, const ae_talks_how *how, const char *path, aeon_error *err)
{
    ae_map map;
    ae_talks t = {0};
    TRY(ae_map_open(&map, path, err));
    aeon_status status = load_lines(&t, how, &map, path, err);
    ae_map_close(&map);
    if (status != AEON_OK) {
        ae_talks_release(&t);
        return status;
    }
    t.hash = hash_bytes(0xCBF29CE484222325u, t.ids.ids, t.ids.n * sizeof *t.ids.ids);
    t.hash = hash_bytes(t.hash, t.is_target.data, t.is_target.len);
    *out = t;
    return AEON_OK;
}

void ae_talks_release(ae_talks *t)
{
    aeon_tokens_release(&t->ids);
    aeon_text_release(&t->is_target);
    ae_mem_free(t->starts);
    *t = (ae_talks){0};
}

/* ---- packing --------------------------------------------------------------------------------- */

size_t ae_sequence_bytes(size_t max_tokens)
{
    const ae_sequence *s;
    return max_tokens * (sizeof *s->ids + sizeof *s->is_target + sizeof *s->starts);
}

aeon_status ae_sequence_init(ae_sequence *s, size_t max_tokens, aeon_error *err)
{
    *s = (ae_sequence){0};
    s->ids = ae_mem_alloc_array(AE_MEM_TRAIN, max_tokens, sizeof *s->ids);
    s->is_target = ae_mem_alloc_array(AE_MEM_TRAIN, max_tokens, sizeof *s->is_target);
    s->starts = ae_mem_alloc_array(AE_MEM_TRAIN, max_tokens + 1, sizeof *s->starts);
    if (s->ids && s->is_target && s->starts) return AEON_OK;
    ae_sequence_release(s);
    return ae_fail_memory(err, max_tokens * sizeof *s->ids, "a packed sequence");
}

void ae_sequence_release(ae_sequence *s)
{
    ae_mem_free(s->ids);
    ae_mem_free(s->is_target);
    ae_mem_free(s->starts);
    *s = (ae_sequence){0};
}

aeon_status ae_packer_init(ae_packer *p, const ae_talks *talks, size_t max_tokens, bool is_shuffled,
                           uint64_t seed, aeon_error *err)
{
    *p = (ae_packer){
        .talks = talks, .max_tokens = max_tokens, .is_shuffled = is_shuffled, .seed = seed};
    p->order = ae_mem_alloc_array(AE_MEM_TRAIN, talks->n_talks, sizeof *p->order);
    if (!p->order) return ae_fail_memory(err, talks->n_talks * sizeof *p->order, "the order");
    ae_packer_seek(p, 0, 0);
    return AEON_OK;
}

void ae_packer_release(ae_packer *p)
{
    ae_mem_free(p->order);
    *p = (ae_packer){0};
}

void ae_packer_seek(ae_packer *p, uint32_t epoch, uint32_t next)
{
    p->epoch = epoch;
    p->next = next;
    size_t n = p->talks->n_talks;
    for (size_t i = 0; i < n; i++) p->order[i] = (uint32_t)i;
    if (!p->is_shuffled) return;
    uint64_t random = ae_random_seed(p->seed, 1 + (uint64_t)epoch);
    for (size_t i = n; i > 1; i--) {
        size_t j = ae_random_below(&random, i);
        uint32_t kept = p->order[i - 1];
        p->order[i - 1] = p->order[j];
        p->order[j] = kept;
    }
}

void ae_packer_fill(ae_packer *p, ae_sequence *s)
{
    const ae_talks *t = p->talks;
    if (p->next == t->n_talks) ae_packer_seek(p, p->epoch + 1, 0);
    s->n = s->n_documents = s->n_targets = 0;
    for (; p->next < t->n_talks; p->next++) {
        size_t begin = t->starts[p->order[p->next]], n = t->starts[p->order[p->next] + 1] - begin;
        if (s->n + n > p->max_tokens) break;
        memcpy(s->ids + s->n, t->ids.ids + begin, n * sizeof *s->ids);
        memcpy(s->is_target + s->n, t->is_target.data + begin, n);
        for (size_t i = 0; i < n; i++) s->n_targets += s->is_target[s->n + i];
        s->starts[s->n_documents++] = s->n;
        s->n += n;
    }
    s->starts[s->n_documents] = s->n;
}
