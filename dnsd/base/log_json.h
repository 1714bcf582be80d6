/* log_json.h - a line of the log as a JSON object, for programs that collect logs. Pure.
 *
 *	{"time":"2026-11-22T10:58:48.123Z","level":"info","module":"geoip",
 *	 "message":"geoip: kept in /var/lib/dnsd/dnsd.geo"}
 *
 * message is the line as it is without JSON. Beside it, by the form of the line:
 *
 *	"node NAME: ..."                  node: the name
 *	"WORD: ..."                       module: the word
 *	"WORD KEY=VALUE KEY=VALUE ..."    module: the word; fields: each key, a text
 */
#ifndef BASE_LOG_JSON_H
#define BASE_LOG_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Room for every object: what does not fit is cut from the message. */
#define LOG_JSON_MAX 4000

/* Writes one object without newline into line, which has room for LOG_JSON_MAX octets,
 * and returns its length. Octets that are no UTF-8 become U+FFFD. */
size_t log_json(
	char *line, const char *level, int64_t wall_ms, const char *text);

#endif
