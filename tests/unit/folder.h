/* folder.h - a folder of a test's own, and the files in it.
 */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <unistd.h>

#define FOLDER_MAX 32
#define FOLDER_FILE_MAX 512

static inline void folder_make(char folder[FOLDER_MAX])
{
	strcpy(folder, "/tmp/dnsd-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

/* Path of a file in it, or deeper. */
static inline const char *folder_file(
	char out[FOLDER_FILE_MAX], const char *folder, const char *name)
{
	assert_true(snprintf(out, FOLDER_FILE_MAX, "%s/%s", folder, name) <
		FOLDER_FILE_MAX);
	return out;
}

static inline void folder_write(
	const char *folder, const char *name, const char *text)
{
	char path[FOLDER_FILE_MAX];
	FILE *f = fopen(folder_file(path, folder, name), "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static inline bool folder_has(const char *folder, const char *name)
{
	char path[FOLDER_FILE_MAX];
	return access(folder_file(path, folder, name), F_OK) == 0;
}

static inline int folder_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

/* All that is in it. */
static inline void folder_clear(const char *folder)
{
	assert_int_equal(
		nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void folder_remove(const char *folder)
{
	folder_clear(folder);
	assert_int_equal(rmdir(folder), 0);
}

#endif
