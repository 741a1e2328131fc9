/* vocab_hf.h - the vocabulary of a Hugging Face folder, complete: tokenizer.json, and the special
 * tokens that its other files name.
 *
 * Uses:     format/hf.h, text/vocab.h.
 * Example:  ae_vocab v;  TRY(ae_vocab_from_hf(&v, folder, n_vocab, err)); ... ae_vocab_release(&v);
 */
#ifndef AE_FORMAT_VOCAB_HF_H
#define AE_FORMAT_VOCAB_HF_H

#include "format/hf.h"
#include "text/vocab.h"

/* n_rows: of the embedding, which is often padded beyond the tokens that tokenizer.json lists: rows
 * without a token get one that no text ever becomes; 0: unknown. The texts live in h as well as in
 * out. Errors: NOT_FOUND (no tokenizer.json), BAD_FORMAT, UNSUPPORTED, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_vocab_from_hf(ae_vocab *out, const ae_hf *h, size_t n_rows,
                                           aeon_error *err);

/* The tokens at which generation ends, each once, those of generation_config.json before those of
 * config.json: at most n_max into ids. Returns how many. */
size_t ae_hf_stops(const ae_hf *h, int32_t *ids, size_t n_max);

#endif
