/* `dnsd measure`, which also is dnsd-measure: reports the paths of this node's viewers to
 * the name servers. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "cli/cli.h"
#include "measure/nets.h"
#include "measure/post.h"
#include "measure/sockets.h"

#define LOOKS 6       /* at all connections, per report */
#define PART_NETS 500 /* of one report */
#define NETS_MAX 5000 /* in a report */
#define PORTS_MAX 16
#define EVERY_MIN_S 6
#define EVERY_MAX_S 600
#define TOKEN_MAX 256

static const char usage[] =
	"--to URL[,URL...] [--node NAME] [--ports PORT,...]\n"
	"\t[--every SECONDS] [--token-file FILE] [--print]";
static const char help[] =
	"Runs on an SRS node: reports to name servers the round trip and loss of the\n"
	"connections to these local ports, by client /24 and /48, as the kernel knows\n"
	"them. Needs no privilege and no configuration.\n"
	"  --to URL,...     the name servers: http[s]://HOST[:PORT]\n"
	"  --node NAME      this node's name there; default: the host name\n"
	"  --ports PORT,... default 1935,8080\n"
	"  --every SECONDS  from report to report; default 60\n"
	"  --token-file F   the first line is the name servers' measure_token\n"
	"  --print          one look, as JSON on stdout; nothing is sent\n";

struct measure {
	const char *program; /* as the user calls it */
	const char *to, *node, *token_file;
	char host[64], token[TOKEN_MAX];
	uint16_t port[PORTS_MAX];
	unsigned n_ports;
	unsigned every_s, looks; /* since the last report */
	bool print;
	struct nets *nets;
	struct post *post;
	struct event_base *base;
};

/* -- options -- */

static bool read_ports(struct measure *m, char *text, struct err *err)
{
	char *rest = text, *one, *end;
	m->n_ports = 0;
	while ((one = strsep(&rest, ","))) {
		long port = strtol(one, &end, 10);
		if (!*one || *end || port < 1 || port > 65535)
			return err_add(err, "--ports: not a port: %s", one);
		if (m->n_ports == PORTS_MAX)
			return err_add(err, "--ports: at most %d", PORTS_MAX);
		m->port[m->n_ports++] = (uint16_t)port;
	}
	return true;
}

static bool read_every(struct measure *m, const char *text, struct err *err)
{
	char *end;
	long s = strtol(text, &end, 10);
	if (!*text || *end || s < EVERY_MIN_S || s > EVERY_MAX_S)
		return err_add(err, "--every: not %d to %d seconds: %s",
			EVERY_MIN_S, EVERY_MAX_S, text);
	m->every_s = (unsigned)s;
	return true;
}

static bool read_token(struct measure *m, struct err *err)
{
	FILE *file = fopen(m->token_file, "re");
	if (!file)
		return err_add(err, "%s: %s", m->token_file, strerror(errno));
	bool got = fgets(m->token, sizeof m->token, file) != NULL;
	fclose(file);
	size_t n = strcspn(m->token, "\r\n");
	if (!got || !n || n == sizeof m->token - 1)
		return err_add(err, "%s:1: no token of 1 to %d characters",
			m->token_file, TOKEN_MAX - 2);
	m->token[n] = '\0';
	return true;
}

/* A node's name is a DNS label: what JSON needs no escapes for. */
static bool check_node(struct measure *m, struct err *err)
{
	if (!m->node) {
		gethostname(m->host, sizeof m->host - 1);
		m->host[strcspn(m->host, ".")] = '\0';
		m->node = m->host;
	}
	size_t n = strlen(m->node);
	if (!n || n > 63 ||
		strspn(m->node,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != n)
		return err_add(err, "--node: not a node's name: %s", m->node);
	return true;
}

/* False: the program ends with *status. */
static bool read_options(struct measure *m, int argc, char **argv, int *status)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
		{"to", required_argument, NULL, 't'},
		{"node", required_argument, NULL, 'n'},
		{"ports", required_argument, NULL, 'p'},
		{"every", required_argument, NULL, 'e'},
		{"token-file", required_argument, NULL, 'k'},
		{"print", no_argument, NULL, 'P'}, {0}};
	struct err err = {0};
	bool ok = true;
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (opt == 't')
			m->to = optarg;
		else if (opt == 'n')
			m->node = optarg;
		else if (opt == 'p')
			ok &= read_ports(m, optarg, &err);
		else if (opt == 'e')
			ok &= read_every(m, optarg, &err);
		else if (opt == 'k')
			m->token_file = optarg;
		else if (opt == 'P')
			m->print = true;
		else {
			bool asked = opt == 'h';
			fprintf(asked ? stdout : stderr, "usage: %s %s\n%s%s",
				m->program, usage, asked ? "\n" : "",
				asked ? help : "");
			*status = asked ? 0 : 2;
			return false;
		}
	}
	if (optind != argc || (!m->to && !m->print)) {
		fprintf(stderr, "usage: %s %s\n", m->program, usage);
		*status = 2;
		return false;
	}
	ok = check_node(m, &err) && ok;
	if (m->token_file)
		ok = read_token(m, &err) && ok;
	log_lines(LOG_LVL_ERROR, "measure: ", err_text(&err));
	err_fini(&err);
	*status = 1;
	return ok;
}

/* -- looking and reporting -- */

static void on_socket(void *arg, const struct tcp_socket *socket)
{
	struct measure *m = arg;
	for (unsigned i = 0; i < m->n_ports; i++)
		if (socket->port == m->port[i]) {
			nets_see(m->nets, socket);
			return;
		}
}

static bool measure_look(struct measure *m)
{
	struct err err = {0};
	bool ok = sockets_read(on_socket, m, &err);
	if (ok)
		nets_round(m->nets);
	log_lines(LOG_LVL_WARN, "measure: ", err_text(&err));
	err_fini(&err);
	return ok;
}

/* A report of some networks. */
static void measure_text(const struct measure *m,
	const struct measured_net *nets, unsigned n, struct buf *out)
{
	char net[PREFIX_TEXT_MAX];
	buf_printf(out, "{\"node\":\"%s\",\"paths\":[", m->node);
	for (unsigned i = 0; i < n; i++)
		buf_printf(out,
			"%s{\"net\":\"%s\",\"rtt_ms\":%.3f,\"loss\":%.4f,\"connections\":%u}",
			i ? "," : "", prefix_text(&nets[i].net, net),
			(double)fmaxf(0.001f, nets[i].rtt_ms),
			(double)nets[i].loss, nets[i].connections);
	buf_printf(out, "]}");
}

/* In parts: a public listener takes no long bodies. */
static void measure_send(struct measure *m)
{
	unsigned n, part;
	struct measured_net *nets = nets_take(m->nets, NETS_MAX, &n);
	for (unsigned at = 0; at == 0 || at < n; at += part) {
		struct buf out = {0};
		part = n - at < PART_NETS ? n - at : PART_NETS;
		measure_text(m, nets + at, part, &out);
		post_send(m->post, out.text, out.len, at + part == n);
		buf_fini(&out);
		if (!part)
			break;
	}
	free(nets);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct measure *m = arg;
	if (!measure_look(m) || ++m->looks < LOOKS)
		return;
	m->looks = 0;
	measure_send(m);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(arg);
}

static int measure_run(struct measure *m)
{
	struct err err = {0};
	struct timeval each = {.tv_sec = m->every_s / LOOKS,
		.tv_usec = m->every_s % LOOKS * 1000000 / LOOKS};

	m->base = event_base_new();
	m->post =
		post_new(m->base, m->to, m->token_file ? m->token : NULL, &err);
	log_lines(LOG_LVL_ERROR, "measure: ", err_text(&err));
	err_fini(&err);
	if (!m->post) {
		event_base_free(m->base);
		return 1;
	}
	struct event *look = event_new(m->base, -1, EV_PERSIST, on_look, m);
	struct event *term = evsignal_new(m->base, SIGTERM, on_stop, m->base);
	struct event *interrupt =
		evsignal_new(m->base, SIGINT, on_stop, m->base);
	event_add(look, &each);
	event_add(term, NULL);
	event_add(interrupt, NULL);
	log_info("measure: node %s, reports to %s every %u s", m->node, m->to,
		m->every_s);
	event_base_dispatch(m->base);
	event_free(look);
	event_free(term);
	event_free(interrupt);
	post_free(m->post);
	event_base_free(m->base);
	return 0;
}

static int measure_print(struct measure *m)
{
	struct buf out = {0};
	if (!measure_look(m))
		return 1;
	unsigned n;
	struct measured_net *nets = nets_take(m->nets, NETS_MAX, &n);
	measure_text(m, nets, n, &out);
	free(nets);
	printf("%s\n", out.text);
	buf_fini(&out);
	return 0;
}

int cli_measure(int argc, char **argv)
{
	struct measure m = {.port = {1935, 8080}, .n_ports = 2, .every_s = 60};
	int status;

	m.program = strcmp(argv[0], "measure") ? argv[0] : "dnsd measure";
	if (!read_options(&m, argc, argv, &status))
		return status;
	m.nets = nets_new();
	status = m.print ? measure_print(&m) : measure_run(&m);
	nets_free(m.nets);
	return status;
}
