// SPDX-License-Identifier: Apache-2.0
#ifndef CRING_H
#define CRING_H
#endif
