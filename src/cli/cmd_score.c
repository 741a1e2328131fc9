/* cmd_score.c - aeon score: what the model expects after every token of a text. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <math.h>
#include <string.h>

typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    cli_input input;
    aeon_tokens ids;
    aeon_tokens best; /* of one position: the likeliest ids, best first when done */
    aeon_text piece;
    json_t *positions; /* --json: an array */
    double sum;        /* of the log-probabilities of the text's own tokens, the first aside */
    aeon_error *err;   /* filled when on_logits stops the feed by itself */
    bool failed;
} scoring;

/* ---- the likeliest tokens ------------------------------------------------------------------- */

/* Lower logit, and on ties the higher id, comes last. */
static bool is_worse(const float *logits, int32_t a, int32_t b)
{
    return logits[a] < logits[b] || (logits[a] == logits[b] && a > b);
}

/* heap[0..n): no parent is better than its children, so heap[0] is the worst. */
static void sift_down(const float *logits, int32_t *heap, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_worse(logits, heap[child + 1], heap[child])) child++;
        if (!is_worse(logits, heap[child], heap[i])) return;
        int32_t swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
    }
}

/* The ids of the n_top largest logits [n_vocab], best first, in heap. */
static void pick_top(const float *logits, size_t n_vocab, int32_t *heap, size_t n_top)
{
    for (size_t i = 0; i < n_top; i++) heap[i] = (int32_t)i;
    for (size_t i = n_top / 2; i-- > 0;) sift_down(logits, heap, n_top, i);
    for (size_t id = n_top; id < n_vocab; id++) {
        if (!is_worse(logits, heap[0], (int32_t)id)) continue;
        heap[0] = (int32_t)id;
        sift_down(logits, heap, n_top, 0);
    }
    for (size_t n = n_top; n-- > 1;) { /* the worst goes to the end, again and again */
        int32_t worst = heap[0];
        heap[0] = heap[n];
        heap[n] = worst;
        sift_down(logits, heap, n, 0);
    }
}

/* ln sum exp(logits), in double over the whole vocabulary. */
static double log_sum(const float *logits, size_t n)
{
    float largest = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, logits[i]);
    for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - largest);
    return largest + log(sum);
}

/* ---- one position --------------------------------------------------------------------------- */

static aeon_status print_piece(scoring *s, int32_t id)
{
    s->piece.len = 0;
    TRY(aeon_tokenizer_decode(s->runtime.vocab, &id, 1, true, &s->piece, s->err));
    cli_write_quoted(stdout, s->piece.data ? s->piece.data : "", s->piece.len);
    return AEON_OK;
}

static aeon_status print_position(scoring *s, size_t pos, const float *logits, double norm)
{
    enum { N_SHOWN = 4 };
    printf("%6zu %8d  ", pos, (int)s->ids.ids[pos]);
    TRY(print_piece(s, s->ids.ids[pos]));
    if (pos + 1 < s->ids.n) printf("  next %.3f", logits[s->ids.ids[pos + 1]] - norm);
    printf("  best");
    for (size_t i = 0; i < s->best.n && i < N_SHOWN; i++) {
        printf(" ");
        TRY(print_piece(s, s->best.ids[i]));
        printf(" %.3f", logits[s->best.ids[i]] - norm);
    }
    printf("\n");
    return AEON_OK;
}

static aeon_status add_position(scoring *s, size_t pos, const float *logits, double norm)
{
    json_t *top = json_array();
    for (size_t i = 0; i < s->best.n; i++) {
        int32_t id = s->best.ids[i];
        json_array_append_new(top, json_pack("[i, f]", (int)id, logits[id] - norm));
    }
    bool whole = json_array_size(top) == s->best.n; /* else memory ran out */
    json_t *position = json_pack("{s:I, s:i, s:o}", "pos", (json_int_t)pos, "id",
                                 (int)s->ids.ids[pos], "top", top);
    if (!whole || json_array_append_new(s->positions, position) != 0)
        return cli_error(s->err, AEON_OUT_OF_MEMORY, "not enough memory for the JSON text");
    return AEON_OK;
}

static aeon_status score_position(scoring *s, size_t pos, const float *logits)
{
    size_t n_vocab = aeon_tokenizer_n_vocab(s->runtime.vocab);
    double norm = log_sum(logits, n_vocab);
    pick_top(logits, n_vocab, s->best.ids, s->best.n);
    if (!isfinite(norm) || !isfinite(logits[s->best.ids[s->best.n - 1]]))
        return cli_error(s->err, AEON_BAD_FORMAT,
                         "%s: position %zu: the logits are not finite; the weights are damaged",
                         s->runtime.path, pos);
    if (pos + 1 < s->ids.n) s->sum += logits[s->ids.ids[pos + 1]] - norm;
    return s->positions ? add_position(s, pos, logits, norm) : print_position(s, pos, logits, norm);
}

static bool on_logits(void *user, size_t pos, const float *logits)
{
    scoring *s = user;
    s->failed = score_position(s, pos, logits) != AEON_OK;
    return !s->failed && !cli_is_interrupted();
}

static bool on_progress(void *user, const char *what, double fraction)
{
    const scoring *s = user;
    return s->positions ? cli_progress(NULL, what, fraction) : !cli_is_interrupted();
}

/* ---- the command ---------------------------------------------------------------------------- */

static aeon_status score(scoring *s, aeon_error *err)
{
    const cli_options *o = s->options;
    aeon_session_params session = cli_session_params(o);
    s->err = err;
    TRY(cli_input_read(&s->input, o, err));
    TRY(cli_input_need(&s->input, err));
    TRY(cli_runtime_open(&s->runtime, o, &session, err));
    TRY(cli_input_encode(&s->ids, &s->input, &s->runtime, err));

    size_t n_vocab = aeon_tokenizer_n_vocab(s->runtime.vocab);
    for (size_t i = 0; i < o->n_top && i < n_vocab; i++) TRY(aeon_tokens_push(&s->best, 0, err));
    if (o->json && !(s->positions = json_array()))
        return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the JSON text");

    aeon_feed_params feed = {.on_logits = on_logits, .progress = on_progress, .user = s};
    aeon_error fed = {AEON_OK, ""};
    aeon_status status = aeon_session_feed(s->runtime.session, s->ids.ids, s->ids.n, &feed, &fed);
    cli_progress_end();
    if (s->failed) return err->code;
    if (status != AEON_OK) return cli_error(err, status, "%s", fed.text);

    if (s->positions)
        return cli_print_json(json_pack("{s:o, s:O}", "ids", cli_json_ids(s->ids.ids, s->ids.n),
                                        "positions", s->positions),
                              err);
    if (s->ids.n > 1) {
        double mean = s->sum / (double)(s->ids.n - 1);
        printf("mean log-probability %.4f, perplexity %.3f\n", mean, exp(-mean));
    }
    return AEON_OK;
}

static aeon_status run_score(const cli_options *o, aeon_error *err)
{
    scoring s = {.options = o};
    aeon_status status = score(&s, err);
    json_decref(s.positions);
    aeon_text_release(&s.piece);
    cli_input_release(&s.input);
    aeon_tokens_release(&s.ids);
    aeon_tokens_release(&s.best);
    cli_runtime_close(&s.runtime);
    return status;
}

static const cli_option input_options[] = {
    {'p', "prompt", CLI_TEXT, AT(prompt), 0, 0, "TEXT", "the text"},
    {'f', "file", CLI_TEXT, AT(file), 0, 0, "FILE", "the text from a file, - for standard input"},
    {0, "ids", CLI_TEXT, AT(ids), 0, 0, "1,2,3", "token ids as they are, - for standard input"},
    CLI_OPTION_END,
};

static const cli_option output_options[] = {
    {0, "top", CLI_SIZE, AT(n_top), 1, 1000000, "K", "how many of the likeliest tokens"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_score = {
    .name = "score",
    .summary = "the log-probabilities of what follows each token",
    .usage = "[-m MODEL] [-p TEXT | -f FILE | --ids 1,2,3] [--top K] [--json] [options]",
    .groups = (const cli_group[]){{"Input", input_options},
                                  {"Model", cli_model_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .notes = "Position p holds what the model expects after token p: log-softmax over the whole\n"
             "vocabulary, natural logarithm, best first.",
    .example = "aeon score -p \"Hello, how are you?\" --top 3 --json",
    .run = run_score,
};
