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

/* The options that all commands share. usage stands behind "usage: dnsd ";
 * help is printed with it for --help. */
struct cli_options {
	const char *conf; /* -c FILE */
	const char *from; /* --from LAT,LON, only if from_allowed */
	bool keys_behind; /* what is behind the first word is not for dnsd itself */
	bool from_allowed, schema_allowed, schema;
	const char *stream, *format; /* --stream, --format, if lines_allowed */
	bool lines_allowed;
	bool take_over_allowed;
	int take_over;                 /* --take-over FD; negative: none */
	bool json_allowed, json;       /* --json */
	bool move_allowed, publishers; /* --publishers */
	const char *move;              /* --move N; NULL: not given */
	bool keys_allowed, ds_at_parent;
	const char *algorithm; /* --algorithm N, if keys_allowed */
	int words;             /* that must follow the options; 0: any number */
	int first;             /* index of the first word that is no option */
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
