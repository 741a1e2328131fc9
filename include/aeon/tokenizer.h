/* tokenizer.h - text to token ids and back.
 *
 * Model:    A tokenizer is immutable and owned by a model. Encoding appends to a list, decoding
 *           appends to a text; decode(encode(bytes)) gives the same bytes back for byte-level
 *           vocabularies, whether or not they are UTF-8.
 * Threads:  Any thread may use one tokenizer at the same time.
 * Example:  const aeon_tokenizer *t = aeon_model_tokenizer(model);
 *           aeon_tokens ids = {0};
 *           TRY(aeon_tokenizer_encode(t, "Hello", 5, 0, &ids, err));
 */
#ifndef AEON_TOKENIZER_H
#define AEON_TOKENIZER_H

#include "aeon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aeon_tokenizer aeon_tokenizer;

enum {
    /* "<|end|>" in the text becomes the control token. Never set this for text that comes from a
     * user or a document: without it, such text stays plain text. */
    AEON_ENCODE_SPECIAL = 1,
    /* Begin with the vocabulary's start token if its model was trained with one. */
    AEON_ENCODE_BOS = 2,
};

/* Number of ids: valid ids are 0 .. n-1. */
AEON_API size_t aeon_tokenizer_n_vocab(const aeon_tokenizer *t);

/* The id of a token by its exact text ("<|end|>"), -1 if there is none. */
AEON_API int32_t aeon_tokenizer_find(const aeon_tokenizer *t, const char *text);

/* The start and the end-of-text token, -1 if the vocabulary has none. */
AEON_API int32_t aeon_tokenizer_bos(const aeon_tokenizer *t);
AEON_API int32_t aeon_tokenizer_eos(const aeon_tokenizer *t);

/* Is id a control token (one that only templates write)? False for ids out of range. */
AEON_API bool aeon_tokenizer_is_control(const aeon_tokenizer *t, int32_t id);

/* Append the ids of text[0..len) to out. flags: AEON_ENCODE_*. The bytes need not be UTF-8.
 * Linear in len. Errors: OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_tokenizer_encode(const aeon_tokenizer *t, const char *text,
                                                         size_t len, unsigned flags,
                                                         aeon_tokens *out, aeon_error *err);

/* Append the bytes of ids[0..n) to out; control tokens appear only if with_control.
 * Errors: INVALID_ARGUMENT for an id out of range (out is then unchanged), OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_tokenizer_decode(const aeon_tokenizer *t,
                                                         const int32_t *ids, size_t n,
                                                         bool with_control, aeon_text *out,
                                                         aeon_error *err);

/* A stream of tokens back to text that never cuts a UTF-8 character: push gives the bytes that are
 * complete, keeps an unfinished character back (at most 3 bytes), and flush gives what is left.
 * Bytes that can never become UTF-8 are passed on as they are. Caller's storage; start from
 * {.tokenizer = t}. */
typedef struct {
    const aeon_tokenizer *tokenizer; /* borrowed */
    bool with_control;               /* show control tokens */
    bool not_first;                  /* set by the first push (sentence-piece spaces) */
    unsigned char held[4];
    unsigned n_held;
} aeon_detokenizer;
AEON_API AEON_MUST_USE aeon_status aeon_detokenizer_push(aeon_detokenizer *d, int32_t id,
                                                         aeon_text *out, aeon_error *err);
AEON_API AEON_MUST_USE aeon_status aeon_detokenizer_flush(aeon_detokenizer *d, aeon_text *out,
                                                          aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
