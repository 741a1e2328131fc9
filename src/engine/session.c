#include "aeon/engine.h"
