/* chat.c - the chat templates as a table, and the one function that writes them.
 *
 * A form is text in which "<|...|>" is a control token, %r the role's name and %t the message.
 */
#include "aeon/chat.h"

#include "text/tables.h"

#include <string.h>

enum { SYSTEM, USER, ASSISTANT, TOOL, N_ROLES, MAX_MARKS = 3 };

struct aeon_chat_template {
    const char *name;
    const char *roles[N_ROLES];  /* as the template calls them; NULL: it has no such role */
    const char *turn;            /* form of a message */
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
     .turn = "<|%r|>%t<|end|>",
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

typedef enum { END, CONTROL, PLAIN, MESSAGE } part_kind;

/* Take the next part off a form; its text, with the role's name filled in, goes to part[0..63]. */
static part_kind next_part(const char **form, const char *role, char *part)
{
    const char *p = *form;
    size_t n = 0;
    part_kind kind = *p == 0 ? END : strncmp(p, "<|", 2) == 0 ? CONTROL : PLAIN;
    if (strncmp(p, "%t", 2) == 0) {
        *form += 2;
        return MESSAGE;
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
        if (kind == PLAIN && (strncmp(p, "<|", 2) == 0 || strncmp(p, "%t", 2) == 0)) break;
    }
    part[n] = 0;
    *form = p;
    return kind;
}

static bool is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static aeon_status put_message(writer *w, const char *text, aeon_error *err)
{
    size_t len = strlen(text);
    while (w->c->trims_front && len > 0 && is_white(text[0])) text++, len--;
    while (w->c->trims_end && len > 0 && is_white(text[len - 1])) len--;
    return aeon_text_append(&w->plain, text, len, err);
}

static aeon_status put_form(writer *w, const char *form, const char *role, const char *message,
                            aeon_error *err)
{
    char part[64];
    part_kind kind;
    while ((kind = next_part(&form, role, part)) != END) {
        if (kind == CONTROL) TRY(put_control(w, part, err));
        if (kind == PLAIN) TRY(aeon_text_append(&w->plain, part, strlen(part), err));
        if (kind == MESSAGE) TRY(put_message(w, message, err));
    }
    return AEON_OK;
}

static aeon_status put_turn(writer *w, const aeon_message *m, aeon_error *err)
{
    for (size_t i = 0; m->role && m->content && i < N_ROLES; i++) {
        if (strcmp(m->role, role_names[i]) != 0 || !w->c->roles[i]) continue;
        return put_form(w, w->c->turn, w->c->roles[i], m->content, err);
    }
    return ae_fail(err, AEON_INVALID_ARGUMENT,
                   "the chat template %s has no role '%.40s' (or the message has no text)",
                   w->c->name, m->role ? m->role : "");
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
        TRY(i < n ? put_turn(w, &messages[i], err) : put_form(w, w->c->prompt, "", "", err));
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

int32_t aeon_chat_stop_id(const aeon_chat_template *c, const aeon_tokenizer *t)
{
    return aeon_tokenizer_find(t, c->stop);
}
