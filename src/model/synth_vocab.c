/* synth_vocab.c - the tokenizer of a synthetic model: complete, so that any text can be encoded,
 * and small, so that it can be made from nothing.
 *
 *   id 0-255        the bytes
 *   from 256        results of the merges, which build some English words from left to right
 *   in between      [filler_N], unused: visible when generated, never made by encoding
 *   at the end, or at the ids that Phi-4-mini gives them   special tokens
 */
#include "base/mem.h"
#include "format/vocab_gguf.h"
#include "model/synth.h"

#include <stdio.h>
#include <string.h>

static const char words[] =
    "the of and to in is you that it he was for on are as with his they at be this have from or "
    "one had by word but not what all were we when your can said there use an each which she do "
    "how their if will up other about out many then them these so some her would make like him "
    "into time has look two more write go see number no way could people my than first water been "
    "call who oil its now find long down day did get come made may part hello world think good";

static const char phi_template[] =
    "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and "
    "message['tools'] is not none %}{{ '<|' + message['role'] + '|>' + message['content'] + "
    "'<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}{{ '<|' + "
    "message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if "
    "add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}";

/* The first N_BASIC stand in every vocabulary; the rest only where the ids are Phi-4-mini's. */
static const struct {
    const char *text;
    uint32_t official_id;
} specials[] = {
    {"<|endoftext|>", 199999},  {"<|end|>", 200020},           {"<|user|>", 200021},
    {"<|system|>", 200022},     {"<|assistant|>", 200019},     {"<|endofprompt|>", 200018},
    {"<|tool|>", 200023},       {"<|/tool|>", 200024},         {"<|tool_call|>", 200025},
    {"<|/tool_call|>", 200026}, {"<|tool_response|>", 200027}, {"<|tag|>", 200028},
};
enum { END_OF_TEXT, END_OF_TURN, N_BASIC = 5, OFFICIAL_VOCAB = 200064 };

enum { TOKEN_BYTES = 24, MAX_MERGES = 640 };
typedef char token_text[TOKEN_BYTES]; /* a token as spelled in the file, 0-terminated */

typedef struct {
    ae_vocab vocab;        /* its texts lie in spellings */
    token_text *spellings; /* [n_tokens] */
    uint32_t n_words;      /* tokens before the fillers */
} maker;

/* A byte as GPT-2 spells it: printable Latin-1 stands for itself, the others for U+0100 and up. */
static void spell_byte(token_text out, uint32_t byte)
{
    bool is_printable = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    uint32_t c = byte;
    if (!is_printable) c = 256 + (byte < 33 ? byte : byte < 161 ? byte - 127 + 33 : 33 + 34);
    if (c < 128)
        snprintf(out, TOKEN_BYTES, "%c", (char)c);
    else
        snprintf(out, TOKEN_BYTES, "%c%c", (char)(0xC0 | c >> 6), (char)(0x80 | (c & 63)));
}

static void set_token(maker *m, uint32_t id, const char *text, ae_token_kind kind)
{
    size_t len = strlen(text);
    AEON_ASSERT(id < m->vocab.n_tokens && len < TOKEN_BYTES);
    memcpy(m->spellings[id], text, len + 1);
    m->vocab.tokens[id] =
        (ae_vocab_token){.text = m->spellings[id], .len = (uint32_t)len, .kind = kind};
}

/* The token of both spellings in a row, made by a merge unless it exists. */
static uint32_t join(maker *m, uint32_t left, uint32_t right)
{
    ae_vocab *v = &m->vocab;
    const ae_vocab_token *l = &v->tokens[left], *r = &v->tokens[right];
    token_text text;
    snprintf(text, sizeof text, "%.18s%.4s", l->text, r->text);
    for (uint32_t id = 0; id < m->n_words; id++)
        if (strcmp(m->spellings[id], text) == 0) return id;
    AEON_ASSERT(v->n_merges < MAX_MERGES);
    v->merges[v->n_merges++] = (ae_vocab_merge){l->text, r->text, l->len, r->len};
    set_token(m, m->n_words, text, AE_TOKEN_NORMAL);
    return m->n_words++;
}

/* Join the letters of a word to the token it begins with. The token of a letter is its byte. */
static void add_word(maker *m, uint32_t token, const char *letters, size_t n)
{
    for (size_t i = 0; i < n; i++) token = join(m, token, (unsigned char)letters[i]);
}

static void add_words(maker *m)
{
    for (const char *word = words; *word;) {
        size_t len = strcspn(word, " ");
        add_word(m, ' ', word, len);                            /* within a sentence */
        add_word(m, (unsigned char)word[0], word + 1, len - 1); /* at its beginning */
        word += len + (word[len] == ' ');
    }
}

static uint32_t special_id(const ae_vocab *v, uint32_t i)
{
    bool is_official = v->n_tokens == OFFICIAL_VOCAB;
    return is_official ? specials[i].official_id : (uint32_t)v->n_tokens - N_BASIC + i;
}

static void fill(maker *m)
{
    token_text text;
    for (; m->n_words < 256; m->n_words++) {
        spell_byte(text, m->n_words);
        set_token(m, m->n_words, text, AE_TOKEN_NORMAL);
    }
    add_words(m);
    for (uint32_t id = m->n_words; id < m->vocab.n_tokens; id++) {
        snprintf(text, sizeof text, "[filler_%u]", id);
        set_token(m, id, text, AE_TOKEN_UNUSED);
    }
    uint32_t n = m->vocab.n_tokens == OFFICIAL_VOCAB ? AE_COUNT(specials) : N_BASIC;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = special_id(&m->vocab, i);
        AEON_ASSERT(id >= m->n_words);
        set_token(m, id, specials[i].text, AE_TOKEN_CONTROL);
    }
}

static aeon_status put_keys(ae_gguf_writer *w, const ae_vocab *v, bool has_chat_template,
                            aeon_error *err)
{
    TRY(ae_gguf_put_vocab(w, v, err));
    TRY(ae_gguf_put_u32(w, "tokenizer.ggml.eot_token_id", special_id(v, END_OF_TURN), err));
    if (!has_chat_template) return AEON_OK;
    return ae_gguf_put_str(w, "tokenizer.chat_template", phi_template, err);
}

aeon_status ae_synth_put_vocab(ae_gguf_writer *w, const ae_synth_shape *shape, aeon_error *err)
{
    size_t n = shape->n_vocab;
    maker m = {.vocab = {.kind = AE_VOCAB_BPE,
                         .n_tokens = n,
                         .split = shape->split,
                         .add_bos = shape->adds_bos,
                         .unk = -1}};
    ae_vocab *v = &m.vocab;
    v->bos = v->eos = v->pad = (int32_t)special_id(v, END_OF_TEXT);
    v->tokens = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *v->tokens);
    v->merges = ae_mem_alloc_array(AE_MEM_VOCAB, MAX_MERGES, sizeof *v->merges);
    m.spellings = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *m.spellings);
    aeon_status status;
    if (v->tokens && v->merges && m.spellings) {
        fill(&m);
        status = put_keys(w, v, shape->has_chat_template, err);
    } else {
        status = ae_fail_memory(err, n * sizeof *m.spellings, "a vocabulary");
    }
    ae_mem_free(m.spellings);
    ae_vocab_release(v);
    return status;
}
