/* `dnsd init`: a first configuration. The nodes that are named are asked what they
 * are; what is written passes `dnsd check`, for it was read as that does. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/draft.h"
#include "control/build.h"
#include "srs/inquire.h"

#define ASK_MS 3000
#define NO_STORE "/nonexistent/dnsd.db"

static const char usage[] =
	"init [--zone ZONE] [--ns NAME=ADDRESS[,ADDRESS]]...\n"
	"       --node NAME=ADDRESS[,ADDRESS][,role=ROLE][,at=LAT,LON][,KEY=VALUE]...\n"
	"       [--geoip FILE]... [-o FILE]";
static const char help[] =
	"Writes a first configuration that dnsd check passes. Asks every node's SRS what\n"
	"it is and where it answers, and says on stderr what does not answer.\n"
	"\n"
	"  --node N=ADDR,...  a server, edge if no role is given; the keys are those of\n"
	"                     nodes in dnsd.yaml(5): role=origin, at=22.3,114.2,\n"
	"                     capacity=2000, api=http://user:password@203.0.113.9:1985\n"
	"  --zone ZONE        default: example.com\n"
	"  --ns NAME=ADDR     a name server of the zone; one without a dot is in the zone\n"
	"  --geoip FILE       a database that nodes and clients are placed by; without it\n"
	"                     those in " DNSD_SYSCONFDIR
	"/dnsd, /var/lib/dnsd-geo,\n"
	"                     /var/lib/GeoIP or /usr/share/GeoIP. none: none\n"
	"  -o FILE            writes there, where no file may be; default: stdout\n";

/* -- the command line -- */

struct init {
	struct draft draft;
	const char *file; /* NULL: stdout */
	unsigned n_node_words, n_ns_words, n_geoip_words;
	const char **node_words, **ns_words, **geoip_words;
};

static void add_word(const char ***list, unsigned *n, const char *word)
{
	*list = mem_grow(*list, (*n + 1) * sizeof **list);
	(*list)[(*n)++] = word;
}

static bool read_options(struct init *i, int argc, char **argv, int *status)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
		{"zone", required_argument, NULL, 'z'},
		{"ns", required_argument, NULL, 's'},
		{"node", required_argument, NULL, 'n'},
		{"geoip", required_argument, NULL, 'g'},
		{"output", required_argument, NULL, 'o'}, {0}};
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "o:h", longs, NULL)) != -1) {
		if (opt == 'z') {
			i->draft.zone = optarg;
		} else if (opt == 's') {
			add_word(&i->ns_words, &i->n_ns_words, optarg);
		} else if (opt == 'n') {
			add_word(&i->node_words, &i->n_node_words, optarg);
		} else if (opt == 'g') {
			add_word(&i->geoip_words, &i->n_geoip_words, optarg);
		} else if (opt == 'o') {
			i->file = optarg;
		} else {
			*status = opt == 'h' ? 0 : 2;
			fprintf(opt == 'h' ? stdout : stderr,
				"usage: dnsd %s\n%s%s", usage,
				opt == 'h' ? "\n" : "", opt == 'h' ? help : "");
			return false;
		}
	}
	*status = 2;
	if (optind < argc)
		fprintf(stderr, "dnsd init: '%s' is no option\n", argv[optind]);
	else if (!i->n_node_words)
		fprintf(stderr, "dnsd init: no --node NAME=ADDRESS\n");
	else
		return true;
	return false;
}

/* -- databases -- */

static bool add_database(struct draft *d, const char *file, struct err *err)
{
	char *path = realpath(file, NULL);
	if (!path)
		return err_add(err, "--geoip %s: %s", file, strerror(errno));
	add_word(&d->geoip, &d->n_geoip, arena_strdup(d->arena, path));
	free(path);
	return true;
}

/* Where packages and updaters put them; the first folder that has some. */
static void find_databases(struct draft *d)
{
	static const char *const usual[] = {DNSD_SYSCONFDIR "/dnsd/*.mmdb",
		"/var/lib/dnsd-geo/*.mmdb", "/var/lib/GeoIP/*.mmdb",
		"/usr/share/GeoIP/*.mmdb"};
	struct err err = {0};
	glob_t found;

	for (size_t i = 0; i < sizeof usual / sizeof *usual && !d->n_geoip;
		i++) {
		if (glob(usual[i], 0, NULL, &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			add_database(d, found.gl_pathv[k], &err);
		globfree(&found);
	}
	err_fini(&err);
}

static bool take_databases(struct init *i, struct err *err)
{
	bool ok = true;
	if (!i->n_geoip_words)
		find_databases(&i->draft);
	for (unsigned k = 0; k < i->n_geoip_words; k++)
		if (strcmp(i->geoip_words[k], "none"))
			ok &= add_database(&i->draft, i->geoip_words[k], err);
	return ok;
}

static bool take_words(struct init *i, struct err *err)
{
	struct draft *d = &i->draft;
	for (unsigned k = 0; k < i->n_ns_words; k++)
		draft_ns(d, i->ns_words[k], err);
	for (unsigned k = 0; k < i->n_node_words; k++)
		draft_node(d, i->node_words[k], err);
	take_databases(i, err);
	if (i->file && access(i->file, F_OK) == 0)
		err_add(err, "%s: is there; it is not overwritten", i->file);
	if (err->count)
		return false;
	if (!d->n_ns) {
		add_word(&d->ns, &d->n_ns,
			arena_printf(d->arena, "ns1.%s", d->zone));
		fprintf(stderr,
			"no --ns: %s is written without an address; say the address of this server\n",
			d->ns[0]);
	}
	return true;
}

/* -- reading it as check does -- */

/* An error line of a draft as one of the word that it comes from. */
static void print_error(const struct draft *d, const char *path, char *line)
{
	size_t n = strlen(path);
	bool here = !strncmp(line, path, n) && line[n] == ':';
	char *rest = here ? line + n + 1 : line;
	unsigned at = here ? (unsigned)strtoul(rest, &rest, 10) : 0;
	bool zone = at && (at == d->ns_line || at + 1 == d->ns_line);
	const char *word = zone ? "--zone, --ns" : "";
	const char *name = "";

	for (unsigned i = 0; i < d->n_nodes; i++)
		if (at && at >= d->nodes[i].first_line &&
			at <= d->nodes[i].last_line) {
			word = "--node ";
			name = d->nodes[i].name;
		}
	rest += here ? strspn(rest, ": ") : 0;
	fprintf(stderr, "dnsd init: %s%s%s%s\n", word, name, *word ? ": " : "",
		rest);
}

static void print_errors(const struct draft *d, const char *path, char *text)
{
	char *save;
	for (char *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save))
		print_error(d, path, line);
}

/* Builds all of it; NULL when that was refused, and said. */
static struct built *try_build(const struct draft *d, const struct buf *text)
{
	char path[40];
	struct err err = {0};
	struct built *built = NULL;
	int fd = memfd_create("dnsd.yaml", MFD_CLOEXEC);

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, text->text, text->len) != (ssize_t)text->len)
		err_add(&err, "a draft: %s", strerror(errno));
	else
		built = build_all(
			path, &(struct build_how){.from = GEO_FILES}, &err);
	if (err.text)
		print_errors(d, path, err.text);
	if (fd >= 0)
		close(fd);
	err_fini(&err);
	return built;
}

/* -- the nodes -- */

static const char *place_text(
	struct draft *d, const struct built *built, const struct addr *address)
{
	const struct place *place =
		geo_place(built->geo, geo_find(built->geo, address).place);
	return arena_printf(d->arena, "of geoip, %.2s; see that it is right",
		place->country[0] ? place->country : "--");
}

static void place_node(struct draft *d, const struct built *built, unsigned i)
{
	const struct conf_node *conf = &built->conf->nodes[i];
	const struct map_node *node =
		&built->map->nodes[built->map->of_conf[i]];
	struct draft_node *draft = &d->nodes[i];

	if (conf->has_at)
		return;
	if (node->placed) {
		draft->at = arena_printf(
			d->arena, "%.2f,%.2f", node->lat, node->lon);
		draft->at_why = place_text(d, built, &conf->address[0]);
		return;
	}
	draft->at_why = "latitude, longitude: not known";
	fprintf(stderr,
		"%s: its place is not known: all clients are equally far from it; give at=LAT,LON%s\n",
		conf->name, d->n_geoip ? "" : " or --geoip FILE");
}

/* Where HTTP-FLV is tried if nothing was said. */
static const char *flv_guess(struct draft *d, const struct conf_node *node)
{
	char text[ADDR_TEXT_MAX];
	addr_text(&node->address[0], text);
	return arena_printf(d->arena,
		node->address[0].family == 6 ? "[%s]:8080" : "%s:8080", text);
}

/* A URL without user and password. */
static const char *bare_url(struct draft *d, const char *url)
{
	const char *host = strstr(url, "://");
	const char *at = strrchr(url, '@');
	if (!host || !at || at < host)
		return url;
	return arena_printf(
		d->arena, "%.*s%s", (int)(host + 3 - url), url, at + 1);
}

static const char *failure_text(enum sample_failure failure)
{
	switch (failure) {
	case SAMPLE_DENIED:
		return "it wants a user and a password: api=http://USER:PASSWORD@ADDRESS:1985";
	case SAMPLE_UNREADABLE:
		return "it is no SRS, or its API is elsewhere: api=http://ADDRESS:PORT";
	case SAMPLE_REFUSED:
		return "is SRS running, and http_api on there? api=http://ADDRESS:PORT if it is elsewhere";
	case SAMPLE_UNTRUSTED:
		return "its certificate is not trusted";
	case SAMPLE_TIMEOUT:
		break;
	}
	return "is it reached from here, through its firewall?";
}

static const char *version_text(struct draft *d, const struct sample *s)
{
	if (!s->major)
		return "SRS of a version that it does not say";
	return arena_printf(
		d->arena, "SRS %u.%u.%u", s->major, s->minor, s->revision);
}

static void tell_api(
	struct draft *d, const struct conf_node *node, const struct inquiry *q)
{
	char why[INQUIRE_WHY_MAX];
	const char *url = bare_url(d, q->api);

	if (q->api_end.ok)
		fprintf(stderr, "%s: %s at %s, %u connections\n", node->name,
			version_text(d, &q->sample), url,
			q->sample.connections);
	else
		fprintf(stderr, "%s: %s: %s: %s\n", node->name, url,
			utf8_visible(why, sizeof why, q->api_end.why),
			failure_text(q->failure));
}

static void tell_probe(const struct conf_node *node,
	const struct inquire_end *end, const char *hint)
{
	char why[INQUIRE_WHY_MAX];
	if (end->asked && !end->ok)
		fprintf(stderr, "%s: %s: %s\n", node->name,
			utf8_visible(why, sizeof why, end->why), hint);
}

static const char *found_text(struct draft *d, const struct inquiry *q)
{
	char why[INQUIRE_WHY_MAX];
	if (!q->api)
		return NULL;
	if (q->api_end.ok)
		return version_text(d, &q->sample);
	return arena_printf(d->arena, "did not answer: %s",
		utf8_visible(why, sizeof why, q->api_end.why));
}

/* HTTP-FLV is a guess where it was not given: of an SRS that answers. */
static void take_answers(struct draft *d, const struct conf_node *node,
	unsigned i, const struct inquiry *q)
{
	if (node->api)
		tell_api(d, node, q);
	tell_probe(node, &q->rtmp_end,
		"rtmp=ADDRESS:PORT if it is elsewhere, rtmp=off if there is none");
	if (node->flv || q->api_end.ok)
		tell_probe(node, &q->flv_end,
			"flv=ADDRESS:PORT if it is elsewhere");
	d->nodes[i].found = found_text(d, q);
	if (q->flv_end.ok)
		d->nodes[i].flv = q->flv;
}

/* All at the same time; what they say goes to the draft and to stderr. */
static bool ask_nodes(struct draft *d, const struct conf *conf, struct err *err)
{
	struct inquiry *q = mem_zero(conf->n_nodes, sizeof *q);
	bool ok;

	for (unsigned i = 0; i < conf->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[i];
		q[i] = (struct inquiry){
			.api = node->api, .rtmp = node->rtmp, .flv = node->flv};
		if (!draft_value(&d->nodes[i], "flv"))
			q[i].flv = flv_guess(d, node);
	}
	ok = inquire(q, conf->n_nodes, ASK_MS, err);
	for (unsigned i = 0; ok && i < conf->n_nodes; i++)
		take_answers(d, &conf->nodes[i], i, &q[i]);
	free(q);
	return ok;
}

/* -- the file -- */

/* O_EXCL: nothing that is there is ever touched. */
static bool write_file(
	const char *path, const struct buf *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_add(err, "%s: %s", path,
			errno == EEXIST ? "is there; it is not overwritten"
					: strerror(errno));
	bool ok = write(fd, text->text, text->len) == (ssize_t)text->len &&
		fsync(fd) == 0;
	if (!ok) {
		err_add(err, "%s: %s", path, strerror(errno));
		unlink(path);
	}
	close(fd);
	return ok;
}

static bool hand_over(
	const struct init *i, const struct buf *text, struct err *err)
{
	if (!i->file && (fputs(text->text, stdout) < 0 || fflush(stdout)))
		return err_add(err, "stdout: %s", strerror(errno));
	if (!i->file)
		return true;
	if (!write_file(i->file, text, err))
		return false;
	fprintf(stderr,
		"%s: written. Say the capacity of each node in it; then: dnsd check -c %s\n",
		i->file, i->file);
	return true;
}

/* The draft is built twice: as the words have it, for what is asked and where nodes
 * are; and as it is written, to be sure. */
static bool run(struct init *i, struct err *err)
{
	struct draft *d = &i->draft;
	struct buf text = {0};
	bool ok = false;

	if (!take_words(i, err))
		return false;
	d->store = NO_STORE; /* what a store here holds is none of a draft */
	draft_write(d, &text);
	struct built *built = try_build(d, &text);
	if (built) {
		ok = ask_nodes(d, built->conf, err);
		for (unsigned k = 0; ok && k < d->n_nodes; k++)
			place_node(d, built, k);
		build_free(built, NULL);
	}
	buf_fini(&text);
	if (!ok)
		return false;
	draft_write(d, &text);
	built = try_build(d, &text);
	d->store = NULL;
	buf_fini(&text);
	draft_write(d, &text);
	ok = built && hand_over(i, &text, err);
	build_free(built, NULL);
	buf_fini(&text);
	return ok;
}

static bool run_all(struct init *i)
{
	struct err err = {0};
	i->draft.arena = arena_new();
	bool ok = run(i, &err);
	if (err.text)
		print_errors(&i->draft, "", err.text);
	err_fini(&err);
	free(i->draft.ns);
	free(i->draft.geoip);
	free(i->draft.nodes);
	arena_free(i->draft.arena);
	return ok;
}

int cli_init(int argc, char **argv)
{
	struct init i = {.draft = {.zone = "example.com"}};
	int status;

	if (read_options(&i, argc, argv, &status))
		status = run_all(&i) ? 0 : 1;
	free(i.node_words);
	free(i.ns_words);
	free(i.geoip_words);
	return status;
}
