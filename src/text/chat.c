/* chat.c - the chat templates as a table, and the one function that writes them.
 *
 * A form is text in which "<|...|>" is a control token, %r the role's name, %t the message and %j
 * the JSON of its tools or calls, in the form that the template has for them.
 */
#include "aeon/chat.h"

#include "text/tables.h"

#include <string.h>

enum { SYSTEM, USER, ASSISTANT, TOOL, N_ROLES, MAX_MARKS = 3 };

struct aeon_chat_template {
    const char *name;
    const char *roles[N_ROLES];  /* as the template calls them; NULL: it has no such role */
    const char *turn;            /* form of a message */
    const char *tools, *calls;   /* forms of what %j stands for; NULL: it knows no tools */
    const char *gap;             /* plain text between two turns */
    const char *prompt;          /* form that opens the answer */
    const char *stop;            /* ends an answer */
    bool trims_front, trims_end; /* white space around a message is dropped */
    bool begins_with_bos;        /* even where the vocabulary does not ask for it */
    /* How its Jinja text is known: all of with, none of without. Tried in the table's order. */
    const char *with[MAX_MARKS], *without[MAX_MARKS];
};

static const aeon_chat_template templates[] = {
    {.name = "llama-3",
     .roles = {"system", "user", "assistant", "ipython"},
     .turn = "<|start_header_id|>%r<|end_header_id|>\n\n%t<|eot_id|>",
     .gap = "",
     .prompt = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .stop = "<|eot_id|>",
     .trims_front = true,
     .trims_end = true,
     .begins_with_bos = true,
     .with = {"<|start_header_id|>", "<|eot_id|>"}},
    {.name = "phi-4",
     .roles = {"system", "user", "assistant", NULL},
     .turn = "<|im_start|>%r<|im_sep|>%t<|im_end|>",
     .gap = "",
     .prompt = "<|im_start|>assistant<|im_sep|>",
     .stop = "<|im_end|>",
     .with = {"<|im_start|>", "<|im_sep|>", "<|im_end|>"}},
    {.name = "chatml",
     .roles = {"system", "user", "assistant", "tool"},
     .turn = "<|im_start|>%r\n%t<|im_end|>",
     .gap = "\n",
     .prompt = "<|im_start|>assistant\n",
     .stop = "<|im_end|>",
     .with = {"<|im_start|>", "<|im_end|>"}},
    {.name = "phi-4-mini",
     .roles = {"system", "user", "assistant", "tool"},
     .turn = "<|%r|>%t%j<|end|>",
     .tools = "<|tool|>%t<|/tool|>",
     .calls = "<|tool_call|>%t<|/tool_call|>",
     .gap = "",
     .prompt = "<|assistant|>",
     .stop = "<|end|>",
     .with = {"<|end|>", "<|assistant|>"},
     .without = {"\\n", "|>\n", "'\n'"}},
    /* Its Jinja text puts a line break behind each control token, but the vocabulary declares these
     * tokens to swallow the white space that follows: the model never sees it, nor white space in
     * front of a message. */
    {.name = "phi-3",
     .roles = {"system", "user", "assistant", NULL},
     .turn = "<|%r|>%t<|end|>",
     .gap = "",
     .prompt = "<|assistant|>",
     .stop = "<|end|>",
     .trims_front = true,
     .with = {"<|end|>", "<|assistant|>"}},
};

static const char *const role_names[N_ROLES] = {"system", "user", "assistant", "tool"};

/* ---- finding --------------------------------------------------------------------------------- */

const char *aeon_chat_template_name_at(size_t i)
{
    return i < AE_COUNT(templates) ? templates[i].name : NULL;
}

const char *aeon_chat_template_name(const aeon_chat_template *c)
{
    return c->name;
}

const aeon_chat_template *aeon_chat_template_find(const char *name)
{
    for (size_t i = 0; i < AE_COUNT(templates); i++) {
        if (strcmp(templates[i].name, name) == 0) return &templates[i];
    }
    return NULL;
}

static bool contains(const char *text, size_t len, const char *mark)
{
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= len; i++) {
        if (text[i] == mark[0] && memcmp(text + i, mark, n) == 0) return true;
    }
    return false;
}

static bool is_marked(const aeon_chat_template *c, const char *jinja, size_t len)
{
    for (size_t i = 0; i < MAX_MARKS; i++) {
        if (c->with[i] && !contains(jinja, len, c->with[i])) return false;
        if (c->without[i] && contains(jinja, len, c->without[i])) return false;
    }
    return true;
}

const aeon_chat_template *aeon_chat_template_recognize(const char *jinja, size_t len)
{
    for (size_t i = 0; i < AE_COUNT(templates); i++) {
        if (is_marked(&templates[i], jinja, len)) return &templates[i];
    }
    return NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
    const aeon_chat_template *c;
    const aeon_tokenizer *t;
    aeon_tokens *out;
    aeon_text plain; /* text since the last control token, encoded as one */
} writer;

static aeon_status flush_plain(writer *w, aeon_error *err)
{
    TRY(aeon_tokenizer_encode(w->t, w->plain.data, w->plain.len, 0, w->out, err));
    w->plain.len = 0;
    return AEON_OK;
}

static aeon_status put_control(writer *w, const char *name, aeon_error *err)
{
    int32_t id = aeon_tokenizer_find(w->t, name);
    if (id < 0) {
        return ae_fail(err, AEON_MISMATCH,
                       "the chat template %s needs the token %s, which the vocabulary lacks",
                       w->c->name, name);
    }
    TRY(flush_plain(w, err));
    return aeon_tokens_push(w->out, id, err);
}

typedef enum { END, CONTROL, PLAIN, MESSAGE, JSON } part_kind;

static part_kind kind_of(const char *form)
{
    if (*form == 0) return END;
    if (strncmp(form, "<|", 2) == 0) return CONTROL;
    if (strncmp(form, "%t", 2) == 0) return MESSAGE;
    if (strncmp(form, "%j", 2) == 0) return JSON;
    return PLAIN;
}

/* Take the next part off a form; its text, with the role's name filled in, goes to part[0..63]. */
static part_kind next_part(const char **form, const char *role, char *part)
{
    const char *p = *form;
    size_t n = 0;
    part_kind kind = kind_of(p);
    if (kind == MESSAGE || kind == JSON) {
        *form += 2;
        return kind;
    }
    while (*p) {
        bool is_role = strncmp(p, "%r", 2) == 0;
        const char *from = is_role ? role : p;
        size_t len = is_role ? strlen(role) : 1;
        AEON_ASSERT(n + len < 64); /* forms and roles come from the table above */
        memcpy(part + n, from, len);
        n += len;
        p += is_role ? 2 : 1;
        if (kind == CONTROL && n > 2 && memcmp(part + n - 2, "|>", 2) == 0) break;
        if (kind == PLAIN && kind_of(p) != PLAIN) break;
    }
    part[n] = 0;
    *form = p;
    return kind;
}

static bool is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static aeon_status put_text(writer *w, const char *text, aeon_error *err)
{
    size_t len = strlen(text);
    while (w->c->trims_front && len > 0 && is_white(text[0])) text++, len--;
    while (w->c->trims_end && len > 0 && is_white(text[len - 1])) len--;
    return aeon_text_append(&w->plain, text, len, err);
}

/* json_form, json: what %j stands for; NULL: nothing. */
static aeon_status put_form(writer *w, const char *form, const char *role, const char *text,
                            const char *json_form, const char *json, aeon_error *err)
{
    char part[64];
    part_kind kind;
    while ((kind = next_part(&form, role, part)) != END) {
        if (kind == CONTROL) TRY(put_control(w, part, err));
        if (kind == PLAIN) TRY(aeon_text_append(&w->plain, part, strlen(part), err));
        if (kind == MESSAGE) TRY(put_text(w, text, err));
        if (kind == JSON && json) TRY(put_form(w, json_form, "", json, NULL, NULL, err));
    }
    return AEON_OK;
}

static int find_role(const char *name)
{
    int role = 0;
    while (role < N_ROLES && !(name && strcmp(name, role_names[role]) == 0)) role++;
    return role;
}

static aeon_status check_message(const aeon_chat_template *c, const aeon_message *m, int role,
                                 aeon_error *err)
{
    if (role == N_ROLES || !c->roles[role] || !(m->content || m->tool_calls))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "the chat template %s has no role '%.40s' (or the message has no text)",
                       c->name, m->role ? m->role : "");
    if ((m->tools && !c->tools) || (m->tool_calls && !c->calls))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "the chat template %s has no form for tools",
                       c->name);
    if ((m->tools && role != SYSTEM) || (m->tool_calls && role != ASSISTANT))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a message of the role '%s' cannot have %s: tools stand in the system "
                       "message, calls in an answer",
                       m->role, m->tools ? "tools" : "tool calls");
    return AEON_OK;
}

/* form: the template's form of a turn, or a part of it. */
static aeon_status put_turn(writer *w, const char *form, const aeon_message *m, aeon_error *err)
{
    const aeon_chat_template *c = w->c;
    int role = find_role(m->role);
    TRY(check_message(c, m, role, err));
    return put_form(w, form, c->roles[role], m->content ? m->content : "",
                    m->tools ? c->tools : c->calls, m->tools ? m->tools : m->tool_calls, err);
}

static aeon_status put_all(writer *w, const aeon_message *messages, size_t n, unsigned flags,
                           aeon_error *err)
{
    bool is_first = !(flags & AEON_CHAT_CONTINUE);
    if (is_first && w->c->begins_with_bos && aeon_tokenizer_bos(w->t) >= 0) {
        TRY(aeon_tokens_push(w->out, aeon_tokenizer_bos(w->t), err));
    } else if (is_first) {
        TRY(aeon_tokenizer_encode(w->t, "", 0, AEON_ENCODE_BOS, w->out, err));
    }
    size_t n_turns = n + !(flags & AEON_CHAT_NO_PROMPT);
    for (size_t i = 0; i < n_turns; i++) {
        if (i > 0 || !is_first) {
            TRY(aeon_text_append(&w->plain, w->c->gap, strlen(w->c->gap), err));
        }
        TRY(i < n ? put_turn(w, w->c->turn, &messages[i], err)
                  : put_form(w, w->c->prompt, "", "", NULL, NULL, err));
    }
    return flush_plain(w, err);
}

aeon_status aeon_chat_encode(const aeon_chat_template *c, const aeon_tokenizer *t,
                             const aeon_message *messages, size_t n, unsigned flags,
                             aeon_tokens *out, aeon_error *err)
{
    writer w = {.c = c, .t = t, .out = out};
    size_t n_before = out->n;
    aeon_status status = put_all(&w, messages, n, flags, err);
    if (status != AEON_OK) out->n = n_before;
    aeon_text_release(&w.plain);
    return status;
}

static aeon_status put_answer(writer *w, const aeon_message *answer, aeon_error *err)
{
    TRY(put_turn(w, "%t%j", answer, err));
    return put_control(w, w->c->stop, err);
}

aeon_status aeon_chat_encode_answer(const aeon_chat_template *c, const aeon_tokenizer *t,
                                    const aeon_message *answer, aeon_tokens *out, aeon_error *err)
{
    writer w = {.c = c, .t = t, .out = out};
    size_t n_before = out->n;
    aeon_status status = put_answer(&w, answer, err);
    if (status != AEON_OK) out->n = n_before;
    aeon_text_release(&w.plain);
    return status;
}

int32_t aeon_chat_stop_id(const aeon_chat_template *c, const aeon_tokenizer *t)
{
    return aeon_tokenizer_find(t, c->stop);
}
