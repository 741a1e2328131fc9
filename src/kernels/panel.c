#include "kernels/panel.h"

#include "tensor/blocks.h"

#include <stddef.h>
#include <string.h>

/* A field of a block: n units of so many bytes, from an offset. */
typedef struct {
    uint8_t offset, unit_bytes, n;
} field;

enum { MAX_FIELDS = 4 };

/* The fields of a block in the order in which a panel has them: scales first. */
typedef struct {
    uint32_t block_values, block_bytes;
    field fields[MAX_FIELDS]; /* ended by one of no units */
} layout;

#define FIELD(block, member, unit_bytes)                                                           \
    {                                                                                              \
        offsetof(block, member), unit_bytes, sizeof(((block *)0)->member) / (unit_bytes)           \
    }
#define AFFINE(none, TYPE, name, bits, group, is_bf16)                                             \
    [AEON_TYPE_##TYPE] = {group,                                                                   \
                          AE_AFFINE_BYTES(bits, group),                                            \
                          {{0, 2, 2}, /* s and b */                                                \
                           {offsetof(ae_affine, qs), 4, (group) * (bits) / 32}}},

static const layout layouts[AEON_TYPE_MAX] = {
    [AEON_TYPE_F32] = {2, 8, {{0, 4, 2}}}, /* kernels take floats two by two */
    [AEON_TYPE_F16] = {2, 4, {{0, 2, 2}}},
    [AEON_TYPE_BF16] = {2, 4, {{0, 4, 1}}}, /* as their products do */
    [AEON_TYPE_Q8_0] = {AE_BLOCK,
                        sizeof(ae_block_q8_0),
                        {FIELD(ae_block_q8_0, d, 2), FIELD(ae_block_q8_0, qs, 4)}},
    [AEON_TYPE_Q4_0] = {AE_BLOCK,
                        sizeof(ae_block_q4_0),
                        {FIELD(ae_block_q4_0, d, 2), FIELD(ae_block_q4_0, qs, 4)}},
    [AEON_TYPE_Q4_K] = {AE_SUPERBLOCK,
                        sizeof(ae_block_q4_k),
                        {{0, 2, 2}, /* d and dmin */
                         FIELD(ae_block_q4_k, scales, 1),
                         FIELD(ae_block_q4_k, qs, 4)}},
    [AEON_TYPE_Q5_K] = {AE_SUPERBLOCK,
                        sizeof(ae_block_q5_k),
                        {{0, 2, 2},
                         FIELD(ae_block_q5_k, scales, 1),
                         FIELD(ae_block_q5_k, qh, 4),
                         FIELD(ae_block_q5_k, qs, 4)}},
    [AEON_TYPE_Q6_K] = {AE_SUPERBLOCK,
                        sizeof(ae_block_q6_k),
                        {FIELD(ae_block_q6_k, d, 2), FIELD(ae_block_q6_k, scales, 1),
                         FIELD(ae_block_q6_k, qh, 4), FIELD(ae_block_q6_k, ql, 4)}},
    AE_AFFINE_TYPES(AFFINE, )};
#undef AFFINE
#undef FIELD

bool ae_panel_has(aeon_type type, size_t n_cols)
{
    const layout *l = &layouts[type];
    return l->block_values && n_cols % l->block_values == 0;
}

/* to[u][lane] = from[lane][u] for n units of a constant size, the lanes of from stride bytes apart.
 */
#define GATHER(unit_bytes)                                                                         \
    for (size_t u = 0; u < n; u++, from += (unit_bytes))                                           \
        for (size_t lane = 0; lane < n_lanes; lane++, to += (unit_bytes))                          \
            memcpy(to, from + lane * stride, unit_bytes);

static void gather(char *to, const char *from, size_t stride, size_t n_lanes, size_t unit_bytes,
                   size_t n)
{
    switch (unit_bytes) {
    case 1: GATHER(1) break;
    case 2: GATHER(2) break;
    default: GATHER(4)
    }
}
#undef GATHER

static void pack_full(char *panel, const layout *l, size_t n_lanes, const char *rows,
                      size_t row_bytes)
{
    for (size_t at = 0; at < row_bytes; at += l->block_bytes)
        for (const field *f = l->fields; f < l->fields + MAX_FIELDS && f->n; f++) {
            gather(panel, rows + at + f->offset, row_bytes, n_lanes, f->unit_bytes, f->n);
            panel += n_lanes * f->unit_bytes * f->n;
        }
}

/* One lane: between a row and every n_lanes-th unit of a panel. */
static void move_lane(char *panel, const layout *l, size_t n_lanes, size_t lane, char *row,
                      size_t row_bytes, bool is_packing)
{
    for (size_t at = 0; at < row_bytes; at += l->block_bytes)
        for (const field *f = l->fields; f < l->fields + MAX_FIELDS && f->n; f++)
            for (size_t u = 0; u < f->n; u++, panel += n_lanes * f->unit_bytes) {
                char *in_panel = panel + lane * f->unit_bytes;
                char *in_row = row + at + f->offset + u * f->unit_bytes;
                memcpy(is_packing ? in_panel : in_row, is_packing ? in_row : in_panel,
                       f->unit_bytes);
            }
}

void ae_panel_pack(void *panel, aeon_type type, size_t n_lanes, const void *rows, size_t n_rows,
                   size_t n_cols)
{
    const layout *l = &layouts[type];
    size_t row_bytes = n_cols / l->block_values * l->block_bytes;
    AEON_ASSERT(ae_panel_has(type, n_cols) && n_rows <= n_lanes);
    if (n_rows == n_lanes) {
        pack_full(panel, l, n_lanes, rows, row_bytes);
        return;
    }
    memset(panel, 0, n_lanes * row_bytes);
    for (size_t lane = 0; lane < n_rows; lane++)
        move_lane(panel, l, n_lanes, lane, (char *)rows + lane * row_bytes, row_bytes, true);
}

void ae_panel_put_row(void *panel, aeon_type type, size_t n_lanes, size_t lane, const void *row,
                      size_t n_cols)
{
    const layout *l = &layouts[type];
    AEON_ASSERT(ae_panel_has(type, n_cols) && lane < n_lanes);
    move_lane(panel, l, n_lanes, lane, (char *)row, n_cols / l->block_values * l->block_bytes,
              true);
}

void ae_panel_row(void *row, aeon_type type, size_t n_lanes, const void *panel, size_t lane,
                  size_t n_cols)
{
    const layout *l = &layouts[type];
    AEON_ASSERT(ae_panel_has(type, n_cols) && lane < n_lanes);
    move_lane((char *)panel, l, n_lanes, lane, row, n_cols / l->block_values * l->block_bytes,
              false);
}
