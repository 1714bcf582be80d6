#include "http/texts.h"

#include "base/arena.h"
#include "http/nodes.h"
#include "http/status.h"

static char *dump(json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	json_decref(json);
	return text ? text : mem_strdup("null");
}

char *texts_status(const struct snapshot *snap)
{
	return dump(status_json(snap, true));
}

char *texts_nodes(const struct snapshot *snap)
{
	return dump(nodes_json(snap, NULL));
}
