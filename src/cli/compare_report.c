/* compare_report.c - aeon compare: what was measured, as tables, Markdown and JSON. */
#include "cli/compare.h"
#include "cli/console.h"

#include <math.h>
#include <string.h>

/* ---- cells ----------------------------------------------------------------------------------- */

typedef enum {
    LABEL,
    WEIGHTS,
    FILE_SIZE,
    MEMORY,
    LOADED,
    PREFILL,
    DECODE,
    FIRST,
    PERPLEXITY,
    KL,
    TOP1,
    RIGHT,
    N_COLUMNS
} column;

enum { MOST_CELL = 88 };
typedef char cells[N_COLUMNS][MOST_CELL];

/* On a screen in two lines, so that a table fits into 80 columns. */
static const cells headings[] = {{[PREFILL] = "prefill", [DECODE] = "decode", [FIRST] = "first"},
                                 {"type", "weights", "file", "memory", "loaded", "t/s", "t/s",
                                  "token", "perplexity", "KL mean", "top-1 %", "right %"}};

const char *cli_compare_name(const cli_comparison *c, const cli_variant *v)
{
    return v == c->variants && c->same[0] ? c->same : v->name;
}

/* So many that a small number shows two digits. */
static int decimals_of(double value)
{
    int digits = value > 0 ? 1 - (int)floor(log10(value)) : 0;
    return digits < 0 ? 0 : digits;
}

/* "0.00121 ±0.00034", half of the interval with two digits; decimals: of both, if not that many. */
static void put_estimate(char *cell, int decimals, aeon_estimate e)
{
    const double least = 1e-6; /* below it, there is no difference worth a number */
    double half = 0.5 * (e.high - e.low);
    if (decimals < 0) decimals = decimals_of(half > 0 && isfinite(half) ? half : e.value);
    if (e.value > 0 && e.value < least) {
        snprintf(cell, MOST_CELL, "< %.6f", least);
        return;
    }
    int len = snprintf(cell, MOST_CELL, "%.*f", decimals, e.value);
    if (isfinite(half) && half > 0)
        snprintf(cell + len, (size_t)(MOST_CELL - len), " ±%.*f", decimals, half);
}

static aeon_estimate percent(aeon_estimate e)
{
    return (aeon_estimate){100 * e.value, 100 * e.low, 100 * e.high};
}

/* Four decimals of a perplexity: on the same text, two of them are closer than their intervals. */
static void put_quality(cells row, const cli_comparison *c, const cli_variant *v)
{
    const aeon_text_eval *t = &v->text;
    const aeon_eval_score *s = &v->score;
    if (t->n_scored)
        put_estimate(row[PERPLEXITY], t->perplexity.value < 100 ? 4 : 1, t->perplexity);
    if (t->n_scored && v != c->variants) {
        put_estimate(row[KL], -1, t->kl_mean);
        put_estimate(row[TOP1], 2, percent(t->top1_agreement));
    }
    if (s->n)
        put_estimate(row[RIGHT], 1,
                     percent((aeon_estimate){(double)s->n_right / (double)s->n, s->low, s->high}));
}

static void put_speed(char *cell, double tps)
{
    snprintf(cell, MOST_CELL, "%.*f", tps < 100 ? 1 : 0, tps);
}

static void fill(cells row, const cli_comparison *c, const cli_variant *v)
{
    for (int i = 0; i < N_COLUMNS; i++) snprintf(row[i], MOST_CELL, "-");
    snprintf(row[LABEL], MOST_CELL, "%s%s", cli_compare_name(c, v),
             v == c->variants ? ", original" : "");
    snprintf(row[WEIGHTS], MOST_CELL, "%s", aeon_type_name(v->type));
    cli_short_bytes(row[FILE_SIZE], MOST_CELL, (double)v->file_bytes);
    cli_short_bytes(row[MEMORY], MOST_CELL, (double)v->peak_bytes);
    cli_short_time(row[LOADED], MOST_CELL, v->load_s);
    put_speed(row[PREFILL], v->prefill_tps.median);
    put_speed(row[DECODE], v->decode_tps.median);
    cli_short_time(row[FIRST], MOST_CELL, v->first_s.median);
    put_quality(row, c, v);
}

/* ---- what stands around the tables ----------------------------------------------------------- */

/* A name of a model or a file: one line, nothing that Markdown would take for its own. */
static void print_name(const char *name)
{
    char shown[512];
    snprintf(shown, sizeof shown, "%s", name);
    for (char *s = shown; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f || strchr("|<>`*_\\[]", *s)) *s = ' ';
    cli_write(stdout, shown, strlen(shown));
}

static void print_head(const cli_comparison *c)
{
    char n_params[16];
    const cli_options *o = c->options;
    aeon_machine m = aeon_machine_describe();
    print_name(o->shape ? c->model : c->about.name);
    printf(", %s parameters%s. %s%s%s, %d thread%s.\n",
           cli_short_count(n_params, sizeof n_params, (double)c->about.n_params),
           o->shape ? ", random weights" : "", m.processor, m.processor[0] ? ", " : "", m.isa,
           c->n_threads, c->n_threads == 1 ? "" : "s");
    printf("Prompt of %zu tokens, %zu written after it, median of %zu run%s.\nMemory: %s.\n",
           o->n_prefill, o->n_decode, o->n_runs, o->n_runs == 1 ? "" : "s",
           c->has_planned_memory ? "reckoned, the system does not tell" : "most that was resident");
}

/* How the others were made, where their names do not say it. */
static void print_choices(const cli_comparison *c)
{
    const cli_options *o = c->options;
    size_t n = 0;
    if (c->n_variants > 1 && o->head)
        printf("Output head and embedding of the others: %s.\n", o->head);
    if (c->n_variants == 1 || !o->imatrix) return;
    const char *slash = strrchr(o->imatrix, '/');
    printf("Rounded by importance (");
    print_name(slash ? slash + 1 : o->imatrix);
    printf("):");
    for (size_t i = 1; i < c->n_variants; i++)
        if (c->variants[i].made.n_weighted) printf("%s %s", n++ ? "," : "", c->variants[i].name);
    printf("%s.\n", n ? "" : " none");
}

/* What was read and asked, if anything was. */
static void print_quality_head(const cli_comparison *c)
{
    char scored[16];
    const cli_variant *v = &c->variants[0];
    const aeon_text_eval *t = &v->text;
    if (t->n_scored) {
        printf("Read: %s tokens, the %s %zu %s%s.\n",
               cli_grouped(scored, sizeof scored, t->n_scored),
               c->ids.n ? "second halves of" : "right answers in", t->n_windows,
               c->ids.n ? "window" : "talk", t->n_windows == 1 ? "" : "s");
    }
    if (v->score.n) printf("Asked: %zu questions.\n", v->score.n);
    printf("±: half of the 95%% interval.\n");
}

static void print_notes(const cli_comparison *c)
{
    if (c->is_requantized && c->n_variants > 1)
        printf("The original was rounded before, to %s:\nwhat the other types lose comes on top.\n",
               aeon_type_name(c->about.type));
    for (size_t i = 1; i < c->n_variants; i++) {
        const cli_variant *v = &c->variants[i];
        if (!v->is_done || !v->made.n_fallback) continue;
        printf("%s: %zu tensors have rows that are no whole blocks of their type;\n"
               "they are larger and better, such as %s.\n",
               v->name, v->made.n_fallback, aeon_type_name(v->made.fallback_to));
    }
    if (c->options->shape)
        printf("Random weights are as large and as fast as real ones;\n"
               "nothing can be said of their quality.\n");
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Columns on a screen: UTF-8 characters, all of them narrow. */
static int width_of(const char *cell)
{
    int width = 0;
    for (; *cell; cell++) width += ((unsigned char)*cell & 0xc0) != 0x80;
    return width;
}

static void print_padded(const char *cell, int width, bool is_left)
{
    int space = width - width_of(cell);
    printf("%*s%s%*s", is_left ? 0 : space, "", cell, is_left ? space : 0, "");
}

static bool is_left(column i)
{
    return i == LABEL || i == WEIGHTS;
}

/* The columns of a table, behind the label. */
typedef struct {
    column first, last;
    int widths[N_COLUMNS];
} layout;

static void widen(layout *l, const cells row)
{
    for (int i = 0; i < N_COLUMNS; i++)
        if (width_of(row[i]) > l->widths[i]) l->widths[i] = width_of(row[i]);
}

static void print_row(const layout *l, const cells row)
{
    print_padded(row[LABEL], l->widths[LABEL], true);
    for (column i = l->first; i <= l->last; i++) {
        printf("  ");
        print_padded(row[i], l->widths[i], is_left(i));
    }
    printf("\n");
}

static void print_table(const cells *rows, size_t n, column first, column last)
{
    layout l = {.first = first, .last = last};
    bool has_upper = false;
    for (column i = first; i <= last; i++) has_upper |= headings[0][i][0] != 0;
    for (int i = 0; i < 2; i++) widen(&l, headings[i]);
    for (size_t r = 0; r < n; r++) widen(&l, rows[r]);
    printf("\n%s", cli_style_text(stdout, CLI_BOLD));
    if (has_upper) print_row(&l, headings[0]);
    print_row(&l, headings[1]);
    printf("%s", cli_style_text(stdout, CLI_PLAIN));
    for (size_t r = 0; r < n; r++) print_row(&l, rows[r]);
}

static void print_markdown(const cells *rows, size_t n, column last)
{
    printf("\n|");
    for (column i = 0; i <= last; i++)
        printf(" %s%s%s |", headings[0][i], headings[0][i][0] ? " " : "", headings[1][i]);
    printf("\n|");
    for (column i = 0; i <= last; i++) printf(is_left(i) ? "---|" : "---:|");
    for (size_t r = 0; r < n; r++) {
        printf("\n|");
        for (column i = 0; i <= last; i++) printf(" %s |", rows[r][i]);
    }
    printf("\n\n");
}

static void print_text(const cli_comparison *c)
{
    cells rows[CLI_MAX_VARIANTS];
    size_t n = 0;
    for (size_t i = 0; i < c->n_variants; i++)
        if (c->variants[i].is_done) fill(rows[n++], c, &c->variants[i]);
    bool has_text = c->reads, has_score = c->asks;
    column last = has_score ? RIGHT : has_text ? TOP1 : FIRST;
    print_head(c);
    print_choices(c);
    if (c->options->markdown) {
        if (has_text) print_quality_head(c);
        print_markdown((const cells *)rows, n, last);
        print_notes(c);
        return;
    }
    print_table((const cells *)rows, n, WEIGHTS, FIRST);
    printf("\n");
    if (has_text) print_quality_head(c);
    if (has_text) print_table((const cells *)rows, n, PERPLEXITY, last);
    if (has_text) printf("\n");
    print_notes(c);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_spread(json_t *row, const char *name, cli_spread s, double scale)
{
    char range[40];
    snprintf(range, sizeof range, "%s_range", name);
    json_object_set_new(row, name, json_real(scale * s.median));
    json_object_set_new(row, range, json_pack("[f, f]", scale * s.min, scale * s.max));
}

static void add_quality(json_t *row, const cli_comparison *c, const cli_variant *v)
{
    const aeon_text_eval *t = &v->text;
    if (t->n_scored) cli_json_add_estimate(row, "perplexity", t->perplexity);
    if (t->n_scored && v != c->variants) {
        cli_json_add_estimate(row, "kl_mean", t->kl_mean);
        cli_json_add_estimate(row, "kl_p99", t->kl_p99);
        cli_json_add_estimate(row, "top1_agreement", t->top1_agreement);
    }
    if (v->score.n)
        json_object_update_new(
            row, json_pack("{s:I, s:I, s:[f, f]}", "questions", (json_int_t)v->score.n, "right",
                           (json_int_t)v->score.n_right, "right_95", v->score.low, v->score.high));
}

static json_t *variant_json(const cli_comparison *c, const cli_variant *v)
{
    const aeon_quantize_result *m = &v->made;
    json_t *row = json_pack("{s:s, s:s, s:b, s:I, s:I, s:f}", "type", v->name, "weights",
                            aeon_type_name(v->type), "is_original", v == c->variants, "file_bytes",
                            (json_int_t)v->file_bytes, "peak_bytes", (json_int_t)v->peak_bytes,
                            "load_ms", 1e3 * v->load_s);
    add_spread(row, "prefill_tps", v->prefill_tps, 1);
    add_spread(row, "decode_tps", v->decode_tps, 1);
    add_spread(row, "first_token_ms", v->first_s, 1e3);
    if (v != c->variants)
        json_object_update_new(
            row, json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "make_s", v->make_s, "bits_per_weight",
                           8 * (double)m->out_bytes / (double)m->n_values, "rms_error",
                           m->rms_error, "requantized", (json_int_t)m->n_requantized, "weighted",
                           (json_int_t)m->n_weighted, "fell_back", (json_int_t)m->n_fallback));
    add_quality(row, c, v);
    return row;
}

static aeon_status print_json(const cli_comparison *c, aeon_error *err)
{
    const cli_options *o = c->options;
    const aeon_text_eval *t = &c->variants[0].text;
    aeon_machine machine = aeon_machine_describe();
    json_t *variants = json_array();
    bool is_complete = true;
    for (size_t i = 0; i < c->n_variants; i++) {
        is_complete &= c->variants[i].is_done;
        if (c->variants[i].is_done)
            json_array_append_new(variants, variant_json(c, &c->variants[i]));
    }
    json_t *document = json_pack(
        "{s:o, s:o, s:I, s:s, s:i, s:o, s:I, s:I, s:I, s:s, s:b, s:s, s:o}", "model",
        cli_json_text(c->model, strlen(c->model)), "name",
        cli_json_text(c->about.name, strlen(c->about.name)), "parameters",
        (json_int_t)c->about.n_params, "isa", machine.isa, "threads", c->n_threads, "processor",
        cli_json_text(machine.processor, strlen(machine.processor)), "prefill_tokens",
        (json_int_t)o->n_prefill, "decode_tokens", (json_int_t)o->n_decode, "runs",
        (json_int_t)o->n_runs, "memory", c->has_planned_memory ? "planned" : "measured", "complete",
        is_complete, "same_as_original", c->same, "variants", variants);
    if (c->n_variants > 1)
        json_object_update_new(
            document,
            json_pack("{s:s?, s:o}", "head", o->head, "imatrix",
                      o->imatrix ? cli_json_text(o->imatrix, strlen(o->imatrix)) : json_null()));
    if (t->n_scored)
        json_object_update_new(document, json_pack("{s:s, s:I, s:I}", o->file ? "file" : "suite",
                                                   o->file ? o->file : o->suite, "windows",
                                                   (json_int_t)t->n_windows, "tokens",
                                                   (json_int_t)t->n_scored));
    return cli_print_json(document, err);
}

aeon_status cli_compare_report(const cli_comparison *c, aeon_error *err)
{
    if (c->options->json) return print_json(c, err);
    print_text(c);
    return AEON_OK;
}
