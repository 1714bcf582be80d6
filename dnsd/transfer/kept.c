#include "transfer/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

/* Behind the name of a zone. The process id is added to PARTIAL: while another process
 * takes over, both may write. */
#define NOW ".zone"
#define NEXT ".zone.next"
#define PARTIAL ".zone.partial-"

/* dnsd.db -> dnsd.zones */
static void add_folder(struct buf *path, const char *store)
{
	size_t n = strlen(store);
	if (n > 3 && !strcmp(store + n - 3, ".db"))
		n -= 3;
	buf_printf(path, "%.*s.zones", (int)n, store);
}

/* Labels may hold any character: what could be no file name is written as %2f. */
static void add_name(struct buf *path, const char *zone)
{
	for (const char *p = zone; *p; p++)
		if (*p == '/' || *p == '%' || (*p == '.' && p == zone))
			buf_printf(path, "%%%02x", (unsigned)*p);
		else
			buf_add(path, p, 1);
}

char *kept_path(const char *store, const char *zone, enum kept_which which)
{
	struct buf path = {0};

	add_folder(&path, store);
	buf_add(&path, "/", 1);
	add_name(&path, zone);
	if (which == KEPT_PARTIAL)
		buf_printf(&path, PARTIAL "%ld", (long)getpid());
	else
		buf_printf(&path, "%s", which == KEPT_NEXT ? NEXT : NOW);
	return path.text;
}

/* Files whose names begin so, but for the one that is in service. */
static void remove_rest(const char *folder, const char *begin, const char *now)
{
	struct buf path = {0};
	DIR *dir = opendir(folder);
	size_t n = strlen(begin);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (strncmp(e->d_name, begin, n) || !strcmp(e->d_name, now) ||
			strncmp(e->d_name + n, NOW ".", strlen(NOW ".")))
			continue;
		buf_fini(&path);
		buf_printf(&path, "%s/%s", folder, e->d_name);
		unlink(path.text);
	}
	if (dir)
		closedir(dir);
	buf_fini(&path);
}

bool kept_prepare(const char *store, const char *zone, struct err *err)
{
	struct buf folder = {0}, begin = {0}, now = {0};
	bool ok = true;

	add_folder(&folder, store);
	add_name(&begin, zone);
	add_name(&now, zone);
	buf_printf(&now, NOW);
	if (mkdir(folder.text, 0750) && errno != EEXIST)
		ok = err_add(err, "%s: %s", folder.text, strerror(errno));
	else
		remove_rest(folder.text, begin.text, now.text);
	buf_fini(&folder);
	buf_fini(&begin);
	buf_fini(&now);
	return ok;
}

int64_t kept_current_s(const char *path)
{
	struct stat st;
	return stat(path, &st) ? 0 : st.st_mtim.tv_sec;
}

void kept_touch(const char *path)
{
	/* Read-only file systems and full disks: the time is that of before, and the
	 * zone expires the sooner after a restart. */
	(void)utimensat(AT_FDCWD, path, NULL, 0);
}

/* SERIAL REFRESH RETRY EXPIRE MINIMUM end the record. */
struct kept_times kept_times(const struct zone *zone)
{
	const uint8_t *numbers = zone->soa->body + zone->soa->len - 20;
	struct kept_times t = {
		get32(numbers + 4), get32(numbers + 8), get32(numbers + 12)};
	t.refresh += !t.refresh;
	t.retry += !t.retry;
	t.expire += !t.expire;
	return t;
}

int64_t kept_until_s(const struct zone *zone, int64_t current_s)
{
	return current_s + kept_times(zone).expire;
}
