#include "cli/draft.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"

#define COMMENT_COLUMN 29
#define LINES_MOST 3

/* -- words -- */

/* The name before '=', and what is behind it. */
static char *split_name(struct draft *d, const char *what, const char *word,
	char **rest, struct err *err)
{
	char *name = arena_strdup(d->arena, word);
	*rest = strchr(name, '=');
	if (!*rest || *rest == name || !(*rest)[1]) {
		err_add(err, "%s %s: NAME=ADDRESS is expected", what, word);
		return NULL;
	}
	*(*rest)++ = '\0';
	return name;
}

static bool addresses_ok(
	const char *what, const char *name, const char *list, struct err *err)
{
	char one[ADDR_TEXT_MAX];
	struct addr addr;

	for (;;) {
		size_t n = strcspn(list, ",");
		snprintf(one, sizeof one, "%.*s", (int)n, list);
		if (n >= sizeof one || !addr_parse(&addr, one))
			return err_add(err,
				"%s %s: '%.*s' is not an IP address", what,
				name, (int)n, list);
		if (!list[n])
			return true;
		list += n + 1;
	}
}

bool draft_ns(struct draft *d, const char *word, struct err *err)
{
	char *list, *name = split_name(d, "--ns", word, &list, err);
	if (!name || !addresses_ok("--ns", name, list, err))
		return false;
	for (char *p = list; *p; p++)
		if (*p == ',')
			*p = ' ';
	bool whole = strchr(name, '.');
	d->ns = mem_grow(d->ns, (d->n_ns + 1) * sizeof *d->ns);
	d->ns[d->n_ns++] = arena_printf(d->arena, "%s%s%s %s", name,
		whole ? "" : ".", whole ? "" : d->zone, list);
	return true;
}

/* A part without '=' goes on with the value before it: "at=22.3,114.2". */
static bool read_keys(struct draft_node *node, char *list, struct err *err)
{
	node->key[node->n++] = (struct draft_key){"address", list};
	while ((list = strchr(list, ','))) {
		char *equals = strchr(list, '=');
		char *next = strchr(list + 1, ',');
		if (!equals || (next && next < equals)) {
			list++;
			continue;
		}
		if (node->n == DRAFT_KEYS_MAX)
			return err_add(err, "--node %s: more than %d keys",
				node->name, DRAFT_KEYS_MAX - 1);
		*list++ = '\0';
		*equals = '\0';
		if (draft_value(node, list))
			return err_add(err, "--node %s: %s is there twice",
				node->name, list);
		node->key[node->n++] = (struct draft_key){list, equals + 1};
		list = equals + 1;
	}
	return true;
}

bool draft_node(struct draft *d, const char *word, struct err *err)
{
	struct draft_node node = {0};
	char *list;

	node.name = split_name(d, "--node", word, &list, err);
	if (!node.name || !read_keys(&node, list, err) ||
		!addresses_ok("--node", node.name, node.key[0].value, err))
		return false;
	for (unsigned i = 0; i < d->n_nodes; i++)
		if (!strcasecmp(d->nodes[i].name, node.name))
			return err_add(
				err, "--node %s is there twice", node.name);
	d->nodes = mem_grow(d->nodes, (d->n_nodes + 1) * sizeof *d->nodes);
	d->nodes[d->n_nodes++] = node;
	return true;
}

const char *draft_value(const struct draft_node *node, const char *key)
{
	for (unsigned i = 0; i < node->n; i++)
		if (!strcmp(node->key[i].name, key))
			return node->key[i].value;
	return NULL;
}

static const char *role_of(const struct draft_node *node)
{
	const char *role = draft_value(node, "role");
	return role ? role : "edge";
}

static unsigned count_role(const struct draft *d, const char *role)
{
	unsigned n = 0;
	for (unsigned i = 0; i < d->n_nodes; i++)
		n += !strcmp(role_of(&d->nodes[i]), role);
	return n;
}

/* -- YAML -- */

/* What YAML reads as itself wherever it stands; all else goes into quotes. */
static bool is_plain(const char *text, size_t n)
{
	if (!n ||
		!(isalnum((unsigned char)*text) ||
			(*text == '-' && n > 1 &&
				isdigit((unsigned char)text[1]))))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	return true;
}

static void add_scalar(struct buf *out, const char *text, size_t n)
{
	if (is_plain(text, n)) {
		buf_add(out, text, n);
		return;
	}
	buf_printf(out, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_printf(out, "%s%c",
				c == '"' || c == '\\' ? "\\" : "", c);
	}
	buf_printf(out, "\"");
}

static void add_list(struct buf *out, const char *list)
{
	buf_printf(out, "[");
	for (;;) {
		size_t n = strcspn(list, ",");
		add_scalar(out, list, n);
		if (!list[n])
			break;
		buf_printf(out, ", ");
		list += n + 1;
	}
	buf_printf(out, "]");
}

static void add_value(struct buf *out, const char *key, const char *value)
{
	if (!strcmp(key, "address") || !strcmp(key, "at") ||
		!strcmp(key, "asn"))
		add_list(out, value);
	else
		add_scalar(out, value, strlen(value));
}

static unsigned line_now(const struct buf *out)
{
	unsigned line = 1;
	for (size_t i = 0; i < out->len; i++)
		line += out->text[i] == '\n';
	return line;
}

/* Ends a line that began at `from`. Comments stand below each other. */
static void end_line(struct buf *out, size_t from, const char *comment)
{
	if (comment) {
		size_t width = out->len - from;
		buf_printf(out, "%*s# %s",
			width < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - width)
					       : 1,
			"", comment);
	}
	buf_printf(out, "\n");
}

static void add_key(struct buf *out, const char *key, const char *value,
	const char *comment)
{
	size_t from = out->len;
	buf_printf(out, "    ");
	add_scalar(out, key, strlen(key));
	buf_printf(out, ": ");
	add_value(out, key, value);
	end_line(out, from, comment);
}

static void add_texts(
	struct buf *out, const char *key, const char **list, unsigned n)
{
	buf_printf(out, "%s: [", key);
	for (unsigned i = 0; i < n; i++) {
		buf_printf(out, i ? ", " : "");
		add_scalar(out, list[i], strlen(list[i]));
	}
	buf_printf(out, "]\n");
}

/* -- its parts -- */

static void add_head(struct draft *d, struct buf *out)
{
	buf_printf(out,
		"# dnsd.yaml - written by dnsd init. dnsd.yaml(5) explains every key.\n"
		"#\n"
		"# FIRST, say for each node how many connections it is meant to carry: its\n"
		"# capacity. SRS has no API for its max_connections, so the numbers below are a\n"
		"# guess. Stay well below max_connections: a connection more than that ends a\n"
		"# listener of SRS until it is restarted.\n"
		"#\n"
		"# Then: dnsd check, and dnsd run.\n"
		"\n"
		"listen: [\"0.0.0.0:53\", \"[::]:53\"]     # UDP and TCP\n");
	if (d->store)
		buf_printf(out, "store: %s\n", d->store);
	buf_printf(out,
		"\n# Where clients are: databases in MaxMind's format. Without one all clients are\n"
		"# equally far from every node, and load alone decides.\n");
	if (d->n_geoip)
		add_texts(out, "geoip", d->geoip, d->n_geoip);
	else
		buf_printf(out, "#geoip: [city.mmdb, asn.mmdb]\n");
	buf_printf(out,
		"\n# The operator's page, API and metrics. Keep it off the internet.\n"
		"http:\n"
		"  listen: [\"127.0.0.1:8053\"]\n"
		"  #token: secret             # asked for changes; without one there are none\n");
}

static void add_zone(struct draft *d, struct buf *out)
{
	buf_printf(out,
		"\n# The zone, delegated to these name servers.\n"
		"zones:\n  ");
	add_scalar(out, d->zone, strlen(d->zone));
	buf_printf(out, ":\n");
	d->ns_line = line_now(out);
	add_texts(out, "    ns", d->ns, d->n_ns);
}

static void add_node(struct draft_node *node, struct buf *out)
{
	size_t from = out->len;
	node->first_line = line_now(out);
	buf_printf(out, "  ");
	add_scalar(out, node->name, strlen(node->name));
	buf_printf(out, ":");
	end_line(out, from, node->found);
	if (!draft_value(node, "role"))
		add_key(out, "role", "edge", NULL);
	for (unsigned i = 0; i < node->n; i++)
		add_key(out, node->key[i].name, node->key[i].value, NULL);
	if (node->at && !draft_value(node, "at"))
		add_key(out, "at", node->at, node->at_why);
	else if (node->at_why && !draft_value(node, "at"))
		buf_printf(out, "    #at: [22.3, 114.2]       # %s\n",
			node->at_why);
	if (!draft_value(node, "capacity"))
		add_key(out, "capacity", "1000", "a guess");
	if (node->flv && !draft_value(node, "flv"))
		add_key(out, "flv", node->flv, NULL);
	node->last_line = line_now(out) - 1;
}

static void add_nodes(struct draft *d, struct buf *out)
{
	buf_printf(out,
		"\n# The SRS servers.\n"
		"#   address   what DNS answers; the API is asked at port 1985 of the first one\n"
		"#             (api), RTMP is tried at port 1935 (rtmp)\n"
		"#   at        latitude, longitude: viewers are sent to what is near\n"
		"#   capacity  connections; with bandwidth (800M, 1G: bit/s) the worse one counts\n"
		"#   site, provider: what fails together; lines avoid to share them\n"
		"nodes:\n");
	for (unsigned i = 0; i < d->n_nodes; i++)
		add_node(&d->nodes[i], out);
}

static unsigned lines_for(unsigned n)
{
	return n < LINES_MOST ? n : LINES_MOST;
}

static void add_steer(const struct draft *d, struct buf *out)
{
	const char *viewers =
		count_role(d, "edge") ? "edge" : role_of(&d->nodes[0]);
	const char *teachers = count_role(d, "relay") ? "relay"
		: count_role(d, "origin")             ? "origin"
						      : NULL;

	buf_printf(out,
		"\n# The names that are decided for each client.\n"
		"#   pool   which nodes may be answered: roles (all edges) and names of nodes\n"
		"#   lines  alternatives that a viewer can change to, kept on other nodes:\n"
		"#          line2.live.%s and so on; no more than there are nodes\n"
		"steer:\n"
		"  live.%s:\n    pool: [",
		d->zone, d->zone);
	add_scalar(out, viewers, strlen(viewers));
	buf_printf(
		out, "]\n    lines: %u\n", lines_for(count_role(d, viewers)));
	if (teachers && strcmp(teachers, viewers))
		buf_printf(out,
			"  push.%s:              # publishers\n    pool: [%s]\n"
			"    policy: stable             # what has been reliable, before what is near\n"
			"    ttl: 60\n",
			d->zone, teachers);
}

void draft_write(struct draft *d, struct buf *out)
{
	add_head(d, out);
	add_zone(d, out);
	add_nodes(d, out);
	add_steer(d, out);
}
