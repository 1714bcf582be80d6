#include <stdio.h>

#include "cli/cli.h"
#include "control/control.h"

static const char usage[] = "run [-c FILE]";
static const char help[] =
	"Serves, in the foreground, until SIGTERM. SIGHUP reloads. Logs to stderr.\n";

int cli_run(int argc, char **argv)
{
	struct cli_options o = {.allowed = "t", .take_over = -1};
	int status;
	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (o.first < argc) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	return control_run(o.conf, o.take_over);
}
