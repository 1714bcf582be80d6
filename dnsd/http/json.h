/* json.h - parts of JSON answers that several handlers share. The caller owns what it
 * gets. Private to http/.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <jansson.h>

#include "state/map.h"

json_t *json_of_text(const char *text);             /* "": null */
json_t *json_of_place(const struct map_node *node); /* null: not known */
json_t *json_of_addresses(const struct map_node *node);

#endif
