/* split.c - the split rules of the known tokenizers, run by PCRE2.
 *
 * The rules are written with explicit white space (Unicode's White_Space) instead of \s, because
 * PCRE2 also counts U+180E. Each class is repeated on its own, never inside a repeated group, so
 * that a run of a million characters costs neither recursion nor more than two scans.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/split.h"

#include "base/mem.h"
#include "text/vocab.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <string.h>

#define WS                                                                                         \
    "\\t-\\r "                                                                                     \
    "\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define CONTRACTION  "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define NOT_WORD     "[^\\r\\n\\p{L}\\p{N}]?"
#define UPPER        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER        "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define SYMBOLS      " ?[^" WS "\\p{L}\\p{N}]+"
#define SPACE_RUNS   "[" WS "]+(?![^" WS "])|[" WS "]+"
#define LINES_SPACES "[" WS "]*[\\r\\n]+|" SPACE_RUNS
#define GPT2         "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|" SYMBOLS "|" SPACE_RUNS

enum { MAX_STAGES = 4 };

static const struct rule {
    const char *name;
    const char *stages[MAX_STAGES]; /* up to the first NULL */
} rules[] = {
    {"gpt-4o",
     {NOT_WORD UPPER "*" LOWER "+" CONTRACTION "?|" NOT_WORD UPPER "+" LOWER "*" CONTRACTION
                     "?|\\p{N}{1,3}|" SYMBOLS "[\\r\\n/]*|" LINES_SPACES}},
    {"llama-bpe",
     {CONTRACTION "|" NOT_WORD "\\p{L}+|\\p{N}{1,3}|" SYMBOLS "[\\r\\n]*|" LINES_SPACES}},
    {"qwen2", {CONTRACTION "|" NOT_WORD "\\p{L}+|\\p{N}|" SYMBOLS "[\\r\\n]*|" LINES_SPACES}},
    {"gpt-2", {GPT2}},
    {"tekken",
     {NOT_WORD UPPER "*" LOWER "+|" NOT_WORD UPPER "+" LOWER "*|\\p{N}|" SYMBOLS
                     "[\\r\\n/]*|" LINES_SPACES}},
    {"smollm", {"\\p{N}", GPT2}},
    {"default", {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9]{3}"}},
};

/* Other names that GGUF files use for the same rules. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    {"llama4", "gpt-4o"},  {"llama3", "llama-bpe"},       {"llama-v3", "llama-bpe"},
    {"dbrx", "llama-bpe"}, {"smaug-bpe", "llama-bpe"},    {"phi-2", "gpt-2"},
    {"gpt2", "gpt-2"},     {"deepseek-r1-qwen", "qwen2"},
};

/* The same rules as tokenizer.json files spell them. */
#define S_TAIL   "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define S_UPPER  "[^\\r\\n\\p{L}\\p{N}]?" UPPER
#define S_SYMBOL " ?[^\\s\\p{L}\\p{N}]+"
static const struct {
    const char *regex, *name;
} spellings[] = {
    {S_UPPER "*" LOWER "+" CONTRACTION "?|" S_UPPER "+" LOWER "*" CONTRACTION
             "?|\\p{N}{1,3}|" S_SYMBOL "[\\r\\n/]*" S_TAIL,
     "gpt-4o"},
    {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" S_SYMBOL "[\\r\\n]*" S_TAIL,
     "llama-bpe"},
    {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" S_SYMBOL "[\\r\\n]*" S_TAIL, "qwen2"},
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|" S_SYMBOL "|\\s+(?!\\S)|\\s+", "gpt-2"},
    {S_UPPER "*" LOWER "+|" S_UPPER "+" LOWER "*|\\p{N}|" S_SYMBOL "[\\r\\n/]*" S_TAIL, "tekken"},
};

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

const char *ae_vocab_split_find(const char *pre, size_t len)
{
    for (size_t i = 0; i < AE_COUNT(rules); i++) {
        if (same(rules[i].name, pre, len)) return rules[i].name;
    }
    for (size_t i = 0; i < AE_COUNT(aliases); i++) {
        if (same(aliases[i].alias, pre, len)) return aliases[i].name;
    }
    return NULL;
}

const char *ae_split_recognize(const char *regex, size_t len)
{
    for (size_t i = 0; i < AE_COUNT(spellings); i++) {
        if (same(spellings[i].regex, regex, len)) return spellings[i].name;
    }
    return NULL;
}

/* ---- compiling ------------------------------------------------------------------------------- */

struct ae_split {
    pcre2_general_context *memory;
    int n_stages;
    struct {
        pcre2_code *code;
        bool has_jit;
    } stages[MAX_STAGES];
};

static atomic_bool jit_forbidden;

void ae_split_forbid_jit(bool forbid)
{
    atomic_store(&jit_forbidden, forbid);
}

static void *pcre_alloc(size_t size, void *user)
{
    (void)user;
    return ae_mem_alloc(AE_MEM_VOCAB, size);
}

static void pcre_free(void *block, void *user)
{
    (void)user;
    ae_mem_free(block);
}

static aeon_status compile(ae_split *s, const char *regex, aeon_error *err)
{
    pcre2_compile_context *c = pcre2_compile_context_create(s->memory);
    if (!c) return ae_fail_memory(err, 0, "a split pattern");
    int code;
    size_t at;
    pcre2_code *p = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP,
                                  &code, &at, c);
    pcre2_compile_context_free(c);
    if (!p && code == PCRE2_ERROR_HEAP_FAILED) return ae_fail_memory(err, 0, "a split pattern");
    if (!p) {
        return ae_fail(err, AEON_UNSUPPORTED,
                       "this PCRE2 refuses a split pattern (error %d at %zu)", code, at);
    }
    s->stages[s->n_stages].code = p;
    s->stages[s->n_stages].has_jit =
        !atomic_load(&jit_forbidden) && pcre2_jit_compile(p, PCRE2_JIT_COMPLETE) == 0;
    s->n_stages++;
    return AEON_OK;
}

aeon_status ae_split_new(ae_split **out, const char *name, aeon_error *err)
{
    const struct rule *rule = NULL;
    for (size_t i = 0; i < AE_COUNT(rules); i++) {
        if (name && strcmp(rules[i].name, name) == 0) rule = &rules[i];
    }
    if (!rule) {
        return ae_fail(err, AEON_UNSUPPORTED, "no split rule is called '%s'", name ? name : "");
    }
    ae_split *s = ae_mem_alloc(AE_MEM_VOCAB, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a split pattern");
    s->memory = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    aeon_status status = s->memory ? AEON_OK : ae_fail_memory(err, 0, "a split pattern");
    for (int i = 0; i < MAX_STAGES && rule->stages[i] && status == AEON_OK; i++) {
        status = compile(s, rule->stages[i], err);
    }
    if (status != AEON_OK) {
        ae_split_free(s);
        return status;
    }
    *out = s;
    return AEON_OK;
}

void ae_split_free(ae_split *s)
{
    if (!s) return;
    for (int i = 0; i < s->n_stages; i++) pcre2_code_free(s->stages[i].code);
    pcre2_general_context_free(s->memory);
    ae_mem_free(s);
}

/* ---- running --------------------------------------------------------------------------------- */

struct ae_split_state {
    const ae_split *split; /* borrowed */
    pcre2_match_context *limits;
    pcre2_match_data *match;
    ae_piece_fn fn;
    void *user;
};

aeon_status ae_split_state_new(ae_split_state **out, const ae_split *s, aeon_error *err)
{
    ae_split_state *m = ae_mem_alloc(AE_MEM_SCRATCH, sizeof *m);
    if (!m) return ae_fail_memory(err, sizeof *m, "splitting text");
    m->split = s;
    m->limits = pcre2_match_context_create(s->memory);
    m->match = pcre2_match_data_create(1, s->memory);
    if (!m->limits || !m->match) {
        ae_split_state_free(m);
        return ae_fail_memory(err, 0, "splitting text");
    }
    pcre2_set_heap_limit(m->limits, 64 * 1024); /* KiB; the interpreter needs far less */
    *out = m;
    return AEON_OK;
}

void ae_split_state_free(ae_split_state *m)
{
    if (!m) return;
    pcre2_match_data_free(m->match);
    pcre2_match_context_free(m->limits);
    ae_mem_free(m);
}

/* Find the next match of a stage at or after pos; *begin = *end = len if there is none. */
static aeon_status next_match(ae_split_state *m, int stage, const char *text, size_t len,
                              size_t pos, size_t *begin, size_t *end, aeon_error *err)
{
    const pcre2_code *code = m->split->stages[stage].code;
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    int rc = PCRE2_ERROR_JIT_STACKLIMIT;
    if (m->split->stages[stage].has_jit) {
        rc = pcre2_jit_match(code, subject, len, pos, PCRE2_NO_UTF_CHECK, m->match, m->limits);
    }
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) { /* the interpreter keeps its stack on the heap */
        rc = pcre2_match(code, subject, len, pos, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, m->match,
                         m->limits);
    }
    if (rc == PCRE2_ERROR_NOMATCH) {
        *begin = *end = len;
        return AEON_OK;
    }
    if (rc == PCRE2_ERROR_NOMEMORY || rc == PCRE2_ERROR_HEAPLIMIT) {
        return ae_fail_memory(err, len, "splitting text");
    }
    if (rc < 0) return ae_fail(err, AEON_INTERNAL, "splitting text failed (PCRE2 error %d)", rc);
    const size_t *at = pcre2_get_ovector_pointer(m->match);
    AEON_ASSERT(at[0] >= pos && at[1] > at[0] && at[1] <= len); /* no rule matches nothing */
    *begin = at[0];
    *end = at[1];
    return AEON_OK;
}

static aeon_status run_stage(ae_split_state *m, int stage, const char *text, size_t len,
                             aeon_error *err)
{
    if (stage == MAX_STAGES || stage == m->split->n_stages) {
        return m->fn(m->user, text, len, err);
    }
    size_t pos = 0, begin = 0, end = 0;
    while (pos < len) {
        TRY(next_match(m, stage, text, len, pos, &begin, &end, err));
        if (begin > pos) TRY(run_stage(m, stage + 1, text + pos, begin - pos, err));
        if (end > begin) TRY(run_stage(m, stage + 1, text + begin, end - begin, err));
        pos = end;
    }
    return AEON_OK;
}

aeon_status ae_split_run(ae_split_state *m, const char *text, size_t len, ae_piece_fn fn,
                         void *user, aeon_error *err)
{
    m->fn = fn;
    m->user = user;
    /* The rules are linear with a small factor: a limit in proportion only stops what is broken. */
    uint64_t limit = 1000000 + 16 * (uint64_t)len;
    pcre2_set_match_limit(m->limits, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
    return run_stage(m, 0, text, len, err);
}
