/* export.h - write the trained model as a GGUF file that any engine for phi3 can run. */
#ifndef AE_TRAIN_EXPORT_H
#define AE_TRAIN_EXPORT_H

#include "aeon/type.h"
#include "text/vocab.h"
#include "train/net.h"

typedef struct {
    const ae_net *net;
    const float *weights;
    const ae_vocab *vocab;
    const char *name;          /* general.name */
    const char *chat_template; /* by name */
    aeon_type type;            /* of matrices; norms stay F32 */
} ae_export;

/* Can matrices of this net have this type? Errors: INVALID_ARGUMENT (rows that are no whole blocks
 * of it). */
AEON_MUST_USE aeon_status ae_export_check(const ae_net *net, aeon_type type, aeon_error *err);

/* Of a type that passed the check. Errors: IO, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_export_model(const ae_export *e, const char *path, aeon_error *err);

#endif
