#include "aeon/train.h"
