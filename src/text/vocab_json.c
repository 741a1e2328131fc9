/* vocab_json.c - read the tokenizer.json of a Hugging Face checkpoint.
 *
 * Two families are understood, both with "model": {"type": "BPE"}:
 *   byte-level   pre_tokenizer ByteLevel, perhaps behind a Split by a known regular expression or
 *                behind Digits -> AE_VOCAB_BPE
 *   metaspace    spaces become U+2581 (normalizer Replace, or pre_tokenizer Metaspace), byte tokens
 *                as fallback -> AE_VOCAB_SPM. The file ranks merges; the score of a token is minus
 *                the best rank that makes it, and a token that nothing makes is never merged into.
 * Normalizer NFC is accepted and not applied: text is encoded as it stands, so that its bytes
 * survive. Everything else is refused by name.
 */
#include "base/mem.h"
#include "text/json.h"
#include "text/tables.h"

#include <math.h>
#include <string.h>

typedef struct {
    ae_vocab *v;
    const json_t *root;
    const char *name; /* of the file, for errors */
    aeon_error *err;
} reader;

static aeon_status bad(const reader *r, const char *what)
{
    return ae_fail(r->err, AEON_BAD_FORMAT, "%s: %s", r->name, what);
}

/* which comes from the file. */
static aeon_status unsupported(const reader *r, const char *what, const char *which)
{
    return ae_fail(r->err, AEON_UNSUPPORTED, "%s: %s '%s' is not supported", r->name, what,
                   ae_show(which, strlen(which)).text);
}

/* The "type" of a part; "" if it is absent or null. */
static const char *type_of(const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    return type ? type : "";
}

static bool is_type(const json_t *part, const char *type)
{
    return strcmp(type_of(part), type) == 0;
}

/* A part that may be a Sequence of parts: part i of it, NULL behind the last. */
static const json_t *part_at(const json_t *part, const char *list, size_t i)
{
    if (is_type(part, "Sequence")) return json_array_get(json_object_get(part, list), i);
    return i == 0 && json_is_object(part) ? part : NULL;
}

static bool is_text(const json_t *value, const char *text)
{
    const char *s = json_string_value(value);
    return s && strcmp(s, text) == 0;
}

/* ---- normalizer and pre-tokenizer ------------------------------------------------------------ */

static aeon_status read_normalizer(const reader *r)
{
    const json_t *all = json_object_get(r->root, "normalizer"), *part;
    for (size_t i = 0; (part = part_at(all, "normalizers", i)); i++) {
        const json_t *pattern = json_object_get(json_object_get(part, "pattern"), "String");
        if (is_type(part, "Replace") && is_text(pattern, " ") &&
            is_text(json_object_get(part, "content"), AE_SPM_SPACE)) {
            r->v->kind = AE_VOCAB_SPM;
        } else if (is_type(part, "Prepend") &&
                   is_text(json_object_get(part, "prepend"), AE_SPM_SPACE)) {
            r->v->add_space_prefix = true;
        } else if (!is_type(part, "NFC")) {
            return unsupported(r, "normalizer", type_of(part));
        }
    }
    return AEON_OK;
}

static aeon_status read_metaspace(const reader *r, const json_t *part)
{
    const json_t *scheme = json_object_get(part, "prepend_scheme");
    if (!is_text(json_object_get(part, "replacement"), AE_SPM_SPACE)) {
        return unsupported(r, "pre_tokenizer", "Metaspace with another replacement");
    }
    if (!json_is_false(json_object_get(part, "split"))) {
        return unsupported(r, "pre_tokenizer", "Metaspace that splits");
    }
    r->v->kind = AE_VOCAB_SPM;
    r->v->add_space_prefix = scheme ? !is_text(scheme, "never")
                                    : json_is_true(json_object_get(part, "add_prefix_space"));
    return AEON_OK;
}

static aeon_status read_split(const reader *r, const json_t *part)
{
    const json_t *regex = json_object_get(json_object_get(part, "pattern"), "Regex");
    if (!regex) return unsupported(r, "pre_tokenizer", "Split by a string");
    if (r->v->split) return unsupported(r, "pre_tokenizer", "more than one Split");
    r->v->split = ae_split_recognize(json_string_value(regex), json_string_length(regex));
    if (!r->v->split) return unsupported(r, "the split pattern", json_string_value(regex));
    return AEON_OK;
}

static aeon_status read_pre_tokenizer(const reader *r)
{
    const json_t *all = json_object_get(r->root, "pre_tokenizer"), *part;
    bool has_byte_level = false, has_digits = false;
    for (size_t i = 0; (part = part_at(all, "pretokenizers", i)); i++) {
        if (is_type(part, "Split")) {
            TRY(read_split(r, part));
        } else if (is_type(part, "Digits") &&
                   json_is_true(json_object_get(part, "individual_digits"))) {
            has_digits = true;
        } else if (is_type(part, "Metaspace")) {
            TRY(read_metaspace(r, part));
        } else if (is_type(part, "ByteLevel")) {
            has_byte_level = true;
            if (json_is_true(json_object_get(part, "add_prefix_space"))) {
                return unsupported(r, "pre_tokenizer", "ByteLevel with add_prefix_space");
            }
            bool splits = !json_is_false(json_object_get(part, "use_regex"));
            if (splits && r->v->split) return unsupported(r, "pre_tokenizer", "Split twice");
            if (splits) r->v->split = has_digits ? "smollm" : "gpt-2";
        } else {
            return unsupported(r, "pre_tokenizer", type_of(part));
        }
    }
    if (has_digits && (!r->v->split || strcmp(r->v->split, "smollm") != 0)) {
        return unsupported(r, "pre_tokenizer", "Digits without ByteLevel's own split");
    }
    if ((r->v->kind == AE_VOCAB_BPE) != has_byte_level) {
        return unsupported(r, "pre_tokenizer", has_byte_level ? "ByteLevel and metaspace" : "none");
    }
    if (r->v->kind == AE_VOCAB_BPE && !r->v->split) {
        return unsupported(r, "pre_tokenizer", "ByteLevel without a split");
    }
    return AEON_OK;
}

/* The start token is expected if the template of a single text begins with a special token. */
static void read_post_processor(const reader *r)
{
    const json_t *all = json_object_get(r->root, "post_processor"), *part;
    for (size_t i = 0; (part = part_at(all, "processors", i)); i++) {
        const json_t *first = json_array_get(json_object_get(part, "single"), 0);
        if (json_object_get(first, "SpecialToken")) r->v->add_bos = true;
    }
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* An id as the file has it; -1 if it is none. */
static int64_t id_of(const json_t *value)
{
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    return id >= 0 && id < AE_MAX_VOCAB ? id : -1;
}

static aeon_status count_tokens(const reader *r, const json_t *vocab, const json_t *added,
                                size_t *n_tokens)
{
    size_t i;
    int64_t largest = -1;
    const char *text;
    json_t *value;
    json_object_foreach((json_t *)vocab, text, value)
    {
        int64_t id = id_of(value);
        if (id < 0) return bad(r, "model.vocab has an id that is no number from 0 to 1048575");
        largest = id > largest ? id : largest;
    }
    json_array_foreach(added, i, value)
    {
        int64_t id = id_of(json_object_get(value, "id"));
        if (id < 0) return bad(r, "added_tokens has an id that is no number from 0 to 1048575");
        largest = id > largest ? id : largest;
    }
    *n_tokens = (size_t)(largest + 1);
    return AEON_OK;
}

static aeon_status read_vocab(const reader *r, const json_t *vocab)
{
    const char *text;
    json_t *value;
    json_object_foreach((json_t *)vocab, text, value)
    {
        ae_vocab_token *token = &r->v->tokens[id_of(value)];
        if (token->text) return bad(r, "model.vocab gives one id to two tokens");
        size_t len = strlen(text);
        bool is_byte = r->v->kind == AE_VOCAB_SPM && len == 6 && strncmp(text, "<0x", 3) == 0;
        if (len > INT32_MAX) return bad(r, "a token of more than 2 GiB");
        *token = (ae_vocab_token){text, (uint32_t)len, is_byte ? AE_TOKEN_BYTE : AE_TOKEN_NORMAL,
                                  -INFINITY};
    }
    return AEON_OK;
}

static aeon_status read_added(const reader *r, const json_t *added)
{
    size_t i;
    json_t *value;
    json_array_foreach(added, i, value)
    {
        const json_t *content = json_object_get(value, "content");
        size_t len = json_string_length(content);
        if (!content || len == 0 || len > INT32_MAX) {
            return bad(r, "an added token without content");
        }
        ae_vocab_token *token = &r->v->tokens[id_of(json_object_get(value, "id"))];
        if (token->text &&
            (token->len != len || memcmp(token->text, json_string_value(content), len) != 0)) {
            return bad(r, "an added token has the id of another token");
        }
        bool is_control = json_is_true(json_object_get(value, "special"));
        *token = (ae_vocab_token){json_string_value(content), (uint32_t)len,
                                  is_control ? AE_TOKEN_CONTROL : AE_TOKEN_USER_DEFINED, -INFINITY};
    }
    return AEON_OK;
}

static aeon_status read_tokens(const reader *r, const json_t *vocab)
{
    const json_t *added = json_object_get(r->root, "added_tokens");
    if (json_object_size(vocab) == 0) return bad(r, "model.vocab is no object with tokens");
    size_t n = 0;
    TRY(count_tokens(r, vocab, added, &n));
    r->v->tokens = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *r->v->tokens);
    if (!r->v->tokens) return ae_fail_memory(r->err, n * sizeof *r->v->tokens, "the vocabulary");
    r->v->n_tokens = n;
    TRY(read_vocab(r, vocab));
    TRY(read_added(r, added));
    for (size_t i = 0; i < n; i++) { /* ids that nobody uses */
        if (!r->v->tokens[i].text) r->v->tokens[i] = (ae_vocab_token){"", 0, AE_TOKEN_UNUSED, 0};
    }
    return AEON_OK;
}

/* ---- merges ---------------------------------------------------------------------------------- */

static bool parse_merge_text(ae_vocab_merge *out, const char *text, size_t len)
{
    const char *space = len ? memchr(text, ' ', len) : NULL;
    if (!space || len > INT32_MAX) return false;
    size_t left = (size_t)(space - text), right = len - left - 1;
    if (left == 0 || right == 0 || memchr(space + 1, ' ', right)) return false;
    *out = (ae_vocab_merge){text, space + 1, (uint32_t)left, (uint32_t)right};
    return true;
}

/* "left right", or ["left", "right"]. */
static bool parse_merge(ae_vocab_merge *out, const json_t *value)
{
    if (json_is_string(value)) {
        return parse_merge_text(out, json_string_value(value), json_string_length(value));
    }
    const json_t *left = json_array_get(value, 0), *right = json_array_get(value, 1);
    size_t n_left = json_string_length(left), n_right = json_string_length(right);
    if (json_array_size(value) != 2 || n_left == 0 || n_right == 0) return false;
    if (n_left > INT32_MAX || n_right > INT32_MAX) return false;
    *out = (ae_vocab_merge){json_string_value(left), json_string_value(right), (uint32_t)n_left,
                            (uint32_t)n_right};
    return true;
}

static aeon_status read_merges(const reader *r, const json_t *merges)
{
    size_t n = json_array_size(merges);
    if (!json_is_array(merges)) return bad(r, "model.merges is no list");
    r->v->merges = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *r->v->merges);
    if (!r->v->merges) return ae_fail_memory(r->err, n * sizeof *r->v->merges, "the merges");
    for (size_t i = 0; i < n; i++) {
        if (!parse_merge(&r->v->merges[i], json_array_get(merges, i))) {
            return ae_fail(r->err, AEON_BAD_FORMAT, "%s: merge %zu is no pair of tokens", r->name,
                           i);
        }
    }
    r->v->n_merges = n;
    return AEON_OK;
}

/* Metaspace family: turn the ranks of the merges into scores of the tokens that they make. */
static aeon_status score_merges(const reader *r, const json_t *vocab)
{
    aeon_text whole = {0};
    aeon_status status = AEON_OK;
    for (size_t i = 0; i < r->v->n_merges && status == AEON_OK; i++) {
        const ae_vocab_merge *m = &r->v->merges[i];
        whole.len = 0;
        status = aeon_text_append(&whole, m->left, m->left_len, r->err);
        if (status == AEON_OK) status = aeon_text_append(&whole, m->right, m->right_len, r->err);
        if (status != AEON_OK) break;
        int64_t id = id_of(json_object_get(vocab, whole.data));
        if (id < 0) {
            status = ae_fail(r->err, AEON_BAD_FORMAT,
                             "%s: merge %zu makes a token that the vocabulary lacks", r->name, i);
        } else if (r->v->tokens[id].score == -INFINITY) {
            r->v->tokens[id].score = -(float)i;
        }
    }
    aeon_text_release(&whole);
    return status;
}

/* ---- the file -------------------------------------------------------------------------------- */

static aeon_status check_model(const reader *r, const json_t *model)
{
    if (!json_is_object(model)) return bad(r, "there is no model object");
    if (json_object_get(model, "type") && !is_type(model, "BPE")) {
        return unsupported(r, "tokenizer model", type_of(model));
    }
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < AE_COUNT(affixes); i++) {
        const char *affix = json_string_value(json_object_get(model, affixes[i]));
        if (affix && affix[0]) return unsupported(r, affixes[i], affix);
    }
    return AEON_OK;
}

static aeon_status read_all(const reader *r)
{
    const json_t *model = json_object_get(r->root, "model");
    const json_t *vocab = json_object_get(model, "vocab");
    const char *unk = json_string_value(json_object_get(model, "unk_token"));
    TRY(check_model(r, model));
    TRY(read_normalizer(r));
    TRY(read_pre_tokenizer(r));
    read_post_processor(r);
    TRY(read_tokens(r, vocab));
    TRY(read_merges(r, json_object_get(model, "merges")));
    r->v->ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    if (unk) r->v->unk = (int32_t)id_of(json_object_get(vocab, unk));
    return r->v->kind == AE_VOCAB_SPM ? score_merges(r, vocab) : AEON_OK;
}

aeon_status ae_vocab_from_json(ae_vocab *out, const char *json, size_t len, const char *name,
                               aeon_error *err)
{
    json_t *root = NULL;
    TRY(ae_json_object(&root, json, len, name, err));
    ae_vocab v = {.bos = -1, .eos = -1, .unk = -1, .pad = -1, .owner = root};
    reader r = {&v, root, name, err};
    aeon_status status = read_all(&r);
    if (status != AEON_OK) {
        ae_vocab_release(&v);
        return status;
    }
    *out = v;
    return AEON_OK;
}

void ae_vocab_release(ae_vocab *v)
{
    ae_mem_free(v->tokens);
    ae_mem_free(v->merges);
    ae_mem_free(v->padding);
    json_decref(v->owner);
    *v = (ae_vocab){.bos = -1, .eos = -1, .unk = -1, .pad = -1};
}
