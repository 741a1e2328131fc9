#include "aeon/model.h"
