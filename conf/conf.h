/* conf.h - the whole configuration as plain structs, checked.
 *
 * One schema table in schema.c describes every key: type, range, default, text.
 * conf_load() reads the file and what it includes, applies defaults, checks
 * the references between its parts, and reports every error as
 * file:line: what. A struct conf is immutable and owns all its memory.
 * What needs other files (zones, databases) is checked by the code that loads them.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"

#define CONF_LINES_MAX 16
#define CONF_ANSWERS_MAX 8
#define CONF_NODES_MAX (TABLE_SIZE(65536) - 1)
#define CONF_NAME_MAX 254
#define CONF_PREFIX_MAX 100       /* of keys in etcd */
#define CONF_VIEWERS_MAX 10000000 /* of a crowd that is expected */
#define CONF_OVER_MAX_S 86400
#define CONF_OVER_S 120
#define CONF_TOKEN_MAX 255
#define CONF_SECRET_MAX 256 /* octets of a key of TSIG */
#define CONF_INTERFACES_MAX 8
#define CONF_INTERFACE_MAX 16 /* with a zero behind it */

/* Where something was written; file NULL: nowhere, a default. */
struct conf_where {
	const char *file;
	unsigned line;
};

/* A list of scalars. */
struct conf_texts {
	unsigned n;
	const char **text;
	struct conf_where *where;
};

struct conf_prefixes {
	unsigned n;
	struct prefix *prefix;
};

enum conf_role { ROLE_EDGE, ROLE_ORIGIN, ROLE_RELAY, ROLE_RECORDER };
#define ROLES 4
extern const char *const conf_roles[ROLES + 1]; /* names, NULL-ended */

enum conf_policy { POLICY_NEARBY, POLICY_STABLE, POLICY_GEO, POLICY_FAILOVER };
extern const char *const conf_policies[];

/* Kinds of URLs that players get. */
enum conf_url { URL_RTMP, URL_FLV, URL_HLS, URL_SRT, URL_WHEP, CONF_URLS };

/* How an interface gives frames to AF_XDP: by its driver, else by the kernel; by its
 * driver; by the kernel. */
enum conf_xdp_mode { CONF_XDP_AUTO, CONF_XDP_NATIVE, CONF_XDP_COPY };

enum conf_log { LOG_TEXT, LOG_JSON }; /* the form of its lines */

/* A key of TSIG (RFC 8945). */
struct conf_tsig {
	const char *name; /* a DNS name, lower case, no dot at the end */
	struct conf_where where;
	int algorithm; /* of conf_tsig_algorithms */
	const char *secret;
	const uint8_t *octets; /* the secret, read */
	unsigned n_octets;
};
extern const char *const conf_tsig_algorithms[];

/* An asker that may transfer a zone: any address of the prefix, or any that signs by
 * the key. */
struct conf_transfer_to {
	struct prefix prefix;
	int key; /* index in tsig; -1: the prefix counts */
};

/* A name server that is sent a NOTIFY when a zone has changed. */
struct conf_notify {
	struct sockaddr_storage to;
	socklen_t to_len;
	int key; /* index in tsig, that signs; -1: none */
};

/* A name server that has a zone. */
struct conf_primary {
	struct sockaddr_storage to;
	socklen_t to_len;
};

struct conf_zone {
	const char *name; /* lower case, no dot at the end */
	struct conf_where where;
	const char *file; /* NULL: SOA and NS are made from ns */
	struct conf_where file_where;
	struct conf_texts ns;
	int64_t serial;
	struct {
		struct conf_texts primary_texts;
		const char *key_text;
		unsigned n_primary; /* 0: the zone is not from elsewhere */
		struct conf_primary *primary;
		int key; /* index in tsig; -1: none */
	} from;
	struct {
		const char *keys; /* folder; NULL: the zone is not signed */
		int64_t validity_s;
	} dnssec;
	struct {
		struct conf_texts to_texts, notify_texts;
		unsigned n_to, n_notify; /* what the texts say */
		struct conf_transfer_to *to;
		struct conf_notify *notify;
	} transfer;
};

struct conf_node {
	const char *name; /* a lower case DNS label */
	struct conf_where where;
	int role;
	unsigned n_addresses;
	struct addr *address;
	double at[2]; /* latitude, longitude */
	bool has_at;
	const char *site, *provider; /* "": none */
	unsigned n_asn;
	uint32_t *asn;
	double bias_ms;
	double capacity;      /* connections */
	double bandwidth_bps; /* 0: no limit */
	double overcommit;    /* times both, at most; 1 or more */
	const char *api, *rtmp, *flv, *srt,
		*whep;         /* NULL: off; else complete */
	const char *api_token; /* "": none */
	/* What players' URLs begin with instead of the line's name and the
	 * node's port, without a slash behind it; "": these. */
	const char *public_url[CONF_URLS];
	struct conf_where api_where, api_token_where, rtmp_where, flv_where,
		srt_where, whep_where; /* their values */
	struct conf_where public_url_where[CONF_URLS];
	bool is_public, public_given;
	bool capacity_given, overcommit_given;
};

struct conf_steer {
	const char *name; /* lower case, no dot at the end */
	struct conf_where where;
	struct conf_texts pool;
	unsigned n_nodes;
	uint16_t *node; /* the pool as node indexes, in the order of pool */
	int policy;
	int lines;
	double ttl[2]; /* seconds: least, most */
	int answers;
	double stay_ms; /* what a better node must save */
	double carrier_ms;
	bool measured; /* paths, where they are known; else by distance */
	bool streams;
	const char *https; /* ALPN list, "": no HTTPS records */
};

/* A crowd that is to come: of `expect` in the file or, in the same form,
 * of the API. Holds no pointer, so that threads may hand it on. */
struct conf_expect {
	int64_t id;    /* 0: of the file */
	int64_t at_ms; /* wall clock */
	char name[CONF_NAME_MAX];
	int viewers, over_s;
	double from[2]; /* latitude, longitude */
	bool has_from;
};

/* Addresses of a listener, and what it shows and asks for. */
struct conf_listener {
	bool given;
	struct conf_texts listen;
	const char *token;         /* "": no changes */
	const char *measure_token; /* "": none */
	struct conf_texts names;   /* that browsers reach it by */
	const char *cert, *key;    /* paths or "" */
	struct conf_prefixes proxied_by;
	bool httpdns;
	struct conf_where where, cert_where, key_where;
};

struct conf {
	struct arena *arena;
	const char *path;

	struct conf_texts listen;
	int workers, servers;
	int client_nets;           /* whose answers are remembered */
	double session_s;          /* that a viewer stays, in the mean */
	const char *user;          /* "": not given */
	const char *server_id;     /* "": none */
	const char *cookie_secret; /* path or "" */
	int udp_nocookie;
	struct {
		int rate; /* answers a second; 0: no limit */
		int slip;
	} rrl;
	struct {
		int max;
		double idle_s;
	} tcp;
	struct {
		bool given;
		struct conf_texts interfaces; /* names */
		int mode;                     /* enum conf_xdp_mode */
	} xdp;
	struct conf_texts geoip; /* paths */
	const char *nets;        /* path or "" */
	struct conf_prefixes trusted;
	struct conf_prefixes proxy;
	const char *control, *store; /* paths */
	const char *node_names;      /* zone, "": the first */
	double query_log;            /* share of queries logged, 0..1 */
	int log;                     /* enum conf_log */
	int sandbox; /* enum sandbox_mode of sandbox/sandbox.h */
	struct {
		bool given;
		const char *file; /* path; "": nothing is recorded */
		double size;      /* bytes */
		double share;     /* of the client nets, 0..1 */
	} record;
	struct {
		bool given;
		const char *socket;   /* path; "": off */
		double sample;        /* share of the answers, 0..1 */
		const char *identity; /* "": server_id or the host's name */
	} dnstap;
	const char *version; /* version.bind; "": not answered */
	struct {
		bool given;
		struct conf_texts endpoints; /* URLs */
		const char *prefix;          /* of all keys */
		const char *ca, *cert, *key; /* paths or "" */
		const char *as;              /* this server's name there */
	} etcd;
	struct {
		double interval_s, timeout_s;
		int fall, rise, clients_s; /* clients_s 0: never */
	} health;
	struct conf_listener tls, http, public; /* tls: DNS over TLS */
	struct conf_prefixes heartbeat_from;
	const char *heartbeat_token; /* "": not asked for */

	unsigned n_keys; /* top-level keys that were set */
	struct conf_key {
		const char *name;
		struct conf_where where;
	} * keys;
	unsigned n_tsig, n_zones, n_nodes, n_steer, n_expect;
	struct conf_tsig *tsig;
	struct conf_zone *zones;
	struct conf_node *nodes;
	struct conf_steer *steer;
	struct conf_expect *expect;
	struct conf_where *expect_where; /* of each */
};

/* Reads and checks. NULL with messages; warnings may come either way. */
struct conf *conf_load(const char *path, struct err *err);

/* The same from memory (tests, fuzzing): includes are refused. */
struct conf *conf_parse(
	const char *path, const char *bytes, size_t len, struct err *err);

/* As conf_load, but what could be read comes back even with errors (*ok is
 * false then), so that other files can be looked at in the same go. */
struct conf *conf_load_all(const char *path, struct err *err, bool *ok);

/* Nodes from elsewhere than files. text() is called when all files are read,
 * with what they say, not checked yet: YAML with a map `nodes`, malloc'd, or NULL
 * for none. name is for messages. */
struct conf_more {
	void *arg;
	const char *name;
	char *(*text)(void *arg, const struct conf *so_far, struct err *err);
};

/* As conf_load_all with further nodes, checked as one. */
struct conf *conf_load_more(const char *path, const struct conf_more *more,
	struct err *err, bool *ok);

void conf_free(struct conf *conf); /* NULL allowed */

/* Where a top-level key was set; the first line if it was not. */
struct conf_where conf_key_where(const struct conf *conf, const char *key);

/* The path of the control socket alone, malloc'd: to talk to a server while its
 * configuration is broken, all else of the file is not looked at. NULL with
 * messages if it can't be read as YAML. */
char *conf_control_path(const char *path, struct err *err);

/* A time of day in ISO 8601 (2026-11-22T09:00, seconds optional, Z or +08:00
 * behind it, else local) as milliseconds since 1970. False: it is none. */
bool conf_time(const char *text, int64_t *wall_ms);

/* The JSON schema of the file, made from the schema table; malloc'd text. */
char *conf_schema(void);

#endif
