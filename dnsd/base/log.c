#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_json.h"
#include "base/rng.h"

#define TEXT_LINE_MAX 2048

static enum log_level level_max = LOG_LVL_INFO;
static atomic_bool as_json;

static const struct {
	const char *name;
	int priority; /* syslog's */
} levels[] = {{"error", 3}, {"warning", 4}, {"info", 6}, {"debug", 7}};

void log_set_level(enum log_level level)
{
	level_max = level;
}

void log_set_json(bool json)
{
	atomic_store_explicit(&as_json, json, memory_order_relaxed);
}

static size_t text_line(
	char *line, size_t room, const char *level, const char *text)
{
	size_t n = (size_t)snprintf(line, room, "%s: ", level);
	for (; *text && n < room - 6; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(line + n, room - n, "\\x%02x", c);
		else
			line[n++] = (char)c;
	}
	return n;
}

static void write_line(enum log_level level, const char *text)
{
	char line[LOG_JSON_MAX + 16];
	size_t n = 0;

	if (level > level_max)
		return;
	if (getenv("JOURNAL_STREAM"))
		n = (size_t)snprintf(
			line, sizeof line, "<%d>", levels[level].priority);
	if (atomic_load_explicit(&as_json, memory_order_relaxed))
		n += log_json(
			line + n, levels[level].name, clock_wall_ms(), text);
	else
		n += text_line(
			line + n, TEXT_LINE_MAX - n, levels[level].name, text);
	line[n++] = '\n';
	/* A log that cannot be written must not stop the server. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

static void vlog(enum log_level level, const char *fmt, va_list ap)
{
	char text[1900];
	vsnprintf(text, sizeof text, fmt, ap);
	write_line(level, text);
}

#define LOG_FUNCTION(name, level)       \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
		va_start(ap, fmt);      \
		vlog(level, fmt, ap);   \
		va_end(ap);             \
	}

LOG_FUNCTION(log_error, LOG_LVL_ERROR)
LOG_FUNCTION(log_warn, LOG_LVL_WARN)
LOG_FUNCTION(log_info, LOG_LVL_INFO)
LOG_FUNCTION(log_debug, LOG_LVL_DEBUG)

void log_lines(enum log_level level, const char *what, const char *text)
{
	while (text && *text) {
		char line[1900];
		size_t n = strcspn(text, "\n");
		snprintf(line, sizeof line, "%s%.*s", what, (int)n, text);
		write_line(level, line);
		text += n + (text[n] == '\n');
	}
}

bool log_allowed(
	struct log_limit *limit, int64_t now_ms, unsigned burst, unsigned *held)
{
	assert(burst > 0);
	if (limit->second != now_ms / 1000) {
		limit->second = now_ms / 1000;
		limit->in_second = 0;
	}
	if (limit->in_second >= burst) {
		limit->held++;
		return false;
	}
	limit->in_second++;
	*held = limit->held;
	limit->held = 0;
	return true;
}

bool log_failed(struct log_fault *fault, const char *why, int64_t now_ms)
{
	uint32_t hash = (uint32_t)hash_bytes(why, strlen(why), 0);
	bool begins = !fault->on;

	if (begins)
		*fault = (struct log_fault){.on = true};
	fault->times++;
	fault->failed_ms = now_ms;
	if (!begins &&
		(hash == fault->why || now_ms - fault->told_ms < LOG_QUIET_MS))
		return false;
	fault->why = hash;
	fault->told_ms = now_ms;
	return true;
}

bool log_mended(struct log_fault *fault, int64_t now_ms)
{
	if (!fault->on || now_ms - fault->failed_ms < LOG_QUIET_MS)
		return false;
	fault->on = false;
	return true;
}
