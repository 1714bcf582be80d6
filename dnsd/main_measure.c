/* dnsd-measure - `dnsd measure` alone, for nodes where dnsd is not installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	static char name[] = "dnsd-measure";
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("%s " DNSD_VERSION "\n", name);
		return 0;
	}
	/* OpenSSL's configuration may name modules to load, which are for another
	 * version, and a static program cannot load any. */
	setenv("OPENSSL_CONF", "/dev/null", 1);
	argv[0] = name;
	return cli_measure(argc, argv);
}
