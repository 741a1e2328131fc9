#include "cli/bound.h"

static double head_macs(const aeon_model_info *m)
{
    return (double)m->n_vocab * m->n_embd;
}

/* Scores and weighted values for one token that sees n_seen, itself included. */
static double attention_macs(const aeon_model_info *m, double n_seen)
{
    return 2.0 * m->n_layers * m->n_heads * m->head_dim * n_seen;
}

cli_step cli_step_prefill(const cli_work *w, double depth, double n_tokens)
{
    double mean_seen = depth + 0.5 * (n_tokens + 1);
    return (cli_step){
        .bytes = (double)w->model->step_bytes + w->kv_bytes_per_token * depth,
        .weight_macs = n_tokens * (double)w->model->macs_per_token + head_macs(w->model),
        .attention_macs = n_tokens * attention_macs(w->model, mean_seen),
    };
}

cli_step cli_step_decode(const cli_work *w, double depth, double n_tokens, double n_batch)
{
    double own = 0.5 * (n_tokens + 1); /* tokens of a branch alone that it sees in the mean */
    return (cli_step){
        .bytes = (double)w->model->step_bytes + w->kv_bytes_per_token * (depth + n_batch * own),
        .weight_macs = n_batch * ((double)w->model->macs_per_token + head_macs(w->model)),
        .attention_macs = n_batch * attention_macs(w->model, depth + own),
    };
}

/* Of products with this type: halves are multiplied as bf16 where the instruction set has that, and
 * all that is not halves or f32 as 8-bit numbers. */
static double peak_gmacs(aeon_type type, const aeon_machine_limits *limits)
{
    bool is_half = type == AEON_TYPE_F16 || type == AEON_TYPE_BF16;
    double peak = is_half ? limits->bf16_gmacs : limits->int8_gmacs;
    return type == AEON_TYPE_F32 || peak == 0 ? limits->f32_gmacs : peak;
}

double cli_step_least_s(const cli_work *w, const cli_step *step, const aeon_machine_limits *limits)
{
    double reads_s = 1e-9 * step->bytes / limits->read_gbps;
    double products_s = 1e-9 * step->weight_macs / peak_gmacs(w->model->type, limits) +
                        1e-9 * step->attention_macs / peak_gmacs(w->kv_type, limits);
    return reads_s > products_s ? reads_s : products_s;
}
