/* dnsd - DNS steering for live streaming. Subcommands only; see cli/. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
	const char *text;
} commands[] = {
	{"run", cli_run, "serve, in the foreground"},
	{"check", cli_check,
		"check the configuration, print the effective table"},
	{"init", cli_init, "write a first configuration"},
	{"try", cli_try, "explain the decision for a client"},
	{"lines", cli_lines, "the lines of a class, for a website"},
	{"srs", cli_srs, "the configuration of a node's SRS"},
	{"ctl", cli_ctl, "talk to the running server"},
	{"keys", cli_keys, "the keys of signed zones"},
	{"replay", cli_replay, "run the decision core over recorded events"},
	{"measure", cli_measure, "on a node: report the paths of its viewers"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void help(FILE *to)
{
	fprintf(to, "usage: dnsd COMMAND [-c FILE] ...\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", commands[i].word, commands[i].text);
	fprintf(to,
		"\ndnsd COMMAND --help tells more; dnsd(8), dnsd.yaml(5).\n"
		"The default configuration is " CLI_DEFAULT_CONF ".\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("dnsd " DNSD_VERSION "\n");
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].word))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "dnsd: unknown command '%s'\n", argv[1]);
	help(stderr);
	return 2;
}
