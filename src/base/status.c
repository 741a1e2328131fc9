#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *aeon_status_text(aeon_status status)
{
    switch (status) {
#define X(name, value, text)                                                                       \
    case AEON_##name: return text;
        AEON_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

#define AE_STRING_(x) #x
#define AE_STRING(x)  AE_STRING_(x)

const char *aeon_version(void)
{
    return AE_STRING(AEON_VERSION_MAJOR) "." AE_STRING(AEON_VERSION_MINOR) "." AE_STRING(
        AEON_VERSION_PATCH);
}

aeon_status ae_fail(aeon_error *err, aeon_status code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

aeon_status ae_fail_memory(aeon_error *err, size_t size_bytes, const char *what)
{
    return ae_fail(err, AEON_OUT_OF_MEMORY, "not enough memory for %s: %.1f MiB are needed", what,
                   (double)size_bytes / (1024.0 * 1024.0));
}

ae_shown ae_show(const char *data, size_t len)
{
    ae_shown shown = {""};
    size_t room = sizeof shown.text - 4; /* the dots and the 0 */
    size_t n = len < room ? len : room;
    for (size_t i = 0; i < n; i++) shown.text[i] = data[i] >= ' ' && data[i] <= '~' ? data[i] : '?';
    if (n < len) memcpy(shown.text + n, "...", 4);
    return shown;
}

void ae_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "aeon: broken invariant: %s (%s:%d)\n", condition, file, line);
    abort();
}
