/* config_load.h - shared by the two readers of a configuration (config_gguf.c, config_hf.c). */
#ifndef AE_MODEL_CONFIG_LOAD_H
#define AE_MODEL_CONFIG_LOAD_H

#include "model/config.h"

/* Complete the defaults and hold the promises of config.h. where: the file, for error texts. */
AEON_MUST_USE aeon_status ae_config_check(ae_config *c, const char *where, aeon_error *err);

#endif
