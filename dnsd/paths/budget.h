/* budget.h - how many reports of paths are looked at: a node that reports without end, or
 * many players that do, keep the control thread from nothing else, and players none of
 * the nodes from being heard.
 *
 * Pure; one thread.
 */
#ifndef PATHS_BUDGET_H
#define PATHS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "paths/report.h"

/* Networks a second, and at once. A node with viewers of 50,000 networks reports 833 a
 * second if it does so each minute; a report is a microsecond of the control thread. */
#define BUDGET_NODE_PER_S 1000.0f
#define BUDGET_NODE_MOST 50000.0f
#define BUDGET_NODES_PER_S 100000.0f
#define BUDGET_NODES_MOST 100000.0f
#define BUDGET_PLAYERS_PER_S 20000.0f
#define BUDGET_PLAYERS_MOST 20000.0f

struct budget;

struct budget *budget_new(void);
void budget_free(struct budget *budget); /* NULL allowed */

/* Whether one report more is looked at. */
bool budget_take(struct budget *budget, const struct path_report *report,
	int64_t now_ms);

#endif
