/* The lines that `dnsd replay` reads: any text, as the command reads it. */
#include <stdint.h>
#include <unistd.h>

#include "replay/world.h"

/* A month of virtual time takes minutes. */
#undef REPLAY_STEP_MAX
#define REPLAY_STEP_MAX 10000

#include "replay/lines.c"
#include "replay/replay.c"
#include "replay/world.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What it says goes nowhere. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (!freopen("/dev/null", "w", stdout))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct replay_options options = {.workers = 2, .stats = true};
	FILE *was = stdin, *errors = stderr;

	if (!size)
		return 0;
	stdin = fmemopen((void *)data, size, "r");
	stderr = stdout;
	replay_run(&options);
	fclose(stdin);
	stdin = was;
	stderr = errors;
	return 0;
}
