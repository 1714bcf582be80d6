#include "snapshot/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct report *report_new(unsigned n_nodes, const char *reload_error)
{
	size_t text = strlen(reload_error) + 1;
	size_t nodes = n_nodes * sizeof(struct report_node);
	struct report *r = mem_zero(1, sizeof *r + nodes + text);
	char *copy = (char *)(r + 1) + nodes;

	r->n_nodes = n_nodes;
	r->nodes = (struct report_node *)(r + 1);
	r->reload_error = memcpy(copy, reload_error, text);
	return r;
}

void report_free(struct report *report)
{
	if (report)
		free(report->secondaries);
	free(report);
}
