/* cmd_run.c - aeon run: one completion on standard output. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>

/* One run: what went in, what came out, and how long it took. */
typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    aeon_sampler *sampler;
    cli_input input;
    aeon_tokens prompt;
    aeon_text answer; /* kept whole for --json; else only its last byte matters */
    char last;        /* the last byte written */
    uint64_t seed;
    double prompt_ms;
    aeon_generate_result result;
} completion;

/* The prompt as the model's chat template writes it. */
static aeon_status encode_chat(completion *c, aeon_error *err)
{
    const char *system = c->options->system;
    const aeon_chat_template *chat;
    TRY(cli_chat_template(&chat, &c->runtime, ", or take the text as it is with --raw", err));
    aeon_message messages[] = {{.role = "system", .content = system},
                               {.role = "user", .content = c->input.text.data}};
    size_t skip = system ? 0 : 1;
    return aeon_chat_encode(chat, c->runtime.vocab, messages + skip, 2 - skip, 0, &c->prompt, err);
}

static aeon_status feed_prompt(completion *c, aeon_error *err)
{
    aeon_feed_params params = {.progress = cli_progress};
    double start_s = cli_clock_s();
    aeon_status status =
        aeon_session_feed(c->runtime.session, c->prompt.ids, c->prompt.n, &params, err);
    cli_progress_end();
    c->prompt_ms = 1e3 * (cli_clock_s() - start_s);
    for (size_t i = 0; i < c->prompt.n && status == AEON_OK; i++)
        aeon_sampler_accept(c->sampler, c->prompt.ids[i]);
    return status;
}

static bool on_text(void *user, const char *text, size_t len)
{
    completion *c = user;
    if (c->options->json)
        return aeon_text_append(&c->answer, text, len, NULL) == AEON_OK && !cli_is_interrupted();
    if (len && !c->options->ids_out) {
        cli_write(stdout, text, len);
        c->last = text[len - 1];
    }
    return cli_flush() && !cli_is_interrupted();
}

static double per_second(size_t n, double ms)
{
    return ms > 0 ? 1e3 * (double)n / ms : 0;
}

static void print_stats(const completion *c)
{
    char rss[16];
    cli_short_bytes(rss, sizeof rss, (double)cli_peak_rss_bytes());
    cli_notice("prompt  %6zu tokens  %9.1f tokens/s", c->prompt.n,
               per_second(c->prompt.n, c->prompt_ms));
    cli_notice("answer  %6zu tokens  %9.1f tokens/s  first after %.1f ms  end: %s",
               c->result.n_tokens, per_second(c->result.n_tokens, c->result.total_ms),
               c->prompt_ms + c->result.first_ms, aeon_finish_name(c->result.finish));
    cli_notice("load    %6.0f ms      peak memory %s  seed %llu", c->runtime.load_ms, rss,
               (unsigned long long)c->seed);
}

static aeon_status print_json(const completion *c, const int32_t *ids, size_t n, aeon_error *err)
{
    return cli_print_json(
        json_pack("{s:o, s:o, s:s, s:i, s:i, s:I, s:f, s:f, s:f, s:f, s:I}", "text",
                  cli_json_text(c->answer.data, c->answer.len), "ids", cli_json_ids(ids, n),
                  "finish", aeon_finish_name(c->result.finish), "prompt_tokens", (int)c->prompt.n,
                  "tokens", (int)c->result.n_tokens, "seed", (json_int_t)c->seed, "load_ms",
                  c->runtime.load_ms, "prompt_ms", c->prompt_ms, "first_ms",
                  c->prompt_ms + c->result.first_ms, "total_ms", c->prompt_ms + c->result.total_ms,
                  "peak_rss_bytes", (json_int_t)cli_peak_rss_bytes()),
        err);
}

static aeon_status generate(completion *c, aeon_error *err)
{
    const cli_options *o = c->options;
    aeon_generate_params params = {
        .n_max = o->n_max,
        .stops = o->stops,
        .n_stops = o->n_stops,
        .ignore_stop_ids = o->ignore_eos,
        .on_text = on_text,
        .user = c,
    };
    TRY(aeon_session_generate(c->runtime.session, c->sampler, &params, &c->result, err));

    size_t n_all;
    const int32_t *all = aeon_session_ids(c->runtime.session, &n_all);
    if (o->json) {
        TRY(print_json(c, all + c->prompt.n, n_all - c->prompt.n, err));
    } else if (o->ids_out) {
        for (size_t i = c->prompt.n; i < n_all; i++)
            printf("%s%d", i > c->prompt.n ? " " : "", (int)all[i]);
        printf("\n");
    } else if (c->last != '\n') {
        printf("\n");
    }
    if (o->stats) print_stats(c);
    if (cli_is_interrupted()) return cli_error(err, AEON_CANCELLED, "interrupted");
    return AEON_OK;
}

static aeon_status complete(completion *c, aeon_error *err)
{
    const cli_options *o = c->options;
    aeon_session_params session = cli_session_params(o);
    bool is_chat = !o->raw && !o->ids;
    if (o->system && !is_chat)
        return cli_error(err, CLI_USAGE, "--system: needs the chat template, which %s leaves out",
                         o->ids ? "--ids" : "--raw");
    TRY(cli_input_read(&c->input, o, err));
    TRY(cli_input_need(&c->input, err));
    /* A message ends at a zero byte, and half of a text is not what was asked. */
    if (is_chat && strlen(c->input.text.data) != c->input.text.len)
        return cli_error(err, AEON_INVALID_ARGUMENT,
                         "the text contains a zero byte; a chat cannot, use --raw");
    TRY(cli_runtime_open(&c->runtime, o, &session, err));
    TRY(cli_sampler_new(&c->sampler, &c->seed, &c->runtime, o, err));
    TRY(is_chat ? encode_chat(c, err) : cli_input_encode(&c->prompt, &c->input, &c->runtime, err));
    TRY(feed_prompt(c, err));
    return generate(c, err);
}

static aeon_status run_run(const cli_options *o, aeon_error *err)
{
    completion c = {.options = o};
    aeon_status status = complete(&c, err);
    cli_input_release(&c.input);
    aeon_tokens_release(&c.prompt);
    aeon_text_release(&c.answer);
    aeon_sampler_free(c.sampler);
    cli_runtime_close(&c.runtime);
    return status;
}

static const cli_option input_options[] = {
    {'p', "prompt", CLI_TEXT, AT(prompt), 0, 0, "TEXT", "what to answer"},
    {'f', "file", CLI_TEXT, AT(file), 0, 0, "FILE", "the same from a file, - for standard input"},
    {0, "ids", CLI_TEXT, AT(ids), 0, 0, "1,2,3", "token ids as they are, - for standard input"},
    {0, "system", CLI_TEXT, AT(system), 0, 0, "TEXT", "how to behave"},
    {0, "raw", CLI_FLAG, AT(raw), 0, 0, NULL,
     "go on with the text itself, without the chat template"},
    CLI_OPTION_END,
};

static const cli_option output_options[] = {
    {0, "ids-out", CLI_FLAG, AT(ids_out), 0, 0, NULL, "token ids instead of text"},
    {0, "ignore-eos", CLI_FLAG, AT(ignore_eos), 0, 0, NULL,
     "go on after the model's end of the answer"},
    {0, "stats", CLI_FLAG, AT(stats), 0, 0, NULL, "speed, memory and seed on standard error"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_run = {
    .name = "run",
    .summary = "one answer on standard output",
    .usage = "[-m MODEL] [-p TEXT | -f FILE | --ids 1,2,3] [-n N] [options]",
    .groups = (const cli_group[]){{"Input", input_options},
                                  {"Model", cli_model_options},
                                  {"Answer", cli_sampling_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .example = "aeon run -p \"Who are you?\" -n 40 --temp 0 --stats",
    .run = run_run,
};
