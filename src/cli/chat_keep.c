/* chat_keep.c - talks that are kept: a snapshot of the session, and what the chat knows besides. */
#include "cli/chat.h"
#include "cli/console.h"
#include "cli/state.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the snapshot does not know: {"system": .., "turns": [[start, answer], ..]} */
static char *describe_talk(const talk *t)
{
    json_t *turns = json_array();
    for (size_t i = 0; i < t->turns.n; i += 2)
        json_array_append_new(turns, json_pack("[ii]", t->turns.ids[i], t->turns.ids[i + 1]));
    json_t *root = json_pack("{s:o,s:o}", "system", cli_json_text(t->system.data, t->system.len),
                             "turns", turns);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

/* The environment may hold a passphrase for all kept talks. */
static const char *find_passphrase(void)
{
    const char *text = getenv("AEON_PASSPHRASE");
    return text && *text ? text : NULL;
}

static aeon_status keep_talk(talk *t, const char *name, aeon_error *err)
{
    char path[PATH_MAX];
    const char *passphrase = find_passphrase();
    TRY(cli_talk_path(path, sizeof path, name, err));
    if (passphrase && !aeon_session_stats_get(t->runtime.session).is_locked)
        TRY(aeon_session_lock(t->runtime.session, passphrase, err));
    char *text = describe_talk(t);
    if (!text) return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory to keep the talk");
    aeon_status status = aeon_session_save(t->runtime.session, path, text, strlen(text), err);
    free(text);
    return status;
}

/* Turns stand in order, behind the pinned tokens but for the first, which begins at 0. A talk that
 * a stranger touched has those before the first that does not. */
static aeon_status recall_turns(talk *t, const json_t *turns, aeon_error *err)
{
    json_t *pair;
    size_t i, n_pinned = aeon_session_stats_get(t->runtime.session).n_pinned;
    long long last = -1, start, answer;
    json_array_foreach(turns, i, pair)
    {
        if (json_unpack(pair, "[II]", &start, &answer) != 0) return AEON_OK;
        bool fits = start > last && answer > start && (size_t)answer <= cli_talk_length(t) &&
                    (size_t)answer > n_pinned && (start == 0 || (size_t)start >= n_pinned);
        if (!fits) return AEON_OK;
        TRY(cli_talk_begin_turn(t, (size_t)start, (size_t)answer, err));
        last = answer - 1;
    }
    return AEON_OK;
}

static aeon_status recall_description(talk *t, const aeon_text *text, aeon_error *err)
{
    json_t *root = json_loadb(text->data, text->len, 0, NULL);
    const json_t *system = json_object_get(root, "system");
    t->system.len = t->turns.n = 0;
    aeon_status status =
        aeon_text_append(&t->system, json_is_string(system) ? json_string_value(system) : "",
                         json_string_length(system), err);
    if (status == AEON_OK) status = cli_talk_pin_system(t, err);
    if (status == AEON_OK) status = recall_turns(t, json_object_get(root, "turns"), err);
    json_decref(root);
    return status;
}

/* The last answer, so that a person knows where the talk stands. */
static aeon_status show_last_answer(const talk *t, aeon_error *err)
{
    size_t n;
    aeon_text text = {0};
    if (!t->turns.n) return AEON_OK;
    const int32_t *ids = aeon_session_ids(t->runtime.session, &n);
    size_t start = (size_t)t->turns.ids[t->turns.n - 1];
    aeon_status status =
        aeon_tokenizer_decode(t->runtime.vocab, ids + start, n - start, false, &text, err);
    if (status == AEON_OK && text.len) cli_notice("...");
    if (status == AEON_OK && text.len) {
        cli_write(stdout, text.data, text.len);
        printf("\n");
    }
    aeon_text_release(&text);
    return status;
}

static aeon_status open_talk_file(talk *t, const char *path, const char *passphrase,
                                  aeon_error *err)
{
    aeon_text text = {0};
    aeon_error note = {.code = AEON_OK};
    aeon_load_params how = {
        .passphrase = passphrase, .progress = cli_progress, .text = &text, .note = &note};
    aeon_status status = aeon_session_load(t->runtime.session, path, &how, err);
    cli_progress_end();
    if (status == AEON_OK && note.code != AEON_OK)
        cli_notice("(%s: the talk was read once more)", note.text);
    if (status == AEON_OK) status = recall_description(t, &text, err);
    if (status == AEON_OK) status = cli_talk_renew_sampler(t, err);
    if (cli_talk_length(t) == 0) t->turns.n = 0; /* reading it once more was cancelled */
    t->n_dropped = aeon_session_stats_get(t->runtime.session).n_dropped;
    aeon_text_release(&text);
    return status;
}

static aeon_status recall_talk(talk *t, const char *name, aeon_error *err)
{
    char path[PATH_MAX];
    TRY(cli_talk_path(path, sizeof path, name, err));
    if (access(path, F_OK) != 0)
        return cli_error(err, AEON_NOT_FOUND, "no talk %s is kept; /load lists those that are",
                         name);
    aeon_status status = open_talk_file(t, path, NULL, err);
    if (status == AEON_INVALID_ARGUMENT && find_passphrase())
        status = open_talk_file(t, path, find_passphrase(), err);
    TRY(status);
    t->was_kept = true;
    cli_notice("(the talk %s goes on: %zu turn%s, %zu tokens)", name, t->turns.n / 2,
               t->turns.n == 2 ? "" : "s", cli_talk_length(t));
    return cli_line_is_edited(t->line) ? show_last_answer(t, err) : AEON_OK;
}

/* In a talk, what can't be kept or found is no reason to end it. */
static aeon_status tell_failure(aeon_status status, aeon_error *err)
{
    if (status == AEON_OK || status == AEON_OUT_OF_MEMORY) return status;
    cli_notice("(%s)", err->text);
    cli_signals_clear();
    return AEON_OK;
}

aeon_status cli_talk_do_save(talk *t, const char *text, aeon_error *err)
{
    const char *name = *text ? text : *t->name ? t->name : "last";
    aeon_status status = keep_talk(t, name, err);
    if (status == AEON_OK) cli_notice("(kept as %s: /load %s goes on with it)", name, name);
    return tell_failure(status, err);
}

/* From one kept talk to another: the first is kept as it is, and the second from then on. */
static aeon_status change_talk(talk *t, const char *name, aeon_error *err)
{
    if (*t->name && t->turns.n) TRY(keep_talk(t, t->name, err));
    TRY(recall_talk(t, name, err));
    if (*t->name) snprintf(t->name, sizeof t->name, "%s", name);
    return AEON_OK;
}

aeon_status cli_talk_do_load(talk *t, const char *text, aeon_error *err)
{
    aeon_text list = {0};
    if (*text) return tell_failure(change_talk(t, text, err), err);
    aeon_status status = cli_talk_list(&list, err);
    if (status == AEON_OK)
        cli_notice(list.len ? "%s\n  /load NAME goes on with one" : "(no talk was kept yet)%s",
                   list.len ? list.data : "");
    aeon_text_release(&list);
    return status;
}

/* Go on with the talk that the options name, or that was the last one. */
aeon_status cli_talk_resume(talk *t, aeon_error *err)
{
    char path[PATH_MAX];
    const cli_options *o = t->options;
    const char *name = o->session ? o->session : "last";
    bool is_last = !o->session && cli_line_is_edited(t->line) && !o->no_history;
    if (!o->session && !o->go_on && !is_last) return AEON_OK;
    TRY(cli_talk_path(path, sizeof path, name, err));
    if (o->session || !o->no_history) snprintf(t->name, sizeof t->name, "%s", name);
    bool is_kept = access(path, F_OK) == 0;
    if (is_kept && (o->session || o->go_on)) return recall_talk(t, name, err);
    if (is_kept) cli_notice("/load last goes on with your last talk.");
    if (!is_kept && o->go_on) cli_notice("(there is no last talk yet)");
    return AEON_OK;
}

/* A talk with a name is kept when it ends, however it ends. */
aeon_status cli_talk_keep_at_end(talk *t, aeon_status status, aeon_error *err)
{
    if (!*t->name || !(t->turns.n || t->was_kept)) return status;
    aeon_error reason;
    if (keep_talk(t, t->name, &reason) == AEON_OK) return status;
    if (status == AEON_OK) return cli_error(err, reason.code, "%s", reason.text);
    return status;
}
