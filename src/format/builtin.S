/* builtin.S - the built-in models. */
#define EMBED_BEGIN ae_builtin_tiny
#define EMBED_END ae_builtin_tiny_end
#define EMBED_FILE AEON_TINY_FILE
#include "base/embed.inc"

#define EMBED_BEGIN ae_builtin_draft
#define EMBED_END ae_builtin_draft_end
#define EMBED_FILE AEON_DRAFT_FILE
#include "base/embed.inc"
