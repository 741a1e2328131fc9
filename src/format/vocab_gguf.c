#include "format/vocab_gguf.h"

#include "base/mem.h"
#include "format/names.h"

#include <inttypes.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name

/* ---- reading ---- */

static bool str_is(ae_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

enum { ANY = 0 }; /* a number of elements */

/* An array under key with elements of one of two types (the same twice if there is but one), n of
 * them. *out is NULL if the key is absent. */
static aeon_status find_array(const ae_gguf_value **out, const ae_gguf *g, const char *key,
                              ae_gguf_type type, ae_gguf_type other, size_t n, aeon_error *err)
{
    const ae_gguf_value *v = ae_gguf_value_find(g, key);
    if (v && (v->type != AE_GGUF_ARRAY || (v->element_type != type && v->element_type != other)))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s is not an array of the right type",
                       ae_gguf_path(g), key);
    if (v && n == ANY && v->n > AE_VOCAB_MAX)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s has %" PRIu64 " elements, at most %d can be",
                       ae_gguf_path(g), key, v->n, AE_VOCAB_MAX);
    if (v && n != ANY && v->n != n)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s has %" PRIu64 " elements for %zu tokens",
                       ae_gguf_path(g), key, v->n, n);
    *out = v;
    return AEON_OK;
}

static aeon_status read_kind(ae_vocab *v, const ae_gguf *g, aeon_error *err)
{
    ae_str model, pre = {"default", 7}; /* files older than the key */
    if (!ae_gguf_get_str(g, KEY("model"), &model))
        return ae_fail(err, AEON_NOT_FOUND, "%s: the file has no tokenizer", ae_gguf_path(g));
    if (str_is(model, "llama")) {
        v->kind = AE_VOCAB_SPM;
        v->add_bos = v->add_space_prefix = true;
        return AEON_OK;
    }
    if (!str_is(model, "gpt2"))
        return ae_fail(err, AEON_UNSUPPORTED,
                       "%s: tokenizer model '%s' is not supported; gpt2 and llama are",
                       ae_gguf_path(g), ae_show(model.data, model.len).text);
    v->kind = AE_VOCAB_BPE;
    ae_gguf_get_str(g, KEY("pre"), &pre);
    v->split = ae_vocab_split_find(pre.data, pre.len);
    if (!v->split)
        return ae_fail(err, AEON_UNSUPPORTED, "%s: tokenizer split pattern '%s' is not supported",
                       ae_gguf_path(g), ae_show(pre.data, pre.len).text);
    v->ignore_merges = strcmp(v->split, "llama-bpe") == 0 || strcmp(v->split, "tekken") == 0;
    v->add_bos = v->ignore_merges;
    return AEON_OK;
}

static aeon_status read_tokens(ae_vocab *v, const ae_gguf *g, aeon_error *err)
{
    const ae_gguf_value *tokens, *scores, *kinds;
    TRY(find_array(&tokens, g, KEY("tokens"), AE_GGUF_STRING, AE_GGUF_STRING, ANY, err));
    if (!tokens || tokens->n == 0)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: there are no %s", ae_gguf_path(g), KEY("tokens"));
    size_t n = (size_t)tokens->n;
    TRY(find_array(&scores, g, KEY("scores"), AE_GGUF_F32, AE_GGUF_F32, n, err));
    TRY(find_array(&kinds, g, KEY("token_type"), AE_GGUF_I32, AE_GGUF_U32, n, err));
    if (!scores && v->kind == AE_VOCAB_SPM)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s is missing", ae_gguf_path(g), KEY("scores"));
    v->tokens = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *v->tokens);
    if (!v->tokens) return ae_fail_memory(err, n * sizeof *v->tokens, "the vocabulary");
    v->n_tokens = n;
    for (size_t i = 0; i < n; i++) {
        ae_str text = tokens->strings[i];
        double kind = kinds ? ae_gguf_array_number(kinds, i) : AE_TOKEN_NORMAL;
        if (text.len > INT32_MAX || kind < AE_TOKEN_NORMAL || kind > AE_TOKEN_BYTE)
            return ae_fail(err, AEON_BAD_FORMAT, "%s: token %zu has %zu bytes and type %.0f",
                           ae_gguf_path(g), i, text.len, kind);
        v->tokens[i] = (ae_vocab_token){
            .text = text.data,
            .len = (uint32_t)text.len,
            .kind = (ae_token_kind)kind,
            .score = scores ? (float)ae_gguf_array_number(scores, i) : 0,
        };
    }
    return AEON_OK;
}

/* "left right": tokens hold no space of their own except, in some files, as the first byte. */
static bool split_merge(ae_vocab_merge *out, ae_str s)
{
    const char *space = s.len > 1 ? memchr(s.data + 1, ' ', s.len - 1) : NULL;
    if (!space || s.len > INT32_MAX || space + 1 == s.data + s.len) return false;
    uint32_t left_len = (uint32_t)(space - s.data);
    *out = (ae_vocab_merge){s.data, space + 1, left_len, (uint32_t)s.len - left_len - 1};
    return true;
}

static aeon_status read_merges(ae_vocab *v, const ae_gguf *g, aeon_error *err)
{
    const ae_gguf_value *merges;
    TRY(find_array(&merges, g, KEY("merges"), AE_GGUF_STRING, AE_GGUF_STRING, ANY, err));
    if (!merges)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s is missing", ae_gguf_path(g), KEY("merges"));
    size_t n = (size_t)merges->n;
    v->merges = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *v->merges);
    if (!v->merges) return ae_fail_memory(err, n * sizeof *v->merges, "the merges");
    v->n_merges = n;
    for (size_t i = 0; i < n; i++) {
        ae_str s = merges->strings[i];
        if (!split_merge(&v->merges[i], s))
            return ae_fail(err, AEON_BAD_FORMAT, "%s: merge %zu is '%s', not two parts",
                           ae_gguf_path(g), i, ae_show(s.data, s.len).text);
    }
    return AEON_OK;
}

/* *out is -1 if the key is absent. */
static aeon_status read_id(int32_t *out, const ae_vocab *v, const ae_gguf *g, const char *key,
                           aeon_error *err)
{
    uint32_t id;
    *out = -1;
    if (!ae_gguf_value_find(g, key)) return AEON_OK;
    if (!ae_gguf_get_u32(g, key, &id) || id >= v->n_tokens)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s is not one of the %zu tokens", ae_gguf_path(g),
                       key, v->n_tokens);
    *out = (int32_t)id;
    return AEON_OK;
}

static aeon_status read_vocab(ae_vocab *v, const ae_gguf *g, aeon_error *err)
{
    TRY(read_kind(v, g, err));
    TRY(read_tokens(v, g, err));
    if (v->kind == AE_VOCAB_BPE) TRY(read_merges(v, g, err));
    TRY(read_id(&v->bos, v, g, KEY("bos_token_id"), err));
    TRY(read_id(&v->eos, v, g, KEY("eos_token_id"), err));
    TRY(read_id(&v->unk, v, g, KEY("unknown_token_id"), err));
    /* Padding is neither fed nor produced, and models with a wrong id are in use. */
    if (read_id(&v->pad, v, g, KEY("padding_token_id"), NULL) != AEON_OK) v->pad = -1;
    ae_gguf_get_bool(g, KEY("add_bos_token"), &v->add_bos);
    ae_gguf_get_bool(g, KEY("add_space_prefix"), &v->add_space_prefix);
    return AEON_OK;
}

aeon_status ae_vocab_from_gguf(ae_vocab *out, const ae_gguf *g, aeon_error *err)
{
    ae_vocab v = {.bos = -1, .eos = -1, .unk = -1, .pad = -1};
    aeon_status status = read_vocab(&v, g, err);
    if (status != AEON_OK) {
        ae_vocab_release(&v);
        return status;
    }
    *out = v;
    return AEON_OK;
}

/* ---- writing ---- */

static aeon_status put_tokens(ae_gguf_writer *w, const ae_vocab *v, ae_str *texts, int32_t *kinds,
                              float *scores, aeon_error *err)
{
    for (size_t i = 0; i < v->n_tokens; i++) {
        texts[i] = (ae_str){v->tokens[i].text, v->tokens[i].len};
        kinds[i] = v->tokens[i].kind;
        scores[i] = v->tokens[i].score;
    }
    TRY(ae_gguf_put_strings(w, KEY("tokens"), texts, v->n_tokens, err));
    TRY(ae_gguf_put_array(w, KEY("token_type"), AE_GGUF_I32, kinds, v->n_tokens, err));
    if (v->kind != AE_VOCAB_SPM) return AEON_OK;
    return ae_gguf_put_array(w, KEY("scores"), AE_GGUF_F32, scores, v->n_tokens, err);
}

/* Join the parts in one text, then put pointers into it. */
static aeon_status put_merges(ae_gguf_writer *w, const ae_vocab *v, ae_str *joined, aeon_text *text,
                              aeon_error *err)
{
    for (size_t i = 0; i < v->n_merges; i++) {
        const ae_vocab_merge *m = &v->merges[i];
        joined[i].len = (size_t)m->left_len + 1 + m->right_len;
        TRY(aeon_text_append(text, m->left, m->left_len, err));
        TRY(aeon_text_append(text, " ", 1, err));
        TRY(aeon_text_append(text, m->right, m->right_len, err));
    }
    const char *at = text->data;
    for (size_t i = 0; i < v->n_merges; at += joined[i++].len) joined[i].data = at;
    return ae_gguf_put_strings(w, KEY("merges"), joined, v->n_merges, err);
}

static aeon_status put_lists(ae_gguf_writer *w, const ae_vocab *v, aeon_error *err)
{
    size_t n = v->n_tokens > v->n_merges ? v->n_tokens : v->n_merges;
    ae_str *texts = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *texts);
    int32_t *kinds = ae_mem_alloc_array(AE_MEM_VOCAB, v->n_tokens, sizeof *kinds);
    float *scores = ae_mem_alloc_array(AE_MEM_VOCAB, v->n_tokens, sizeof *scores);
    aeon_text joined = {0};
    aeon_status status = texts && kinds && scores
                             ? put_tokens(w, v, texts, kinds, scores, err)
                             : ae_fail_memory(err, n * sizeof *texts, "the vocabulary");
    if (status == AEON_OK && v->kind == AE_VOCAB_BPE)
        status = put_merges(w, v, texts, &joined, err);
    aeon_text_release(&joined);
    ae_mem_free(scores);
    ae_mem_free(kinds);
    ae_mem_free(texts);
    return status;
}

static aeon_status put_id(ae_gguf_writer *w, const char *key, int32_t id, aeon_error *err)
{
    return id < 0 ? AEON_OK : ae_gguf_put_u32(w, key, (uint32_t)id, err);
}

aeon_status ae_gguf_put_vocab(ae_gguf_writer *w, const ae_vocab *v, aeon_error *err)
{
    bool bpe = v->kind == AE_VOCAB_BPE;
    TRY(ae_gguf_put_str(w, KEY("model"), bpe ? "gpt2" : "llama", err));
    if (bpe) TRY(ae_gguf_put_str(w, KEY("pre"), v->split, err));
    TRY(put_lists(w, v, err));
    TRY(put_id(w, KEY("bos_token_id"), v->bos, err));
    TRY(put_id(w, KEY("eos_token_id"), v->eos, err));
    TRY(put_id(w, KEY("unknown_token_id"), v->unk, err));
    TRY(put_id(w, KEY("padding_token_id"), v->pad, err));
    TRY(ae_gguf_put_bool(w, KEY("add_bos_token"), v->add_bos, err));
    return ae_gguf_put_bool(w, KEY("add_space_prefix"), v->add_space_prefix, err);
}
