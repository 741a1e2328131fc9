/* cmd_chat.c - aeon chat: a conversation in the terminal, or line by line through a pipe.
 *
 * Model:    The session's timeline is the talk. A turn is the tokens from the user's message to the
 *           end of the answer; its bounds are kept, so that turns can be undone and answers drawn
 *           again. Nothing is ever dropped from the timeline silently.
 */
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/console.h"

#include <string.h>

size_t cli_talk_length(const talk *t)
{
    return aeon_session_stats_get(t->runtime.session).n_past;
}

/* ---- the sampler ---------------------------------------------------------------------------- */

static void accept_ids(talk *t, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) aeon_sampler_accept(t->sampler, ids[i]);
}

/* After the timeline went back: a generator that draws anew, with the tokens that remain. */
aeon_status cli_talk_renew_sampler(talk *t, aeon_error *err)
{
    size_t n;
    cli_options o = *t->options;
    aeon_sampler *fresh;
    o.has_seed = true;
    o.sampling.seed = t->seed + ++t->n_renewed;
    TRY(cli_sampler_new(&fresh, &o.sampling.seed, &t->runtime, &o, err));
    aeon_sampler_free(t->sampler);
    t->sampler = fresh;
    const int32_t *ids = aeon_session_ids(t->runtime.session, &n);
    accept_ids(t, ids, n);
    return AEON_OK;
}

/* ---- the window ----------------------------------------------------------------------------- */

/* The window may have dropped turns: forget their bounds, move those of the others, and say so. */
static void follow_window(talk *t)
{
    aeon_session_stats s = aeon_session_stats_get(t->runtime.session);
    size_t n_gone = s.n_dropped - t->n_dropped, n_left = 0, n = t->turns.n;
    if (!n_gone) return;
    for (size_t i = 0; i < n; i += 2) {
        if ((size_t)t->turns.ids[i] < s.n_pinned + n_gone) continue;
        t->turns.ids[n_left++] = t->turns.ids[i] - (int32_t)n_gone;
        t->turns.ids[n_left++] = t->turns.ids[i + 1] - (int32_t)n_gone;
    }
    t->turns.n = n_left;
    t->n_dropped = s.n_dropped;
    cli_notice("(the context of %zu tokens is full: the oldest %zu turns are no longer seen)",
               s.n_ctx, (n - n_left) / 2);
}

/* ---- one turn ------------------------------------------------------------------------------- */

static bool on_text(void *user, const char *text, size_t len)
{
    talk *t = user;
    cli_write(stdout, text, len);
    if (len) t->last = text[len - 1];
    return cli_flush() && !cli_is_interrupted();
}

static void print_speed(const talk *t)
{
    aeon_session_stats s = aeon_session_stats_get(t->runtime.session);
    double read_s = t->read_ms / 1e3, total_s = t->result.total_ms / 1e3;
    cli_notice("read %zu tokens, %.1f tokens/s · wrote %zu tokens, %.1f tokens/s, the first after "
               "%.0f ms · context %zu of %zu (%.0f %%)",
               t->n_read, read_s > 0 ? (double)t->n_read / read_s : 0, t->result.n_tokens,
               total_s > 0 ? (double)t->result.n_tokens / total_s : 0,
               t->read_ms + t->result.first_ms, s.n_past, s.n_ctx,
               100.0 * (double)s.n_past / (double)s.n_ctx);
}

/* Say what an answer's end means for the person, where that is not plain. */
static void tell_finish(const talk *t)
{
    const cli_options *o = t->options;
    bool by_window = t->result.finish == AEON_FINISH_LENGTH && !o->n_max;
    if (t->result.finish == AEON_FINISH_CANCEL) cli_notice("(stopped)");
    if (t->result.finish == AEON_FINISH_LENGTH && o->n_max)
        cli_notice("(cut after %zu tokens, as -n asks)", t->result.n_tokens);
    else if (by_window && o->window >= AEON_WINDOW_SLIDE)
        cli_notice("(cut after %zu tokens, as many as the context holds)", t->result.n_tokens);
    else if (by_window || t->result.finish == AEON_FINISH_CONTEXT)
        cli_notice("(the context of %zu tokens is full: /reset begins a new talk, /undo takes back "
                   "the last turn, aeon chat --ctx N gives more room)",
                   cli_talk_length(t));
}

/* Draw an answer to what the timeline holds, and show it as it comes. */
static aeon_status answer(talk *t, aeon_error *err)
{
    const cli_options *o = t->options;
    aeon_generate_params params = {
        .n_max = o->n_max ? o->n_max : aeon_session_stats_get(t->runtime.session).n_ctx,
        .stops = o->stops,
        .n_stops = o->n_stops,
        .on_text = on_text,
        .progress = cli_progress,
        .user = t,
    };
    t->last = 0;
    aeon_status status =
        aeon_session_generate(t->runtime.session, t->sampler, &params, &t->result, err);
    cli_progress_end();
    if (status == AEON_OK && t->last != '\n') printf("\n");
    follow_window(t);
    TRY(status);
    if (!cli_flush()) {
        t->quit = true; /* the reader has gone; main reports it */
        return AEON_OK;
    }
    tell_finish(t);
    if (o->stats) print_speed(t);
    bool cancelled = t->result.finish == AEON_FINISH_CANCEL;
    if (cancelled && (!cli_line_is_edited(t->line) || cli_is_terminated()))
        return cli_error(err, AEON_CANCELLED, "interrupted");
    cli_signals_clear();
    return AEON_OK;
}

/* An answer that was cut short lacks its end token, and some models write another one: the template
 * goes on after its own. */
static aeon_status end_last_answer(talk *t, aeon_error *err)
{
    size_t n;
    const int32_t *ids = aeon_session_ids(t->runtime.session, &n);
    int32_t stop = aeon_chat_stop_id(t->chat, t->runtime.vocab), last = ids[n - 1];
    if (last == stop || stop < 0) return AEON_OK;
    if (aeon_model_is_stop(t->runtime.model, last))
        TRY(aeon_session_rewind(t->runtime.session, n - 1, err));
    return aeon_tokens_push(&t->fed, stop, err);
}

/* The tokens of the next user message; the first one brings the system message along. */
static aeon_status encode_message(talk *t, const char *text, aeon_error *err)
{
    aeon_message messages[] = {{.role = "system", .content = t->system.data},
                               {.role = "user", .content = text}};
    bool is_first = cli_talk_length(t) == 0;
    size_t skip = is_first && t->system.len ? 0 : 1;
    t->fed.n = 0;
    if (!is_first) TRY(end_last_answer(t, err));
    t->n_ended = t->fed.n;
    return aeon_chat_encode(t->chat, t->runtime.vocab, messages + skip, 2 - skip,
                            is_first ? 0 : AEON_CHAT_CONTINUE, &t->fed, err);
}

static aeon_status feed(talk *t, aeon_error *err)
{
    aeon_feed_params params = {.progress = cli_progress};
    double start_s = cli_clock_s();
    aeon_status status = aeon_session_feed(t->runtime.session, t->fed.ids, t->fed.n, &params, err);
    cli_progress_end();
    t->read_ms = 1e3 * (cli_clock_s() - start_s);
    t->n_read = t->fed.n;
    follow_window(t);
    return status;
}

/* The system message is never dropped. */
aeon_status cli_talk_pin_system(talk *t, aeon_error *err)
{
    aeon_tokens ids = {0};
    aeon_message system = {.role = "system", .content = t->system.data};
    aeon_status status = aeon_chat_encode(t->chat, t->runtime.vocab, &system, t->system.len ? 1 : 0,
                                          AEON_CHAT_NO_PROMPT, &ids, err);
    size_t n;
    const int32_t *held = aeon_session_ids(t->runtime.session, &n);
    bool is_there = ids.n && ids.n <= n && memcmp(held, ids.ids, ids.n * sizeof *held) == 0;
    if (status == AEON_OK) status = aeon_session_pin(t->runtime.session, is_there ? ids.n : 0, err);
    aeon_tokens_release(&ids);
    return status;
}

aeon_status cli_talk_begin_turn(talk *t, size_t start, size_t answer, aeon_error *err)
{
    TRY(aeon_session_begin_turn(t->runtime.session, start, err));
    TRY(aeon_tokens_push(&t->turns, (int32_t)start, err));
    return aeon_tokens_push(&t->turns, (int32_t)answer, err);
}

static aeon_status say(talk *t, const char *text, aeon_error *err)
{
    TRY(encode_message(t, text, err));
    TRY(feed(t, err));
    size_t n = cli_talk_length(t);
    if (n == t->fed.n) TRY(cli_talk_pin_system(t, err));
    TRY(cli_talk_begin_turn(t, n == t->fed.n ? 0 : n - t->fed.n + t->n_ended, n, err));
    accept_ids(t, t->fed.ids, t->fed.n);
    return answer(t, err);
}

/* ---- commands ------------------------------------------------------------------------------- */

static aeon_status do_help(talk *t, const char *text, aeon_error *err);

static aeon_status do_reset(talk *t, const char *text, aeon_error *err)
{
    (void)text;
    t->turns.n = 0;
    TRY(aeon_session_rewind(t->runtime.session, 0, err));
    TRY(cli_talk_renew_sampler(t, err));
    t->n_dropped = aeon_session_stats_get(t->runtime.session).n_dropped;
    cli_notice("(a new talk%s)", t->system.len ? ", with the same system message" : "");
    return AEON_OK;
}

static aeon_status do_system(talk *t, const char *text, aeon_error *err)
{
    if (!*text) {
        cli_notice(t->system.len ? "system message: %s" : "(no system message)%s",
                   t->system.len ? t->system.data : "");
        return AEON_OK;
    }
    t->system.len = 0;
    TRY(aeon_text_append(&t->system, text, strlen(text), err));
    return do_reset(t, "", err);
}

static aeon_status do_stats(talk *t, const char *text, aeon_error *err)
{
    (void)text;
    (void)err;
    char kv[16], rss[16];
    aeon_session_stats s = aeon_session_stats_get(t->runtime.session);
    if (t->n_read) print_speed(t);
    if (!s.is_exact)
        cli_notice("%zu turns were dropped and what followed has moved: answers are nearly exact",
                   s.n_dropped_turns);
    cli_notice("context %zu of %zu tokens (%.0f %%)%s · keys and values %s · peak memory %s · "
               "loaded in %.0f ms · seed %llu",
               s.n_past, s.n_ctx, 100.0 * (double)s.n_past / (double)s.n_ctx,
               s.is_long_rope ? ", long factors" : "",
               cli_short_bytes(kv, sizeof kv, (double)s.kv_bytes),
               cli_short_bytes(rss, sizeof rss, (double)cli_peak_rss_bytes()), t->runtime.load_ms,
               (unsigned long long)t->seed);
    return AEON_OK;
}

static aeon_status do_regenerate(talk *t, const char *text, aeon_error *err)
{
    (void)text;
    size_t n;
    if (!t->turns.n) {
        cli_notice("(there is no answer yet)");
        return AEON_OK;
    }
    /* The logits after the question come back by feeding its last token again. */
    size_t start = (size_t)t->turns.ids[t->turns.n - 1];
    t->fed.n = 0;
    TRY(aeon_tokens_push(&t->fed, aeon_session_ids(t->runtime.session, &n)[start - 1], err));
    TRY(aeon_session_rewind(t->runtime.session, start - 1, err));
    TRY(feed(t, err));
    TRY(cli_talk_renew_sampler(t, err));
    return answer(t, err);
}

static aeon_status do_undo(talk *t, const char *text, aeon_error *err)
{
    (void)text;
    if (!t->turns.n) {
        cli_notice("(there is nothing to undo)");
        return AEON_OK;
    }
    t->turns.n -= 2;
    TRY(aeon_session_rewind(t->runtime.session, (size_t)t->turns.ids[t->turns.n], err));
    TRY(cli_talk_renew_sampler(t, err));
    cli_notice("(the last question and answer are forgotten, %zu remain)", t->turns.n / 2);
    return AEON_OK;
}

static aeon_status do_quit(talk *t, const char *text, aeon_error *err)
{
    (void)text;
    (void)err;
    t->quit = true;
    return AEON_OK;
}

static const struct {
    const char *name, *argument, *help;
    aeon_status (*run)(talk *t, const char *text, aeon_error *err);
} chat_commands[] = {
    {"/help", "", "these lines", do_help},
    {"/reset", "", "begin a new talk", do_reset},
    {"/system", "TEXT", "tell the model how to behave, and begin a new talk", do_system},
    {"/regen", "", "answer the last question again, differently", do_regenerate},
    {"/undo", "", "forget the last question and its answer", do_undo},
    {"/save", "NAME", "keep the talk under this name", cli_talk_do_save},
    {"/load", "NAME", "go on with a talk that was kept; without a name: list them",
     cli_talk_do_load},
    {"/stats", "", "speed, memory, and how full the context is", do_stats},
    {"/quit", "", "end the talk; so does Ctrl-D", do_quit},
};
enum { N_CHAT_COMMANDS = sizeof chat_commands / sizeof *chat_commands };

static aeon_status do_help(talk *t, const char *text, aeon_error *err)
{
    (void)t;
    (void)text;
    (void)err;
    for (int i = 0; i < N_CHAT_COMMANDS; i++)
        cli_notice("  %-8s %-5s %s", chat_commands[i].name, chat_commands[i].argument,
                   chat_commands[i].help);
    cli_notice("  Ctrl-C stops an answer. A line that ends with \\ goes on in the next.");
    return AEON_OK;
}

static aeon_status run_chat_command(talk *t, const char *line, aeon_error *err)
{
    size_t len = strcspn(line, " \t");
    const char *text = line + len + strspn(line + len, " \t");
    for (int i = 0; i < N_CHAT_COMMANDS; i++) {
        const char *name = chat_commands[i].name;
        if (strlen(name) == len && memcmp(name, line, len) == 0)
            return chat_commands[i].run(t, text, err);
    }
    cli_notice("(%.*s: no such command, /help lists them; to say it, begin with a space)",
               len < 40 ? (int)len : 40, line);
    return AEON_OK;
}

/* ---- the talk ------------------------------------------------------------------------------- */

static void greet(const talk *t)
{
    char params[16];
    const aeon_model_info *m = t->runtime.info;
    const char *type = aeon_type_name(m->type);
    printf("%sAEON %s%s - ", cli_style_text(stdout, CLI_BOLD), aeon_version(),
           cli_style_text(stdout, CLI_PLAIN));
    if (m->is_builtin)
        printf("the small built-in model (%s parameters), good for simple talk only.\n"
               "For a real companion bring Phi-4-mini: aeon chat phi-4-mini.gguf\n",
               cli_short_count(params, sizeof params, (double)m->n_params));
    else {
        cli_write(stdout, m->name, strlen(m->name));
        printf(", %s parameters, %s, context %zu\n",
               cli_short_count(params, sizeof params, (double)m->n_params), type ? type : "?",
               aeon_session_stats_get(t->runtime.session).n_ctx);
    }
    cli_notice("Nothing leaves this device. /help lists the commands, Ctrl-C stops an answer, "
               "Ctrl-D ends the talk.");
}

/* Read a message; a line that ends with a backslash goes on in the next. */
static cli_line_result read_message(talk *t, aeon_error *err)
{
    const char *prompt = "\1\033[1m\1> \1\033[0m\1", *more = ". ";
    aeon_text next = {0};
    if (!*cli_style_text(stdout, CLI_BOLD)) prompt = "> ";
    cli_line_result result = cli_line_read(t->line, prompt, &t->input, err);
    while (result == CLI_LINE_TEXT && t->input.len && t->input.data[t->input.len - 1] == '\\') {
        t->input.data[t->input.len - 1] = '\n';
        result = cli_line_read(t->line, more, &next, err);
        if (result == CLI_LINE_TEXT &&
            aeon_text_append(&t->input, next.data, next.len, err) != AEON_OK)
            result = CLI_LINE_FAILED;
    }
    aeon_text_release(&next);
    return result;
}

/* What one message leads to. On a terminal a message that cannot be answered is no end of the
 * talk: the timeline is what it was. */
static aeon_status handle(talk *t, aeon_error *err)
{
    const char *text = t->input.data;
    if (!text[strspn(text, " \t\r\n")] && strlen(text) == t->input.len) return AEON_OK;
    aeon_status status = AEON_OK;
    if (text[0] == '/')
        status = run_chat_command(t, text, err);
    else if (strlen(text) != t->input.len)
        status = cli_error(err, AEON_INVALID_ARGUMENT, "the message contains a zero byte");
    else
        status = say(t, text, err);
    if (!cli_line_is_edited(t->line) || cli_is_terminated()) return status;
    if (status == AEON_CONTEXT_FULL) {
        cli_notice("(%s: /reset begins a new talk, /undo takes back the last turn, "
                   "aeon chat --ctx N gives more room)",
                   err->text);
        return AEON_OK;
    }
    if (status == AEON_CANCELLED) cli_notice("(stopped before the answer)");
    if (status == AEON_CANCELLED || status == AEON_INVALID_ARGUMENT) {
        if (status == AEON_INVALID_ARGUMENT) cli_notice("(%s)", err->text);
        cli_signals_clear();
        return AEON_OK;
    }
    return status;
}

static aeon_status converse(talk *t, aeon_error *err)
{
    while (!t->quit) {
        switch (read_message(t, err)) {
        case CLI_LINE_TEXT:
            cli_line_remember(t->line, t->input.data);
            TRY(handle(t, err));
            break;
        case CLI_LINE_CANCELLED: cli_notice("(/quit or Ctrl-D ends the talk)"); break;
        case CLI_LINE_END:
            if (cli_is_interrupted()) return cli_error(err, AEON_CANCELLED, "interrupted");
            return AEON_OK;
        case CLI_LINE_FAILED: return err->code;
        }
    }
    return AEON_OK;
}

static aeon_status open_talk(talk *t, aeon_error *err)
{
    enum { SHORT_CHUNK = 64 }; /* tokens: how long Ctrl-C waits while a message is read */
    cli_options o = *t->options;
    if (o.argument) o.model = o.argument;
    if (!o.n_chunk) o.n_chunk = SHORT_CHUNK;
    aeon_session_params session = cli_session_params(&o);
    session.window = o.window;
    TRY(cli_runtime_open(&t->runtime, &o, &session, err));
    TRY(cli_chat_template(&t->chat, &t->runtime, "", err));
    TRY(cli_sampler_new(&t->sampler, &t->seed, &t->runtime, &o, err));
    if (o.system) TRY(aeon_text_append(&t->system, o.system, strlen(o.system), err));
    return cli_line_open(&t->line, !o.no_history, err);
}

static aeon_status run_chat(const cli_options *o, aeon_error *err)
{
    talk t = {.options = o};
    aeon_status status = open_talk(&t, err);
    if (status == AEON_OK && cli_line_is_edited(t.line)) greet(&t);
    if (status == AEON_OK) status = cli_talk_resume(&t, err);
    if (status == AEON_OK) status = cli_talk_keep_at_end(&t, converse(&t, err), err);
    cli_line_close(t.line);
    aeon_sampler_free(t.sampler);
    aeon_text_release(&t.system);
    aeon_text_release(&t.input);
    aeon_tokens_release(&t.fed);
    aeon_tokens_release(&t.turns);
    cli_runtime_close(&t.runtime);
    return status;
}

static const cli_option own_options[] = {
    {0, "system", CLI_TEXT, AT(system), 0, 0, "TEXT", "how the model should behave"},
    {0, "session", CLI_TEXT, AT(session), 0, 0, "NAME",
     "go on with the talk of this name, and keep it at the end"},
    {'c', "continue", CLI_FLAG, AT(go_on), 0, 0, NULL, "go on with the last talk"},
    {0, "window", CLI_WINDOW, 0, 0, 0, "POLICY",
     "when the context is full: window drops the oldest turns, compact too and reads the rest "
     "again; error and stop end the talk"},
    {0, "no-history", CLI_FLAG, AT(no_history), 0, 0, NULL,
     "keep neither typed lines nor the talk"},
    {0, "stats", CLI_FLAG, AT(stats), 0, 0, NULL, "speed and context after every answer"},
    CLI_OPTION_END,
};

const cli_command cli_chat = {
    .name = "chat",
    .summary = "a conversation in the terminal",
    .usage = "[MODEL] [--system TEXT] [options]",
    .argument = "MODEL",
    .groups = (const cli_group[]){{"Talk", own_options},
                                  {"Model", cli_model_options},
                                  {"Answer", cli_sampling_options},
                                  CLI_GROUP_END},
    .notes =
        "Typed lines and talks are kept in $XDG_STATE_HOME/aeon (~/.local/state/aeon),\n"
        "readable by you alone, and locked if AEON_PASSPHRASE is set; a talk on the terminal as\n"
        "\"last\" when it ends, if it has no other name. Through a pipe every line is a message\n"
        "and every answer goes to standard output, and a talk is kept if it has a name.",
    .example = "aeon chat phi-4-mini-q4_0.gguf --system \"You are a patient teacher.\"",
    .run = run_chat,
};
