/* schema.h - the table that describes every key of the configuration.
 *
 * One entry a key: its type decides how a YAML node becomes a field of a
 * struct in conf.h; range, default and text serve the checks, the JSON schema
 * and the manual alike. Private to conf/.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stddef.h>

#include "conf/conf.h"

enum key_type {
	KEY_BOOL,      /* bool */
	KEY_INT,       /* int */
	KEY_COUNT,     /* int64_t, whole numbers beyond int */
	KEY_REAL,      /* double */
	KEY_RATE,      /* double, bit/s or bytes with K, M or G */
	KEY_SPAN,      /* int64_t, seconds, with s, m, h, d or w */
	KEY_TEXT,      /* const char * */
	KEY_PATH,      /* const char *, relative to the naming file */
	KEY_ENUM,      /* int, index in names */
	KEY_TEXTS,     /* struct conf_texts */
	KEY_PATHS,     /* struct conf_texts */
	KEY_PREFIXES,  /* struct conf_prefixes */
	KEY_ADDRESSES, /* unsigned n, struct addr * (conf_node) */
	KEY_ASNS,      /* unsigned n, uint32_t * (conf_node) */
	KEY_RANGE,     /* double[2], one number or [least, most] */
	KEY_AT,        /* double[2], latitude and longitude, and right behind
			  them a bool that is set */
	KEY_TIME,      /* int64_t, ms since 1970 */
	KEY_NAME,      /* char[CONF_NAME_MAX], a DNS name in lower case */
	KEY_SECTION,   /* a struct described by section */
	KEY_NAMED,     /* a map of names to structs (zones, nodes, steer) */
	KEY_ITEMS,     /* a list of structs (expect) */
	KEY_INCLUDE,   /* handled by the loader */
};

struct section;

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	double min, max;               /* numbers */
	const char *preset;            /* default, as text; NULL: zero */
	const char *const *names;      /* KEY_ENUM */
	const struct section *section; /* KEY_SECTION, KEY_NAMED, KEY_ITEMS */
	const char *text;              /* what it is, for editors */
	bool needed;                   /* of an item of KEY_ITEMS */
};

struct section {
	const char *what;       /* "a node", for messages */
	const struct key *keys; /* ended by a NULL name */
	size_t size;            /* of the struct */
};

extern const struct section conf_section;            /* the whole file */
extern const struct section conf_public_url_section; /* keys by enum conf_url */

/* Cross-checks of a loaded file (check.c): references, DNS rules. */
bool conf_check(struct conf *conf, struct err *err);

/* The same of keys and transfers (transfer.c). */
bool conf_check_transfers(struct conf *conf, struct err *err);

/* Lower case, no dot at the end; NULL if it is no host name that DNS can
 * hold (labels of 1..63 octets, 253 in all). */
const char *conf_name(struct arena *arena, const char *text);

#endif
