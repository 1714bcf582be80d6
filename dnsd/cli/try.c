#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/files.h"
#include "client/try.h"

static const char usage[] = "try [-c FILE] [--json] NAME ADDRESS[/LENGTH]";
static const char help[] =
	"Where a client at ADDRESS would be sent for NAME, and why: its place,\n"
	"the candidates with path, state, load and cost, the pick, TTL and scope.\n"
	"Asks the running server, which knows the paths that were measured; without\n"
	"one the files alone decide, as if all nodes were well and empty, with paths\n"
	"by distance. Never accounted.\n"
	"\n"
	"  --json  for programs, as GET /api/v1/explain\n";

static int from_files(
	const struct cli_options *o, const char *name, const char *client)
{
	struct files files;
	struct err err = {0};
	struct buf out = {0};
	bool ok = files_open(&files, o->conf, &err);
	struct try_question q = {.state = &files.state,
		.name = name,
		.client = client,
		.now_ms = files.now_ms};
	ok = ok &&
		(o->json ? try_json(&q, &out, &err)
			 : try_explain(&q, &out, &err));

	if (ok) {
		fputs(FILES_ALONE, o->json ? stderr : stdout);
		fputs(out.text, stdout);
	} else
		fprintf(stderr, "%s\n", err_text(&err));
	files_close(&files);
	buf_fini(&out);
	err_fini(&err);
	return ok ? 0 : 1;
}

int cli_try(int argc, char **argv)
{
	struct cli_options o = {.words = 2, .allowed = "j"};
	struct buf line = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	const char *name = argv[o.first], *client = argv[o.first + 1];
	buf_printf(&line, "try %s %s%s", name, client, o.json ? " json" : "");
	status = cli_talk(o.conf, line.text, o.json);
	buf_fini(&line);
	return status == CLI_NO_SERVER ? from_files(&o, name, client) : status;
}
