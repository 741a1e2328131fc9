/* gguf_copy.h - write a GGUF file again with something changed: models that lie, or that have
 * what no synthetic shape has. */
#ifndef AEON_TESTS_GGUF_COPY_H
#define AEON_TESTS_GGUF_COPY_H

#include "check.h"
#include "format/gguf.h"

/* Leave out the keys and tensors that drops names, and let put write other keys in their place.
 * Either may be NULL. */
static inline void gguf_copy(const char *from, const char *to,
                             bool (*drops)(const void *arg, const char *name),
                             void (*put)(const void *arg, ae_gguf_writer *w), const void *arg)
{
    aeon_error err;
    ae_gguf *g = NULL;
    ae_gguf_writer *w = NULL;
    CHECK_OK(ae_gguf_open(&g, from, &err));
    CHECK_OK(ae_gguf_writer_open(&w, to, &err));
    for (size_t i = 0; i < ae_gguf_n_values(g); i++) {
        const ae_gguf_value *v = ae_gguf_value_at(g, i);
        if (!drops || !drops(arg, v->key)) CHECK_OK(ae_gguf_put_value(w, v, &err));
    }
    if (put) put(arg, w);
    for (int with_data = 0; with_data < 2; with_data++)
        for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
            const ae_tensor *t = ae_gguf_tensor_at(g, i);
            if (drops && drops(arg, t->name)) continue;
            if (with_data)
                CHECK_OK(ae_gguf_put_data(w, t->data, (size_t)t->size_bytes, &err));
            else
                CHECK_OK(ae_gguf_add_tensor(w, t->name, t->type->type, t->n_dims, t->dims, &err));
        }
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    ae_gguf_close(g);
}

#endif
