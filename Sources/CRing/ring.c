// SPDX-License-Identifier: Apache-2.0
#include "CRing.h"
typedef int cring_placeholder;
