/* split.h - cut text into the pieces that merges never cross.
 *
 * Model:    A named rule is one or more regular expressions. The first cuts the text into matches
 *           and the gaps between them; the next cuts each of those, and so on. Every byte ends up
 *           in exactly one piece, in order.
 * Uses:     base/, PCRE2 (compiled to machine code where the system allows, else interpreted).
 * Threads:  An ae_split is immutable; an ae_split_state belongs to one thread.
 * Promises: time linear in the text for every rule, whatever the text.
 */
#ifndef AE_TEXT_SPLIT_H
#define AE_TEXT_SPLIT_H

#include "base/status.h"

typedef struct ae_split ae_split;
typedef struct ae_split_state ae_split_state;

/* Receives each piece. */
typedef aeon_status (*ae_piece_fn)(void *user, const char *piece, size_t len, aeon_error *err);

/* name: canonical, from ae_vocab_split_find or ae_split_recognize. Errors: UNSUPPORTED (no such
 * rule), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_split_new(ae_split **out, const char *name, aeon_error *err);
void ae_split_free(ae_split *s);

/* What one thread needs to run a rule. Borrows s. */
AEON_MUST_USE aeon_status ae_split_state_new(ae_split_state **out, const ae_split *s,
                                             aeon_error *err);
void ae_split_state_free(ae_split_state *m);

/* Hand every piece of text[0..len) to fn; text must be UTF-8. A failure of fn ends the walk. */
AEON_MUST_USE aeon_status ae_split_run(ae_split_state *m, const char *text, size_t len,
                                       ae_piece_fn fn, void *user, aeon_error *err);

/* The canonical name of the rule that a tokenizer.json writes as this regular expression; NULL if
 * it is not one of the known ones. */
const char *ae_split_recognize(const char *regex, size_t len);

/* For tests: new rules are interpreted, as where executable memory is forbidden. */
void ae_split_forbid_jit(bool forbid);

#endif
