/* hear.h - what is logged while a test listens.
 *
 *     hear();
 *     ...
 *     assert_true(heard("no answer"));
 */
#ifndef TESTS_HEAR_H
#define TESTS_HEAR_H

#include "unit/dns.h"

#include <unistd.h>

static struct {
	FILE *log; /* NULL: messages are not caught */
	int stderr_fd;
} hearing;

static UNUSED void hear(void)
{
	hearing.log = tmpfile();
	assert_non_null(hearing.log);
	hearing.stderr_fd = dup(2);
	dup2(fileno(hearing.log), 2);
}

/* Ends that, if it has begun. All that was logged; stays until the next call. */
static UNUSED const char *heard_all(void)
{
	static char said[4096];

	said[0] = '\0';
	if (!hearing.log)
		return said;
	dup2(hearing.stderr_fd, 2);
	close(hearing.stderr_fd);
	rewind(hearing.log);
	size_t n = fread(said, 1, sizeof said - 1, hearing.log);
	said[n] = '\0';
	fclose(hearing.log);
	hearing.log = NULL;
	fputs(said, stderr);
	return said;
}

/* The same. Whether a text was in it. */
static UNUSED bool heard(const char *text)
{
	return strstr(heard_all(), text);
}

#endif
