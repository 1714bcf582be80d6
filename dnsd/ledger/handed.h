/* handed.h - the ledger as sections (base/sections.h), for the process that takes
 * over: where client nets were sent, their demand, budgets, places, and what was
 * reserved that no load shows yet.
 *
 *	while threads answer      sent_changes_begin(), then handed_tables(): large
 *	when they have stopped    handed_rest(): small, so that it takes no time
 *
 * Hashes and numbers of nodes mean the same in both processes: they have the same
 * secret and the same order of nodes.
 */
#ifndef LEDGER_HANDED_H
#define LEDGER_HANDED_H

#include "base/sections.h"
#include "ledger/accounts.h"
#include "ledger/sent.h"

/* From here on writes are noted. Afterwards the caller waits until every thread has
 * ended the batch that it is in. The control thread. */
void sent_changes_begin(struct sent_table *table);
void sent_changes_end(
	struct sent_table *table); /* no thread answers, or never mind */

/* The table as it is while threads write it: entries that are torn are among the
 * changes. */
void handed_sent(const struct sent_table *table, struct buf *out);

/* What has changed since. No thread answers. */
void handed_sent_changes(const struct sent_table *table, struct buf *out);

/* Both of these. The table is of the same secret; false: it is of another size, and is
 * as it was. No thread answers. */
bool handed_take_sent(struct sent_table *table, struct sections *in);

/* The tables of a thread's accounts, while it writes them: what is torn, or written
 * later, is an estimate that is a little older. */
void handed_accounts(
	const struct accounts *accounts, unsigned thread, struct buf *out);

/* Of a thread that has stopped: of the first n nodes what was reserved since the last
 * merge, which took `read` of each sum (by node, NULL: nothing), and the events that
 * control has not seen. */
struct handed_read {
	uint32_t viewers, rate[RESERVATION_CLASSES], answers, line2, only;
};
void handed_accounts_rest(const struct accounts *accounts, unsigned thread,
	const struct handed_read *read, unsigned n, struct buf *out);

/* Each of these. The thread does not run. */
void handed_take_accounts(
	struct accounts *accounts, unsigned thread, struct sections *in);
void handed_take_accounts_rest(
	struct accounts *accounts, unsigned thread, struct sections *in);

#endif
