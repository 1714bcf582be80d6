/* check.h - the parts of conf_check(): what no key of the configuration can say alone.
 *
 * Within conf/ only, on the thread that reads the configuration. Each function is false
 * when it has added lines to err, with file and line; warnings are added as such and are
 * no failure.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/schema.h"

/* Adds FILE:LINE: NAME: WHAT. name: NULL: none. Always false. */
bool conf_complain(struct err *err, struct conf_where where, const char *what,
	const char *name);

/* -- check_nodes.c -- */

/* Whether it is http:// or https:// and [USER:PASSWORD@]HOST[:PORT], perhaps with a
 * slash behind it. */
bool conf_url_ok(const char *url, bool may_have_user);

/* Without that slash: the same string, or a copy in the configuration's arena. */
const char *conf_url_bare(struct conf *conf, const char *url);

/* Whether HTTP can carry it; "" is well. */
bool conf_token_ok(const char *token);

/* Sets what follows from its keys, too: endpoints, overcommit. */
bool conf_check_node(
	struct conf *conf, struct conf_node *node, struct err *err);

/* -- check_steer.c -- */

/* Sets the nodes of each name's pool; names whose pools are written alike share them. */
bool conf_check_steers(struct conf *conf, struct err *err);

/* No name is a line, or _why, of another one. */
bool conf_check_lines(const struct conf *conf, struct err *err);

#endif
