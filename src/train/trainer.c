#include "train/trainer.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "kernels/kernels.h"
#include "train/export.h"

#include <cblas.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- telling --------------------------------------------------------------------------------- */

void ae_trainer_note(const ae_trainer *t, const char *format, ...)
{
    char line[640];
    va_list args;
    if (!t->params->on_note) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    t->params->on_note(t->params->user, line);
}

/* ---- data ------------------------------------------------------------------------------------ */

static aeon_status load_tokenizer(ae_trainer *t, aeon_error *err)
{
    enum { MAX_BYTES = 1 << 28 };
    aeon_text json = {0};
    const char *path = t->recipe.tokenizer;
    aeon_status status = ae_file_read(path, MAX_BYTES, &json, err);
    if (status == AEON_OK) status = ae_vocab_from_json(&t->vocab, json.data, json.len, path, err);
    aeon_text_release(&json);
    TRY(status);
    TRY(ae_tokenizer_new(&t->tokenizer, &t->vocab, err));
    t->vocab.bos = t->vocab.eos = t->vocab.pad = aeon_tokenizer_find(t->tokenizer, "<|endoftext|>");
    t->recipe.shape.n_vocab = (uint32_t)aeon_tokenizer_n_vocab(t->tokenizer);
    return AEON_OK;
}

static aeon_status load_file(const ae_trainer *t, ae_talks *out, const ae_talks_how *how,
                             const char *path, aeon_error *err)
{
    TRY(ae_talks_load(out, how, path, err));
    ae_trainer_note(t, "%s: %zu talks, %zu tokens, %llu of them to be learned", path, out->n_talks,
                    out->ids.n, (unsigned long long)out->n_targets);
    for (size_t i = 0; i < out->n_skipped && i < AE_TALKS_MAX_TOLD; i++)
        ae_trainer_note(t, "skipped %s", out->skipped[i].text);
    if (out->n_skipped)
        ae_trainer_note(t, "%s: %zu line%s skipped in all", path, out->n_skipped,
                        out->n_skipped == 1 ? "" : "s");
    return AEON_OK;
}

static aeon_status fail_template(const ae_trainer *t, aeon_error *err)
{
    char known[128] = "";
    const char *name;
    for (size_t i = 0, used = 0; (name = aeon_chat_template_name_at(i)) && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? "|" : "", name);
    return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: chat_template: \"%s\" is none of %s",
                   t->params->config_path, t->recipe.chat_template, known);
}

static aeon_status load_talks(ae_trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    const aeon_chat_template *chat = aeon_chat_template_find(r->chat_template);
    if (!chat) return fail_template(t, err);
    if (t->vocab.eos < 0) t->vocab.eos = aeon_chat_stop_id(chat, t->tokenizer);
    ae_talks_how how = {.tokenizer = t->tokenizer,
                        .chat = chat,
                        .end_of_text = t->vocab.eos,
                        .learn_all = strcmp(r->loss, "all") == 0,
                        .skip_bad = t->params->skip_bad,
                        .max_tokens = r->sequence,
                        .goes_on = t->params->goes_on,
                        .user = t->params->user};
    TRY(load_file(t, &t->train, &how, r->train, err));
    if (!r->held_out[0]) return AEON_OK;
    TRY(load_file(t, &t->held_out, &how, r->held_out, err));
    if (t->held_out.n_talks > r->held_out_talks) t->held_out.n_talks = r->held_out_talks;
    return AEON_OK;
}

/* The recipe's identity, and which data and vocabulary it met. */
static aeon_status fill_identity(ae_trainer *t, aeon_error *err)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)t->train.hash);
    t->identity = ae_recipe_identity(&t->recipe);
    if (!t->identity || json_object_set_new(t->identity, "data", json_string(hash)) != 0 ||
        json_object_set_new(t->identity, "n_vocab", json_integer(t->recipe.shape.n_vocab)) != 0)
        return ae_fail_memory(err, sizeof *t, "the identity of the run");
    return AEON_OK;
}

/* OpenBLAS takes old kernels on a processor newer than itself; a person can name better ones. */
static void note_old_blas(const ae_trainer *t)
{
    const char *core = openblas_get_corename();
    bool is_old = strcmp(core, "Haswell") == 0 || strcmp(core, "Zen") == 0;
    if (is_old && strncmp(ae_kernels_get()->isa, "avx512", 6) == 0)
        ae_trainer_note(
            t,
            "OpenBLAS runs its %s kernels; with OPENBLAS_CORETYPE=SkylakeX in the environment "
            "this machine may be twice as fast",
            core);
}

static void choose_products(ae_trainer *t)
{
    bool is_bf16 = strcmp(t->recipe.products, "bf16") == 0;
    if (is_bf16) t->net->bf16 = ae_gemm_bf16();
    if (is_bf16 && !t->net->bf16) ae_trainer_note(t, "no bf16 products on this machine: f32 ones");
    if (!t->net->bf16) note_old_blas(t);
}

/* One for each sequence of a batch, and one for the sum of earlier batches. */
static size_t n_gradients(const ae_trainer *t)
{
    return t->recipe.batch + (t->recipe.accumulate > 1);
}

/* The talks, their order, and those of one step side by side. */
static double data_bytes(const ae_trainer *t)
{
    const ae_talks *files[] = {&t->train, &t->held_out};
    double sum = (double)t->n_sequences * (double)ae_sequence_bytes(t->recipe.sequence);
    for (size_t i = 0; i < AE_COUNT(files); i++)
        sum += (double)(files[i]->ids.cap * sizeof *files[i]->ids.ids + files[i]->is_target.cap +
                        files[i]->cap * sizeof *files[i]->starts +
                        files[i]->n_talks * sizeof *t->packer.order);
    return sum;
}

static bool has_muon(const ae_trainer *t)
{
    return strcmp(t->recipe.optimizer, "muon") == 0;
}

/* Says what the run needs before it takes it; what would not fit in main memory is refused here,
 * not killed by the system hours later. */
static aeon_status check_memory(const ae_trainer *t, int n_threads, aeon_error *err)
{
    const double mb = 1.0 / (1 << 20), weights = (double)t->net->n_weights * sizeof(float);
    size_t muon = has_muon(t) ? ae_muon_scratch_floats(t->net) * sizeof(float) : 0;
    double data = data_bytes(t);
    double state = 3 * weights, gradients = weights * (double)n_gradients(t);
    double work = n_threads * (double)(ae_net_work_bytes(t->net) + muon);
    double all = data + state + gradients + work, machine = (double)ae_memory_bytes();
    ae_trainer_note(t,
                    "%.2f M parameters; memory: %.0f MB (%.0f data, %.0f weights and moments, "
                    "%.0f gradients, %.0f work of %d threads)",
                    (double)t->net->n_weights * 1e-6, all * mb, data * mb, state * mb,
                    gradients * mb, work * mb, n_threads);
    if (machine > 0 && all > machine)
        return ae_fail(err, AEON_OUT_OF_MEMORY,
                       "the run needs %.0f MB, this machine has %.0f: lower \"batch\" and raise "
                       "\"accumulate\", or lower \"sequence\" or the shape",
                       all * mb, machine * mb);
    return AEON_OK;
}

static aeon_status alloc_arrays(ae_trainer *t, aeon_error *err)
{
    size_t n = t->net->n_weights, n_arrays = n_gradients(t);
    ae_adamw *a = &t->adamw;
    a->net = t->net;
    a->weights = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
    a->moment1 = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
    a->moment2 = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
    a->chunk_sums = ae_mem_alloc_array(AE_MEM_TRAIN, ae_adamw_n_chunks(t->net), sizeof(double));
    a->gradients = ae_mem_alloc_array(AE_MEM_TRAIN, n_arrays, sizeof *a->gradients);
    t->sequences = ae_mem_alloc_array(AE_MEM_TRAIN, t->n_sequences, sizeof *t->sequences);
    t->losses = ae_mem_alloc_array(AE_MEM_TRAIN, t->n_sequences, sizeof *t->losses);
    if (!a->weights || !a->moment1 || !a->moment2 || !a->chunk_sums || !a->gradients ||
        !t->sequences || !t->losses)
        return ae_fail_memory(err, 3 * n * sizeof(float), "the weights and their moments");
    for (size_t i = 0; i < n_arrays; i++) {
        a->gradients[i] = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
        if (!a->gradients[i])
            return ae_fail_memory(err, n * n_arrays * sizeof(float), "the gradients of a batch");
    }
    for (size_t i = 0; i < t->n_sequences; i++)
        TRY(ae_sequence_init(&t->sequences[i], t->recipe.sequence, err));
    return AEON_OK;
}

static aeon_status alloc_muon(ae_trainer *t, aeon_error *err)
{
    size_t n_threads = (size_t)ae_pool_n_threads(t->pool), n = ae_muon_scratch_floats(t->net);
    if (!has_muon(t)) return AEON_OK;
    t->muon = (ae_muon){.net = t->net,
                        .weights = t->adamw.weights,
                        .momentum = t->adamw.moment1,
                        .gradient = t->adamw.gradients[0]};
    t->muon.scratch = ae_mem_alloc_array(AE_MEM_TRAIN, n_threads, sizeof *t->muon.scratch);
    if (!t->muon.scratch) return ae_fail_memory(err, n_threads * sizeof(float *), "the optimizer");
    for (size_t i = 0; i < n_threads; i++) {
        t->muon.scratch[i] = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
        if (!t->muon.scratch[i]) return ae_fail_memory(err, n * sizeof(float), "the optimizer");
    }
    return AEON_OK;
}

static aeon_status alloc_threads(ae_trainer *t, aeon_error *err)
{
    int n = t->params->n_threads ? t->params->n_threads : ae_pool_default_threads();
    if (n > (int)t->recipe.batch) n = (int)t->recipe.batch; /* a sequence is not split */
    TRY(ae_pool_new(&t->pool, n, err));
    TRY(check_memory(t, n, err));
    t->works = ae_mem_alloc_array(AE_MEM_TRAIN, (size_t)n, sizeof *t->works);
    if (!t->works) return ae_fail_memory(err, sizeof *t->works, "the threads");
    for (int i = 0; i < n; i++) TRY(ae_net_work_new(&t->works[i], t->net, err));
    return AEON_OK;
}

/* What could not be written hours later is refused at the start. */
static aeon_status check_outputs(const ae_trainer *t, aeon_error *err)
{
    const char *const paths[] = {t->recipe.checkpoint, t->recipe.output};
    for (size_t i = 0; i < AE_COUNT(paths); i++) {
        ae_writer *w;
        TRY(ae_writer_open(&w, paths[i], err));
        ae_writer_abort(w);
    }
    return ae_export_check(t->net, ae_trainer_output_type(t), err);
}

/* Who forgot to resume has not lost hours of work: the checkpoint is kept under another name. */
static aeon_status keep_old_checkpoint(const ae_trainer *t, aeon_error *err)
{
    char kept[4096];
    const char *path = t->recipe.checkpoint;
    snprintf(kept, sizeof kept, "%s.old", path);
    if (rename(path, kept) != 0)
        return ae_fail(err, AEON_IO, "%s: cannot rename to %s: %s", path, kept, strerror(errno));
    ae_trainer_note(t, "%s: renamed to %s; resume would have gone on from it", path, kept);
    return AEON_OK;
}

static aeon_status start(ae_trainer *t, aeon_error *err)
{
    const char *path = t->recipe.checkpoint;
    if (t->params->resume)
        ae_trainer_note(t, "%s: no such file, starting from the beginning", path);
    else if (ae_file_exists(path))
        TRY(keep_old_checkpoint(t, err));
    ae_net_init_weights(t->net, t->adamw.weights, t->recipe.seed);
    return AEON_OK;
}

static aeon_status resume(ae_trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    ae_checkpoint c = {.weights = t->adamw.weights,
                       .moment1 = t->adamw.moment1,
                       .moment2 = t->adamw.moment2,
                       .n_weights = t->net->n_weights};
    TRY(ae_checkpoint_load(&c, t->identity, r->checkpoint, err));
    if (c.next > t->train.n_talks || c.step > r->steps)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: its place in the data does not exist",
                       r->checkpoint);
    ae_packer_seek(&t->packer, c.epoch, c.next);
    t->step = c.step;
    t->is_saved = true;
    t->progress = c.progress;
    ae_trainer_note(t, "%s: %s step %u", r->checkpoint,
                    t->params->only_export ? "the model after" : "going on after", c.step);
    return AEON_OK;
}

aeon_type ae_trainer_output_type(const ae_trainer *t)
{
    return strcmp(t->recipe.output_type, "f32") == 0 ? AEON_TYPE_F32 : AEON_TYPE_Q8_0;
}

aeon_status ae_trainer_read_recipe(ae_trainer *t, aeon_error *err)
{
    TRY(ae_recipe_load(&t->recipe, t->params->config_path, t->params->settings,
                       t->params->n_settings, err));
    return load_tokenizer(t, err);
}

aeon_status ae_trainer_build(ae_trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    t->n_sequences = (size_t)r->batch * r->accumulate;
    TRY(ae_net_new(&t->net, &r->shape, r->sequence, err));
    choose_products(t);
    TRY(alloc_threads(t, err));
    TRY(alloc_arrays(t, err));
    TRY(alloc_muon(t, err));
    return ae_packer_init(&t->packer, &t->train, r->sequence, true, r->seed, err);
}

aeon_status ae_trainer_set_up(ae_trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    TRY(ae_trainer_read_recipe(t, err));
    TRY(load_talks(t, err));
    TRY(fill_identity(t, err));
    TRY(ae_trainer_build(t, err));
    TRY(check_outputs(t, err));
    bool must_resume = t->params->only_export;
    if (must_resume || (t->params->resume && ae_file_exists(r->checkpoint)))
        TRY(resume(t, err));
    else
        TRY(start(t, err));
    return r->curve[0] && !must_resume ? ae_curve_open(&t->curve, r->curve, t->step, err) : AEON_OK;
}

void ae_trainer_release(ae_trainer *t)
{
    ae_adamw *a = &t->adamw;
    for (size_t i = 0; a->gradients && i < n_gradients(t); i++) ae_mem_free(a->gradients[i]);
    for (size_t i = 0; t->sequences && i < t->n_sequences; i++)
        ae_sequence_release(&t->sequences[i]);
    for (int i = 0; t->muon.scratch && i < ae_pool_n_threads(t->pool); i++)
        ae_mem_free(t->muon.scratch[i]);
    for (int i = 0; t->works && i < ae_pool_n_threads(t->pool); i++) ae_net_work_free(t->works[i]);
    ae_mem_free(t->muon.scratch);
    ae_mem_free(a->gradients);
    ae_mem_free(a->weights);
    ae_mem_free(a->moment1);
    ae_mem_free(a->moment2);
    ae_mem_free(a->chunk_sums);
    ae_mem_free(t->sequences);
    ae_mem_free(t->losses);
    ae_mem_free(t->works);
    ae_pool_free(t->pool);
    ae_net_free(t->net);
    ae_curve_close(&t->curve);
    ae_packer_release(&t->packer);
    ae_talks_release(&t->train);
    ae_talks_release(&t->held_out);
    ae_tokenizer_free(t->tokenizer);
    ae_vocab_release(&t->vocab);
    json_decref(t->identity);
    ae_recipe_release(&t->recipe);
}
