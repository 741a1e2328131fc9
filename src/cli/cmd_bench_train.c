/* cmd_bench_train.c - aeon bench --train: how fast a model of some shape is trained here. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

static bool goes_on(void *user)
{
    (void)user;
    return !cli_is_interrupted();
}

static const char *products_name(const aeon_train_speed *s)
{
    return s->has_bf16 ? "bf16" : "f32";
}

static const char *optimizer_name(const aeon_train_speed *s)
{
    return s->has_muon ? "muon" : "adamw";
}

static aeon_status print_json(const aeon_train_speed *s, aeon_error *err)
{
    json_t *train = json_pack(
        "{s:I, s:I, s:I, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "parameters",
        (json_int_t)s->n_parameters, "tokens_per_step", (json_int_t)s->n_tokens, "targets_per_step",
        (json_int_t)s->n_targets, "products", products_name(s), "optimizer", optimizer_name(s),
        "median_tps", s->median_tps, "min_tps", s->min_tps, "max_tps", s->max_tps, "flop_per_token",
        s->flop_per_token, "gflops", s->gflops, "peak_gflops", s->peak_gflops, "peak_fraction",
        s->gflops / s->peak_gflops);
    return cli_print_json(json_pack("{s:s, s:i, s:I, s:o}", "isa", aeon_machine_describe().isa,
                                    "threads", s->n_threads, "peak_rss_bytes",
                                    (json_int_t)cli_peak_rss_bytes(), "train", train),
                          err);
}

static void print_table(const aeon_train_speed *s)
{
    printf("shape    %.2f M parameters; %llu tokens a step, %llu of them to be learned\n",
           1e-6 * (double)s->n_parameters, (unsigned long long)s->n_tokens,
           (unsigned long long)s->n_targets);
    printf("machine  %s, %d threads; f32 products of large squares reach %.0f GFLOP/s\n",
           aeon_machine_describe().isa, s->n_threads, s->peak_gflops);
    printf("steps    %s products, %s; %.1f MFLOP a token\n\n", products_name(s), optimizer_name(s),
           1e-6 * s->flop_per_token);
    printf("%12s %12s %12s %12s %9s\n", "tokens/s", "slowest", "fastest", "GFLOP/s", "of peak");
    printf("%12.0f %12.0f %12.0f %12.1f %7.1f %%\n", s->median_tps, s->min_tps, s->max_tps,
           s->gflops, 100 * s->gflops / s->peak_gflops);
}

aeon_status cli_bench_train(const cli_options *o, aeon_error *err)
{
    aeon_train_speed speed;
    aeon_train_bench_params params = {.config_path = o->config,
                                      .n_threads = (int)o->n_threads,
                                      .n_steps = o->n_runs,
                                      .goes_on = goes_on};
    TRY(aeon_train_bench(&params, &speed, err));
    if (o->json) return print_json(&speed, err);
    print_table(&speed);
    return AEON_OK;
}
