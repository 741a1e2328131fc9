#include "eval/check.h"

#include "base/mem.h"
#include "text/json.h"

#include <string.h>

/* ---- reading --------------------------------------------------------------------------------- */

enum { MAX_TEXTS = 1024 }; /* in one condition */

static aeon_status need_texts(const char *name, const json_t *list, aeon_error *err)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > MAX_TEXTS)
        return ae_fail(err, AEON_BAD_FORMAT, "\"%s\" needs a list of at most %d texts", name,
                       MAX_TEXTS);
    for (size_t i = 0; i < n; i++)
        if (!json_is_string(json_array_get(list, i)))
            return ae_fail(err, AEON_BAD_FORMAT, "\"%s\": item %zu is no text", name, i + 1);
    return AEON_OK;
}

static aeon_status need_calls(const json_t *list, aeon_error *err)
{
    bool is_good = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *call = json_array_get(list, i);
        is_good &= json_is_string(json_object_get(call, "name")) &&
                   json_is_object(json_object_get(call, "arguments"));
    }
    if (is_good) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT,
                   "\"tool_calls\" needs a list of calls {\"name\": .., \"arguments\": {..}}");
}

static aeon_status compile_all(ae_check *c, const char *name, const json_t *list, aeon_error *err)
{
    if (!list) return AEON_OK;
    TRY(need_texts(name, list, err));
    size_t n = c->n_regexes + json_array_size(list);
    ae_regex **grown = ae_mem_resize(AE_MEM_OTHER, c->regexes, n * sizeof *grown);
    if (!grown) return ae_fail_memory(err, n * sizeof *grown, "a check");
    c->regexes = grown;
    for (size_t i = 0; i < json_array_size(list); i++, c->n_regexes++)
        TRY(ae_regex_new(&c->regexes[c->n_regexes], json_string_value(json_array_get(list, i)),
                         err));
    return AEON_OK;
}

static aeon_status read_conditions(ae_check *c, const json_t *json, aeon_error *err)
{
    const char *name;
    const json_t *value;
    if (json_object_size(json) == 0)
        return ae_fail(err, AEON_BAD_FORMAT, "\"check\" needs an object with a condition");
    json_object_foreach((json_t *)json, name, value)
    {
        if (strcmp(name, "equals") == 0) {
            TRY(need_texts(name, value, err));
            c->equals = value;
        } else if (strcmp(name, "json") == 0) {
            c->json = value;
        } else if (strcmp(name, "tool_calls") == 0) {
            TRY(need_calls(value, err));
            c->tool_calls = value;
        } else if (strcmp(name, "matches") != 0 && strcmp(name, "lacks") != 0) {
            return ae_fail(err, AEON_BAD_FORMAT,
                           "\"check\": unknown condition \"%s\"; known are equals, matches, lacks, "
                           "json and tool_calls",
                           ae_show(name, strlen(name)).text);
        }
    }
    TRY(compile_all(c, "matches", json_object_get(json, "matches"), err));
    c->n_matches = c->n_regexes;
    return compile_all(c, "lacks", json_object_get(json, "lacks"), err);
}

aeon_status ae_check_read(ae_check *out, const json_t *json, aeon_error *err)
{
    ae_check c = {0};
    aeon_status status = read_conditions(&c, json, err);
    if (status == AEON_OK)
        *out = c;
    else
        ae_check_release(&c);
    return status;
}

void ae_check_release(ae_check *c)
{
    for (size_t i = 0; i < c->n_regexes; i++) ae_regex_free(c->regexes[i]);
    ae_mem_free(c->regexes);
    *c = (ae_check){0};
}

/* ---- texts ----------------------------------------------------------------------------------- */

typedef struct {
    const char *data;
    size_t len;
} span;

static span trimmed(span s)
{
    static const char white[] = " \t\n\v\f\r";
    while (s.len > 0 && memchr(white, s.data[0], sizeof white - 1)) s.data++, s.len--;
    while (s.len > 0 && memchr(white, s.data[s.len - 1], sizeof white - 1)) s.len--;
    return s;
}

static span plain(span s)
{
    s = trimmed(s);
    s.len -= s.len > 0 && (s.data[s.len - 1] == '.' || s.data[s.len - 1] == '!');
    return s;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool same_text(span a, span b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    return true;
}

static bool is_one_of(span text, const json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *t = json_array_get(texts, i);
        if (same_text(plain(text), plain((span){json_string_value(t), json_string_length(t)})))
            return true;
    }
    return false;
}

static aeon_status regexes_hold(const ae_check *c, span text, bool *out, aeon_error *err)
{
    for (size_t i = 0; i < c->n_regexes; i++) {
        ae_regex_result wanted = i < c->n_matches ? AE_REGEX_FOUND : AE_REGEX_ABSENT, result;
        TRY(ae_regex_find(c->regexes[i], text.data, text.len, &result, err));
        if (result == wanted) continue;
        *out = false;
        return AEON_OK;
    }
    *out = true;
    return AEON_OK;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* *is_json: the text is JSON. *is_same: and it equals the value. */
static aeon_status compare_json(span text, const json_t *value, bool *is_json, bool *is_same,
                                aeon_error *err)
{
    json_t *got;
    aeon_error inner;
    aeon_status status = ae_json_value(&got, text.data, text.len, "the answer", &inner);
    *is_json = *is_same = false;
    if (status == AEON_BAD_FORMAT) return AEON_OK;
    if (status != AEON_OK) return ae_fail(err, status, "%s", inner.text);
    *is_json = true;
    *is_same = ae_json_same(value, got);
    json_decref(got);
    return AEON_OK;
}

static bool cut_front(span *s, const char *mark)
{
    size_t n = strlen(mark);
    if (s->len < n || memcmp(s->data, mark, n) != 0) return false;
    s->data += n;
    s->len -= n;
    return true;
}

static bool cut_back(span *s, const char *mark)
{
    size_t n = strlen(mark);
    if (s->len < n || memcmp(s->data + s->len - n, mark, n) != 0) return false;
    s->len -= n;
    return true;
}

static aeon_status is_these_calls(span text, const json_t *calls, bool *out, aeon_error *err)
{
    bool is_json;
    text = trimmed(text);
    *out = false;
    if (!cut_front(&text, "<|tool_call|>") || !cut_back(&text, "<|/tool_call|>")) return AEON_OK;
    return compare_json(text, calls, &is_json, out, err);
}

/* ---- judging --------------------------------------------------------------------------------- */

aeon_status ae_check_judge(const ae_check *c, const char *text, size_t len, aeon_verdict *out,
                           aeon_error *err)
{
    span answer = {text, len};
    aeon_verdict v = {0};
    bool is_equal = !c->equals || is_one_of(answer, c->equals);
    bool has_regexes, is_same = true, has_calls = true;
    TRY(regexes_hold(c, answer, &has_regexes, err));
    if (c->json) TRY(compare_json(answer, c->json, &v.is_json, &is_same, err));
    if (c->tool_calls) TRY(is_these_calls(answer, c->tool_calls, &has_calls, err));
    v.is_right = is_equal && has_regexes && is_same && has_calls;
    *out = v;
    return AEON_OK;
}
