#include "srs/mover.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/rng.h"
#include "base/thread.h"
#include "srs/clients.h"
#include "srs/request.h"

#define LIST_MOST 1000 /* clients of a list; more come with the next one */
#define LIST_BODY_MAX ((size_t)4 << 20)
#define LIST_AGAIN_MS 1000 /* the least time between two lists */
#define AT_ONCE 16         /* connections to a node */
#define TIMEOUT_MS 5000L
#define WORD_MS 1000
#define TURN_MS 20
#define FAILED_MS 1000 /* nothing is asked so long after a failure */

struct job;

/* One request to a node. */
struct errand {
	struct job *job;
	CURL *curl; /* NULL: free */
	bool lists;
	uint64_t id; /* hash of the one that it closes */
	struct buf body;
};

struct job {
	struct job *next;
	struct mover *mover;
	uint32_t node;
	char *api, *api_token;
	double per_s;
	bool publishers;
	struct client_ids ids; /* of the last list, not closed yet */
	unsigned at;           /* so many of them were */
	uint64_t *closed; /* hashes of ids: SRS lists them for a moment more */
	unsigned n_closed, room_closed;
	double may; /* close so many now */
	int64_t may_ms, listed_ms, failed_ms, word_ms;
	unsigned busy; /* errands under way */
	bool ended, gone;
	struct mover_word word;
	struct errand errands[AT_ONCE];
};

struct mover {
	struct mailbox *inbox, *outbox;
	void (*word)(void *arg, const struct mover_word *word);
	void *arg;
	pthread_t thread;
	CURLM *multi;
	const char *authorities; /* as request.h has it */
	struct job *jobs;
	bool stop;
};

/* -- words -- */

struct told {
	struct mover *mover;
	struct mover_word word;
};

static void run_word(void *arg)
{
	struct told *told = arg;
	told->mover->word(told->mover->arg, &told->word);
	free(told);
}

static void say(struct job *j, int64_t now_ms)
{
	struct told *told = mem_alloc(sizeof *told);
	*told = (struct told){j->mover, j->word};
	j->word_ms = now_ms;
	mailbox_post_owned(j->mover->outbox, run_word, free, told);
}

/* -- requests -- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct errand *e = arg;
	if (e->body.len + n > LIST_BODY_MAX)
		return 0;
	buf_add(&e->body, bytes, n);
	return n;
}

static void set_options(struct errand *e, const char *url)
{
	const struct job *j = e->job;
	CURL *curl = e->curl;
	curl_easy_setopt(curl, CURLOPT_PRIVATE, e);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (*j->api_token) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, j->api_token);
	}
	request_options(curl, TIMEOUT_MS, j->mover->authorities);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, e);
	if (!e->lists)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
}

static struct errand *errand_free(struct job *j)
{
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (!j->errands[i].curl)
			return &j->errands[i];
	return NULL;
}

/* id NULL: the list. */
static void errand_begin(struct errand *e, struct job *j, const char *id)
{
	char url[1200];
	if (id)
		snprintf(url, sizeof url, "%.1000s/api/v1/clients/%s", j->api,
			id);
	else
		snprintf(url, sizeof url,
			"%.1000s/api/v1/clients/?start=0&count=%d", j->api,
			LIST_MOST);
	e->job = j;
	e->lists = !id;
	e->body.len = 0;
	e->curl = curl_easy_init();
	if (!e->curl)
		abort(); /* no memory */
	set_options(e, url);
	curl_multi_add_handle(j->mover->multi, e->curl);
	j->busy++;
}

static void errand_end(struct errand *e)
{
	struct job *j = e->job;
	curl_multi_remove_handle(j->mover->multi, e->curl);
	curl_easy_cleanup(e->curl);
	e->curl = NULL;
	j->busy--;
}

/* -- what comes of it -- */

static int by_hash(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static uint64_t id_hash(const char *id)
{
	return hash_bytes(id, strlen(id), 0);
}

static void failed(struct job *j, const char *why)
{
	snprintf(j->word.why, sizeof j->word.why, "%s", why);
	j->word.failures++;
	j->failed_ms = clock_ms();
}

/* It is to be closed again. */
static void not_closed(struct job *j, uint64_t id)
{
	for (unsigned i = j->n_closed; i-- > 0;)
		if (j->closed[i] == id) {
			j->closed[i] = j->closed[--j->n_closed];
			return;
		}
}

/* Of a list what is not closed already. If that is nothing, all is done. */
static void take_list(struct errand *e)
{
	struct job *j = e->job;
	struct err err = {0};
	unsigned n = 0, others;

	client_ids_free(&j->ids);
	j->at = 0;
	if (!client_ids_parse(e->body.text ? e->body.text : "", e->body.len,
		    &j->ids, &err)) {
		failed(j, err_text(&err));
		err_fini(&err);
		return;
	}
	if (j->n_closed)
		qsort(j->closed, j->n_closed, sizeof *j->closed, by_hash);
	others = j->ids.n - j->ids.publishers;
	for (unsigned i = 0; i < j->ids.n; i++) {
		uint64_t hash = id_hash(j->ids.id[i].text);
		bool wanted =
			!j->ids.id[i].publishes || (j->publishers && !others);
		if (wanted &&
			!(j->n_closed &&
				bsearch(&hash, j->closed, j->n_closed,
					sizeof hash, by_hash)))
			j->ids.id[n++] = j->ids.id[i];
	}
	j->ended = !n && !(j->publishers ? j->ids.n : others);
	j->ids.n = n;
	j->word.failures = 0;
	j->word.why[0] = '\0';
}

/* Also if SRS does not know it any more: it has gone by itself. */
static void take_closed(struct errand *e)
{
	struct job *j = e->job;
	struct err err = {0};
	if (client_closed_parse(
		    e->body.text ? e->body.text : "", e->body.len, &err)) {
		j->word.moved++;
		j->word.failures = 0;
		j->word.why[0] = '\0';
	} else {
		failed(j, err_text(&err));
	}
	err_fini(&err);
}

static void on_ended(struct errand *e, CURLcode code)
{
	struct job *j = e->job;
	uint64_t moved = j->word.moved;
	long status = 0;
	char why[64];
	curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK)
		failed(j,
			code == CURLE_OPERATION_TIMEDOUT
				? "no answer in time"
				: curl_easy_strerror(code));
	else if (status != 200) {
		snprintf(why, sizeof why, "HTTP status %ld", status);
		failed(j, why);
	} else if (e->lists)
		take_list(e);
	else
		take_closed(e);
	if (!e->lists && j->word.moved == moved)
		not_closed(j, e->id);
	errand_end(e);
}

/* -- a turn -- */

static void close_next(struct job *j, struct errand *e)
{
	const char *id = j->ids.id[j->at++].text;
	if (j->n_closed == j->room_closed) {
		j->room_closed = 2 * j->room_closed + 64;
		j->closed =
			mem_grow(j->closed, j->room_closed * sizeof *j->closed);
	}
	j->closed[j->n_closed++] = e->id = id_hash(id);
	j->may -= 1;
	errand_begin(e, j, id);
}

static void job_turn(struct job *j, int64_t now_ms)
{
	struct errand *e;
	j->may += (double)(now_ms - j->may_ms) * j->per_s / 1000;
	j->may = j->may < j->per_s ? j->may : j->per_s;
	j->may_ms = now_ms;
	bool may_ask = !j->gone && !j->ended && j->per_s > 0 &&
		now_ms - j->failed_ms >= FAILED_MS;
	while (may_ask && j->at < j->ids.n && j->may >= 1 &&
		(e = errand_free(j)))
		close_next(j, e);
	if (may_ask && j->at >= j->ids.n && !j->busy &&
		now_ms - j->listed_ms >= LIST_AGAIN_MS) {
		j->listed_ms = now_ms;
		errand_begin(&j->errands[0], j, NULL);
	}
	if (j->ended && !j->word.ended && !j->busy) {
		j->word.ended = true;
		say(j, now_ms);
	} else if (now_ms - j->word_ms >= WORD_MS) {
		say(j, now_ms);
	}
}

static void job_free(struct job *j)
{
	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (j->errands[i].curl)
			errand_end(&j->errands[i]);
		buf_fini(&j->errands[i].body);
	}
	client_ids_free(&j->ids);
	free(j->closed);
	free(j->api);
	free(j->api_token);
	free(j);
}

static void jobs_turn(struct mover *m)
{
	int64_t now_ms = clock_ms();
	for (struct job **p = &m->jobs, *j; (j = *p);) {
		job_turn(j, now_ms);
		if (!j->gone || j->busy) {
			p = &j->next;
			continue;
		}
		*p = j->next;
		job_free(j);
	}
}

static void *mover_run(void *arg)
{
	struct mover *m = arg;
	while (!m->stop) {
		struct curl_waitfd inbox = {
			.fd = mailbox_fd(m->inbox), .events = CURL_WAIT_POLLIN};
		int running, left;
		CURLMsg *msg;
		curl_multi_poll(
			m->multi, &inbox, 1, m->jobs ? TURN_MS : 60000, NULL);
		mailbox_run(m->inbox);
		curl_multi_perform(m->multi, &running);
		while ((msg = curl_multi_info_read(m->multi, &left))) {
			void *errand = NULL;
			CURLcode code = msg->data.result;
			curl_easy_getinfo(
				msg->easy_handle, CURLINFO_PRIVATE, &errand);
			on_ended(errand, code);
		}
		jobs_turn(m);
	}
	return NULL;
}

/* -- the control thread's -- */

struct order {
	struct mover *mover;
	struct mover_target target; /* its strings are the order's */
	bool drop;
};

static void order_free(void *arg)
{
	struct order *o = arg;
	free((char *)(uintptr_t)o->target.api);
	free((char *)(uintptr_t)o->target.api_token);
	free(o);
}

static struct job *job_find(const struct mover *m, uint32_t node)
{
	struct job *j = m->jobs;
	while (j && (j->node != node || j->gone))
		j = j->next;
	return j;
}

static struct job *job_new(struct mover *m, const struct mover_target *t)
{
	struct job *j = mem_zero(1, sizeof *j);
	j->mover = m;
	j->node = j->word.node = t->node;
	j->api = mem_strdup(t->api);
	j->api_token = mem_strdup(t->api_token);
	j->may_ms = clock_ms();
	j->next = m->jobs;
	return m->jobs = j;
}

static void run_order(void *arg)
{
	struct order *o = arg;
	struct job *j = job_find(o->mover, o->target.node);
	if (o->drop) {
		if (j)
			j->gone = true;
	} else {
		if (!j)
			j = job_new(o->mover, &o->target);
		j->per_s = o->target.per_s;
		j->publishers = o->target.publishers;
	}
	order_free(o);
}

static void order(struct mover *m, const struct mover_target *t, bool drop)
{
	struct order *o = mem_zero(1, sizeof *o);
	o->mover = m;
	o->target = *t;
	o->target.api = mem_strdup(t->api ? t->api : "");
	o->target.api_token = mem_strdup(t->api_token ? t->api_token : "");
	o->drop = drop;
	mailbox_post_owned(m->inbox, run_order, order_free, o);
}

void mover_set(struct mover *m, const struct mover_target *target)
{
	order(m, target, false);
}

void mover_drop(struct mover *m, uint32_t node)
{
	struct mover_target none = {.node = node};
	order(m, &none, true);
}

struct mover *mover_new(struct mailbox *mailbox,
	void (*word)(void *arg, const struct mover_word *word), void *arg)
{
	struct mover *m = mem_zero(1, sizeof *m);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	m->inbox = mailbox_new();
	m->outbox = mailbox;
	m->word = word;
	m->arg = arg;
	m->authorities = request_authorities();
	m->multi = curl_multi_init();
	if (!m->multi)
		abort();
	m->thread = thread_start("dnsd-mover", mover_run, m);
	return m;
}

static void run_stop(void *arg)
{
	((struct mover *)arg)->stop = true;
}

void mover_free(struct mover *m)
{
	if (!m)
		return;
	mailbox_post(m->inbox, run_stop, m);
	pthread_join(m->thread, NULL);
	while (m->jobs) {
		struct job *j = m->jobs;
		m->jobs = j->next;
		job_free(j);
	}
	curl_multi_cleanup(m->multi);
	mailbox_free(m->inbox);
	curl_global_cleanup();
	free(m);
}
