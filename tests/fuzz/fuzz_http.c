/* HTTP requests, byte by byte as they come, to the real listeners: the
 * operator's for an even first byte, the public one for an odd. The server must
 * end every connection that we end, and go on. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "http/http.h"
#include "net/listen.h"
#include "snapshot/report.h"
#include "snapshot/strangers.h"
#include "snapshot/streams.h"
#include "steer/fleet.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The world of the server; it stays for as long as the program runs. */
static struct published published;
static struct built *built;
static struct fleet *fleet;
static struct memory *memory;
static uint16_t ports[2];

static const char yaml[] =
	"zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
	"heartbeat_from: [127.0.0.0/8]\n"
	"http: {listen: [\"127.0.0.1:1\"], token: sesame}\n"
	"public: {listen: [\"127.0.0.1:2\"]}\n"
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [1, 2], api: off, rtmp: off}\n"
	"  b: {address: [192.0.2.2], at: [3, 4], api: off, rtmp: off}\n"
	"steer: {live.example.com: {pool: [edge], lines: 3, streams: true}}\n";

static void drain(void *arg, const char *node, bool drained,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	done(done_arg, node[0] == 'a', "fuzz");
}

static void heartbeat(void *arg, unsigned node, float connections)
{
}

static void expect(void *arg, struct expect_call *call)
{
	call->code = call->entry.id % 2 ? 404 : 200;
	call->text = "fuzz";
	if (call->what == EXPECT_LIST) {
		call->list = mem_zero(1, sizeof *call->list);
		call->n = 1;
	}
	call->done(call);
}

static void stranger(void *arg, const char *server, const char *device,
	const struct addr *from, float connections)
{
}

static void approve(void *arg, const char *node, const char *keys,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	done(done_arg, strlen(node) % 2, "fuzz");
}

static void streams(void *arg)
{
}

static void history(void *arg, struct history_call *call)
{
	call->ok = true;
	call->n = 1;
	call->points = mem_zero(1, sizeof *call->points);
	call->done(call);
}

static int listener(unsigned side)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, 64) ||
		getsockname(fd, (struct sockaddr *)&at, &len))
		abort();
	ports[side] = at.sin_port;
	return fd;
}

static struct built *build(void)
{
	char path[] = "/tmp/dnsd-fuzz-http-XXXXXX";
	struct err err = {0};
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, yaml, sizeof yaml - 1) < 0)
		abort();
	close(fd);
	struct built *fresh = build_all(path, NULL, GEO_LATER, NULL, &err);
	unlink(path);
	if (!fresh) {
		fprintf(stderr, "%s\n", err_text(&err));
		abort();
	}
	err_fini(&err);
	return fresh;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fleet_rules rules = {{3000, 1500, 2, 2}, 0};
	built = build();
	fleet = fleet_new(&rules, clock_ms());
	fleet_set_map(fleet, built->map, &rules, clock_ms());
	for (unsigned i = 0; i < built->map->n_nodes; i++)
		fleet_watch(fleet, i, false, false);
	struct report *report = report_new(built->map->n_nodes, "");
	for (unsigned i = 0; i < built->map->n_nodes; i++)
		report->nodes[i] =
			(struct report_node){.name = built->map->nodes[i].name,
				.role = "edge",
				.why = ""};
	struct stream_at at = {"/live/class", 0, 2};
	snapshot_publish(&published,
		(struct snapshot){.zones = built->zoneset,
			.steer = {built->map, fleet_load(fleet, clock_ms()),
				built->geo},
			.options = built->options,
			.report = report,
			.streams =
				stream_index_new(&at, 1, built->map->n_nodes),
			.strangers = mem_zero(1, sizeof(struct strangers))});
	int operators[] = {listener(0), -1}, site[] = {listener(1), -1};
	memory = memory_new(4096, 1);
	struct http_sockets sockets = {.operators = operators,
		.site = site,
		.connections = 512,
		.streams = 32};
	struct control_ops ops = {.drain = drain,
		.heartbeat = heartbeat,
		.expect = expect,
		.stranger = stranger,
		.approve = approve,
		.streams = streams,
		.history = history};
	http_start(built->conf, &sockets, &published, &ops, memory, NULL, 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	char answer[4096];
	int one = 1;

	if (size < 2)
		return 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct linger gone = {1, 0}; /* no TIME_WAIT: ports would run out */
	struct timeval patience = {20, 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &gone, sizeof gone);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	to.sin_port = ports[data[0] & 1];
	if (connect(fd, (struct sockaddr *)&to, sizeof to))
		abort();
	send(fd, data + 1, size - 1, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	ssize_t n;
	while ((n = recv(fd, answer, sizeof answer, 0)) > 0)
		;
	close(fd);
	return 0;
}
