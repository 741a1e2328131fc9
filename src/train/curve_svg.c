/* curve_svg.c - the loss curve as a picture: ae_curve_draw. */
#include "train/curve.h"

#include "base/file.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { WIDTH = 800, HEIGHT = 450, LEFT = 70, RIGHT = 770, TOP = 56, BOTTOM = 396 };
enum { MAX_DOTS = RIGHT - LEFT }; /* of a line: more could not be seen */

static const char style[] = "<style>\n"
                            "text { font: 13px sans-serif; fill: #1f2328 }\n"
                            ".title { font-size: 17px; font-weight: bold }\n"
                            ".paper { fill: #ffffff }\n"
                            ".grid { stroke: #d0d7de }\n"
                            ".axis { stroke: #1f2328 }\n"
                            ".loss { stroke: #0969da; stroke-width: 1.2 }\n"
                            ".held-out { stroke: #bc4c00; stroke-width: 2.4 }\n"
                            "polyline { fill: none; stroke-linejoin: round }\n"
                            "@media (prefers-color-scheme: dark) {\n"
                            "text { fill: #e6edf3 }\n"
                            ".paper { fill: #0d1117 }\n"
                            ".grid { stroke: #30363d }\n"
                            ".axis { stroke: #e6edf3 }\n"
                            ".loss { stroke: #58a6ff }\n"
                            ".held-out { stroke: #f0883e }\n"
                            "}\n"
                            "</style>\n";

typedef struct {
    const ae_curve *curve;
    ae_writer *w;
    double last_step;
    double low, high; /* of the loss axis, logarithmic */
} picture;

__attribute__((format(printf, 3, 4))) static aeon_status put(const picture *p, aeon_error *err,
                                                             const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    AEON_ASSERT(len >= 0 && len < (int)sizeof text);
    return ae_writer_put(p->w, text, (size_t)len, err);
}

/* ---- scales ---------------------------------------------------------------------------------- */

/* The marks of an axis: 1, 2 or 5 times a power of ten. The largest one up to x, and the next. */
static double mark_below(double x)
{
    double power = pow(10, floor(log10(x) + 1e-9)), digit = x / power;
    return power * (digit >= 5 - 1e-9 ? 5 : digit >= 2 - 1e-9 ? 2 : 1);
}

static double mark_after(double mark)
{
    double power = pow(10, floor(log10(mark) + 1e-9));
    return mark / power > 4 ? 10 * power : mark / power > 1.5 ? 5 * power : 2 * power;
}

/* A loss of 0 has no logarithm; nothing below this is worth seeing. */
static double clamped(double loss)
{
    return loss > 1e-4 ? loss : 1e-4;
}

static void include(picture *p, double loss)
{
    if (isnan(loss)) return;
    p->low = fmin(p->low, clamped(loss));
    p->high = fmax(p->high, clamped(loss));
}

static void set_scales(picture *p)
{
    const ae_curve *c = p->curve;
    p->low = INFINITY;
    p->high = 0;
    p->last_step = c->n ? c->points[c->n - 1].step : 1;
    for (size_t i = 0; i < c->n; i++) {
        include(p, c->points[i].loss);
        include(p, c->points[i].held_out_loss);
    }
    if (c->n == 0) p->low = p->high = 1;
    p->low = mark_below(p->low);
    p->high = mark_after(mark_below(p->high));
}

static double x_of(const picture *p, double step)
{
    return LEFT + (RIGHT - LEFT) * step / p->last_step;
}

static double y_of(const picture *p, double loss)
{
    return BOTTOM - (BOTTOM - TOP) * log(clamped(loss) / p->low) / log(p->high / p->low);
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Characters with a meaning in XML become references, control characters spaces. */
static aeon_status put_escaped(const picture *p, const char *text, aeon_error *err)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&' || c == '<' || c == '>' || c == '"')
            TRY(put(p, err, "&#%d;", c));
        else
            TRY(put(p, err, "%c", c < 32 ? ' ' : c));
    }
    return AEON_OK;
}

static aeon_status put_axes(const picture *p, aeon_error *err)
{
    for (double loss = p->low; loss <= p->high * 1.01; loss = mark_after(loss)) {
        double y = y_of(p, loss);
        TRY(put(p, err, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, RIGHT));
        TRY(put(p, err, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", LEFT - 8,
                y + 4, loss));
    }
    double apart = mark_after(mark_below(p->last_step / 8));
    if (apart < 1) apart = 1;
    for (double step = 0; step <= p->last_step; step += apart) {
        double x = x_of(p, step);
        TRY(put(p, err, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>\n", x, TOP, BOTTOM));
        TRY(put(p, err, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x,
                BOTTOM + 20, step));
    }
    TRY(put(p, err, "<path class=\"axis\" d=\"M%d %dV%dH%d\" fill=\"none\"/>\n", LEFT, TOP, BOTTOM,
            RIGHT));
    TRY(put(p, err, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>\n",
            (LEFT + RIGHT) / 2, HEIGHT - 12));
    return put(p, err,
               "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">"
               "loss per token (natural logarithm)</text>\n",
               (TOP + BOTTOM) / 2);
}

static double loss_of(const ae_curve_point *point, bool is_held_out)
{
    return is_held_out ? point->held_out_loss : point->loss;
}

/* A line through the means of at most MAX_DOTS groups of points; its last value names it. */
static aeon_status put_line(const picture *p, bool is_held_out, aeon_error *err)
{
    const ae_curve *c = p->curve;
    const char *kind = is_held_out ? "held-out" : "loss";
    size_t per_dot = c->n / MAX_DOTS + 1;
    double last = NAN;
    TRY(put(p, err, "<polyline class=\"%s\" points=\"", kind));
    for (size_t begin = 0; begin < c->n; begin += per_dot) {
        double step = 0, sum = 0;
        int n = 0;
        for (size_t i = begin; i < begin + per_dot && i < c->n; i++) {
            double loss = loss_of(&c->points[i], is_held_out);
            if (isnan(loss)) continue;
            step += c->points[i].step;
            sum += last = loss;
            n++;
        }
        if (n) TRY(put(p, err, "%.1f,%.1f ", x_of(p, step / n), y_of(p, sum / n)));
    }
    TRY(put(p, err, "\"/>\n"));
    if (isnan(last)) return AEON_OK;
    int y = is_held_out ? TOP + 38 : TOP + 18;
    TRY(put(p, err, "<path class=\"%s\" d=\"M%d %dh24\"/>\n", kind, RIGHT - 160, y - 4));
    return put(p, err, "<text x=\"%d\" y=\"%d\">%s %.4f</text>\n", RIGHT - 130, y, kind, last);
}

static aeon_status put_all(const picture *p, const char *title, aeon_error *err)
{
    TRY(put(p, err,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\">\n<title>",
            WIDTH, HEIGHT, WIDTH, HEIGHT));
    TRY(put_escaped(p, title, err));
    TRY(put(p, err, ": loss while training</title>\n"));
    TRY(ae_writer_put(p->w, style, sizeof style - 1, err));
    TRY(put(p, err, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", WIDTH, HEIGHT));
    TRY(put(p, err, "<text class=\"title\" x=\"%d\" y=\"32\">", LEFT));
    TRY(put_escaped(p, title, err));
    TRY(put(p, err, ": loss while training</text>\n"));
    TRY(put_axes(p, err));
    TRY(put_line(p, false, err));
    TRY(put_line(p, true, err));
    return put(p, err, "</svg>\n");
}

aeon_status ae_curve_draw(const ae_curve *c, const char *title, aeon_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.svg", c->name); /* as long as the .csv, which is open */
    picture p = {.curve = c};
    set_scales(&p);
    TRY(ae_writer_open(&p.w, path, err));
    aeon_status status = put_all(&p, title, err);
    if (status == AEON_OK) return ae_writer_commit(p.w, err);
    ae_writer_abort(p.w);
    return status;
}
