/* config_load.h - shared by the two readers of a configuration (config_gguf.c, config_hf.c). */
#ifndef AE_MODEL_CONFIG_LOAD_H
#define AE_MODEL_CONFIG_LOAD_H

#include "model/config.h"

/* Hold the promises of config.h: every size must be filled in, n_ctx_original of LongRoPE alone.
 * where: the file, for error texts. */
AEON_MUST_USE aeon_status ae_config_check(ae_config *c, const char *where, aeon_error *err);

#endif
