/* access.h - which caller may ask what: trusted addresses, the token, requests that another
 * site's page made a browser send, nodes that report, rates. Private to http/, on its
 * thread.
 */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include <stdbool.h>

#include "base/addr.h"
#include "conf/conf.h"

struct access_rules;
struct request;

/* Copies of what the configuration says. */
struct access_rules *access_rules_new(const struct conf *conf);
void access_rules_free(struct access_rules *rules); /* NULL allowed */

/* Whether a peer is a proxy in front of the public listener. */
bool access_is_proxy(const struct access_rules *rules, const struct addr *peer);

/* Finds the caller (r->peer, trusted, has_token). False: it may not, and an error
 * was answered. */
bool access_check(struct request *r);

/* Whether the caller may change things; false: an error was answered. */
bool access_may_change(struct request *r);

/* Whether the public listener answers as HTTPDNS services do. */
bool access_has_httpdns(const struct request *r);

/* Whether a heartbeat has the token that is asked of them, if one is; false: an error
 * was answered. */
bool access_has_heartbeat_token(struct request *r);

/* Whether the caller is a node, which may report. */
bool access_from_node(const struct request *r);

/* Whether the caller may report of this node: the node itself may, and callers in
 * `heartbeat_from`. */
bool access_may_report(const struct request *r, unsigned node);

/* Whether the caller may report paths to this node: the node itself, and callers with the
 * measure_token. */
bool access_may_measure(const struct request *r, unsigned node);

#endif
