#include "CFrame.h"
typedef int cframe_placeholder;
