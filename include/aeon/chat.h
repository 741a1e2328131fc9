/* chat.h - turn a list of messages into the tokens a chat model was trained on.
 *
 * Model:    A template is a small fixed grammar (Phi-4-mini, Phi-3, Phi-4, ChatML, Llama-3),
 *           recognized from the template text in the model file; no template program is ever run.
 *           Control tokens come from the template alone: the text of a message never becomes one.
 * Threads:  Immutable; any thread.
 * Example:  aeon_message turn[] = {{.role = "user", .content = "Hello!"}};
 *           TRY(aeon_chat_encode(model_chat, tokenizer, turn, 1, 0, &ids, err));
 */
#ifndef AEON_CHAT_H
#define AEON_CHAT_H

#include "aeon/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aeon_chat_template aeon_chat_template;

typedef struct {
    const char *role;    /* "system", "user", "assistant" or "tool" */
    const char *content; /* plain text; may be NULL beside tool_calls */
    /* JSON text, NULL for none. Not every template has a form for them. */
    const char *tools;      /* of a system message: the functions that the model may call */
    const char *tool_calls; /* of an answer: [{"name": .., "arguments": {..}}, ..] */
} aeon_message;

enum {
    /* The messages continue a timeline that ends with an answer and its end token: no start token,
     * and whatever the template writes between turns comes first. */
    AEON_CHAT_CONTINUE = 1,
    /* Do not open the assistant's turn at the end. */
    AEON_CHAT_NO_PROMPT = 2,
};

/* Find a template by name ("phi-4-mini", "phi-3", "phi-4", "chatml", "llama-3"); NULL if there is
 * none. */
AEON_API const aeon_chat_template *aeon_chat_template_find(const char *name);

/* Recognize a template by the (Jinja) text that model files carry; NULL if unknown. */
AEON_API const aeon_chat_template *aeon_chat_template_recognize(const char *jinja, size_t len);

/* The names of all templates for help texts: i = 0, 1, ... until NULL. */
AEON_API const char *aeon_chat_template_name_at(size_t i);
AEON_API const char *aeon_chat_template_name(const aeon_chat_template *c);

/* Append the tokens of n messages to out, and open the assistant's turn. flags: AEON_CHAT_*.
 * Errors: INVALID_ARGUMENT for an unknown role or tools in a template without a form for them,
 * MISMATCH if the vocabulary lacks one of the template's control tokens, OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_chat_encode(const aeon_chat_template *c,
                                                    const aeon_tokenizer *t,
                                                    const aeon_message *messages, size_t n,
                                                    unsigned flags, aeon_tokens *out,
                                                    aeon_error *err);

/* Append what a model writes in its open turn to give this answer: text, calls, end token. The
 * timeline can then be continued. Errors: as above. */
AEON_API AEON_MUST_USE aeon_status aeon_chat_encode_answer(const aeon_chat_template *c,
                                                           const aeon_tokenizer *t,
                                                           const aeon_message *answer,
                                                           aeon_tokens *out, aeon_error *err);

/* The id that ends an assistant's turn under this template, -1 if the vocabulary lacks it. */
AEON_API int32_t aeon_chat_stop_id(const aeon_chat_template *c, const aeon_tokenizer *t);

#ifdef __cplusplus
}
#endif
#endif
