// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_H
#define CFRAME_H
#endif
