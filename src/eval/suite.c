#include "eval/suite.h"

#include "base/file.h"
#include "base/mem.h"
#include "eval/builtin_suite.h"
#include "text/json.h"
#include "text/messages.h"

#include <stdio.h>
#include <string.h>

/* ---- one question ---------------------------------------------------------------------------- */

enum { MAX_MESSAGES = 1024 };

static void release_question(ae_question *q)
{
    ae_check_release(&q->check);
    ae_mem_free(q->messages);
    json_decref(q->json);
}

static aeon_status find_or_add_family(aeon_suite *s, const char *name, size_t *out, aeon_error *err)
{
    for (size_t i = 0; i < s->n_families; i++)
        if (strcmp(s->families[i], name) == 0) {
            *out = i;
            return AEON_OK;
        }
    size_t size = (s->n_families + 1) * sizeof *s->families;
    char **grown = ae_mem_resize(AE_MEM_OTHER, s->families, size);
    if (!grown) return ae_fail_memory(err, size, "the families of a suite");
    s->families = grown;
    char *copy = ae_mem_text(AE_MEM_OTHER, name, strlen(name));
    if (!copy) return ae_fail_memory(err, strlen(name), "the families of a suite");
    *out = s->n_families;
    s->families[s->n_families++] = copy;
    return AEON_OK;
}

static aeon_status read_messages(ae_question *q, aeon_error *err)
{
    json_t *list = json_object_get(q->json, "messages");
    TRY(ae_messages_place_tools(q->json, list, err));
    q->n_messages = json_array_size(list);
    if (q->n_messages == 0 || q->n_messages > MAX_MESSAGES)
        return ae_fail(err, AEON_BAD_FORMAT, "\"messages\" needs a list of 1 to %d messages",
                       MAX_MESSAGES);
    q->messages = ae_mem_alloc_array(AE_MEM_OTHER, q->n_messages, sizeof *q->messages);
    if (!q->messages) return ae_fail_memory(err, q->n_messages * sizeof *q->messages, "a question");
    TRY(ae_messages_read(q->messages, list, err));
    if (strcmp(q->messages[q->n_messages - 1].role, "assistant") == 0)
        return ae_fail(err, AEON_BAD_FORMAT, "the last message is an answer, not a question");
    return AEON_OK;
}

/* Read a line into q, which owns what was read also after a failure. The error tells no place. */
static aeon_status read_question(aeon_suite *s, ae_question *q, const char *text, size_t len,
                                 aeon_error *err)
{
    TRY(ae_json_object(&q->json, text, len, NULL, err));
    const char *family = json_string_value(json_object_get(q->json, "family"));
    const json_t *answer = json_object_get(q->json, "answer");
    if (!family || !*family) return ae_fail(err, AEON_BAD_FORMAT, "\"family\" needs a name");
    if (answer && !json_is_null(answer) && !json_is_string(answer))
        return ae_fail(err, AEON_BAD_FORMAT, "\"answer\" must be a text");
    q->answer = json_string_value(answer);
    TRY(read_messages(q, err));
    TRY(ae_check_read(&q->check, json_object_get(q->json, "check"), err));
    return find_or_add_family(s, family, &q->family, err);
}

/* ---- the file -------------------------------------------------------------------------------- */

static aeon_status reserve(aeon_suite *s, aeon_error *err)
{
    ae_question *grown = ae_mem_room(AE_MEM_OTHER, s->questions, s->n, &s->cap, sizeof *grown);
    if (!grown) return ae_fail_memory(err, s->n * sizeof *grown, "the questions of a suite");
    s->questions = grown;
    return AEON_OK;
}

static aeon_status parse_line(aeon_suite *s, const ae_json_lines *at, aeon_error *err)
{
    TRY(reserve(s, err));
    ae_question q = {.line = at->number};
    aeon_error inner;
    aeon_status status = read_question(s, &q, at->line, at->len, &inner);
    if (status == AEON_OK) {
        s->questions[s->n++] = q;
        return AEON_OK;
    }
    release_question(&q);
    return ae_fail(err, status, "%s:%zu: %s", s->name, at->number, inner.text);
}

static aeon_status parse_lines(aeon_suite *s, const char *text, size_t len, aeon_error *err)
{
    ae_json_lines lines = {.text = text, .size = len};
    while (ae_json_lines_next(&lines))
        if (!lines.is_blank) TRY(parse_line(s, &lines, err));
    if (s->n == 0) return ae_fail(err, AEON_BAD_FORMAT, "%s: there is no question in it", s->name);
    return AEON_OK;
}

aeon_status ae_suite_parse(aeon_suite **out, const char *text, size_t len, const char *name,
                           aeon_error *err)
{
    aeon_suite *s = ae_mem_alloc(AE_MEM_OTHER, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a suite");
    s->name = ae_mem_text(AE_MEM_OTHER, name, strlen(name));
    aeon_status status =
        s->name ? parse_lines(s, text, len, err) : ae_fail_memory(err, strlen(name), "a suite");
    if (status != AEON_OK) {
        aeon_suite_free(s);
        return status;
    }
    *out = s;
    return AEON_OK;
}

aeon_status aeon_suite_load(aeon_suite **out, const char *path, aeon_error *err)
{
    if (strcmp(path, "builtin") == 0)
        return ae_suite_parse(out, ae_builtin_suite,
                              (size_t)(ae_builtin_suite_end - ae_builtin_suite), path, err);
    ae_map map;
    TRY(ae_map_open(&map, path, err));
    aeon_status status = ae_suite_parse(out, (const char *)map.data, map.size, path, err);
    ae_map_close(&map);
    return status;
}

void aeon_suite_free(aeon_suite *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n; i++) release_question(&s->questions[i]);
    for (size_t i = 0; i < s->n_families; i++) ae_mem_free(s->families[i]);
    ae_mem_free(s->families);
    ae_mem_free(s->questions);
    ae_mem_free(s->name);
    ae_mem_free(s);
}

/* ---- selecting ------------------------------------------------------------------------------- */

static aeon_status unknown_family(const aeon_suite *s, const char *name, aeon_error *err)
{
    char known[384] = "";
    for (size_t i = 0, used = 0; i < s->n_families && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 ae_show(s->families[i], strlen(s->families[i])).text);
    return ae_fail(err, AEON_NOT_FOUND, "no questions of the family %s; there are: %s",
                   ae_show(name, strlen(name)).text, known);
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* quota: questions to keep of each family. Families without questions leave the list. */
static void keep(aeon_suite *s, size_t *quota)
{
    size_t n = 0, n_families = 0;
    for (size_t i = 0; i < s->n; i++) {
        ae_question *q = &s->questions[i];
        if (quota[q->family] == 0) {
            release_question(q);
            continue;
        }
        quota[q->family]--;
        s->questions[n++] = *q;
    }
    s->n = n;
    for (size_t f = 0; f < s->n_families; f++) {
        bool is_used = false;
        for (size_t i = 0; i < s->n; i++) {
            if (s->questions[i].family != f) continue;
            s->questions[i].family = n_families;
            is_used = true;
        }
        if (is_used)
            s->families[n_families++] = s->families[f];
        else
            ae_mem_free(s->families[f]);
    }
    s->n_families = n_families;
}

aeon_status aeon_suite_select(aeon_suite *s, const char *const *families, size_t n, size_t n_each,
                              aeon_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!is_among(families[i], (const char *const *)s->families, s->n_families))
            return unknown_family(s, families[i], err);
    size_t *quota = ae_mem_alloc_array(AE_MEM_OTHER, s->n_families, sizeof *quota);
    if (!quota) return ae_fail_memory(err, s->n_families * sizeof *quota, "a selection");
    for (size_t f = 0; f < s->n_families; f++)
        if (n == 0 || is_among(s->families[f], families, n)) quota[f] = n_each ? n_each : SIZE_MAX;
    keep(s, quota);
    ae_mem_free(quota);
    return AEON_OK;
}

/* ---- looking --------------------------------------------------------------------------------- */

size_t aeon_suite_n(const aeon_suite *s)
{
    return s->n;
}

aeon_question aeon_suite_question(const aeon_suite *s, size_t i)
{
    const ae_question *q = &s->questions[i];
    return (aeon_question){
        .family = s->families[q->family],
        .messages = q->messages,
        .n_messages = q->n_messages,
        .answer = q->answer,
        .wants_json = q->check.json != NULL,
    };
}

const char *aeon_suite_family_at(const aeon_suite *s, size_t i)
{
    return i < s->n_families ? s->families[i] : NULL;
}

aeon_status aeon_suite_judge(const aeon_suite *s, size_t i, const char *text, size_t len,
                             aeon_verdict *out, aeon_error *err)
{
    return ae_check_judge(&s->questions[i].check, text, len, out, err);
}
