/* builtin_suite.S - the built-in suite. */
#define EMBED_BEGIN ae_builtin_suite
#define EMBED_END ae_builtin_suite_end
#define EMBED_FILE AEON_SUITE_FILE
#include "base/embed.inc"
