/* `dnsd ctl drain NODE --move N`: drains, begins to move, and shows how far it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define LOOK_S 1
#define BAR 30 /* characters */

/* A line of `ctl moving`: STATE MOVED LEFT WAITS_S WHY. */
struct progress {
	char state[16];
	unsigned long long moved, left;
	int waits_s;
	char why[160];
};

static bool progress_read(const char *line, struct progress *p)
{
	int why = 0;
	*p = (struct progress){0};
	if (sscanf(line, "%15s %llu %llu %d %n", p->state, &p->moved, &p->left,
		    &p->waits_s, &why) != 4)
		return false;
	snprintf(p->why, sizeof p->why, "%.*s", (int)strcspn(line + why, "\n"),
		line + why);
	return true;
}

static void progress_print(const struct progress *p, bool terminal)
{
	unsigned long long all = p->moved + p->left;
	int full = all ? (int)(p->moved * BAR / all) : BAR;
	char bar[BAR + 1];

	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)full);
	bar[BAR] = '\0';
	printf("%s[%s] %llu moved, %llu left, %s", terminal ? "\r\033[K" : "",
		bar, p->moved, p->left, p->state);
	if (p->waits_s)
		printf(" %d s", p->waits_s);
	printf("%s%s%s", *p->why ? ": " : "", p->why, terminal ? "" : "\n");
	fflush(stdout);
}

static bool is_over(const struct progress *p)
{
	return !strcmp(p->state, "done") || !strcmp(p->state, "stopped");
}

/* Shows it until it is over. On a terminal in one line, else where it changes. */
static int watch(const char *conf, const char *node)
{
	bool terminal = isatty(STDOUT_FILENO) != 0;
	struct progress p, last = {0};
	int status;

	do {
		struct buf text = {0}, line = {0};
		buf_printf(&line, "moving\t%s", node);
		status = cli_ask(conf, line.text, &text);
		if (!status && !progress_read(text.text ? text.text : "", &p))
			status = 1;
		buf_fini(&line);
		buf_fini(&text);
		if (status)
			break;
		if (memcmp(&p, &last, sizeof p) != 0)
			progress_print(&p, terminal);
		last = p;
	} while (!is_over(&p) && sleep(LOOK_S) == 0);
	if (terminal)
		printf("\n");
	return status ? status : strcmp(p.state, "done") != 0;
}

static int tell(
	const char *conf, const char *verb, const char *node, const char *more)
{
	struct buf line = {0};
	buf_printf(&line, "%s\t%s%s", verb, node, more);
	int status = cli_talk(conf, line.text, false);
	buf_fini(&line);
	return status;
}

int cli_move(
	const char *conf, const char *node, const char *per_s, bool publishers)
{
	char more[64];
	int status = tell(conf, "drain", node, "");
	if (status)
		return status;
	snprintf(more, sizeof more, "\t%.40s%s", per_s,
		publishers ? "\tpublishers" : "");
	status = tell(conf, "move", node, more);
	if (status)
		return status;
	printf("It goes on if this command is ended; dnsd ctl undrain %s stops it.\n",
		node);
	fflush(stdout);
	return watch(conf, node);
}
