#include "train/recipe.h"

#include "text/json.h"

#include <math.h>
#include <string.h>

/* ---- the fields ------------------------------------------------------------------------------ */

typedef enum { TEXT, CHOICE, WHOLE, REAL } field_kind; /* const char *, same, uint32_t, double */
enum { IDENTITY = 1, REQUIRED = 2 };                   /* decides what is learned; has no default */

typedef struct {
    const char *name;
    field_kind kind;
    unsigned flags;
    size_t offset; /* in ae_recipe */
    double min, max, number;
    const char *text; /* the default, or the choices "a|b" of which the first is it */
} field;

#define AT(member) offsetof(ae_recipe, member)
#define TEXT_FIELD(name, flags, member, text)                                                      \
    {                                                                                              \
        name, TEXT, flags, AT(member), 0, 0, 0, text                                               \
    }
#define CHOICE_FIELD(name, flags, member, text)                                                    \
    {                                                                                              \
        name, CHOICE, flags, AT(member), 0, 0, 0, text                                             \
    }
#define WHOLE_FIELD(name, flags, member, min, max, number)                                         \
    {                                                                                              \
        name, WHOLE, flags, AT(member), min, max, number, NULL                                     \
    }
#define REAL_FIELD(name, flags, member, min, max, number)                                          \
    {                                                                                              \
        name, REAL, flags, AT(member), min, max, number, NULL                                      \
    }

static const field fields[] = {
    /* Data. Talks are lines of JSON, as example.h says. */
    TEXT_FIELD("train", REQUIRED, train, NULL),         /* the talks to learn */
    TEXT_FIELD("held_out", 0, held_out, ""),            /* talks that only measure; "" for none */
    TEXT_FIELD("tokenizer", REQUIRED, tokenizer, NULL), /* a Hugging Face tokenizer.json */
    TEXT_FIELD("chat_template", IDENTITY, chat_template, "phi-4-mini"), /* by name */
    CHOICE_FIELD("loss", IDENTITY, loss, "assistant|all"), /* whose tokens are learned */

    /* The model. */
    TEXT_FIELD("name", 0, name, "unnamed"), /* general.name in the output */
    WHOLE_FIELD("n_embd", IDENTITY | REQUIRED, shape.n_embd, 8, 65536, 0), /* width */
    WHOLE_FIELD("n_layers", IDENTITY | REQUIRED, shape.n_layers, 1, 1024, 0),
    WHOLE_FIELD("n_heads", IDENTITY | REQUIRED, shape.n_heads, 1, 1024, 0), /* query heads */
    WHOLE_FIELD("n_kv_heads", IDENTITY | REQUIRED, shape.n_kv_heads, 1, 1024, 0),
    WHOLE_FIELD("n_ff", IDENTITY | REQUIRED, shape.n_ff, 8, 262144, 0), /* feed-forward width */
    WHOLE_FIELD("n_ctx", IDENTITY, shape.n_ctx, 2, 1048576, 4096),      /* longest sequence */
    WHOLE_FIELD("n_ctx_original", IDENTITY, shape.n_ctx_original, 2, 1048576,
                1024), /* short rope */
    REAL_FIELD("rope_theta", IDENTITY, shape.rope_theta, 1, 1e9, 10000),
    REAL_FIELD("partial_rotary", IDENTITY, shape.partial_rotary, 0.01, 1, 0.75), /* of a head */
    REAL_FIELD("norm_eps", IDENTITY, shape.norm_eps, 0, 1, 1e-5),

    /* The schedule. */
    WHOLE_FIELD("seed", IDENTITY, seed, 0, UINT32_MAX, 1),
    WHOLE_FIELD("steps", IDENTITY | REQUIRED, steps, 1, 1e9, 0),
    CHOICE_FIELD("products", IDENTITY, products, "f32|bf16"),    /* bf16 where a machine can */
    WHOLE_FIELD("batch", IDENTITY, batch, 1, 4096, 16),          /* sequences at a time, each with
                                                                    a gradient of its own */
    WHOLE_FIELD("accumulate", IDENTITY, accumulate, 1, 4096, 1), /* batches in a step */
    WHOLE_FIELD("sequence", IDENTITY, sequence, 8, 65536, 512),  /* most tokens in a sequence */
    WHOLE_FIELD("long_every", IDENTITY, long_every, 0, 1e9, 0),  /* every n-th sequence is rotated
                                                                    with the long factors; 0: none */
    REAL_FIELD("learning_rate", IDENTITY, learning_rate, 0, 1, 2e-3),  /* at its peak */
    REAL_FIELD("final_fraction", IDENTITY, final_fraction, 0, 1, 0.1), /* of it, at the end */
    WHOLE_FIELD("warmup_steps", IDENTITY, warmup_steps, 0, 1e9, 100),
    CHOICE_FIELD("optimizer", IDENTITY, optimizer,
                 "adamw|muon"), /* muon: of the layers' matrices */
    REAL_FIELD("beta1", IDENTITY, beta1, 0, 0.999999, 0.9),
    REAL_FIELD("beta2", IDENTITY, beta2, 0, 0.999999, 0.95),
    REAL_FIELD("epsilon", IDENTITY, epsilon, 1e-12, 1, 1e-8),
    REAL_FIELD("weight_decay", IDENTITY, weight_decay, 0, 1, 0.1), /* of matrices in layers */
    REAL_FIELD("clip", IDENTITY, clip, 0, 1e9, 1), /* longest gradient; 0: any length */

    /* Files and reports. */
    TEXT_FIELD("output", REQUIRED, output, NULL),            /* the GGUF to write at the end */
    CHOICE_FIELD("output_type", 0, output_type, "q8_0|f32"), /* of its matrices */
    TEXT_FIELD("checkpoint", REQUIRED, checkpoint, NULL), /* the file that resume continues from */
    WHOLE_FIELD("checkpoint_steps", 0, checkpoint_steps, 0, 1e9, 0), /* every n steps; 0: by time */
    REAL_FIELD("checkpoint_minutes", 0, checkpoint_minutes, 0, 1e6, 5), /* 0: by steps alone */
    TEXT_FIELD("curve", 0, curve, ""), /* the loss as NAME.csv and NAME.svg; "" for none */
    WHOLE_FIELD("report_steps", 0, report_steps, 1, 1e9, 10),
    WHOLE_FIELD("held_out_steps", 0, held_out_steps, 0, 1e9, 200),  /* measure every n steps */
    WHOLE_FIELD("held_out_talks", 0, held_out_talks, 1, 1e9, 1000), /* measure with so many */
};

/* ---- reading --------------------------------------------------------------------------------- */

static const field *find_field(const char *name)
{
    for (size_t i = 0; i < AE_COUNT(fields); i++)
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    return NULL;
}

static void *place(ae_recipe *r, const field *f)
{
    return (char *)r + f->offset;
}

/* Is text one of the choices "a|b|c"? */
static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (strncmp(c, text, len) == 0 && (c[len] == '|' || c[len] == 0)) return len > 0;
    return false;
}

static aeon_status read_text(ae_recipe *r, const field *f, const json_t *value, const char *path,
                             aeon_error *err)
{
    const char *text = json_string_value(value);
    if (!text || (!*text && (f->flags & REQUIRED)))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: %s", path, f->name,
                       text ? "must not be empty" : "must be a text");
    if (f->kind == CHOICE && !is_choice(f->text, text))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: \"%s\" is none of %s", path, f->name,
                       text, f->text);
    memcpy(place(r, f), &text, sizeof text);
    return AEON_OK;
}

static aeon_status read_number(ae_recipe *r, const field *f, const json_t *value, const char *path,
                               aeon_error *err)
{
    if (!json_is_number(value) || (f->kind == WHOLE && !json_is_integer(value)))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: must be a %s", path, f->name,
                       f->kind == WHOLE ? "whole number" : "number");
    double number = json_number_value(value);
    if (!(number >= f->min && number <= f->max))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: %g is out of range, %g to %.10g", path,
                       f->name, number, f->min, f->max);
    uint32_t whole = (uint32_t)number;
    memcpy(place(r, f), f->kind == WHOLE ? (void *)&whole : (void *)&number,
           f->kind == WHOLE ? sizeof whole : sizeof number);
    return AEON_OK;
}

/* The value that stands for an absent field. Texts live as long as the recipe's JSON. */
static json_t *default_value(const field *f)
{
    if (f->kind == WHOLE) return json_integer((json_int_t)f->number);
    if (f->kind == REAL) return json_real(f->number);
    if (f->kind == TEXT) return json_string(f->text);
    return json_stringn(f->text, strcspn(f->text, "|"));
}

/* Put the value of "FIELD=VALUE" into the object. */
static aeon_status apply_setting(ae_recipe *r, const char *setting, aeon_error *err)
{
    char name[64];
    size_t len = strcspn(setting, "=");
    if (setting[len] == 0 || len == 0 || len >= sizeof name)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: must be FIELD=VALUE", setting);
    memcpy(name, setting, len);
    name[len] = 0;
    const char *text = setting + len + 1;
    const field *f = find_field(name);
    if (!f) return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: there is no such field", setting);
    json_t *value = f->kind == TEXT || f->kind == CHOICE ? json_string(text)
                                                         : json_loads(text, JSON_DECODE_ANY, NULL);
    if (json_object_set_new(r->json, name, value) != 0)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: must be a number", setting);
    return AEON_OK;
}

static aeon_status read_fields(ae_recipe *r, const char *path, aeon_error *err)
{
    for (void *i = json_object_iter(r->json); i; i = json_object_iter_next(r->json, i)) {
        const char *name = json_object_iter_key(i);
        if (!find_field(name))
            return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: there is no such field", path,
                           name);
    }
    for (size_t i = 0; i < AE_COUNT(fields); i++) {
        const field *f = &fields[i];
        json_t *value = json_object_get(r->json, f->name);
        if (!value && (f->flags & REQUIRED))
            return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: is missing", path, f->name);
        if (!value) {
            value = default_value(f);
            if (json_object_set_new(r->json, f->name, value) != 0)
                return ae_fail_memory(err, sizeof *r, "the configuration");
        }
        if (f->kind == TEXT || f->kind == CHOICE)
            TRY(read_text(r, f, value, path, err));
        else
            TRY(read_number(r, f, value, path, err));
    }
    if (r->checkpoint_steps == 0 && r->checkpoint_minutes == 0)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: checkpoint_steps: must not be 0 when checkpoint_minutes is 0", path);
    if (r->sequence > r->shape.n_ctx)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: sequence: %u is more than n_ctx %u", path,
                       r->sequence, r->shape.n_ctx);
    return AEON_OK;
}

/* What is read, or was just written, must not be replaced by something else hours later. */
static aeon_status check_files(const ae_recipe *r, const char *path, aeon_error *err)
{
    const struct {
        const char *field, *file;
    } files[] = {{"train", r->train},
                 {"held_out", r->held_out},
                 {"tokenizer", r->tokenizer},
                 {"checkpoint", r->checkpoint},
                 {"output", r->output}};
    enum { FIRST_WRITTEN = 3 };
    for (size_t i = FIRST_WRITTEN; i < AE_COUNT(files); i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(files[i].file, files[j].file) == 0)
                return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: %s: %s is also %s: choose another",
                               path, files[i].field, files[i].file, files[j].field);
    return AEON_OK;
}

aeon_status ae_recipe_load(ae_recipe *out, const char *path, const char *const *settings,
                           size_t n_settings, aeon_error *err)
{
    ae_recipe r = {0};
    TRY(ae_json_load(&r.json, path, err));
    aeon_status status = AEON_OK;
    for (size_t i = 0; i < n_settings && status == AEON_OK; i++)
        status = apply_setting(&r, settings[i], err);
    if (status == AEON_OK) status = read_fields(&r, path, err);
    if (status == AEON_OK) status = check_files(&r, path, err);
    if (status == AEON_OK)
        *out = r;
    else
        ae_recipe_release(&r);
    return status;
}

void ae_recipe_release(ae_recipe *r)
{
    json_decref(r->json);
    *r = (ae_recipe){0};
}

json_t *ae_recipe_identity(const ae_recipe *r)
{
    json_t *identity = json_object();
    for (size_t i = 0; identity && i < AE_COUNT(fields); i++) {
        const char *name = fields[i].name;
        if (!(fields[i].flags & IDENTITY)) continue;
        if (json_object_set(identity, name, json_object_get(r->json, name)) != 0) {
            json_decref(identity);
            identity = NULL;
        }
    }
    return identity;
}

double ae_recipe_learning_rate(const ae_recipe *r, uint64_t step)
{
    if (step < r->warmup_steps) return r->learning_rate * (double)(step + 1) / r->warmup_steps;
    if (step >= r->steps) return r->learning_rate * r->final_fraction;
    double part = (double)(step - r->warmup_steps) / ((double)r->steps - r->warmup_steps);
    double fall = 0.5 * (1 + cos(3.14159265358979323846 * part));
    return r->learning_rate * (r->final_fraction + (1 - r->final_fraction) * fall);
}
