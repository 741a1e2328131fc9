/* presets.c - the mixes, as tables.
 *
 * Why some matrices get more bits. What the values (attn_v) and the way back of the feed-forward
 * (ffn_down) compute is added to the state of the token as it is: no softmax and no gate comes in
 * between to dampen an error, and ffn_down sums over the longest rows, whose few large inputs make
 * it the worst matrix of a layer to round. Errors of the first layers pass through all the others,
 * those of the last ones reach the output unmixed. So the M mixes round both matrices better in the
 * first and the last eighth of the layers and in every third between, which costs a quarter of a
 * bit; the S mixes in the first eighth only. Where q, k and v are one tensor, a better type for the
 * values would be one for all three: they get one between the two. The head is the largest matrix
 * of a small model, its errors reach the probabilities directly, and it is read once a token: six
 * bits. An embedding of its own is looked up row by row, its errors do not add up: as the rest.
 */
#include "model/presets.h"

#include "aeon/quantize.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Layers whose values and ffn_down are rounded better. */
typedef enum { NOWHERE, AT_FIRST, HERE_AND_THERE } places;

struct ae_preset {
    const char *name;
    aeon_type most, better, fused, head;
    places where;
    uint32_t file_type;
};

#define PLAIN(name, TYPE, HEAD, number)                                                            \
    {                                                                                              \
        name, AEON_TYPE_##TYPE, AEON_TYPE_##TYPE, AEON_TYPE_##TYPE, AEON_TYPE_##HEAD, NOWHERE,     \
            number                                                                                 \
    }
#define MIX(name, MOST, BETTER, FUSED, where, number)                                              \
    {                                                                                              \
        name, AEON_TYPE_##MOST, AEON_TYPE_##BETTER, AEON_TYPE_##FUSED, AEON_TYPE_Q6_K, where,      \
            number                                                                                 \
    }

static const ae_preset presets[] = {
    PLAIN("f32", F32, F32, 0),
    PLAIN("f16", F16, F16, 1),
    PLAIN("bf16", BF16, BF16, 32),
    PLAIN("q8_0", Q8_0, Q8_0, 7),
    PLAIN("q6_k", Q6_K, Q6_K, 18),
    MIX("q5_k_m", Q5_K, Q6_K, Q6_K, HERE_AND_THERE, 17),
    MIX("q5_k_s", Q5_K, Q5_K, Q5_K, NOWHERE, 16),
    MIX("q4_k_m", Q4_K, Q6_K, Q5_K, HERE_AND_THERE, 15),
    MIX("q4_k_s", Q4_K, Q5_K, Q4_K, AT_FIRST, 14),
    PLAIN("q5_1", Q5_1, Q6_K, 9),
    PLAIN("q5_0", Q5_0, Q6_K, 8),
    PLAIN("q4_1", Q4_1, Q6_K, 3),
    PLAIN("q4_0", Q4_0, Q6_K, 2),
    PLAIN("iq4_nl", IQ4_NL, Q6_K, 25),
};

/* Names for people who ask for a number of bits, and short ones in use elsewhere. INT8: Q8_0 is the
 * simplest type there is, with 99.9% of the choices of the built-in model in f32. INT4: Q4_K_M is
 * half as far from it as Q4_0 (a KL divergence of 0.0011 and 0.0021), and of Phi-4-mini's shape 7%
 * larger. */
static const struct {
    const char *name, *of;
} aliases[] = {{"int8", "q8_0"}, {"int4", "q4_k_m"}, {"q5_k", "q5_k_m"}, {"q4_k", "q4_k_m"}};

const char *aeon_quantize_type_at(size_t i)
{
    if (i < AE_COUNT(presets)) return presets[i].name;
    i -= AE_COUNT(presets);
    return i < AE_COUNT(aliases) ? aliases[i].name : NULL;
}

const ae_preset *ae_preset_find(const char *name)
{
    for (size_t i = 0; i < AE_COUNT(aliases); i++)
        if (strcasecmp(aliases[i].name, name) == 0) name = aliases[i].of;
    for (size_t i = 0; i < AE_COUNT(presets); i++)
        if (strcasecmp(presets[i].name, name) == 0) return &presets[i];
    return NULL;
}

const char *ae_preset_name(const ae_preset *p)
{
    return p->name;
}

uint32_t ae_preset_file_type(const ae_preset *p)
{
    return p->file_type;
}

/* ---- roles ----------------------------------------------------------------------------------- */

static const struct {
    const char *name; /* behind "blk.N." where it is in a layer */
    ae_role_kind kind;
} roles[] = {
    {"attn_qkv.weight", AE_ROLE_QKV},      {"attn_q.weight", AE_ROLE_PLAIN},
    {"attn_k.weight", AE_ROLE_PLAIN},      {"attn_v.weight", AE_ROLE_VALUE},
    {"attn_output.weight", AE_ROLE_PLAIN}, {"ffn_gate.weight", AE_ROLE_PLAIN},
    {"ffn_up.weight", AE_ROLE_PLAIN},      {"ffn_down.weight", AE_ROLE_DOWN},
};

ae_role ae_role_of(const char *name)
{
    if (strcmp(name, "token_embd.weight") == 0) return (ae_role){AE_ROLE_EMBEDDING, 0};
    if (strcmp(name, "output.weight") == 0) return (ae_role){AE_ROLE_HEAD, 0};
    if (strncmp(name, "blk.", 4) != 0) return (ae_role){AE_ROLE_OTHER, 0};
    char *end;
    unsigned long layer = strtoul(name + 4, &end, 10);
    for (size_t i = 0; i < AE_COUNT(roles) && *end == '.'; i++)
        if (strcmp(end + 1, roles[i].name) == 0) return (ae_role){roles[i].kind, (uint32_t)layer};
    return (ae_role){AE_ROLE_OTHER, 0};
}

/* ---- types ----------------------------------------------------------------------------------- */

static bool is_better(places where, uint32_t layer, uint32_t n_layers)
{
    uint32_t eighth = n_layers / 8;
    if (where == NOWHERE) return false;
    if (layer < eighth) return true;
    if (where == AT_FIRST) return false;
    return layer >= n_layers - eighth || (layer - eighth) % 3 == 2;
}

aeon_type ae_preset_type(const ae_preset *p, ae_role role, uint32_t n_layers, bool is_tied)
{
    AEON_ASSERT(role.kind != AE_ROLE_OTHER);
    switch (role.kind) {
    case AE_ROLE_HEAD: return p->head;
    case AE_ROLE_EMBEDDING: return is_tied ? p->head : p->most;
    case AE_ROLE_QKV: return p->fused;
    case AE_ROLE_VALUE:
    case AE_ROLE_DOWN: return is_better(p->where, role.layer, n_layers) ? p->better : p->most;
    default: return p->most;
    }
}

/* Blocks of 256 give way to blocks of 32. Q4_1 and Q5_1 are what Q4_K and Q5_K are made of, with
 * scales of full precision: half a bit more, and nothing lost. */
static aeon_type next_best(aeon_type type)
{
    switch (type) {
    case AEON_TYPE_Q2_K:
    case AEON_TYPE_Q3_K: return AEON_TYPE_Q4_0;
    case AEON_TYPE_IQ4_XS: return AEON_TYPE_IQ4_NL;
    case AEON_TYPE_Q4_K: return AEON_TYPE_Q4_1;
    case AEON_TYPE_Q5_K: return AEON_TYPE_Q5_1;
    case AEON_TYPE_Q6_K: return AEON_TYPE_Q8_0;
    default: return AEON_TYPE_F16;
    }
}

aeon_type ae_type_that_fits(aeon_type type, uint64_t n_cols)
{
    while (n_cols % ae_dtype_get(type)->block_values) type = next_best(type);
    return type;
}

uint32_t ae_file_type_of(aeon_type type)
{
    for (size_t i = 0; i < AE_COUNT(presets); i++)
        if (presets[i].most == type) return presets[i].file_type;
    return AE_NO_FILE_TYPE;
}
