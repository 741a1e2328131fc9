/* talks.h - the data set: talks as tokens, and their packing into sequences.
 *
 * Model:    Talks are read once, encoded exactly as a session would see them (a prompt, an answer,
 *           the next prompt, ...), and kept as one list of tokens with marks on those to be
 *           learned. A packer walks over them in an order shuffled anew for each epoch and puts
 *           whole talks side by side until the next one no longer fits.
 * Threads:  Talks are immutable after load; a packer belongs to one thread.
 * Example:  TRY(ae_talks_load(&talks, &how, path, err));
 *           ae_packer_fill(&packer, &sequence);
 */
#ifndef AE_TRAIN_TALKS_H
#define AE_TRAIN_TALKS_H

#include "aeon/chat.h"
#include "train/net.h"

enum { AE_TALKS_MAX_TOLD = 3 };

typedef struct {
    aeon_tokens ids;     /* all talks, one after another */
    aeon_text is_target; /* [ids.n] 0 or 1 */
    size_t *starts;      /* [n_talks + 1] */
    size_t n_talks, cap; /* cap: of starts */
    uint64_t n_targets;
    uint64_t hash;    /* of ids and marks: which data this is */
    size_t n_skipped; /* lines that were malformed, and what was wrong with the first of them */
    aeon_error skipped[AE_TALKS_MAX_TOLD];
} ae_talks;

typedef struct {
    const aeon_tokenizer *tokenizer;
    const aeon_chat_template *chat;
    int32_t end_of_text;         /* stands behind plain texts */
    bool learn_all;              /* every token is a target, not only those of answers */
    bool skip_bad;               /* go on behind lines that are malformed */
    size_t max_tokens;           /* the longest talk that is accepted */
    bool (*goes_on)(void *user); /* asked every few thousand lines; false: cancel; NULL: never */
    void *user;
} ae_talks_how;

/* Read JSON lines, each an example as example.h says; empty lines are skipped. A chat must hold an
 * answer; messages behind the last answer are not used. Errors: NOT_FOUND, IO, BAD_FORMAT (file,
 * line and what is wrong; also if nothing can be learned), MISMATCH (the vocabulary lacks a token
 * of the template), OUT_OF_MEMORY, CANCELLED. */
AEON_MUST_USE aeon_status ae_talks_load(ae_talks *out, const ae_talks_how *how, const char *path,
                                        aeon_error *err);
void ae_talks_release(ae_talks *t);

/* Buffers for max_tokens tokens, which take so many bytes. release accepts a zeroed sequence. */
size_t ae_sequence_bytes(size_t max_tokens);
AEON_MUST_USE aeon_status ae_sequence_init(ae_sequence *s, size_t max_tokens, aeon_error *err);
void ae_sequence_release(ae_sequence *s);

/* Which talks come next is decided by (seed, epoch, next) alone: that is what a checkpoint keeps.
 */
typedef struct {
    const ae_talks *talks; /* borrowed */
    size_t max_tokens;
    uint64_t seed;
    bool is_shuffled;
    uint32_t *order; /* [n_talks] */
    uint32_t epoch;  /* rounds completed */
    uint32_t next;   /* place in order */
} ae_packer;

AEON_MUST_USE aeon_status ae_packer_init(ae_packer *p, const ae_talks *talks, size_t max_tokens,
                                         bool is_shuffled, uint64_t seed, aeon_error *err);
void ae_packer_release(ae_packer *p);
void ae_packer_seek(ae_packer *p, uint32_t epoch, uint32_t next);

/* The next sequence. It ends early at the end of an epoch; the call after that begins a new one. */
void ae_packer_fill(ae_packer *p, ae_sequence *s);

#endif
