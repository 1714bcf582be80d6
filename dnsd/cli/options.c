#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "conf/conf.h"

static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
	{"config", required_argument, NULL, 'c'},
	{"from", required_argument, NULL, 'f'},
	{"schema", no_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
	{"stream", required_argument, NULL, 'S'},
	{"format", required_argument, NULL, 'F'},
	{"move", required_argument, NULL, 'm'},
	{"publishers", no_argument, NULL, 'p'},
	{"algorithm", required_argument, NULL, 'a'},
	{"ds-at-parent", no_argument, NULL, 'd'},
	{"take-over", required_argument, NULL, 't'}, {0}};

static void take(struct cli_options *o, int letter, const char *value)
{
	switch (letter) {
	case 'a':
		o->algorithm = value;
		break;
	case 'd':
		o->ds_at_parent = true;
		break;
	case 'f':
		o->from = value;
		break;
	case 'F':
		o->format = value;
		break;
	case 'j':
		o->json = true;
		break;
	case 'm':
		o->move = value;
		break;
	case 'p':
		o->publishers = true;
		break;
	case 's':
		o->schema = true;
		break;
	case 'S':
		o->stream = value;
		break;
	case 't':
		o->take_over = atoi(value);
		break;
	default:
		assert(false); /* in longs, and allowed */
	}
}

bool cli_options(struct cli_options *o, int argc, char **argv,
	const char *usage, const char *help, int *status)
{
	const char *allowed = o->allowed ? o->allowed : "";
	bool right = true;
	int letter;

	o->conf = CLI_DEFAULT_CONF;
	optind = 1;
	while (right &&
		(letter = getopt_long(argc, argv,
			 o->keys_behind ? "+c:h" : "c:h", longs, NULL)) != -1) {
		if (letter == 'h') {
			printf("usage: dnsd %s\n\n%s", usage, help);
			*status = 0;
			return false;
		}
		right = letter == 'c' || strchr(allowed, letter);
		if (letter == 'c')
			o->conf = optarg;
		else if (right)
			take(o, letter, optarg);
	}
	o->first = optind;
	if (right && (!o->words || argc - optind == o->words))
		return true;
	fprintf(stderr, "usage: dnsd %s\n", usage);
	*status = 2;
	return false;
}

static int connect_to(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof at.sun_path)
		return -1;
	strcpy(at.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

/* The answer of the server behind a socket; false, with errno, if there is
 * none. */
static bool exchange(const char *path, const char *line, struct buf *answer)
{
	char chunk[4096];
	struct buf all = {0};
	ssize_t n;
	int fd = connect_to(path);

	if (fd < 0)
		return false;
	/* One that ends meanwhile is an answer that does not come, no signal. */
	buf_printf(&all, "%s\n", line);
	bool sent = send(fd, all.text, all.len, MSG_NOSIGNAL) >= 0;
	buf_fini(&all);
	while (sent && (n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(answer, chunk, (size_t)n);
	close(fd);
	return sent;
}

/* What is behind the first line, which says whether it went well. */
static int take_answer(const struct buf *answer, struct buf *text)
{
	bool ok = answer->len >= 3 && !strncmp(answer->text, "ok\n", 3);
	const char *rest = answer->len ? strchr(answer->text, '\n') : NULL;
	if (!rest)
		fprintf(stderr, "dnsd: the server ended without an answer\n");
	else if (ok)
		buf_printf(text, "%s", rest + 1);
	else
		fputs(rest + 1, stderr);
	return ok ? 0 : 1;
}

int cli_ask(const char *conf_path, const char *line, struct buf *text)
{
	struct err err = {0};
	struct buf answer = {0};
	int status = 1;
	char *socket_path = conf_control_path(conf_path, &err);

	if (!socket_path)
		fprintf(stderr, "%s\n", err_text(&err));
	else if (exchange(socket_path, line, &answer))
		status = take_answer(&answer, text);
	else
		status = CLI_NO_SERVER;
	int saved = errno;
	buf_fini(&answer);
	free(socket_path);
	err_fini(&err);
	errno = saved;
	return status;
}

/* A server that is older than this program gives texts for people, whatever it is
 * asked for. */
static bool is_json(const struct buf *text)
{
	return text->len && (*text->text == '{' || *text->text == '[');
}

int cli_talk(const char *conf_path, const char *line, bool json)
{
	struct buf text = {0};
	int status = cli_ask(conf_path, line, &text), saved = errno;
	if (!status && json && !is_json(&text)) {
		fprintf(stderr,
			"dnsd: the server that runs is older than this program and gives no JSON\n");
		status = 1;
	} else if (text.text)
		fputs(text.text, stdout);
	buf_fini(&text);
	errno = saved;
	return status;
}
