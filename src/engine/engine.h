/* engine.h - the inside of the engine, shared by the files of this folder. */
#ifndef AE_ENGINE_ENGINE_H
#define AE_ENGINE_ENGINE_H

#include "aeon/engine.h"
#include "base/status.h"

/* Append one token to the timeline without computing it: the next feed does that along with its own
 * tokens. The session holds no logits afterwards. The context must have room (asserted). */
void ae_session_append(aeon_session *s, int32_t id);

const aeon_model *ae_session_model(const aeon_session *s);
size_t ae_session_room(const aeon_session *s); /* tokens that still fit */
size_t ae_sampler_n_vocab(const aeon_sampler *s);

#endif
