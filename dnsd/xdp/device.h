/* device.h - what the kernel says of an interface, and of the addresses of this machine:
 * the rules of its program. Control thread; needs no privilege.
 */
#ifndef XDP_DEVICE_H
#define XDP_DEVICE_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"
#include "xdp/program.h"

#define DEVICE_MTU_MIN 1280 /* a reply of 1232 octets fits in it */

/* Its number; 0: there is none. */
unsigned device_number(const char *name);

/* Its queues, at most PROGRAM_QUEUES. False, with why it cannot be used: it has no
 * Ethernet addresses, its MTU is too small, or its card takes VLAN tags away, so that
 * replies could not be sent back with them. */
bool device_usable(const char *name, unsigned *queues, struct err *err);

/* Fills the rules: all of it but `on`. listen: addresses that are answered, as far as
 * this machine has them now; a wildcard is all that it has. How many were left out for want
 * of room; they are the kernel's. */
unsigned device_rules(const char *name, const struct conf_texts *listen,
	struct program_rules *rules);

#endif
