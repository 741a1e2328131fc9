#include "cli/commands.h"
#include "cli/console.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- shared tables ------------------------------------------------------------------------- */

const cli_option cli_model_options[] = {
    {'m', "model", CLI_TEXT, AT(model), 0, 0, "MODEL",
     "a GGUF file, a Hugging Face or MLX folder, builtin, or builtin-draft"},
    {'t', "threads", CLI_SIZE, AT(n_threads), 0, 1024, "N", "threads; 0: one per core"},
    {0, "ctx", CLI_SIZE, AT(n_ctx), 0, 1 << 30, "N",
     "most tokens of the talk; 0: what the model allows, at most 4096"},
    {0, "chunk", CLI_SIZE, AT(n_chunk), 0, 4096, "N",
     "tokens read in one step: less memory and a quicker Ctrl-C, or more speed"},
    {0, "ram", CLI_BYTES, AT(ram_bytes), 0, 0, "SIZE",
     "all the memory to use, such as 4G: what was left open is chosen to fit"},
    {0, "kv", CLI_KV, 0, 0, 0, "TYPE", "keys and values as f32, f16, bf16 or q8_0"},
    {0, "rope", CLI_ROPE, 0, 0, 0, "KIND", "LongRoPE factors: auto, short or long"},
    {0, "template", CLI_TEMPLATE, 0, 0, 0, "NAME", "chat template instead of the file's own"},
    CLI_OPTION_END,
};

const cli_option cli_vocab_options[] = {
    {'m', "model", CLI_TEXT, AT(model), 0, 0, "MODEL",
     "a GGUF file, a Hugging Face or MLX folder, builtin, or builtin-draft"},
    CLI_OPTION_END,
};

const cli_option cli_sampling_options[] = {
    {'n', "tokens", CLI_SIZE, AT(n_max), 0, CLI_MAX_TOKENS, "N",
     "most tokens of an answer; 0: until it ends"},
    {0, "temp", CLI_REAL, AT(sampling.temperature), 0, 100, "X", "temperature; 0: always the best"},
    {0, "top-k", CLI_WHOLE, AT(sampling.top_k), 0, INT_MAX, "K", "of the K most likely; 0: all"},
    {0, "top-p", CLI_REAL, AT(sampling.top_p), 0, 1, "P", "of the likeliest that sum to P; 1: all"},
    {0, "min-p", CLI_REAL, AT(sampling.min_p), 0, 1, "P", "at least P times the best; 0: all"},
    {0, "repeat-penalty", CLI_REAL, AT(sampling.repeat_penalty), 0.01, 100, "X",
     "make what was said less likely; 1: no"},
    {0, "presence-penalty", CLI_REAL, AT(sampling.presence_penalty), -100, 100, "X",
     "lower every token seen; 0: no"},
    {0, "frequency-penalty", CLI_REAL, AT(sampling.frequency_penalty), -100, 100, "X",
     "lower a token each time it is seen; 0: no"},
    {0, "logit-bias", CLI_BIAS, 0, 0, 0, "ID=X", "add X to a token's logit, -inf forbids it"},
    {0, "seed", CLI_SEED, 0, 0, 0, "N", "the same seed gives the same answer; else by chance"},
    {0, "stop", CLI_STOP, 0, 0, 0, "TEXT", "end the answer before TEXT; may be repeated"},
    CLI_OPTION_END,
};

const cli_option cli_json_options[] = {
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_option cli_shape_options[] = {
    {0, "shape", CLI_TEXT, AT(shape), 0, 0, "NAME",
     "instead of a file: a shape that aeon synth knows (phi-4-mini)"},
    {0, "type", CLI_TYPE, 0, 0, 0, "TYPE", "and the type of its weights, such as q4_0 or f16"},
    CLI_OPTION_END,
};

static const cli_option help_options[] = {
    {'h', "help", CLI_FLAG, AT(help), 0, 0, NULL, "this text"},
    CLI_OPTION_END,
};
static const cli_group help_group = {"Help", help_options};

cli_options cli_options_default(void)
{
    return (cli_options){
        .model = "builtin",
        .kv_type = aeon_machine_kv_type(),
        .rope = AEON_ROPE_AUTO,
        .window = AEON_WINDOW_SLIDE,
        .sampling = aeon_sampler_params_default(),
        .n_top = 10,
        .n_prefill = 256,
        .n_decode = 32,
        .depths = {{0}, 1},
        .batches = {{1}, 1},
        .n_runs = 5,
        .suite = "builtin",
        .n_talks = 10,
        .sample_temperature = 0.8f,
    };
}

/* ---- values -------------------------------------------------------------------------------- */

bool cli_parse_size(const char *text, uint64_t max, uint64_t *out)
{
    if (!*text || text[strspn(text, "0123456789")]) return false;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    if (errno || value > max) return false;
    *out = value;
    return true;
}

/* A decimal number; strtod alone would take spaces, hexadecimal and "nan" as well. */
static bool parse_real(const char *text, double min, double max, double *out)
{
    if (!*text || text[strspn(text, "0123456789+-.eE")]) return false;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max)) return false;
    *out = value;
    return true;
}

static bool parse_sizes(cli_sizes *out, const cli_option *opt, const char *text)
{
    out->n = 0;
    for (;;) {
        char word[24];
        size_t len = strcspn(text, ",");
        uint64_t value;
        if (len >= sizeof word || out->n == CLI_MAX_SIZES) return false;
        memcpy(word, text, len);
        word[len] = 0;
        if (!cli_parse_size(word, (uint64_t)opt->max, &value)) return false;
        if ((double)value < opt->min) return false;
        out->at[out->n++] = (size_t)value;
        if (!text[len]) return true;
        text += len + 1;
    }
}

static bool parse_bias(cli_options *o, const char *text)
{
    char id[16];
    uint64_t id_value;
    double bias = -INFINITY;
    size_t len = strcspn(text, "=");
    if (!text[len] || len >= sizeof id || o->sampling.n_bias == CLI_MAX_BIAS) return false;
    memcpy(id, text, len);
    id[len] = 0;
    if (!cli_parse_size(id, INT32_MAX, &id_value)) return false;
    const char *value = text + len + 1;
    if (strcmp(value, "-inf") != 0 && !parse_real(value, -1e9, 1e9, &bias)) return false;
    o->bias[o->sampling.n_bias++] = (aeon_logit_bias){(int32_t)id_value, (float)bias};
    return true;
}

static bool parse_rope(cli_options *o, const char *text)
{
    static const char *const names[] = {
        [AEON_ROPE_AUTO] = "auto", [AEON_ROPE_SHORT] = "short", [AEON_ROPE_LONG] = "long"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        o->rope = (aeon_rope_mode)i;
        return true;
    }
    return false;
}

static bool parse_kv(cli_options *o, const char *text)
{
    o->has_kv_type = true;
    return aeon_type_find(text, &o->kv_type) &&
           (o->kv_type == AEON_TYPE_F32 || o->kv_type == AEON_TYPE_F16 ||
            o->kv_type == AEON_TYPE_BF16 || o->kv_type == AEON_TYPE_Q8_0);
}

/* A decimal number and a unit: none, or K M G T in steps of 1000 with or without B, or KiB .. TiB
 * in steps of 1024; any case. */
static bool parse_bytes(const char *text, uint64_t *out)
{
    static const char letters[] = "kmgt";
    const double most = 1e18;
    size_t n = strspn(text, "0123456789.");
    if (!n || text[0] == '.') return false;
    char *end, letter = (char)tolower((unsigned char)text[n]);
    double value = strtod(text, &end);
    if (end != text + n) return false; /* two points, or an exponent */
    const char *place = letter ? strchr(letters, letter) : NULL, *suffix = end + (place != NULL);
    bool is_binary = place && strcasecmp(suffix, "ib") == 0;
    if (*suffix && !is_binary && strcasecmp(suffix, "b") != 0) return false;
    for (ptrdiff_t i = 0; place && i <= place - letters; i++) value *= is_binary ? 1024 : 1000;
    if (!(value >= 1 && value <= most)) return false;
    *out = (uint64_t)value;
    return true;
}

static bool parse_stop(cli_options *o, const char *text)
{
    if (!*text || o->n_stops == CLI_MAX_STOPS) return false;
    o->stops[o->n_stops++] = text;
    return true;
}

static bool parse_setting(cli_options *o, const char *text)
{
    if (!strchr(text, '=') || o->n_settings == CLI_MAX_SETTINGS) return false;
    o->settings[o->n_settings++] = text;
    return true;
}

static bool parse_family(cli_options *o, const char *text)
{
    if (o->n_families == CLI_MAX_FAMILIES) return false;
    o->families[o->n_families++] = text;
    return true;
}

/* Store one value where its option says; false if it cannot be one. */
static bool set_value(cli_options *o, const cli_option *opt, const char *text)
{
    void *at = (char *)o + opt->offset;
    uint64_t whole = 0;
    double real = 0;
    bool ok = true;
    switch (opt->kind) {
    case CLI_FLAG: *(bool *)at = true; break;
    case CLI_TEXT: *(const char **)at = text; break;
    case CLI_SIZE:
        ok = cli_parse_size(text, (uint64_t)opt->max, &whole) && (double)whole >= opt->min;
        if (ok) *(size_t *)at = (size_t)whole;
        break;
    case CLI_WHOLE:
        ok = cli_parse_size(text, (uint64_t)opt->max, &whole) && (double)whole >= opt->min;
        if (ok) *(int *)at = (int)whole;
        break;
    case CLI_REAL:
        ok = parse_real(text, opt->min, opt->max, &real);
        if (ok) *(float *)at = (float)real;
        break;
    case CLI_SEED:
        ok = o->has_seed = cli_parse_size(text, INT64_MAX, &whole);
        if (ok) o->sampling.seed = whole;
        break;
    case CLI_SIZES: ok = parse_sizes(at, opt, text); break;
    case CLI_BYTES: ok = parse_bytes(text, at); break;
    case CLI_STOP: ok = parse_stop(o, text); break;
    case CLI_FAMILY: ok = parse_family(o, text); break;
    case CLI_SETTING: ok = parse_setting(o, text); break;
    case CLI_BIAS: ok = parse_bias(o, text); break;
    case CLI_KV: ok = parse_kv(o, text); break;
    case CLI_TYPE: ok = o->has_type = aeon_type_find(text, &o->type); break;
    case CLI_ROPE: ok = parse_rope(o, text); break;
    case CLI_WINDOW: ok = aeon_window_find(text, &o->window); break;
    case CLI_TEMPLATE:
        ok = aeon_chat_template_find(text) != NULL;
        o->chat_template = text;
        break;
    }
    return ok;
}

/* ---- errors -------------------------------------------------------------------------------- */

unsigned cli_word_distance(const char *a, const char *b)
{
    enum { MAX_WORD = 32 };
    size_t n = strlen(b);
    unsigned row[MAX_WORD + 1];
    if (strlen(a) > MAX_WORD || n > MAX_WORD) return UINT_MAX;
    for (unsigned j = 0; j <= n; j++) row[j] = j;
    for (unsigned i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            unsigned change = diagonal + (a[i] != b[j]);
            unsigned shift = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < shift ? change : shift;
        }
    }
    return row[n];
}

static aeon_status unknown_option(const cli_command *command, const char *word, aeon_error *err)
{
    char name[40];
    const char *nearest = NULL;
    unsigned best = 4; /* further away is no help */
    int len = (int)strcspn(word, "=");
    snprintf(name, sizeof name, "%.*s", len > 2 ? len - 2 : 0, len > 2 ? word + 2 : "");
    for (const cli_group *g = command->groups; g->title; g++) {
        for (const cli_option *opt = g->options; opt->name; opt++) {
            unsigned distance = cli_word_distance(name, opt->name);
            if (distance >= best || distance >= strlen(opt->name)) continue;
            best = distance;
            nearest = opt->name;
        }
    }
    if (nearest)
        return cli_error(err, CLI_USAGE,
                         "%.*s: no such option, did you mean --%s? (aeon %s --help)", len, word,
                         nearest, command->name);
    return cli_error(err, CLI_USAGE, "%.*s: no such option; aeon %s --help lists them", len, word,
                     command->name);
}

static aeon_status bad_value(const cli_option *opt, const char *shown, const char *text,
                             aeon_error *err)
{
    char wanted[192];
    switch (opt->kind) {
    case CLI_SIZE:
    case CLI_WHOLE:
    case CLI_SIZES:
        snprintf(wanted, sizeof wanted, "a whole number from %.0f to %.0f%s", opt->min, opt->max,
                 opt->kind == CLI_SIZES ? ", or several with commas" : "");
        break;
    case CLI_REAL:
        snprintf(wanted, sizeof wanted, "a number from %g to %g", opt->min, opt->max);
        break;
    case CLI_SEED: snprintf(wanted, sizeof wanted, "a whole number, 0 or more"); break;
    case CLI_BYTES: snprintf(wanted, sizeof wanted, "a size like 4G, 2.5GB or 800MiB"); break;
    case CLI_KV: snprintf(wanted, sizeof wanted, "f32, f16, bf16 or q8_0"); break;
    case CLI_WINDOW: snprintf(wanted, sizeof wanted, "error, stop, window or compact"); break;
    case CLI_STOP:
        snprintf(wanted, sizeof wanted, "a text, at most %d times", CLI_MAX_STOPS);
        break;
    case CLI_SETTING:
        snprintf(wanted, sizeof wanted, "FIELD=VALUE, at most %d times", CLI_MAX_SETTINGS);
        break;
    case CLI_FAMILY:
        snprintf(wanted, sizeof wanted, "a name, at most %d times", CLI_MAX_FAMILIES);
        break;
    case CLI_BIAS:
        snprintf(wanted, sizeof wanted, "a token id, =, and a number or -inf, at most %d times",
                 CLI_MAX_BIAS);
        break;
    case CLI_TEMPLATE:
        snprintf(wanted, sizeof wanted, "one of ");
        cli_template_names(wanted + strlen(wanted), sizeof wanted - strlen(wanted));
        break;
    default: snprintf(wanted, sizeof wanted, "%s", opt->help); break;
    }
    return cli_error(err, CLI_USAGE, "%s %s: must be %s (%s)", shown, text, wanted, opt->help);
}

/* ---- parsing ------------------------------------------------------------------------------- */

static const cli_option *find_in(const cli_option *options, const char *word)
{
    size_t len = strcspn(word, "=");
    for (const cli_option *opt = options; opt->name; opt++) {
        if (word[1] != '-' && opt->letter && word[1] == opt->letter) return opt;
        if (word[1] == '-' && strlen(opt->name) == len - 2 &&
            memcmp(opt->name, word + 2, len - 2) == 0)
            return opt;
    }
    return NULL;
}

static const cli_option *find_option(const cli_command *command, const char *word)
{
    const cli_option *found = find_in(help_options, word);
    for (const cli_group *g = command->groups; g->title && !found; g++)
        found = find_in(g->options, word);
    return found;
}

/* The text after "=" or glued to a letter; NULL if the value is the next word. */
static const char *attached_value(const char *word)
{
    if (word[1] != '-') return word[2] ? word + 2 : NULL;
    const char *equals = strchr(word, '=');
    return equals ? equals + 1 : NULL;
}

/* Some commands take the model as a word, others as an option. */
static aeon_status one_too_many(const cli_command *command, const char *word, aeon_error *err)
{
    bool takes_model = !command->argument && find_option(command, "-m");
    return cli_error(err, CLI_USAGE, "%s: one word too many; %saeon %s --help shows the usage",
                     word, takes_model ? "a model is given as -m MODEL; " : "", command->name);
}

aeon_status cli_options_parse(cli_options *o, const cli_command *command, int argc, char **argv,
                              aeon_error *err)
{
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && word[0] == '-' && word[1]) {
            const cli_option *opt = find_option(command, word);
            if (!opt) return unknown_option(command, word, err);
            const char *value = attached_value(word);
            if (opt->kind == CLI_FLAG && value)
                return cli_error(err, CLI_USAGE, "%s: --%s takes no value", word, opt->name);
            if (opt->kind != CLI_FLAG && !value && i + 1 == argc)
                return cli_error(err, CLI_USAGE, "%s: needs a value: %s (%s)", word, opt->value,
                                 opt->help);
            if (opt->kind != CLI_FLAG && !value) value = argv[++i];
            char shown[40];
            snprintf(shown, sizeof shown, word[1] == '-' ? "--%s" : "-%.1s",
                     word[1] == '-' ? opt->name : word + 1);
            if (!set_value(o, opt, value)) return bad_value(opt, shown, value, err);
        } else if (command->argument && !o->argument) {
            o->argument = word;
        } else if (command->second && !o->second) {
            o->second = word;
        } else {
            return one_too_many(command, word, err);
        }
    }
    o->sampling.bias = o->bias;
    return AEON_OK;
}

/* ---- help ---------------------------------------------------------------------------------- */

/* What holds when the option is not given, where that is a number to know. */
static void print_default(const cli_option *opt)
{
    cli_options o = cli_options_default();
    const void *at = (const char *)&o + opt->offset;
    double value = opt->kind == CLI_SIZE    ? (double)*(const size_t *)at
                   : opt->kind == CLI_WHOLE ? *(const int *)at
                   : opt->kind == CLI_REAL  ? (double)*(const float *)at
                                            : 0;
    if (value != 0) printf(" [%g]", value);
}

static void print_group(const cli_group *group)
{
    printf("\n%s:\n", group->title);
    for (const cli_option *opt = group->options; opt->name; opt++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%c --%s %s", opt->letter ? '-' : ' ',
                 opt->letter ? opt->letter : ' ', opt->letter ? ',' : ' ', opt->name,
                 opt->value ? opt->value : "");
        printf("  %-28s %s", left, opt->help);
        print_default(opt);
        printf("\n");
    }
}

void cli_options_help(const cli_command *command)
{
    printf("aeon %s - %s\n\nUsage: aeon %s %s\n", command->name, command->summary, command->name,
           command->usage);
    for (const cli_group *g = command->groups; g->title; g++) print_group(g);
    print_group(&help_group);
    if (command->notes) printf("\n%s\n", command->notes);
    printf("\nExample:\n  %s\n", command->example);
}
