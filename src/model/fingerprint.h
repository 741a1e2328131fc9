/* fingerprint.h - tell one model from another without reading all of it.
 *
 * Model:    One hash over everything that says how to compute (the metadata of a GGUF file;
 *           config.json and tokenizer.json of a folder), over name, type and shape of every tensor,
 *           and over the first and last 4 KiB of its data. Reading 2 GB to resume a talk would be
 *           absurd: 10 MB are read, in some tens of milliseconds. Training, merging and converting
 *           touch every tensor and are seen; a few weights changed by hand need not be.
 * Uses:     base/, format/, libsodium.
 */
#ifndef AE_MODEL_FINGERPRINT_H
#define AE_MODEL_FINGERPRINT_H

#include "model/weights.h"

enum { AE_FINGERPRINT_BYTES = 32 };

/* The files must be open with their tensors. The same model as a file and as a folder has two
 * fingerprints. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_fingerprint(uint8_t out[AE_FINGERPRINT_BYTES],
                                         ae_weights_source source, aeon_error *err);

#endif
