#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

static const char usage[] =
        "ctl [-c FILE] status | nodes | drain NODE | undrain NODE | reload | stop";
static const char help[] =
        "Talks to the running server through its control socket.\n"
        "\n"
        "  status        version, uptime, zones with serials, last reload\n"
        "  nodes         all nodes with state, load and answers\n"
        "  drain NODE    no new viewers for NODE while another lives; kept over\n"
        "                a restart, on this name server only\n"
        "  undrain NODE  ends it\n"
        "  reload        builds the configuration anew and swaps it in whole, or\n"
        "                keeps the old one and says why\n"
        "  stop          stops the server\n";

int cli_ctl(int argc, char **argv)
{
	struct cli_options o = {0};
	struct buf line = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (o.first >= argc) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	for (int i = o.first; i < argc; i++)
		buf_printf(&line, "%s%s", i > o.first ? " " : "", argv[i]);
	status = cli_talk(o.conf, line.text);
	if (status == CLI_NO_SERVER) {
		fprintf(stderr, "dnsd: no server runs with %s: %s\n", o.conf,
		        strerror(errno));
		status = 1;
	}
	buf_fini(&line);
	return status;
}
