/* hello.c - the shortest whole program on libaeon: load, encode, forward, decode.
 *
 *     cc hello.c $(pkg-config --cflags --libs aeon) -o hello
 *     ./hello [TEXT [MODEL]]      MODEL: a GGUF file, a checkpoint folder, or builtin
 */
#include <stdio.h>
#include <string.h>

#include <aeon/aeon.h>

enum { N_NEW_TOKENS = 40 };

/* The tokens of one question, in the form the model was trained on if the file says which. */
static aeon_status encode(const aeon_model *model, const char *text, aeon_tokens *prompt,
                          aeon_error *err)
{
    const aeon_tokenizer *tokenizer = aeon_model_tokenizer(model);
    const aeon_chat_template *chat = aeon_model_chat(model);
    aeon_message turn = {.role = "user", .content = text};
    if (chat) return aeon_chat_encode(chat, tokenizer, &turn, 1, 0, prompt, err);
    return aeon_tokenizer_encode(tokenizer, text, strlen(text), AEON_ENCODE_BOS, prompt, err);
}

/* Print the likeliest next token and feed it back, until the model ends its turn. */
static aeon_status answer(aeon_session *session, const aeon_model *model, aeon_sampler *sampler,
                          aeon_error *err)
{
    aeon_detokenizer stream = {.tokenizer = aeon_model_tokenizer(model)};
    aeon_text piece = {0};
    aeon_status status = AEON_OK;
    for (int i = 0; status == AEON_OK && i < N_NEW_TOKENS; i++) {
        int32_t id = aeon_sampler_pick(sampler, aeon_session_logits(session));
        if (aeon_model_is_stop(model, id)) break;
        piece.len = 0;
        status = aeon_detokenizer_push(&stream, id, &piece, err);
        fwrite(piece.data, 1, piece.len, stdout);
        if (status == AEON_OK) status = aeon_session_feed(session, &id, 1, NULL, err);
    }
    putchar('\n');
    aeon_text_release(&piece);
    return status;
}

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : "Hello! Who are you?";
    const char *path = argc > 2 ? argv[2] : "builtin";
    aeon_sampler_params greedy = aeon_sampler_params_default();
    greedy.temperature = 0;

    aeon_error err;
    aeon_model *model = NULL;
    aeon_engine *engine = NULL;
    aeon_session *session = NULL;
    aeon_sampler *sampler = NULL;
    aeon_tokens prompt = {0};

    aeon_status status = aeon_model_open(&model, path, NULL, &err);
    if (status == AEON_OK) status = aeon_engine_new(&engine, model, NULL, &err);
    if (status == AEON_OK) status = aeon_session_new(&session, engine, NULL, &err);
    if (status == AEON_OK) {
        status = aeon_sampler_new(&sampler, &greedy, aeon_model_describe(model)->n_vocab, &err);
    }
    if (status == AEON_OK) status = encode(model, text, &prompt, &err);
    if (status == AEON_OK) status = aeon_session_feed(session, prompt.ids, prompt.n, NULL, &err);
    if (status == AEON_OK) status = answer(session, model, sampler, &err);
    if (status != AEON_OK) fprintf(stderr, "hello: %s\n", err.text);

    aeon_tokens_release(&prompt);
    aeon_sampler_free(sampler);
    aeon_session_free(session);
    aeon_engine_free(engine);
    aeon_model_close(model);
    return status == AEON_OK ? 0 : 1;
}
