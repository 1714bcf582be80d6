/* enrol_rules.h - what may be said of a node that is enrolled while dnsd runs. Pure
 * functions.
 *
 * Its address and API may not be loopback, link-local or multicast ones; those are
 * for the configuration file.
 */
#ifndef CONTROL_ENROL_RULES_H
#define CONTROL_ENROL_RULES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* Whether a node may have this name: a DNS label. False with a message. */
bool enrol_name_ok(const char *name, struct err *err);

/* Whether these keys may be given to a node, each with a value of a kind that the
 * configuration can read. False with a message. */
bool enrol_keys_ok(json_t *keys, struct err *err);

#endif
