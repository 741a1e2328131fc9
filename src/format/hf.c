#include "format/hf.h"

#include "base/file.h"
#include "base/mem.h"

#include <limits.h>
#include <string.h>

enum { MAX_TOKENIZER_BYTES = 256 << 20, MAX_TEMPLATE_BYTES = 1 << 20 };

static aeon_status join(char path[PATH_MAX], const ae_hf *h, const char *name, aeon_error *err)
{
    if (ae_path_join(path, PATH_MAX, h->path, name)) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: the path is too long", h->path);
}

/* *out stays as it is if there is no such file. */
static aeon_status load_json(json_t **out, const ae_hf *h, const char *name, aeon_error *err)
{
    char path[PATH_MAX];
    TRY(join(path, h, name, err));
    return ae_file_exists(path) ? ae_json_load(out, path, err) : AEON_OK;
}

static aeon_status load_text(aeon_text *out, const ae_hf *h, const char *name, size_t max_bytes,
                             aeon_error *err)
{
    char path[PATH_MAX];
    TRY(join(path, h, name, err));
    return ae_file_exists(path) ? ae_file_read(path, max_bytes, out, err) : AEON_OK;
}

/* The template in tokenizer_config: a text, or a list of {name, template}. */
static const json_t *find_template(const json_t *tokenizer_config)
{
    const json_t *found = json_object_get(tokenizer_config, "chat_template");
    const json_t *item;
    size_t i;
    json_array_foreach(found, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name && strcmp(name, "default") == 0) return json_object_get(item, "template");
    }
    return found;
}

static aeon_status load_template(ae_hf *h, aeon_error *err)
{
    TRY(load_text(&h->chat_template, h, "chat_template.jinja", MAX_TEMPLATE_BYTES, err));
    if (h->chat_template.len) return AEON_OK;
    const json_t *text = find_template(h->tokenizer_config);
    if (!json_is_string(text)) return AEON_OK;
    return aeon_text_append(&h->chat_template, json_string_value(text), json_string_length(text),
                            err);
}

/* Words are weights only where config.json says what they mean. */
static aeon_status refuse_words(const ae_hf *h, aeon_error *err)
{
    for (size_t i = 0; i < ae_safetensors_n_tensors(h->tensors); i++) {
        const ae_tensor *t = ae_safetensors_tensor_at(h->tensors, i);
        if (t->type->type == AEON_TYPE_U32)
            return ae_fail(err, AEON_UNSUPPORTED,
                           "%s: tensor '%s' has type U32, but config.json has no \"quantization\"",
                           h->path, ae_show(t->name, strlen(t->name)).text);
    }
    return AEON_OK;
}

static aeon_status load_tensors(ae_hf *h, aeon_error *err)
{
    json_t *quantization = json_object_get(h->config, "quantization");
    bool is_mlx = quantization && !json_is_null(quantization);
    if (is_mlx) TRY(ae_mlx_check(quantization, h->path, err));
    TRY(ae_safetensors_open_folder(&h->tensors, h->path, err));
    if (!is_mlx) return refuse_words(h, err);
    return ae_mlx_new(&h->mlx, h->tensors, quantization, h->path, err);
}

static aeon_status load(ae_hf *h, bool with_weights, aeon_error *err)
{
    char path[PATH_MAX];
    TRY(join(path, h, "config.json", err));
    if (!ae_file_exists(path))
        return ae_fail(
            err, AEON_NOT_FOUND,
            "%s: a folder without config.json; a model's has config.json, tokenizer.json "
            "and *.safetensors as they are published",
            h->path);
    TRY(ae_json_load(&h->config, path, err));
    TRY(load_json(&h->generation_config, h, "generation_config.json", err));
    TRY(load_json(&h->tokenizer_config, h, "tokenizer_config.json", err));
    TRY(load_text(&h->tokenizer_json, h, "tokenizer.json", MAX_TOKENIZER_BYTES, err));
    TRY(load_template(h, err));
    return with_weights ? load_tensors(h, err) : AEON_OK;
}

aeon_status ae_hf_open(ae_hf **out, const char *folder, bool with_weights, aeon_error *err)
{
    ae_hf *h = ae_mem_alloc(AE_MEM_OTHER, sizeof *h);
    if (!h) return ae_fail_memory(err, sizeof *h, "a model folder");
    h->path = ae_mem_text(AE_MEM_OTHER, folder, strlen(folder));
    aeon_status status =
        h->path ? load(h, with_weights, err) : ae_fail_memory(err, strlen(folder), "a path");
    if (status != AEON_OK) {
        ae_hf_close(h);
        return status;
    }
    *out = h;
    return AEON_OK;
}

void ae_hf_close(ae_hf *h)
{
    if (!h) return;
    json_decref(h->config);
    json_decref(h->generation_config);
    json_decref(h->tokenizer_config);
    aeon_text_release(&h->tokenizer_json);
    aeon_text_release(&h->chat_template);
    ae_mlx_free(h->mlx);
    ae_safetensors_close(h->tensors);
    ae_mem_free(h->path);
    ae_mem_free(h);
}

size_t ae_hf_n_tensors(const ae_hf *h)
{
    return h->mlx ? ae_mlx_n_tensors(h->mlx) : ae_safetensors_n_tensors(h->tensors);
}

const ae_tensor *ae_hf_tensor_at(const ae_hf *h, size_t i)
{
    return h->mlx ? ae_mlx_at(h->mlx, i) : ae_safetensors_tensor_at(h->tensors, i);
}

const ae_tensor *ae_hf_tensor_find(const ae_hf *h, const char *name)
{
    return h->mlx ? ae_mlx_find(h->mlx, name) : ae_safetensors_tensor_find(h->tensors, name);
}
