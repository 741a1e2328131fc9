/* vocab_gguf.h - a vocabulary in the tokenizer.ggml.* keys of a GGUF file, in and out.
 *
 * Uses:     base/, text/vocab.h, gguf.h.
 * Promises: (1) every id lies inside the vocabulary  (2) no merge has an empty side
 * Format:   github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
 * Example:  TRY(ae_vocab_from_gguf(&v, g, err)); ... ae_vocab_release(&v);
 */
#ifndef AE_FORMAT_VOCAB_GGUF_H
#define AE_FORMAT_VOCAB_GGUF_H

#include "format/gguf.h"
#include "text/vocab.h"

/* More tokens or merges than any tokenizer has; beyond it a file is taken for damaged. */
enum { AE_VOCAB_MAX = 1 << 22 };

/* The texts are borrowed from g. Errors: NOT_FOUND (the file has no tokenizer), UNSUPPORTED (the
 * kind of tokenizer or its split pattern, named), BAD_FORMAT, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_vocab_from_gguf(ae_vocab *out, const ae_gguf *g, aeon_error *err);

/* Declare the keys from which ae_vocab_from_gguf reads v back. */
AEON_MUST_USE aeon_status ae_gguf_put_vocab(ae_gguf_writer *w, const ae_vocab *v, aeon_error *err);

#endif
