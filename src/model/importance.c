#include "model/importance.h"

#include "model/presets.h"

#include <string.h>

static const char advice[] = "the importance matrix was made of another model; see aeon imatrix";

static bool needs_importance(const ae_source_tensor *t, const ae_dtype *type)
{
    ae_role_kind kind = ae_role_of(t->name).kind;
    bool is_in_layer = kind != AE_ROLE_OTHER && kind != AE_ROLE_EMBEDDING && kind != AE_ROLE_HEAD;
    return is_in_layer && t->stored->n_dims > 1 && type != t->stored->type &&
           type->block_values > 1;
}

/* where: the file of the tensor, for error texts. */
static aeon_status match_tensor(const float **out, const ae_imatrix *m, const ae_source_tensor *t,
                                const ae_dtype *type, const char *where, aeon_error *err)
{
    const ae_imatrix_entry *e = t->stored->n_dims > 1 ? ae_imatrix_find(m, t->name) : NULL;
    *out = NULL;
    if (!e && needs_importance(t, type))
        return ae_fail(err, AEON_MISMATCH, "%s: tensor %s: has no importance; %s", where, t->name,
                       advice);
    if (!e) return AEON_OK;
    if (e->n_cols != t->stored->dims[0])
        return ae_fail(err, AEON_MISMATCH,
                       "%s: tensor %s: %llu columns, but importance for %zu; %s", where, t->name,
                       (unsigned long long)t->stored->dims[0], e->n_cols, advice);
    if (e->n_tokens > 0) *out = e->sums;
    return AEON_OK;
}

static bool has_matrix(const ae_source *s, const char *name)
{
    for (size_t i = 0; i < s->n_tensors; i++)
        if (s->tensors[i].stored->n_dims > 1 && strcmp(s->tensors[i].name, name) == 0) return true;
    return false;
}

aeon_status ae_importance_match(const float **out, const ae_imatrix *m, const ae_source *s,
                                const ae_dtype *const *types, aeon_error *err)
{
    for (size_t i = 0; i < s->n_tensors; i++)
        TRY(match_tensor(&out[i], m, &s->tensors[i], types[i], s->path, err));
    for (size_t i = 0; i < m->n; i++)
        if (!has_matrix(s, m->entries[i].name))
            return ae_fail(err, AEON_MISMATCH,
                           "%s: %s: has importance, but there is no such matrix; %s", s->path,
                           ae_show(m->entries[i].name, strlen(m->entries[i].name)).text, advice);
    return AEON_OK;
}
