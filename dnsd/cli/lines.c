#include <stdio.h>

#include "cli/cli.h"
#include "cli/files.h"
#include "client/try.h"

static const char usage[] =
	"lines [-c FILE] [--stream APP/STREAM] [--format json|site_settings] NAME ADDRESS[/LENGTH]";
static const char help[] =
	"The lines of a class for a client at ADDRESS: of each its host, node,\n"
	"addresses and, with a stream, URLs. As JSON, or as a Python module that a\n"
	"Django site can import when the API does not answer (site_settings).\n"
	"Asks the running server; without one the files alone decide, as if all\n"
	"nodes were well and empty. Never accounted.\n";

/* What the server or, without one, the files say. */
static int ask(const struct cli_options *o, const char *name,
	const char *client, struct buf *text)
{
	struct buf line = {0};
	struct files files;
	struct err err = {0};

	buf_printf(&line, "lines %s %s %s %s", name, client, o->format,
		o->stream ? o->stream : "");
	int status = cli_ask(o->conf, line.text, text);
	buf_fini(&line);
	if (status != CLI_NO_SERVER)
		return status;
	fprintf(stderr, FILES_ALONE);
	bool ok = files_open(&files, o->conf, &err);
	struct try_question q = {.state = &files.state,
		.name = name,
		.client = client,
		.now_ms = files.now_ms};
	ok = ok && try_lines(&q, o->format, o->stream, text, &err);
	status = ok ? 0 : 1;
	if (status)
		fprintf(stderr, "%s\n", err_text(&err));
	files_close(&files);
	err_fini(&err);
	return status;
}

int cli_lines(int argc, char **argv)
{
	struct cli_options o = {.allowed = "SF", .format = "json", .words = 2};
	struct buf text = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	status = ask(&o, argv[o.first], argv[o.first + 1], &text);
	if (text.text)
		fputs(text.text, stdout);
	buf_fini(&text);
	return status;
}
