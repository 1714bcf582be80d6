/* build.h - from a configuration file to all that a snapshot is made of.
 *
 * Runs on the builder thread (or in `check` and `try`): reads the files,
 * compiles zones, geo table and map. Nothing is published here, and nothing
 * that is in service is touched.
 */
#ifndef CONTROL_BUILD_H
#define CONTROL_BUILD_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "conf/conf.h"
#include "geo/prefixes.h"
#include "snapshot/options.h"
#include "state/map.h"
#include "transfer/source.h"
#include "zones/zoneset.h"

/* Files that the geo table was made from, to see whether they changed, and
 * whether the table is kept beside the store. */
struct geo_files {
	unsigned n;
	struct stat *stat; /* nets first, if there is one */
	uint64_t digest;   /* see geo/cache.h; 0: not to be kept */
	bool kept;
};

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct zone_signing;

/* A whole built state. Control owns it; geo may be shared with its
 * predecessor, see build_free. */
struct built {
	struct conf *conf;
	unsigned n_zones;
	struct zone **zones;
	struct zone_signing **signing; /* by zone, whose they are; NULL: not
					  signed */
	struct zoneset *zoneset;
	struct transfer_source
		*transfers; /* owns conf and zones, once there are these */
	struct geo *geo;
	struct geo_files geo_files;
	struct map *map;
	struct server_options
		*options; /* with what it points to, in conf->arena */
	unsigned servers;
	struct ssl_ctx_st
		*dot; /* certificate of DNS over TLS; NULL: no such listener */
};

/* Where geography comes from. */
enum geo_from {
	GEO_LATER, /* an empty table for now, so that static names are served
		    * meanwhile; build_geo_changed() then says that there is
		    * something to load */
	GEO_FILES, /* the databases themselves, so that they are checked */
	GEO_KEPT,  /* the table kept beside the store if it is theirs */
};

struct enrol_change;

/* Whether names are steered without any data of where clients are: all are
 * equally far from every node then. */
bool build_no_places(const struct conf *conf);

struct build_how {
	/* In service, or NULL: its cookie secret, node indexes and, if the files are the
	 * same, geo table go on. */
	const struct built *previous;
	enum geo_from from;
	const struct enrol_change
		*changes; /* of approved nodes (enrolled.h), or NULL */
	/* A zone that has come from its primary (transfer/kept.h): what came is taken
	 * instead of what is kept. NULL: none. */
	const char *next;
};

/* Builds from the file and the nodes that were approved. NULL with messages in err on
 * any error. */
struct built *build_all(
	const char *path, const struct build_how *how, struct err *err);

/* Makes a state that was built without `previous` go on where another process stops:
 * with its cookie secret, if the configuration has none, and its numbers of nodes.
 * names: by number, NULL: a hole. */
void build_take(struct built *built, const uint8_t cookie_secret[16],
	const char *const *names, unsigned n);

/* Frees a state that is no longer in service; what `heir` (or NULL) shares
 * stays. */
void build_free(struct built *built, const struct built *heir);

/* Only geography and what hangs on it: loads the files of built->conf again, or
 * the table that is kept. False with messages if they can't be used. */
bool build_geo(const struct built *built, struct geo **geo, struct map **map,
	struct geo_files *files, struct err *err);

/* Lowers the priority of the thread: building must not take cores from
 * answering. A second call changes nothing. */
void build_step_back(void);

/* Whether a geo file is another one than when the table was built. */
bool build_geo_changed(const struct built *built, struct geo_files *now);
void geo_files_free(struct geo_files *files);

/* Says in the log what a table holds that is in service now. */
void build_log_geo(const struct geo *geo, bool kept);

/* Whether there is a table that ought to be kept beside the store, and is not. */
bool build_geo_unkept(const struct built *built);

/* Writes it there, for the next start. False with a message if it can't be
 * written, or without one if its files changed meanwhile. */
bool build_geo_keep(const struct built *built, struct err *err);

/* A file that the configuration names. False with the line that does so if it can't be
 * read at all; its reader checks the content. */
bool build_can_read(struct conf_where where, const char *key, const char *path,
	struct err *err);

/* The path of the file beside the store; the caller frees it. */
char *build_geo_path(const struct conf *conf);

#endif
