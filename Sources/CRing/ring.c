#include "CRing.h"
typedef int cring_placeholder;
