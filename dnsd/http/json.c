#include "http/json.h"

#include <math.h>

#include "base/addr.h"

json_t *json_of_text(const char *text)
{
	return *text ? json_string(text) : json_null();
}

json_t *json_of_place(const struct map_node *node)
{
	return node->placed
		? json_pack("[f, f]", round((double)node->lat * 1e4) / 1e4,
			  round((double)node->lon * 1e4) / 1e4)
		: json_null();
}

json_t *json_of_addresses(const struct map_node *node)
{
	char text[ADDR_TEXT_MAX];
	json_t *list = json_array();
	for (unsigned i = 0; i < (unsigned)node->n4 + node->n6; i++)
		json_array_append_new(
			list, json_string(addr_text(&node->address[i], text)));
	return list;
}
