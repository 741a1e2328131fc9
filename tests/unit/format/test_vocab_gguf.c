/* format/vocab_gguf: a vocabulary goes into a GGUF file and comes back; lies are refused. */
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "format/vocab_gguf.h"
#include "unit/format/gguf_bytes.h"
#include "unit/format/scratch.h"

static aeon_error err;

static ae_vocab_token token(const char *text, ae_token_kind kind, float score)
{
    return (ae_vocab_token){text, (uint32_t)strlen(text), kind, score};
}

static ae_vocab_merge merge(const char *left, const char *right)
{
    return (ae_vocab_merge){left, right, (uint32_t)strlen(left), (uint32_t)strlen(right)};
}

static aeon_status write_vocab(const ae_vocab *v, aeon_error *e)
{
    ae_gguf_writer *w;
    aeon_status status = ae_gguf_writer_open(&w, in_scratch("v.gguf"), e);
    if (status != AEON_OK) return status;
    status = ae_gguf_put_vocab(w, v, e);
    if (status == AEON_OK) return ae_gguf_writer_commit(w, e);
    ae_gguf_writer_abort(w);
    return status;
}

static void expect_same(const ae_vocab *a, const ae_vocab *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->n_tokens, b->n_tokens);
    for (size_t i = 0; i < a->n_tokens; i++) {
        const ae_vocab_token *x = &a->tokens[i], *y = &b->tokens[i];
        assert_true(x->len == y->len && x->kind == y->kind && x->score == y->score);
        assert_memory_equal(x->text, y->text, x->len);
    }
    assert_int_equal(a->n_merges, b->n_merges);
    for (size_t i = 0; i < a->n_merges; i++) {
        const ae_vocab_merge *x = &a->merges[i], *y = &b->merges[i];
        assert_true(x->left_len == y->left_len && x->right_len == y->right_len);
        assert_memory_equal(x->left, y->left, x->left_len);
        assert_memory_equal(x->right, y->right, x->right_len);
    }
    assert_true(a->split == b->split); /* canonical names are static */
    assert_int_equal(a->ignore_merges, b->ignore_merges);
    assert_int_equal(a->add_space_prefix, b->add_space_prefix);
    assert_int_equal(a->add_bos, b->add_bos);
    assert_true(a->bos == b->bos && a->eos == b->eos && a->unk == b->unk && a->pad == b->pad);
}

static void expect_round_trip(const ae_vocab *v)
{
    CHECK_OK(write_vocab(v, &err));
    ae_gguf *g;
    ae_vocab back;
    CHECK_OK(ae_gguf_open(&g, in_scratch("v.gguf"), &err));
    CHECK_OK(ae_vocab_from_gguf(&back, g, &err));
    expect_same(v, &back);
    ae_vocab_release(&back);
    ae_gguf_close(g);
}

static ae_vocab_token bpe_tokens[4];
static ae_vocab_merge bpe_merges[2];

static ae_vocab bpe(void)
{
    bpe_tokens[0] = token("a", AE_TOKEN_NORMAL, 0);
    bpe_tokens[1] = token("b", AE_TOKEN_NORMAL, 0);
    bpe_tokens[2] = token("ab", AE_TOKEN_NORMAL, 0);
    bpe_tokens[3] = token("<|end|>", AE_TOKEN_CONTROL, 0);
    bpe_merges[0] = merge("a", "b");
    bpe_merges[1] = merge(" ", "b"); /* the space that separates is not the first byte */
    return (ae_vocab){
        .kind = AE_VOCAB_BPE,
        .tokens = bpe_tokens,
        .n_tokens = 4,
        .merges = bpe_merges,
        .n_merges = 2,
        .split = ae_vocab_split_find("gpt-4o", 6),
        .bos = 3,
        .eos = 3,
        .unk = -1,
        .pad = 0,
    };
}

static void bpe_round_trips(void **state)
{
    (void)state;
    ae_vocab v = bpe();
    expect_round_trip(&v);
    v.split = ae_vocab_split_find("llama-bpe", 9);
    v.ignore_merges = v.add_bos = true;
    v.bos = v.pad = -1;
    expect_round_trip(&v);
    v.add_bos = false; /* what is written overrules what is usual */
    v.n_merges = 0;
    expect_round_trip(&v);
}

static void spm_round_trips(void **state)
{
    (void)state;
    ae_vocab_token tokens[] = {
        token("<unk>", AE_TOKEN_UNKNOWN, 0),
        token("<s>", AE_TOKEN_CONTROL, 0),
        token("<0x0A>", AE_TOKEN_BYTE, 0),
        token("\xe2\x96\x81the", AE_TOKEN_NORMAL, -1.25f),
        token("<|user|>", AE_TOKEN_USER_DEFINED, -3),
        token("", AE_TOKEN_UNUSED, -1e9f),
    };
    ae_vocab v = {.kind = AE_VOCAB_SPM,
                  .tokens = tokens,
                  .n_tokens = AE_COUNT(tokens),
                  .add_space_prefix = true,
                  .add_bos = true,
                  .bos = 1,
                  .eos = -1,
                  .unk = 0,
                  .pad = -1};
    expect_round_trip(&v);
    v.add_space_prefix = v.add_bos = false;
    expect_round_trip(&v);
}

/* ---- files with a fault ---- */

/* What a small BPE file says; NULL leaves a key out. */
typedef struct {
    const char *model, *pre, *merge;
    uint32_t token_type; /* of the last of three tokens */
    uint64_t n_scores;   /* 0: no scores */
    uint64_t n_types;    /* 0: no types */
    const char *id_key;  /* one id */
    uint32_t id;
    bool wrong_id_type;
    uint32_t tokens_type;
    bool has_no_tokens;
} fault;

static const fault sound = {.model = "gpt2",
                            .pre = "gpt-2",
                            .merge = "a b",
                            .token_type = 1,
                            .n_types = 3,
                            .tokens_type = AE_GGUF_STRING};

static bytes compose(const fault *f)
{
    bytes b = head(0, 0);
    uint64_t n = 1;
    if (f->model) {
        put_key(&b, "tokenizer.ggml.model", AE_GGUF_STRING);
        put_str(&b, f->model);
        n++;
    }
    if (f->pre) {
        put_key(&b, "tokenizer.ggml.pre", AE_GGUF_STRING);
        put_str(&b, f->pre);
        n++;
    }
    put_key(&b, "tokenizer.ggml.tokens", AE_GGUF_ARRAY);
    put32(&b, f->tokens_type);
    put64(&b, f->has_no_tokens ? 0 : 3);
    for (int i = 0; i < 3 && !f->has_no_tokens; i++)
        put_str(&b, (const char *[]){"a", "b", "ab"}[i]);
    if (f->tokens_type != AE_GGUF_STRING) b.n -= 28 - 3; /* three bytes instead */
    if (f->merge) {
        put_key(&b, "tokenizer.ggml.merges", AE_GGUF_ARRAY);
        put32(&b, AE_GGUF_STRING);
        put64(&b, 1);
        put_str(&b, f->merge);
        n++;
    }
    if (f->n_scores) {
        put_key(&b, "tokenizer.ggml.scores", AE_GGUF_ARRAY);
        put32(&b, AE_GGUF_F32);
        put64(&b, f->n_scores);
        for (uint64_t i = 0; i < f->n_scores; i++) put32(&b, 0);
        n++;
    }
    if (f->n_types) {
        put_key(&b, "tokenizer.ggml.token_type", AE_GGUF_ARRAY);
        put32(&b, AE_GGUF_I32);
        put64(&b, f->n_types);
        for (uint64_t i = 1; i < f->n_types; i++) put32(&b, 1);
        put32(&b, f->token_type);
        n++;
    }
    if (f->id_key) {
        put_key(&b, f->id_key, f->wrong_id_type ? AE_GGUF_F32 : AE_GGUF_U32);
        put32(&b, f->id);
        n++;
    }
    memcpy(b.at + 16, &n, 8);
    return b;
}

static aeon_status read_fault(const fault *f, ae_vocab *v)
{
    bytes b = compose(f);
    ae_gguf *g;
    CHECK_OK(ae_gguf_open_memory(&g, b.at, b.n, "fault.gguf", &err));
    err.text[0] = 0;
    aeon_status status = ae_vocab_from_gguf(v, g, &err);
    ae_gguf_close(g);
    return status;
}

static void refuse(fault f, aeon_status expected, const char *words)
{
    ae_vocab v;
    size_t before = aeon_memory_stats_get().current_bytes;
    assert_int_equal(read_fault(&f, &v), expected);
    if (strncmp(err.text, "fault.gguf: ", 12) != 0 || !strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void a_sound_file_and_old_ones(void **state)
{
    (void)state;
    ae_vocab v;
    fault f = sound;
    assert_int_equal(read_fault(&f, &v), AEON_OK);
    assert_true(v.n_tokens == 3 && v.n_merges == 1 && v.bos == -1 && !v.ignore_merges);
    ae_vocab_release(&v);
    f.pre = NULL; /* older than the key */
    f.n_types = 0;
    assert_int_equal(read_fault(&f, &v), AEON_OK);
    assert_int_equal(v.tokens[2].kind, AE_TOKEN_NORMAL);
    ae_vocab_release(&v);
    f = (fault){.model = "llama", .n_scores = 3, .tokens_type = AE_GGUF_STRING};
    assert_int_equal(read_fault(&f, &v), AEON_OK);
    assert_true(v.kind == AE_VOCAB_SPM && v.add_bos && v.add_space_prefix && v.n_merges == 0);
    ae_vocab_release(&v);
}

static void unsupported_tokenizers_are_named(void **state)
{
    (void)state;
    fault f = sound;
    f.model = "bert";
    refuse(f, AEON_UNSUPPORTED, "'bert'");
    f = sound;
    f.pre = "chameleon";
    refuse(f, AEON_UNSUPPORTED, "'chameleon'");
    f = sound;
    f.model = NULL;
    refuse(f, AEON_NOT_FOUND, "no tokenizer");
}

static void merges_that_are_not_two_parts(void **state)
{
    (void)state;
    static const char *const merges[] = {"", " ", "ab", "a ", " ab", "  "};
    fault f = sound;
    for (size_t i = 0; i < AE_COUNT(merges); i++) {
        f.merge = merges[i];
        refuse(f, AEON_BAD_FORMAT, "merge 0");
    }
    f.merge = NULL;
    refuse(f, AEON_BAD_FORMAT, "merges is missing");
}

static void lists_of_another_length(void **state)
{
    (void)state;
    fault f = sound;
    f.n_types = 2;
    refuse(f, AEON_BAD_FORMAT, "token_type has 2 elements for 3 tokens");
    f.n_types = 4;
    refuse(f, AEON_BAD_FORMAT, "token_type has 4 elements for 3 tokens");
    f = sound;
    f.model = "llama";
    refuse(f, AEON_BAD_FORMAT, "scores is missing");
    f.n_scores = 2;
    refuse(f, AEON_BAD_FORMAT, "scores has 2 elements for 3 tokens");
    f = sound;
    f.has_no_tokens = true;
    refuse(f, AEON_BAD_FORMAT, "there are no tokenizer.ggml.tokens");
    f = sound;
    f.tokens_type = AE_GGUF_U8;
    refuse(f, AEON_BAD_FORMAT, "tokens is not an array");
}

static void kinds_that_do_not_exist(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, 7, 0x80000000u, UINT32_MAX};
    fault f = sound;
    for (size_t i = 0; i < AE_COUNT(kinds); i++) {
        f.token_type = kinds[i];
        refuse(f, AEON_BAD_FORMAT, "token 2");
    }
}

static void ids_outside_the_vocabulary(void **state)
{
    (void)state;
    static const char *const keys[] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                                       "tokenizer.ggml.unknown_token_id"};
    fault f = sound;
    for (size_t i = 0; i < AE_COUNT(keys); i++) {
        f.id_key = keys[i];
        f.wrong_id_type = false;
        f.id = 3;
        refuse(f, AEON_BAD_FORMAT, keys[i]);
        f.id = UINT32_MAX;
        refuse(f, AEON_BAD_FORMAT, keys[i]);
        f.id = 0;
        f.wrong_id_type = true;
        refuse(f, AEON_BAD_FORMAT, keys[i]);
    }
    ae_vocab v; /* nobody reads the id of the padding */
    f.id_key = "tokenizer.ggml.padding_token_id";
    f.id = 3;
    f.wrong_id_type = false;
    assert_int_equal(read_fault(&f, &v), AEON_OK);
    assert_int_equal(v.pad, -1);
    ae_vocab_release(&v);
}

/* CVE-2025-49847: a number of tokens that a later cast makes negative. */
static void vocabulary_length_beyond_any_tokenizer(void **state)
{
    (void)state;
    bytes b = head(0, 2);
    put_key(&b, "tokenizer.ggml.model", AE_GGUF_STRING);
    put_str(&b, "llama");
    put_key(&b, "tokenizer.ggml.tokens", AE_GGUF_ARRAY);
    put32(&b, AE_GGUF_STRING);
    put64(&b, AE_VOCAB_MAX + 1);
    size_t size = b.n + 8 * ((size_t)AE_VOCAB_MAX + 1);
    unsigned char *file = calloc(1, size); /* empty strings */
    assert_non_null(file);
    memcpy(file, b.at, b.n);
    ae_gguf *g;
    ae_vocab v;
    CHECK_OK(ae_gguf_open_memory(&g, file, size, "long.gguf", &err));
    CHECK_FAILS(ae_vocab_from_gguf(&v, g, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "4194305"));
    ae_gguf_close(g);
    free(file);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    ae_vocab v = bpe();
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1;; k++) {
        ae_mem_fail_at(k, true);
        aeon_status status = write_vocab(&v, &err);
        ae_mem_fail_at(0, false);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
    }
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, in_scratch("v.gguf"), &err));
    before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1;; k++) {
        ae_vocab back;
        ae_mem_fail_at(k, true);
        aeon_status status = ae_vocab_from_gguf(&back, g, &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) {
            assert_int_equal(k, 3); /* tokens and merges */
            ae_vocab_release(&back);
        }
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
    }
    ae_gguf_close(g);
}

/* The size of Phi-4-mini's vocabulary opens in well under 50 ms on any machine; a search that
 * walks the list, or a list that grows one by one, would need minutes. */
static void two_hundred_thousand_tokens(void **state)
{
    (void)state;
    enum { N = 200000, LEN = 8 };
    char *texts = malloc(N * LEN);
    ae_vocab_token *tokens = calloc(N, sizeof *tokens);
    ae_vocab_merge *merges = calloc(N, sizeof *merges);
    assert_true(texts && tokens && merges);
    for (size_t i = 0; i < N; i++) {
        char spelling[16];
        snprintf(spelling, sizeof spelling, "%08zu", i);
        memcpy(texts + i * LEN, spelling, LEN);
        tokens[i] = (ae_vocab_token){texts + i * LEN, LEN, AE_TOKEN_NORMAL, 0};
        merges[i] = (ae_vocab_merge){texts + i * LEN, texts + i * LEN + 4, 4, 4};
    }
    ae_vocab v = bpe();
    v.tokens = tokens;
    v.merges = merges;
    v.n_tokens = v.n_merges = N;
    CHECK_OK(write_vocab(&v, &err));
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        ae_gguf *g;
        ae_vocab back;
        double start = ae_clock_s();
        CHECK_OK(ae_gguf_open(&g, in_scratch("v.gguf"), &err));
        CHECK_OK(ae_vocab_from_gguf(&back, g, &err));
        double seconds = ae_clock_s() - start;
        if (seconds < best) best = seconds;
        assert_memory_equal(back.merges[N - 1].right, "9999", 4);
        ae_vocab_release(&back);
        ae_gguf_close(g);
    }
    print_message("opened in %.1f ms\n", best * 1e3);
    assert_true(best < 1.0); /* sanitizers and qemu are slow */
    free(texts);
    free(tokens);
    free(merges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(bpe_round_trips),
        SCRATCH_TEST(spm_round_trips),
        SCRATCH_TEST(a_sound_file_and_old_ones),
        SCRATCH_TEST(unsupported_tokenizers_are_named),
        SCRATCH_TEST(merges_that_are_not_two_parts),
        SCRATCH_TEST(lists_of_another_length),
        SCRATCH_TEST(kinds_that_do_not_exist),
        SCRATCH_TEST(ids_outside_the_vocabulary),
        SCRATCH_TEST(vocabulary_length_beyond_any_tokenizer),
        SCRATCH_TEST(every_allocation_may_fail),
        SCRATCH_TEST(two_hundred_thousand_tokens),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
