/* expect.h - an entry of the schedule as JSON: in the HTTP API and in the registry.
 * Pure functions.
 *
 *	{"at": "2026-11-22T09:00:00Z", "name": "live.example.com", "viewers": 800,
 *	 "over": 120, "from": [31.2, 121.5]}
 */
#ifndef REGISTRY_EXPECT_H
#define REGISTRY_EXPECT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

/* Such an object, without an id. The caller owns it. */
json_t *expect_json(const struct conf_expect *entry);

/* The same as malloc'd text. */
char *expect_text(const struct conf_expect *entry);

/* Reads one; whether there is a steered name of that name, the caller knows. False with
 * a message. */
bool expect_parse(json_t *json, struct conf_expect *entry, struct err *err);

#endif
