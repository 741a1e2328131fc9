#include "model/tensor_names.h"

#include <stdio.h>
#include <string.h>

#define IN_LAYER(gguf, hf)                                                                         \
    {                                                                                              \
        "blk.%u." gguf, "model.layers.%u." hf                                                      \
    }
const ae_tensor_name ae_tensor_names[AE_N_TENSOR_NAMES] = {
    [AE_TENSOR_TOKEN_EMBD] = {"token_embd", "model.embed_tokens"},
    [AE_TENSOR_OUTPUT_NORM] = {"output_norm", "model.norm"},
    [AE_TENSOR_OUTPUT] = {"output", "lm_head"},
    [AE_TENSOR_ATTN_NORM] = IN_LAYER("attn_norm", "input_layernorm"),
    [AE_TENSOR_ATTN_QKV] = IN_LAYER("attn_qkv", "self_attn.qkv_proj"),
    [AE_TENSOR_ATTN_Q] = IN_LAYER("attn_q", "self_attn.q_proj"),
    [AE_TENSOR_ATTN_K] = IN_LAYER("attn_k", "self_attn.k_proj"),
    [AE_TENSOR_ATTN_V] = IN_LAYER("attn_v", "self_attn.v_proj"),
    [AE_TENSOR_Q_NORM] = IN_LAYER("attn_q_norm", "self_attn.q_norm"),
    [AE_TENSOR_K_NORM] = IN_LAYER("attn_k_norm", "self_attn.k_norm"),
    [AE_TENSOR_ATTN_OUTPUT] = IN_LAYER("attn_output", "self_attn.o_proj"),
    [AE_TENSOR_FFN_NORM] = IN_LAYER("ffn_norm", "post_attention_layernorm"),
    [AE_TENSOR_FFN_GATE] = IN_LAYER("ffn_gate", "mlp.gate_proj"),
    [AE_TENSOR_FFN_UP] = IN_LAYER("ffn_up", "mlp.up_proj"),
    [AE_TENSOR_FFN_GATE_UP] = IN_LAYER("ffn_up", "mlp.gate_up_proj"),
    [AE_TENSOR_FFN_DOWN] = IN_LAYER("ffn_down", "mlp.down_proj"),
};

const char *ae_tensor_spell(char *out, size_t size, const char *name, uint32_t layer,
                            const char *suffix)
{
    const char *hole = strstr(name, "%u");
    if (hole)
        snprintf(out, size, "%.*s%u%s%s", (int)(hole - name), name, layer, hole + 2, suffix);
    else
        snprintf(out, size, "%s%s", name, suffix);
    return out;
}
