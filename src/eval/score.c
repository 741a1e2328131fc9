/* score.c - from answers to the numbers of a table. */
#include "eval/eval.h"

#include <math.h>
#include <string.h>

void ae_wilson(size_t n_right, size_t n, double *low, double *high)
{
    const double z = 1.959963984540054; /* 95% of a normal distribution lie within it */
    double total = (double)n, part = n ? (double)n_right / total : 0;
    *low = 0;
    *high = 1;
    if (n == 0) return;
    double spread = z * sqrt(part * (1 - part) / total + z * z / (4 * total * total));
    double middle = part + z * z / (2 * total), scale = 1 + z * z / total;
    if (n_right > 0) *low = (middle - spread) / scale;
    if (n_right < n) *high = (middle + spread) / scale;
}

/* What a vote counts: the text behind the last "Answer:", or else the whole. */
static aeon_text essence(const aeon_text *answer)
{
    static const char mark[] = "Answer:";
    aeon_text e = *answer;
    for (size_t n = sizeof mark - 1; e.len >= n; e.len--)
        if (memcmp(e.data + e.len - n, mark, n) == 0) {
            e.data += e.len;
            e.len = answer->len - e.len;
            return e;
        }
    return *answer;
}

static bool same(aeon_text a, aeon_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Is the answer that most samples give right? The first one of equals wins. */
static bool is_majority_right(const ae_answer *answers, size_t n)
{
    aeon_text votes[AE_MAX_SAMPLES];
    size_t best = 0, n_best = 0;
    for (size_t i = 0; i < n; i++) votes[i] = essence(&answers[i].text);
    for (size_t i = 0; i < n; i++) {
        size_t n_votes = 0;
        for (size_t k = 0; k < n; k++) n_votes += same(votes[k], votes[i]);
        if (n_votes <= n_best) continue;
        best = i;
        n_best = n_votes;
    }
    return answers[best].verdict.is_right;
}

static size_t count_distinct(const ae_answer *answers, size_t n)
{
    size_t n_distinct = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && !same(answers[k].text, answers[i].text)) k++;
        n_distinct += k == i;
    }
    return n_distinct;
}

static void add_question(aeon_eval_score *s, const ae_answer *answers, size_t n, bool wants_json)
{
    size_t n_right = 0;
    for (size_t i = 0; i < n; i++) {
        n_right += answers[i].verdict.is_right;
        s->n_json += answers[i].verdict.is_json;
        s->n_tokens += answers[i].n_tokens;
        s->n_agreed += answers[i].n_agreed;
    }
    s->n += n;
    s->n_right += n_right;
    s->n_json_wanted += wants_json ? n : 0;
    s->n_any_right += n_right > 0;
    s->n_majority_right += is_majority_right(answers, n);
    s->n_distinct += (double)count_distinct(answers, n);
}

aeon_eval_score aeon_eval_score_get(const aeon_eval *e, const char *family)
{
    aeon_eval_score s = {0};
    for (size_t i = 0; i < e->suite->n; i++) {
        const ae_question *q = &e->suite->questions[i];
        bool is_asked = !family || strcmp(e->suite->families[q->family], family) == 0;
        if (is_asked && e->is_answered[i])
            add_question(&s, e->answers + i * e->n_samples, e->n_samples, q->check.json != NULL);
    }
    if (s.n) s.n_distinct /= (double)(s.n / e->n_samples);
    ae_wilson(s.n_right, s.n, &s.low, &s.high);
    return s;
}

aeon_eval_answer aeon_eval_answer_get(const aeon_eval *e, size_t question, size_t sample)
{
    const ae_answer *a = &e->answers[question * e->n_samples + sample];
    if (!e->is_answered[question]) return (aeon_eval_answer){0};
    return (aeon_eval_answer){
        .text = a->text.data,
        .len = a->text.len,
        .is_right = a->verdict.is_right,
        .is_json = a->verdict.is_json,
        .n_tokens = a->n_tokens,
        .n_agreed = a->n_agreed,
    };
}
