/* messages.h - the messages of a talk, as data sets write them in JSON.
 *
 * Model:    [{"role": "system", "content": "..", "tools": [..]}, {"role": "user", ..}, ..] becomes
 *           aeon_message after aeon_message. Tools and tool calls may be JSON or the text of it.
 * Uses:     jansson.      Threads: any.
 * Example:  aeon_message *m = ae_mem_alloc_array(AE_MEM_OTHER, json_array_size(list), sizeof *m);
 *           TRY(ae_messages_read(m, list, err));
 */
#ifndef AE_TEXT_MESSAGES_H
#define AE_TEXT_MESSAGES_H

#include "aeon/chat.h"

#include <jansson.h>

/* Read a list into out[json_array_size(list)]. Texts are borrowed from the list, where tools and
 * calls that are JSON are replaced by their text, spaced as Python's json.dumps does. Errors:
 * BAD_FORMAT says what is wrong, the caller knows where; OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_messages_read(aeon_message *out, json_t *list, aeon_error *err);

#endif
