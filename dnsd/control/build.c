#include "control/build.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rng.h"
#include "control/build_zones.h"
#include "control/enrolled.h"
#include "control/signing.h"
#include "geo/cache.h"
#include "geo/mmdb.h"
#include "ledger/rrl.h"
#include "net/dot.h"
#include "replay/ring.h"
#include "tls/tls.h"
#include "wire/name.h"

#define NICENESS 5 /* above that of the other threads */
#define UDP_MAX 1232

void build_step_back(void)
{
	int others = getpriority(PRIO_PROCESS, (id_t)getpid());
	if (setpriority(PRIO_PROCESS, 0, others + NICENESS))
		log_debug("builder: no lower priority");
}

/* -- geography -- */

static unsigned geo_paths(const struct conf *conf, const char **paths)
{
	unsigned n = 0;
	if (*conf->nets)
		paths[n++] = conf->nets;
	for (unsigned i = 0; i < conf->geoip.n; i++)
		paths[n++] = conf->geoip.text[i];
	return n;
}

static struct geo_files geo_files_stat(const struct conf *conf)
{
	const char **paths = mem_zero(conf->geoip.n + 1, sizeof *paths);
	struct geo_files f = {.n = geo_paths(conf, paths)};
	f.stat = mem_zero(f.n, sizeof *f.stat);
	for (unsigned i = 0; i < f.n; i++)
		if (stat(paths[i], &f.stat[i]))
			f.stat[i] = (struct stat){0};
	free(paths);
	return f;
}

void geo_files_free(struct geo_files *files)
{
	free(files->stat);
	*files = (struct geo_files){0};
}

static bool geo_files_equal(
	const struct geo_files *a, const struct geo_files *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		const struct stat *x = &a->stat[i], *y = &b->stat[i];
		if (x->st_ino != y->st_ino || x->st_dev != y->st_dev ||
			x->st_size != y->st_size ||
			x->st_mtim.tv_sec != y->st_mtim.tv_sec ||
			x->st_mtim.tv_nsec != y->st_mtim.tv_nsec)
			return false;
	}
	return true;
}

bool build_geo_changed(const struct built *built, struct geo_files *now)
{
	*now = geo_files_stat(built->conf);
	return !geo_files_equal(&built->geo_files, now);
}

bool build_can_read(struct conf_where where, const char *key, const char *path,
	struct err *err)
{
	struct stat st;
	int error = 0;

	if (stat(path, &st) || access(path, R_OK))
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : 0;
	if (!error)
		return true;
	return err_add(err, "%s:%u: %s: %s: %s", where.file, where.line, key,
		path, strerror(error));
}

static bool geo_readable(const struct conf *conf, struct err *err)
{
	bool ok = true;
	if (*conf->nets)
		ok &= build_can_read(
			conf_key_where(conf, "nets"), "nets", conf->nets, err);
	for (unsigned i = 0; i < conf->geoip.n; i++)
		ok &= build_can_read(conf->geoip.where[i], "geoip",
			conf->geoip.text[i], err);
	return ok;
}

/* dnsd.db -> dnsd.geo */
char *build_geo_path(const struct conf *conf)
{
	const char *store = conf->store;
	size_t n = strlen(store);
	if (n > 3 && !strcmp(store + n - 3, ".db"))
		n -= 3;
	char *path = mem_alloc(n + sizeof ".geo");
	memcpy(path, store, n);
	memcpy(path + n, ".geo", sizeof ".geo");
	return path;
}

static uint64_t geo_digest(const struct conf *conf)
{
	return geo_cache_digest(conf->nets, conf->geoip.text, conf->geoip.n);
}

static struct geo *geo_kept(const struct conf *conf, uint64_t digest)
{
	struct err err = {0};
	char *path = build_geo_path(conf);
	struct geo *geo = geo_cache_read(path, digest, &err);
	log_lines(LOG_LVL_INFO, "geoip: made anew: ", err.warnings);
	if (err.count)
		log_lines(LOG_LVL_WARN, "geoip: made anew: ", err_text(&err));
	err_fini(&err);
	free(path);
	return geo;
}

static struct geo *geo_of(const struct conf *conf, struct geo_files *files,
	enum geo_from from, struct err *err)
{
	struct geo *geo = NULL;
	if (!geo_readable(conf, err))
		return NULL;
	/* Before the files are read: what changes after this is not in it. */
	if (from == GEO_KEPT && files->n && *conf->store)
		files->digest = geo_digest(conf);
	if (files->digest)
		geo = geo_kept(conf, files->digest);
	files->kept = geo != NULL;
	if (geo)
		return geo;
	if (from == GEO_KEPT)
		build_step_back();
	return geo_load(conf->nets, conf->geoip.text, conf->geoip.n, err);
}

bool build_geo(const struct built *built, struct geo **geo, struct map **map,
	struct geo_files *files, struct err *err)
{
	*files = geo_files_stat(built->conf);
	*geo = geo_of(built->conf, files, GEO_KEPT, err);
	if (!*geo) {
		geo_files_free(files);
		return false;
	}
	*map = map_build(built->conf, *geo, built->servers, built->map);
	return true;
}

void build_log_geo(const struct geo *geo, bool kept)
{
	log_lines(LOG_LVL_INFO, "geoip: ", geo_report(geo));
	log_info("geoip: loaded%s, %u places, %zu KiB", kept ? " as kept" : "",
		geo_places(geo), geo_size(geo) / 1024);
}

bool build_geo_unkept(const struct built *built)
{
	return built->geo_files.digest && !built->geo_files.kept;
}

bool build_geo_keep(const struct built *built, struct err *err)
{
	assert(built->geo && built->geo_files.digest);
	uint64_t digest = built->geo_files.digest;
	if (geo_digest(built->conf) != digest)
		return false;
	char *path = build_geo_path(built->conf);
	bool kept = geo_cache_write(path, built->geo, digest, err);
	free(path);
	return kept;
}

/* As many name servers as the zone of the first steered name has. */
static unsigned count_servers(const struct built *b)
{
	if (b->conf->servers)
		return (unsigned)b->conf->servers;
	if (!b->conf->n_steer)
		return 1;
	struct name name = build_name(b->conf->steer[0].name);
	const struct zone *zone = zoneset_find(b->zoneset, &name);
	return zone && zone->name_servers ? zone->name_servers : 1;
}

/* -- options -- */

static bool read_secret(const char *path, uint8_t secret[16], struct err *err)
{
	char text[128] = "";
	FILE *f = fopen(path, "re");
	if (!f)
		return err_add(err, "%s: %s", path, strerror(errno));
	bool got = fgets(text, sizeof text, f) != NULL;
	fclose(f);
	for (unsigned i = 0; got && i < 16; i++) {
		unsigned byte;
		if (!isxdigit((unsigned char)text[2 * i]) ||
			!isxdigit((unsigned char)text[2 * i + 1]) ||
			sscanf(text + 2 * i, "%2x", &byte) != 1)
			got = false;
		else
			secret[i] = (uint8_t)byte;
	}
	if (!got || (text[32] && !isspace((unsigned char)text[32])))
		return err_add(err, "%s:1: not 32 hex digits", path);
	return true;
}

static bool build_options(
	struct built *b, const struct built *previous, struct err *err)
{
	const struct conf *conf = b->conf;
	struct server_options *o = arena_alloc(b->conf->arena, sizeof *o);

	o->udp_max = UDP_MAX;
	o->udp_nocookie =
		conf->udp_nocookie ? (uint16_t)conf->udp_nocookie : UINT16_MAX;
	o->rrl_cost = rrl_cost((unsigned)conf->rrl.rate);
	o->rrl_slip = (unsigned)conf->rrl.slip;
	o->nsid = *conf->server_id ? conf->server_id : NULL;
	o->version = *conf->version ? conf->version : NULL;
	o->query_log = conf->query_log;
	if (*conf->record.file)
		o->record = share_bound(conf->record.share);
	if (*conf->dnstap.socket)
		o->dnstap = share_bound(conf->dnstap.sample);
	o->trusted = conf->trusted.prefix;
	o->n_trusted = conf->trusted.n;
	o->proxy = conf->proxy.prefix;
	o->n_proxy = conf->proxy.n;
	b->options = o;
	if (*conf->cookie_secret) {
		if (!build_can_read(conf_key_where(conf, "cookie_secret"),
			    "cookie_secret", conf->cookie_secret, err) ||
			!read_secret(
				conf->cookie_secret, o->cookie_secret, err))
			return false;
	} else if (previous) {
		memcpy(o->cookie_secret, previous->options->cookie_secret, 16);
	} else {
		rng_secret(o->cookie_secret, sizeof o->cookie_secret);
	}
	/* Cookies made with the secret before a roll-over stay good. */
	if (previous &&
		memcmp(o->cookie_secret, previous->options->cookie_secret,
			16)) {
		memcpy(o->cookie_previous, previous->options->cookie_secret,
			16);
		o->have_previous = true;
	}
	return true;
}

static bool check_user(const struct conf *conf, struct err *err)
{
	if (!*conf->user || geteuid() != 0 || getpwnam(conf->user))
		return true;
	struct conf_where where = conf_key_where(conf, "user");
	return err_add(err, "%s:%u: user: there is no user '%s'", where.file,
		where.line, conf->user);
}

/* -- all -- */

static bool find_geo(struct built *b, const struct built *previous,
	enum geo_from from, struct err *err)
{
	if (from == GEO_LATER) {
		b->geo = geo_load(NULL, NULL, 0, err);
		return true;
	}
	b->geo_files = geo_files_stat(b->conf);
	if (previous && geo_files_equal(&previous->geo_files, &b->geo_files)) {
		b->geo = previous->geo;
		b->geo_files.digest = previous->geo_files.digest;
		b->geo_files.kept = previous->geo_files.kept;
		return true;
	}
	b->geo = geo_of(b->conf, &b->geo_files, from, err);
	return b->geo != NULL;
}

static bool load_dot(
	const struct conf *conf, struct ssl_ctx_st **dot, struct err *err)
{
	const struct conf_listener *tls = &conf->tls;
	if (!tls->listen.n || !*tls->cert || !*tls->key)
		return true;
	*dot = dot_load(tls, err);
	return *dot != NULL;
}

/* The configuration has errors; those of the files that it names are
 * reported together with them. */
static void look_at_files(
	const struct conf *conf, const struct build_how *how, struct err *err)
{
	struct geo_files files = {0};

	build_look_at_zones(conf, how, err);
	geo_free(geo_of(conf, &files, GEO_FILES, err));
	struct ssl_ctx_st *dot = NULL;
	load_dot(conf, &dot, err);
	tls_free(dot);
}

/* They are read at each connection: a new certificate needs no reload. */
static bool etcd_readable(const struct conf *conf, struct err *err)
{
	struct conf_where where = conf_key_where(conf, "etcd");
	const char *paths[] = {conf->etcd.ca, conf->etcd.cert, conf->etcd.key};
	bool ok = true;
	for (unsigned i = 0; i < 3; i++)
		ok &= !*paths[i] ||
			build_can_read(where, "etcd", paths[i], err);
	return ok;
}

bool build_no_places(const struct conf *conf)
{
	return conf->n_steer && !conf->geoip.n && !*conf->nets;
}

/* Nothing is wrong then, but an operator would look long for the reason. */
static void warn_no_places(
	const struct conf *conf, const char *path, struct err *err)
{
	if (build_no_places(conf))
		err_warn(err,
			"%s: neither geoip nor nets: all clients are equally far from every node, load alone decides; dnsd-geo-update brings data",
			path);
}

/* It may come later; what is there must be one. */
static bool check_dnstap(const struct conf *conf, struct err *err)
{
	const char *path = conf->dnstap.socket;
	struct conf_where where = conf_key_where(conf, "dnstap");
	struct stat st;
	if (!*path || stat(path, &st) || S_ISSOCK(st.st_mode))
		return true;
	return err_add(err, "%s:%u: dnstap: %s is no socket", where.file,
		where.line, path);
}

static bool build_parts(
	struct built *b, const struct build_how *how, struct err *err)
{
	bool ok = check_user(b->conf, err) && etcd_readable(b->conf, err);
	ok &= check_dnstap(b->conf, err);
	ok &= load_dot(b->conf, &b->dot, err);
	ok &= build_options(b, how->previous, err);
	ok &= build_zones(b, how, err);
	ok &= find_geo(b, how->previous, how->from, err);
	return ok;
}

struct built *build_all(
	const char *path, const struct build_how *how, struct err *err)
{
	const struct built *previous = how->previous;
	struct built *b = mem_zero(1, sizeof *b);
	struct enrolled enrolled = {
		.store = previous ? previous->conf->store : NULL,
		.changes = how->changes,
		.lenient = how->from != GEO_FILES,
		.running = previous ? previous->conf : NULL};
	bool good = false;

	b->conf = enrolled_load(path, &enrolled, err, &good);
	if (b->conf && !good)
		look_at_files(b->conf, how, err);
	if (good && build_parts(b, how, err)) {
		warn_no_places(b->conf, path, err);
		b->servers = count_servers(b);
		b->map = map_build(b->conf, b->geo, b->servers,
			previous ? previous->map : NULL);
		if (signing_end(b, previous, err))
			return b;
	}
	build_free(b, previous);
	return NULL;
}

void build_take(struct built *b, const uint8_t cookie_secret[16],
	const char *const *names, unsigned n)
{
	struct arena *arena = arena_new();
	struct map_node *nodes = arena_alloc(arena, n * sizeof *nodes);
	struct map before = {.arena = arena, .n_nodes = n, .nodes = nodes};

	for (unsigned i = 0; i < n; i++)
		nodes[i].name = names[i];
	map_index_nodes(&before);
	struct map *map = map_build(b->conf, b->geo, b->servers, &before);
	map_free(b->map);
	b->map = map;
	arena_free(arena);
	if (!*b->conf->cookie_secret)
		memcpy(b->options->cookie_secret, cookie_secret, 16);
}

void build_free(struct built *b, const struct built *heir)
{
	if (!b)
		return;
	zoneset_free(b->zoneset);
	for (unsigned i = 0; i < b->n_zones && !b->transfers; i++)
		build_drop_zone(b->zones[i]);
	free(b->zones);
	free(b->signing);
	if (!heir || heir->geo != b->geo)
		geo_free(b->geo);
	geo_files_free(&b->geo_files);
	map_free(b->map);
	tls_free(b->dot);
	if (b->transfers)
		transfer_source_release(b->transfers);
	else
		conf_free(b->conf);
	free(b);
}
