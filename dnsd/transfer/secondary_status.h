/* secondary_status.h - zones of other name servers (secondary.h) as an operator sees them.
 */
#ifndef TRANSFER_SECONDARY_STATUS_H
#define TRANSFER_SECONDARY_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

/* Times are of the wall clock, in seconds since 1970. */
struct secondary_status {
	char zone[CONF_NAME_MAX];
	char primary[64];  /* that is asked, or was last */
	bool here;         /* it is answered from */
	uint32_t serial;   /* if it is here */
	int64_t current_s; /* when it was last known to be current; 0: never */
	int64_t until_s;   /* when it expires, if it is here */
	int64_t next_s;    /* when the primary is asked again */
	uint64_t transfers,
		failures; /* failures: no primary answered, or what came
					 was not taken */
	char why[400]; /* of the last failure, if nothing was good since; "" */
};

#endif
