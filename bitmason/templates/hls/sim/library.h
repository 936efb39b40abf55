/* SPDX-License-Identifier: Apache-2.0
 *
 * library.h: a network for host programs: frames go in and come out as bytes.
 *
 * A beat is a whole number of bytes, lowest first; element 0 is in the least significant bits. The
 * beats of a frame follow each other, and so do frames.
 */

#ifndef BITMASON_SIM_LIBRARY_H
#define BITMASON_SIM_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#define BITMASON_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

struct bitmason_port {
  const char* name;
  size_t beats; /* of a frame */
  size_t bytes; /* of a beat */
};

/* The inputs and the outputs of the network, each ended by a port without a name. */
BITMASON_EXPORT const struct bitmason_port* bitmason_inputs(void);
BITMASON_EXPORT const struct bitmason_port* bitmason_outputs(void);

/* Runs frames from `in[input]` to `out[output]`; several threads may do so at once. Returns 0, or 1
 * plus the number of the frame at fault, and writes what is wrong to `message[room]`. */
BITMASON_EXPORT size_t bitmason_run(const uint8_t* const* in, uint8_t* const* out, size_t frames,
                                    char* message, size_t room);

#ifdef __cplusplus
}
#endif

#endif
