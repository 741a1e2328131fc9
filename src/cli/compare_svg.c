/* compare_svg.c - aeon compare: the figures as a picture.
 *
 *     size and memory   [ file     ] [ memory ] [ loaded      ]     in a field a bar for each
 *     speed             [ prefill  ] [ decode ] [ first token ]     variant, all of one scale
 *     quality           [ KL       ] [ top-1  ] [ right       ]
 */
#include "cli/compare.h"
#include "cli/console.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELD = 300, MARGIN = 24, TOP = 64, BAR = 14, STEP = 22, HEADING = 40, BELOW = 22 };
enum { LABELS = 96, NUMBERS = 62, LONGEST = FIELD - LABELS - NUMBERS }; /* of a field's width */

static const char style[] = "<style>\n"
                            "text { font: 12px sans-serif; fill: #1f2328 }\n"
                            ".title { font-size: 17px; font-weight: bold }\n"
                            ".heading { font-weight: bold }\n"
                            ".quiet { fill: #59636e }\n"
                            ".paper { fill: #ffffff }\n"
                            ".bar { fill: #0969da }\n"
                            ".original { fill: #8c959f }\n"
                            "@media (prefers-color-scheme: dark) {\n"
                            "text { fill: #e6edf3 }\n"
                            ".quiet { fill: #9198a1 }\n"
                            ".paper { fill: #0d1117 }\n"
                            ".bar { fill: #4493f8 }\n"
                            ".original { fill: #656c76 }\n"
                            "}\n"
                            "</style>\n";

/* ---- figures --------------------------------------------------------------------------------- */

typedef double figure_fn(const cli_variant *v);
typedef const char *format_fn(char *out, size_t size, double value);

static double file_of(const cli_variant *v)
{
    return (double)v->file_bytes;
}

static double memory_of(const cli_variant *v)
{
    return (double)v->peak_bytes;
}

static double load_of(const cli_variant *v)
{
    return v->load_s;
}

static double prefill_of(const cli_variant *v)
{
    return v->prefill_tps.median;
}

static double decode_of(const cli_variant *v)
{
    return v->decode_tps.median;
}

static double first_of(const cli_variant *v)
{
    return v->first_s.median;
}

static double kl_of(const cli_variant *v)
{
    return v->text.kl_mean.value;
}

/* At how many places another token comes first. */
static double changed_of(const cli_variant *v)
{
    return 100 * (1 - v->text.top1_agreement.value);
}

static double right_of(const cli_variant *v)
{
    return v->score.n ? 100 * (double)v->score.n_right / (double)v->score.n : 0;
}

/* A small one with two digits that are not 0. */
static const char *short_number(char *out, size_t size, double value)
{
    int decimals = value >= 100 || value == 0 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 0;
    if (value > 0 && value < 0.1) decimals = 1 - (int)floor(log10(value));
    snprintf(out, size, "%.*f", decimals, value);
    return out;
}

static const struct {
    const char *heading, *meaning;
    figure_fn *figure;
    format_fn *format;
} fields[] = {
    {"File", "less is better", file_of, cli_short_bytes},
    {"Memory", "less is better", memory_of, cli_short_bytes},
    {"Loaded", "less is better", load_of, cli_short_time},
    {"Prefill, tokens/s", "more is better", prefill_of, short_number},
    {"Decode, tokens/s", "more is better", decode_of, short_number},
    {"First token", "less is better", first_of, cli_short_time},
    {"KL divergence, nats", "from the original; less is better", kl_of, short_number},
    {"Other first choice, %", "than the original; less is better", changed_of, short_number},
    {"Right answers, %", "more is better", right_of, short_number},
};
enum { PER_ROW = 3, N_SPEED = 6, N_READ = 8, N_FIELDS = 9 };

/* ---- parts ----------------------------------------------------------------------------------- */

/* What XML takes for its own becomes a reference, and what it cannot hold a space. */
static void put_escaped(FILE *out, const aeon_text *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        bool is_no_character = i + 2 < text->len && memcmp(text->data + i, "\xef\xbf", 2) == 0 &&
                               (unsigned char)text->data[i + 2] >= 0xbe;
        if (strchr("&<>\"", c) && c)
            fprintf(out, "&#%d;", c);
        else
            fputc(c < 32 || c == 0x7f ? ' ' : c, out);
        if (is_no_character) fputs("\xbf\xbd", out), i += 2; /* U+FFFD */
    }
}

static void put_bar(FILE *out, const cli_comparison *c, const cli_variant *v, size_t field,
                    double longest, int x, int y)
{
    char number[24];
    double value = fields[field].figure(v);
    double width = longest > 0 ? value / longest * LONGEST : 0;
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", x + LABELS - 8,
            y + BAR - 3, cli_compare_name(c, v));
    fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n",
            v == c->variants ? "original" : "bar", x + LABELS, y, width, BAR);
    fprintf(out, "<text x=\"%.1f\" y=\"%d\">%s</text>\n", x + LABELS + width + 6, y + BAR - 3,
            fields[field].format(number, sizeof number, value));
}

static void put_field(FILE *out, const cli_comparison *c, size_t field, int x, int y)
{
    double longest = 0;
    for (size_t i = 0; i < c->n_variants; i++) {
        double value = fields[field].figure(&c->variants[i]);
        if (value > longest) longest = value;
    }
    fprintf(out, "<text class=\"heading\" x=\"%d\" y=\"%d\">%s</text>\n", x, y + 12,
            fields[field].heading);
    fprintf(out, "<text class=\"quiet\" x=\"%d\" y=\"%d\">%s</text>\n", x, y + 28,
            fields[field].meaning);
    for (size_t i = 0; i < c->n_variants; i++)
        put_bar(out, c, &c->variants[i], field, longest, x, y + HEADING + (int)i * STEP);
}

static void put_title(FILE *out, const cli_comparison *c, const aeon_text *name)
{
    aeon_machine m = aeon_machine_describe();
    const cli_options *o = c->options;
    fputs("<text class=\"title\" x=\"24\" y=\"32\">", out);
    put_escaped(out, name);
    fprintf(out,
            "</text>\n<text class=\"quiet\" x=\"24\" y=\"50\">%s, %d thread%s; prompt of %zu "
            "tokens; grey: the original",
            m.isa, c->n_threads, c->n_threads == 1 ? "" : "s", o->n_prefill);
    if (c->n_variants > 1 && o->head) fprintf(out, "; head of the others: %s", o->head);
    if (c->n_variants > 1 && o->imatrix) fputs("; rounded by importance", out);
    fputs("</text>\n", out);
}

static void put_picture(FILE *out, const cli_comparison *c, const aeon_text *name)
{
    size_t n = c->asks ? N_FIELDS : c->reads ? N_READ : N_SPEED;
    int row_height = HEADING + (int)c->n_variants * STEP + BELOW;
    int width = PER_ROW * (FIELD + MARGIN) + MARGIN;
    int height = TOP + (int)((n + PER_ROW - 1) / PER_ROW) * row_height;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\">\n<title>",
            width, height, width, height);
    put_escaped(out, name);
    fprintf(out, ": what each type costs</title>\n%s", style);
    fprintf(out, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", width, height);
    put_title(out, c, name);
    for (size_t i = 0; i < n; i++)
        put_field(out, c, i, MARGIN + (int)(i % PER_ROW) * (FIELD + MARGIN),
                  TOP + (int)(i / PER_ROW) * row_height);
    fputs("</svg>\n", out);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Written beside and renamed, so that an old picture stays if the disk is full. */
static aeon_status write_picture(const cli_comparison *c, const char *path, const char *beside,
                                 const aeon_text *name, aeon_error *err)
{
    FILE *out = fopen(beside, "w");
    if (!out) return cli_error(err, AEON_IO, "%s: %s", beside, strerror(errno));
    put_picture(out, c, name);
    bool is_written = !ferror(out);
    if (fclose(out) == 0 && is_written && rename(beside, path) == 0) return AEON_OK;
    int number = errno;
    unlink(beside);
    return cli_error(err, AEON_IO, "%s: cannot be written: %s", path, strerror(number));
}

aeon_status cli_compare_draw(const cli_comparison *c, const char *path, aeon_error *err)
{
    aeon_text name = {0}, beside = {0};
    const char *shown = c->options->shape ? c->model : c->about.name;
    aeon_status status = cli_text_append_utf8(&name, shown, strlen(shown), err);
    if (status == AEON_OK) status = aeon_text_append(&beside, path, strlen(path), err);
    if (status == AEON_OK) status = aeon_text_append(&beside, ".part", 5, err);
    if (status == AEON_OK) status = write_picture(c, path, beside.data, &name, err);
    aeon_text_release(&name);
    aeon_text_release(&beside);
    return status;
}
