#include <stdio.h>

#include "cli/cli.h"
#include "conf/conf.h"
#include "control/enrolled.h"
#include "srs/config.h"

static const char usage[] = "srs [-c FILE] NODE";
static const char help[] =
	"The configuration of the SRS on NODE for this inventory: origins have dnsd\n"
	"as coworker (or each other) and forward to the recorders, edges pull from\n"
	"the origins, relays forward to an origin, recorders record. Reads the\n"
	"configuration file and what the store keeps of approved nodes.\n";

int cli_srs(int argc, char **argv)
{
	struct cli_options o = {.words = 1};
	struct err err = {0};
	struct buf out = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	struct enrolled enrolled = {0};
	bool good;
	struct conf *conf = enrolled_load(o.conf, &enrolled, &err, &good);
	bool ok = good && srs_config(conf, argv[o.first], &out, &err);
	if (ok)
		fputs(out.text, stdout);
	else
		fprintf(stderr, "%s\n", err_text(&err));
	conf_free(conf);
	buf_fini(&out);
	err_fini(&err);
	return ok ? 0 : 1;
}
