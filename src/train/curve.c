#include "train/curve.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char header[] = "step,tokens,seconds,loss,held_out_loss,learning_rate,tokens_per_s\n";
enum { N_COLUMNS = 7, MAX_BYTES = 1 << 28 };

static aeon_status fail_io(aeon_error *err, const ae_curve *c)
{
    return ae_fail(err, AEON_IO, "%s.csv: %s", c->name, strerror(errno));
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Nine digits tell any two losses apart, and are read back as the number that was written. */
static int format_row(char *out, size_t size, const ae_curve_point *p)
{
    char held_out[32] = "";
    if (!isnan(p->held_out_loss)) snprintf(held_out, sizeof held_out, "%.9g", p->held_out_loss);
    return snprintf(out, size, "%.0f,%.0f,%.3f,%.9g,%s,%.9g,%.1f\n", p->step, p->n_tokens,
                    p->seconds, p->loss, held_out, p->learning_rate, p->tokens_per_s);
}

/* Read a row and go behind it. False if it is not whole, for a machine may have stopped within it,
 * or has a number that no run writes and no picture can hold. */
static bool take_row(const char **at, ae_curve_point *out)
{
    const double largest = 1e15;
    double v[N_COLUMNS];
    for (int i = 0; i < N_COLUMNS; i++) {
        char *end;
        char stop = i + 1 < N_COLUMNS ? ',' : '\n';
        v[i] = strtod(*at, &end);
        if (end == *at) v[i] = NAN;
        if (*end != stop || fabs(v[i]) > largest) return false;
        *at = end + 1;
    }
    *out = (ae_curve_point){v[0], v[1], v[2], v[3], v[4], v[5], v[6]};
    return out->step > 0 && !isnan(out->loss);
}

static aeon_status push(ae_curve *c, const ae_curve_point *point, aeon_error *err)
{
    ae_curve_point *grown = ae_mem_room(AE_MEM_TRAIN, c->points, c->n, &c->cap, sizeof *grown);
    if (!grown) return ae_fail_memory(err, c->n * sizeof *grown, "the loss curve");
    c->points = grown;
    c->points[c->n++] = *point;
    return AEON_OK;
}

/* ---- the table ------------------------------------------------------------------------------- */

static aeon_status read_rows(ae_curve *c, const char *text, uint32_t last_step, const char *path,
                             aeon_error *err)
{
    if (strncmp(text, header, sizeof header - 1) != 0)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: is not the loss curve of a run", path);
    ae_curve_point point;
    text += sizeof header - 1;
    while (take_row(&text, &point) && point.step <= last_step) TRY(push(c, &point, err));
    return AEON_OK;
}

static aeon_status read_table(ae_curve *c, const char *path, uint32_t last_step, aeon_error *err)
{
    aeon_text text = {0};
    if (last_step == 0 || !ae_file_exists(path)) return AEON_OK;
    aeon_status status = ae_file_read(path, MAX_BYTES, &text, err);
    if (status == AEON_OK) status = read_rows(c, text.len ? text.data : "", last_step, path, err);
    aeon_text_release(&text);
    return status;
}

static aeon_status write_rows(ae_writer *w, const ae_curve *c, aeon_error *err)
{
    char row[256];
    TRY(ae_writer_put(w, header, sizeof header - 1, err));
    for (size_t i = 0; i < c->n; i++)
        TRY(ae_writer_put(w, row, (size_t)format_row(row, sizeof row, &c->points[i]), err));
    return AEON_OK;
}

static aeon_status write_table(const ae_curve *c, const char *path, aeon_error *err)
{
    ae_writer *w;
    TRY(ae_writer_open(&w, path, err));
    aeon_status status = write_rows(w, c, err);
    if (status == AEON_OK) return ae_writer_commit(w, err);
    ae_writer_abort(w);
    return status;
}

static aeon_status open_all(ae_curve *c, uint32_t last_step, aeon_error *err)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s.csv", c->name) >= (int)sizeof path)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "curve: the name is too long");
    TRY(read_table(c, path, last_step, err));
    TRY(write_table(c, path, err));
    c->csv = fopen(path, "ab");
    return c->csv ? AEON_OK : fail_io(err, c);
}

aeon_status ae_curve_open(ae_curve *out, const char *name, uint32_t last_step, aeon_error *err)
{
    ae_curve c = {.name = ae_mem_text(AE_MEM_TRAIN, name, strlen(name))};
    if (!c.name) return ae_fail_memory(err, strlen(name), "the loss curve");
    aeon_status status = open_all(&c, last_step, err);
    if (status == AEON_OK)
        *out = c;
    else
        ae_curve_close(&c);
    return status;
}

aeon_status ae_curve_add(ae_curve *c, const ae_curve_point *point, aeon_error *err)
{
    char row[256];
    TRY(push(c, point, err));
    size_t len = (size_t)format_row(row, sizeof row, point);
    if (fwrite(row, 1, len, c->csv) != len || fflush(c->csv) != 0) return fail_io(err, c);
    return AEON_OK;
}

double ae_curve_seconds(const ae_curve *c)
{
    return c->n ? c->points[c->n - 1].seconds : 0;
}

void ae_curve_close(ae_curve *c)
{
    if (c->csv) fclose(c->csv);
    ae_mem_free(c->name);
    ae_mem_free(c->points);
    *c = (ae_curve){0};
}
