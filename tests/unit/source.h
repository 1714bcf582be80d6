/* source.h - what transfers are made from, for tests of those that use it: a configuration
 * and its zones, which the last user frees.
 */
#ifndef TESTS_SOURCE_H
#define TESTS_SOURCE_H

#include "unit/dns.h"

#include "base/buf.h"
#include "conf/conf.h"
#include "transfer/source.h"

/* Of the SOA of each zone. */
#define SOURCE_REFRESH_S 3600
#define SOURCE_RETRY_S 600
#define SOURCE_EXPIRE_S 86400

static UNUSED unsigned sources; /* that are not freed */

static UNUSED void source_free(struct transfer_source *source)
{
	for (unsigned i = 0; i < source->n_zones; i++)
		zone_free((struct zone *)source->zones[i].zone);
	conf_free((struct conf *)source->conf);
	sources--;
}

/* Zones in the order of the configuration, as many as it has, each with its serial (0: it
 * is absent) and with more records. */
static UNUSED struct transfer_source *source_make(
	const char *conf_text, const uint32_t *serials, const char *more)
{
	struct err err = {0};
	struct conf *conf =
		conf_parse("test.yaml", conf_text, strlen(conf_text), &err);
	if (!conf)
		fail_msg("%s", err_text(&err));
	err_fini(&err); /* it may warn */

	struct zone **zones = calloc(conf->n_zones, sizeof *zones);
	for (unsigned i = 0; i < conf->n_zones; i++) {
		struct buf text = {0};
		buf_printf(&text,
			"$TTL 300\n@ SOA ns1 h %u %u %u %u 60\n@ NS ns1\n"
			"ns1 A 192.0.2.1\n%s",
			serials[i], SOURCE_REFRESH_S, SOURCE_RETRY_S,
			SOURCE_EXPIRE_S, more);
		zones[i] = zone_text(conf->zones[i].name, text.text);
		zones[i]->absent = !serials[i];
		buf_fini(&text);
	}
	sources++;
	struct transfer_source *source =
		transfer_source_new(conf, zones, source_free);
	free(zones);
	return source;
}

#endif
