#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include "base/mem.h"

#include <pcre2.h>
#include <string.h>

enum {
    MAX_PATTERN_BYTES = 4096,
    MAX_STEPS = 100000, /* of one attempt at a match: far more than honest patterns need */
    MAX_HEAP_KIB = 16 * 1024,
};

struct ae_regex {
    pcre2_general_context *memory;
    pcre2_code *code;
};

static void *pcre_alloc(size_t size, void *user)
{
    (void)user;
    return ae_mem_alloc(AE_MEM_OTHER, size);
}

static void pcre_free(void *block, void *user)
{
    (void)user;
    ae_mem_free(block);
}

static aeon_status compile(ae_regex *r, const char *pattern, aeon_error *err)
{
    pcre2_compile_context *c = pcre2_compile_context_create(r->memory);
    if (!c) return ae_fail_memory(err, 0, "a regular expression");
    pcre2_set_max_pattern_length(c, MAX_PATTERN_BYTES);
    pcre2_set_newline(c, PCRE2_NEWLINE_LF);
    int code;
    size_t at;
    uint32_t flags =
        PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, flags, &code, &at, c);
    pcre2_compile_context_free(c);
    if (r->code) return AEON_OK;
    if (code == PCRE2_ERROR_HEAP_FAILED) return ae_fail_memory(err, 0, "a regular expression");
    char why[128] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return ae_fail(err, AEON_BAD_FORMAT, "regular expression %s: byte %zu: %s",
                   ae_show(pattern, strlen(pattern)).text, at, why);
}

aeon_status ae_regex_new(ae_regex **out, const char *pattern, aeon_error *err)
{
    ae_regex *r = ae_mem_alloc(AE_MEM_OTHER, sizeof *r);
    if (!r) return ae_fail_memory(err, sizeof *r, "a regular expression");
    r->memory = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    aeon_status status =
        r->memory ? compile(r, pattern, err) : ae_fail_memory(err, 0, "a regular expression");
    if (status != AEON_OK) {
        ae_regex_free(r);
        return status;
    }
    *out = r;
    return AEON_OK;
}

void ae_regex_free(ae_regex *r)
{
    if (!r) return;
    pcre2_code_free(r->code);
    pcre2_general_context_free(r->memory);
    ae_mem_free(r);
}

static aeon_status result_of(int rc, ae_regex_result *out, aeon_error *err)
{
    switch (rc) {
    case PCRE2_ERROR_NOMATCH: *out = AE_REGEX_ABSENT; return AEON_OK;
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_RECURSELOOP: *out = AE_REGEX_GAVE_UP; return AEON_OK;
    case PCRE2_ERROR_NOMEMORY: return ae_fail_memory(err, 0, "searching a text");
    default: break;
    }
    if (rc < 0) return ae_fail(err, AEON_INTERNAL, "searching a text failed (PCRE2 error %d)", rc);
    *out = AE_REGEX_FOUND;
    return AEON_OK;
}

aeon_status ae_regex_find(const ae_regex *r, const char *text, size_t len, ae_regex_result *out,
                          aeon_error *err)
{
    pcre2_match_context *limits = pcre2_match_context_create(r->memory);
    pcre2_match_data *match = pcre2_match_data_create(1, r->memory);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (limits && match) {
        pcre2_set_match_limit(limits, MAX_STEPS);
        pcre2_set_depth_limit(limits, MAX_STEPS);
        pcre2_set_heap_limit(limits, MAX_HEAP_KIB);
        rc = pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, 0, match, limits);
    }
    pcre2_match_data_free(match);
    pcre2_match_context_free(limits);
    return result_of(rc, out, err);
}
