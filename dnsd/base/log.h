/* log.h - one line an event on stderr: "LEVEL: module: text", or as JSON.
 *
 * Threads may log at any time; a line is one write(2). Under systemd (or with
 * JOURNAL_STREAM set) lines carry the <N> priority prefix of sd-daemon(3).
 * Control characters in a line are escaped, so that a name from the network
 * cannot forge a second line. Never log a password, token or secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

/* Lines above this level are not written. Default: info. Before threads. */
void log_set_level(enum log_level level);

/* Lines are JSON objects (log_json.h) from now on, or texts, as from the start. Any
 * thread. */
void log_set_json(bool json);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes every line of text (e.g. of a struct err) at a level. */
void log_lines(enum log_level level, const char *what, const char *text);

/* A limit for one kind of line: at most `burst` in any second. What was held
 * back is counted in the next line that passes. Owned by one thread. */
struct log_limit {
	int64_t second;
	unsigned in_second, held;
};

/* True if a line may be written now; then *held says how many were not. */
bool log_allowed(struct log_limit *limit, int64_t now_ms, unsigned burst,
	unsigned *held);

/* The state of an action that is repeated and may fail. Its failure is logged once,
 * again when the reason changes, and when it is over. Owned by one thread; starts
 * as {0}.
 *
 * An action that alternately fails and succeeds does not fill the log: the failure
 * is over after LOG_QUIET_MS without one, and a new reason is logged at the earliest
 * LOG_QUIET_MS after the last line. */
#define LOG_QUIET_MS 60000

struct log_fault {
	bool on;
	uint32_t why; /* hash of the reason that was logged */
	int64_t told_ms, failed_ms;
	uint64_t times; /* it failed, since it began */
};

/* It failed. True: to be logged now. */
bool log_failed(struct log_fault *fault, const char *why, int64_t now_ms);

/* It did not fail. True: an earlier failure is over; to be logged now. */
bool log_mended(struct log_fault *fault, int64_t now_ms);

#endif
