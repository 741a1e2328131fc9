#include "text/vocab.h"
