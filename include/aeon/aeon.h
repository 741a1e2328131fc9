/* aeon.h - everything: a private AI companion's engine, on the device. See docs/architecture.md. */
#ifndef AEON_AEON_H
#define AEON_AEON_H

#include "aeon/base.h"
#include "aeon/chat.h"
#include "aeon/engine.h"
#include "aeon/eval.h"
#include "aeon/file.h"
#include "aeon/imatrix.h"
#include "aeon/machine.h"
#include "aeon/model.h"
#include "aeon/plan.h"
#include "aeon/quantize.h"
#include "aeon/sampler.h"
#include "aeon/tokenizer.h"
#include "aeon/train.h"
#include "aeon/type.h"

#endif
