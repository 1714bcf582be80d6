/* cli.h - the subcommands of the program. Each takes its own arguments
 * (argv[0] is its name) and returns the exit status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/buf.h"

#define CLI_DEFAULT_CONF DNSD_SYSCONFDIR "/dnsd/dnsd.yaml"

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_try(int argc, char **argv);
int cli_lines(int argc, char **argv);
int cli_srs(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_ctl(int argc, char **argv);
int cli_init(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_measure(int argc, char **argv);

/* The options of the commands. usage stands behind "usage: dnsd "; help is printed with
 * it for --help. */
struct cli_options {
	const char *allowed; /* the letters of those below that the command has;
				NULL: none */
	bool keys_behind; /* what is behind the first word is not for dnsd itself */
	int words;        /* that must follow the options; 0: any number */
	int first;        /* set: index of the first word that is no option */

	const char *conf;      /* -c FILE, every command has it */
	const char *from;      /* f: --from LAT,LON */
	bool schema;           /* s: --schema */
	bool json;             /* j: --json */
	const char *stream;    /* S: --stream */
	const char *format;    /* F: --format */
	int take_over;         /* t: --take-over FD; negative: none */
	const char *move;      /* m: --move N; NULL: not given */
	bool publishers;       /* p: --publishers */
	const char *algorithm; /* a: --algorithm N */
	bool ds_at_parent;     /* d: --ds-at-parent */
};

/* False: the program ends with *status. */
bool cli_options(struct cli_options *options, int argc, char **argv,
	const char *usage, const char *help, int *status);

/* `ctl drain NODE --move PER_S`: 0 when all are moved, 1 if it stopped before. */
int cli_move(const char *conf_path, const char *node, const char *per_s,
	bool publishers);

/* Sends a line to the server that runs with this configuration and copies what
 * it says to stdout (text of an error to stderr). The exit status, or
 * CLI_NO_SERVER, with errno, if there is no listener. json: it must be JSON. */
#define CLI_NO_SERVER (-1)
int cli_talk(const char *conf_path, const char *line, bool json);

/* The same, but what it says goes to the end of text, whose caller frees it. */
int cli_ask(const char *conf_path, const char *line, struct buf *text);

#endif
