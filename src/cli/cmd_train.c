/* cmd_train.c - aeon train: train a small model from a configuration file. */
#include "cli/commands.h"
#include "cli/console.h"

#include <math.h>

/* On a terminal one line changes in place, cut at the window's edge; notes and the end of the run
 * begin a new one. A file gets every number. */
#define START_LINE "\r\033[K\033[?7l"
#define CLOSE_LINE "\033[?7h"

static void end_line(bool *is_open)
{
    if (*is_open) fputs("\n", stderr);
    *is_open = false;
}

static const char *time_text(char *out, size_t size, double seconds)
{
    bool is_short = seconds < 90, is_long = seconds >= 90 * 60;
    double value = is_short ? seconds : is_long ? seconds / 3600 : seconds / 60;
    snprintf(out, size, "%.*f %s", is_long, value, is_short ? "s" : is_long ? "h" : "min");
    return out;
}

static void on_report(void *user, const aeon_train_report *r)
{
    bool *is_open = user;
    char held_out[32] = "", rates[64] = "", left[32];
    *is_open = cli_is_terminal(stderr);
    if (!isnan(r->held_out_loss))
        snprintf(held_out, sizeof held_out, "  held-out %.4f", r->held_out_loss);
    if (!*is_open)
        snprintf(rates, sizeof rates, "  rate %.2e  norm %.2f", r->learning_rate, r->grad_norm);
    fprintf(stderr, "%sstep %llu/%llu  loss %.4f%s%s  %.0f tokens/s  %s left%s",
            *is_open ? START_LINE : "", (unsigned long long)r->step, (unsigned long long)r->n_steps,
            r->loss, held_out, rates, r->tokens_per_s,
            time_text(left, sizeof left, r->seconds_left), *is_open ? CLOSE_LINE : "\n");
    fflush(stderr);
}

static bool goes_on(void *user)
{
    (void)user;
    return !cli_is_interrupted();
}

static void on_note(void *user, const char *line)
{
    end_line(user);
    cli_notice("%s", line);
}

static aeon_status run_train(const cli_options *o, aeon_error *err)
{
    bool is_open = false;
    if (!o->config)
        return cli_error(err, CLI_USAGE, "--config: is needed, the JSON file of the run");
    aeon_train_params params = {
        .config_path = o->config,
        .settings = o->settings,
        .n_settings = o->n_settings,
        .resume = o->resume,
        .only_export = o->only_export,
        .skip_bad = o->skip_bad,
        .n_threads = (int)o->n_threads,
        .on_report = on_report,
        .goes_on = goes_on,
        .on_note = on_note,
        .user = &is_open,
    };
    aeon_status status = aeon_train_run(&params, err);
    end_line(&is_open);
    if (status == AEON_CANCELLED) cli_notice("%s; go on with --resume", err->text);
    return status;
}

static const cli_option own_options[] = {
    {0, "config", CLI_TEXT, AT(config), 0, 0, "FILE", "data, shape, schedule and output, as JSON"},
    {0, "resume", CLI_FLAG, AT(resume), 0, 0, NULL, "go on from the newest checkpoint"},
    {0, "export", CLI_FLAG, AT(only_export), 0, 0, NULL, "write the checkpoint's model, and stop"},
    {0, "set", CLI_SETTING, 0, 0, 0, "FIELD=VALUE", "instead of what FILE says; may be repeated"},
    {0, "skip-bad", CLI_FLAG, AT(skip_bad), 0, 0, NULL, "leave out malformed lines of the data"},
    {'t', "threads", CLI_SIZE, AT(n_threads), 0, 1024, "N", "threads; 0: one per core"},
    CLI_OPTION_END,
};

const cli_command cli_train = {
    .name = "train",
    .summary = "train a small model",
    .usage = "--config FILE [--set FIELD=VALUE] [--resume | --export]",
    .groups = (const cli_group[]){{"Options", own_options}, CLI_GROUP_END},
    .notes = "Ctrl-C writes a checkpoint and stops. docs/training.md explains FILE and its fields.",
    .example = "aeon train --config models/aeon-tiny.json",
    .run = run_train,
};
