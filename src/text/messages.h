/* messages.h - the messages of a talk, as data sets write them in JSON.
 *
 * Model:    [{"role": "user", "content": ".."}, ..] becomes one aeon_message after another. A
 *           system message may have "tools" (JSON, or a text that holds some), an answer
 *           "tool_calls" instead of its content.
 * Uses:     jansson.      Threads: any.
 * Example:  aeon_message *m = ae_mem_alloc_array(AE_MEM_OTHER, json_array_size(list), sizeof *m);
 *           TRY(ae_messages_read(m, list, err));
 */
#ifndef AE_TEXT_MESSAGES_H
#define AE_TEXT_MESSAGES_H

#include "aeon/chat.h"

#include <jansson.h>

/* Read a list into out[json_array_size(list)]. The list goes on owning all texts: tools and calls
 * that are JSON values are replaced by their text there. Errors: BAD_FORMAT says what is wrong, the
 * caller knows where; OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_messages_read(aeon_message *out, json_t *list, aeon_error *err);

/* Tools told beside the messages of a line, as other programs do, become those of its system
 * message, which is made if there is none. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_messages_place_tools(json_t *line, json_t *messages, aeon_error *err);

#endif
