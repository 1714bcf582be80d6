#include "snapshot/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* What has several lines has them in one: each line that is shown is of one key. */
static void one_line(char *text)
{
	while ((text = strchr(text, '\n')))
		*text = ';';
}

void servers_add(struct servers_lines *lines, const char *key, const char *text)
{
	if (lines->all++ >= SERVERS_LINES_MAX)
		return;
	lines->line =
		mem_grow(lines->line, (lines->n + 1) * sizeof *lines->line);
	struct servers_line *line = &lines->line[lines->n++];
	*line = (struct servers_line){0};
	snprintf(line->key, sizeof line->key, "%s", key);
	snprintf(line->text, sizeof line->text, "%s", text);
	one_line(line->key);
	one_line(line->text);
}

void servers_free(struct servers *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_peers; i++)
		view_drop(s->peer[i].view);
	free(s->peer);
	free(s->pending.line);
	free(s->refused.line);
	free(s->conflicts.line);
	free(s);
}
