#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "conf/conf.h"

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
	struct err err = {0};
	struct buf line = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (o.first >= argc) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	struct conf *conf = conf_load(o.conf, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		err_fini(&err);
		return 1;
	}
	for (int i = o.first; i < argc; i++)
		buf_printf(&line, "%s%s", i > o.first ? " " : "", argv[i]);
	status = cli_talk(conf->control, line.text);
	if (status < 0) {
		fprintf(stderr, "dnsd: no server answers at %s: %s\n",
		        conf->control, strerror(errno));
		status = 1;
	}
	buf_fini(&line);
	conf_free(conf);
	err_fini(&err);
	return status;
}
