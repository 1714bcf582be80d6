#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

static const char usage[] =
	"ctl [-c FILE] [--json] status | nodes |\n"
	"       drain NODE [--move N [--publishers]] | undrain NODE | waiting |\n"
	"       approve NAME --role ROLE --at LAT,LON ... | remove NODE |\n"
	"       registry seed | registry adopt | refresh [ZONE] [--force] | reload |\n"
	"       replace [--if-new] | stop";
static const char help[] =
	"Talks to the running server through its control socket.\n"
	"\n"
	"  status        version, uptime, zones with serials, last reload\n"
	"  nodes         all nodes with state, load and answers\n"
	"  drain NODE    no new viewers for NODE while another lives; kept over\n"
	"                a restart; with etcd on all name servers, else on this one\n"
	"                --move N: also moves the viewers that it has, N a second, and\n"
	"                shows how far it is; --publishers: publishers too, at last\n"
	"  undrain NODE  ends both\n"
	"  waiting       SRS servers that report and are not known\n"
	"  approve NAME  makes a node of one; its keys as the configuration has them:\n"
	"                --role edge --at 22.3,114.2 --address 203.0.113.9\n"
	"                --capacity 2000 --site hk-c ...; without --address the one\n"
	"                that it reports from. Kept over a restart\n"
	"  remove NODE   takes an approved node out again\n"
	"  registry seed   what is in force here becomes what all name servers share\n"
	"  registry adopt  what etcd has is in force here instead\n"
	"  refresh ZONE  asks the primaries of a zone of another name server now; without\n"
	"                ZONE, of all. --force: takes what they have, though its serial is\n"
	"                not newer or much is missing\n"
	"  reload        builds the configuration anew and swaps it in whole, or\n"
	"                keeps the old one and says why\n"
	"  replace       starts the program anew, which takes the sockets and all that\n"
	"                is known from the one that runs; no question is lost. If it\n"
	"                cannot, the one that runs goes on. --if-new: reloads instead if\n"
	"                the program on disk is the one that runs\n"
	"  stop          stops the server\n"
	"\n"
	"  --json        of status and nodes: for programs, as GET /api/v1/status and\n"
	"                GET /api/v1/nodes\n";

/* What is behind these words is theirs. */
static bool has_keys(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "approve") ||
			!strcmp(argv[i], "replace") ||
			!strcmp(argv[i], "refresh"))
			return true;
	return false;
}

static bool has_json(const char *word)
{
	return !strcmp(word, "status") || !strcmp(word, "nodes");
}

static bool is_move(const struct cli_options *o, int argc, char **argv)
{
	return argc == o->first + 2 && !strcmp(argv[o->first], "drain");
}

int cli_ctl(int argc, char **argv)
{
	struct cli_options o = {.allowed = "jmp"};
	struct buf line = {0};
	int status;

	o.keys_behind = has_keys(argc, argv);
	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (o.first >= argc || (o.json && !has_json(argv[o.first])) ||
		((o.move || o.publishers) &&
			(!o.move || !is_move(&o, argc, argv)))) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	if (o.move)
		return cli_move(
			o.conf, argv[o.first + 1], o.move, o.publishers);
	for (int i = o.first; i < argc; i++)
		buf_printf(&line, "%s%s", i > o.first ? "\t" : "", argv[i]);
	if (o.json)
		buf_printf(&line, "\tjson");
	status = cli_talk(o.conf, line.text, o.json);
	if (status == CLI_NO_SERVER) {
		fprintf(stderr, "dnsd: no server runs with %s: %s\n", o.conf,
			strerror(errno));
		status = 1;
	}
	buf_fini(&line);
	return status;
}
