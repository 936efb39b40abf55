/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.h: what may change from frame to frame in a network that has knobs, beside library.h.
 */

#ifndef BITMASON_SIM_SETTINGS_H
#define BITMASON_SIM_SETTINGS_H

#include "library.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bitmason_knob {
  const char* name;
  uint32_t maximum; /* the least is 1 */
};

/* The knobs of the network, ended by one without a name. */
BITMASON_EXPORT const struct bitmason_knob* bitmason_knobs(void);

/* As bitmason_run, which has all knobs at their maxima, as NULL for `settings` has here. Otherwise
 * frame f has knob k of K at settings[f * K + k]. A number out of range counts as the nearest one
 * within. */
BITMASON_EXPORT size_t bitmason_run_set(const uint8_t* const* in, uint8_t* const* out,
                                        const uint32_t* settings, size_t frames, char* message,
                                        size_t room);

#ifdef __cplusplus
}
#endif

#endif
