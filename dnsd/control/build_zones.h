/* build_zones.h - the zones of a configuration: read, with steered names and node names in
 * them, compiled. Part of build.h, with its threads.
 */
#ifndef CONTROL_BUILD_ZONES_H
#define CONTROL_BUILD_ZONES_H

#include "control/build.h"

/* Sets zones, signing, zoneset and transfers of built. False with messages. */
bool build_zones(
	struct built *built, const struct build_how *how, struct err *err);

/* Reads them only for the messages, of a configuration that has errors. */
void build_look_at_zones(
	const struct conf *conf, const struct build_how *how, struct err *err);

/* Frees a zone with what signs it. NULL allowed. */
void build_drop_zone(struct zone *zone);

/* A name that conf has checked; else the root. */
struct name build_name(const char *text);

#endif
