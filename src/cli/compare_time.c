/* compare_time.c - aeon compare: how long it will take, and where it stands.
 *
 * Reckoned before anything is measured: what a stage reads and multiplies over what the machine
 * can do at best, as in bound.h, and half as fast as that. Rounding is tried on the built-in model
 * where it takes long. Bars correct the sum by how long the first stages took. */
#include "cli/bound.h"
#include "cli/compare.h"
#include "cli/console.h"

#include <string.h>
#include <unistd.h>

static const double of_limit = 0.5; /* what is usually reached */
static const double step_s = 1e-3;  /* beside that, of threads and small matrices */

/* ---- one variant ----------------------------------------------------------------------------- */

/* The variant as a model that bound.h can reckon with; only its size tells how it is multiplied. */
static aeon_model_info describe(const cli_comparison *c, const cli_variant *v)
{
    aeon_model_info m = c->about;
    if (v == c->variants) return m;
    double bits = 8 * (double)v->made.out_bytes / (double)v->made.n_values;
    m.type = bits < 12 ? AEON_TYPE_Q8_0 : bits < 20 ? AEON_TYPE_BF16 : AEON_TYPE_F32;
    m.step_bytes =
        (uint64_t)((double)m.step_bytes * (double)v->made.out_bytes / (double)v->made.in_bytes);
    m.size_bytes = v->made.out_bytes;
    return m;
}

typedef struct {
    aeon_model_info info;
    cli_work work;
    const aeon_machine_limits *limits;
} pace;

static void set_pace(pace *p, const cli_comparison *c, const cli_variant *v,
                     const aeon_machine_limits *limits)
{
    const aeon_model_info *m = &p->info;
    p->info = describe(c, v);
    p->limits = limits;
    p->work = (cli_work){.model = m,
                         .kv_type = c->options->kv_type,
                         .kv_bytes_per_token = 4.0 * m->n_layers * m->n_kv_heads * m->head_dim};
}

/* Seconds for n tokens that are read n_step at a time, or written one by one (n_step 1). */
static double tokens_s(const pace *p, double n, double n_step)
{
    cli_step step =
        n_step > 1 ? cli_step_prefill(&p->work, 0, n_step) : cli_step_decode(&p->work, 0, 1, 1);
    return n / n_step * (cli_step_least_s(&p->work, &step, p->limits) / of_limit + step_s);
}

static double load_s(const pace *p)
{
    const double bytes_per_s = 2e9; /* read from the page cache, and packed */
    return 0.01 + (double)p->info.size_bytes / bytes_per_s;
}

/* ---- rounding -------------------------------------------------------------------------------- */

/* Values a second. */
static aeon_status try_rounding(const cli_comparison *c, const cli_variant *v, double *rate,
                                aeon_error *err)
{
    char path[sizeof c->folder + 16];
    aeon_quantize_result made;
    aeon_quantize_params params = {
        .type = v->name, .n_threads = (int)c->options->n_threads, .requantize = true};
    snprintf(path, sizeof path, "%s/try.gguf", c->folder);
    double start_s = cli_clock_s();
    TRY(aeon_quantize("builtin", path, &params, &made, err));
    *rate = (double)made.n_values / (cli_clock_s() - start_s);
    unlink(path);
    return AEON_OK;
}

/* What is no larger than the built-in model is rounded sooner than it is known how fast. */
static aeon_status reckon_rounding(const cli_comparison *c, cli_variant *v, aeon_error *err)
{
    const double worth_trying_s = 0.5, with_importance = 2;
    double rate = 20e6; /* of most types at least */
    double n = (double)v->made.n_values * (v->made.n_weighted ? with_importance : 1);
    if (n / rate > worth_trying_s) TRY(try_rounding(c, v, &rate, err));
    v->expected_s[CLI_MAKE] = n / rate;
    return AEON_OK;
}

/* ---- all of them ----------------------------------------------------------------------------- */

enum { CHUNK = 64 };                      /* tokens that are read at a time when a text is scored */
enum { PER_TALK = 200, PER_ANSWER = 25 }; /* tokens of a question, and of an answer, about */

static aeon_status reckon_variant(cli_comparison *c, cli_variant *v,
                                  const aeon_machine_limits *limits, aeon_error *err)
{
    const cli_options *o = c->options;
    bool is_original = v == c->variants;
    double n_runs = (double)o->n_runs + 1, n_questions = (double)c->n_questions;
    pace p, original;
    set_pace(&p, c, v, limits);
    set_pace(&original, c, c->variants, limits);
    if (!is_original) TRY(reckon_rounding(c, v, err));
    v->expected_s[CLI_LOAD] = load_s(&p);
    v->expected_s[CLI_TIME] = n_runs * (tokens_s(&p, (double)o->n_prefill, (double)o->n_prefill) +
                                        tokens_s(&p, (double)o->n_decode, 1));
    /* The original is read beside the others; alone only if there is no other. */
    if (c->reads && (!is_original || c->n_variants == 1))
        v->expected_s[CLI_READ] = load_s(&p) + tokens_s(&p, (double)c->n_to_read, CHUNK);
    if (c->reads && !is_original)
        v->expected_s[CLI_READ] +=
            load_s(&original) + tokens_s(&original, (double)c->n_to_read, CHUNK);
    if (c->asks)
        v->expected_s[CLI_ASK] =
            tokens_s(&p, PER_TALK * n_questions, CHUNK) + tokens_s(&p, PER_ANSWER * n_questions, 1);
    for (int i = 0; i < CLI_N_STAGES; i++) c->expected_s += v->expected_s[i];
    return AEON_OK;
}

/* Both stand in memory while they are compared; what is not there is swapped. */
static void warn_of_memory(const cli_comparison *c)
{
    char needed[16], has[16];
    uint64_t most = 0, available = aeon_machine_describe().memory_available_bytes;
    for (size_t i = 1; i < c->n_variants; i++)
        if (c->variants[i].made.out_bytes > most) most = c->variants[i].made.out_bytes;
    uint64_t both = most + c->about.size_bytes;
    if (!c->reads || !most || !available || both < available) return;
    cli_notice("reading a text with two models takes %s of memory, %s are available: it may get "
               "very slow; --no-quality leaves it out",
               cli_short_bytes(needed, sizeof needed, (double)both),
               cli_short_bytes(has, sizeof has, (double)available));
}

aeon_status cli_compare_reckon(cli_comparison *c, aeon_error *err)
{
    const double worth_saying_s = 30;
    aeon_machine_limits limits;
    char time[16];
    TRY(aeon_machine_probe((int)c->options->n_threads, &limits, err));
    for (size_t i = 0; i < c->n_variants; i++)
        TRY(reckon_variant(c, &c->variants[i], &limits, err));
    warn_of_memory(c);
    if (c->expected_s > worth_saying_s)
        cli_notice("%s: %zu file%s to measure, which takes about %s", c->model, c->n_variants,
                   c->n_variants == 1 ? "" : "s", cli_short_time(time, sizeof time, c->expected_s));
    c->start_s = cli_clock_s();
    return AEON_OK;
}

void cli_compare_begin(cli_comparison *c, const cli_variant *v, cli_stage stage)
{
    static const char *const names[] = {[CLI_MAKE] = "rounding",
                                        [CLI_LOAD] = "loading",
                                        [CLI_TIME] = "measuring speed",
                                        [CLI_READ] = "reading a text",
                                        [CLI_ASK] = "asking"};
    char name[40];
    double from = c->begun_s / c->expected_s;
    c->begun_s += v->expected_s[stage];
    snprintf(name, sizeof name, "%s: %s", v->name, names[stage]);
    cli_progress_part(name, from, c->begun_s / c->expected_s, c->start_s, c->expected_s);
}
