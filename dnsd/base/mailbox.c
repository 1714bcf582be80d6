#include "base/mailbox.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"

struct letter {
	struct letter *next;
	void (*run)(void *arg);
	void (*drop)(void *arg); /* instead, at the end; NULL: nothing */
	void *arg;
};

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first, **last;
	int fd;
};

struct mailbox *mailbox_new(void)
{
	struct mailbox *m = mem_zero(1, sizeof *m);
	pthread_mutex_init(&m->lock, NULL);
	m->last = &m->first;
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0)
		abort();
	return m;
}

static struct letter *take_all(struct mailbox *m)
{
	uint64_t count;
	pthread_mutex_lock(&m->lock);
	struct letter *all = m->first;
	m->first = NULL;
	m->last = &m->first;
	/* Nothing to read is no error: the letters came between two reads. */
	if (read(m->fd, &count, sizeof count) < 0)
		count = 0;
	pthread_mutex_unlock(&m->lock);
	return all;
}

void mailbox_free(struct mailbox *m)
{
	if (!m)
		return;
	for (struct letter *l = take_all(m), *next; l; l = next) {
		next = l->next;
		if (l->drop)
			l->drop(l->arg);
		free(l);
	}
	close(m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int mailbox_fd(const struct mailbox *m)
{
	return m->fd;
}

void mailbox_post(struct mailbox *m, void (*run)(void *arg), void *arg)
{
	mailbox_post_owned(m, run, NULL, arg);
}

void mailbox_post_owned(struct mailbox *m, void (*run)(void *arg),
	void (*drop)(void *arg), void *arg)
{
	assert(run);
	struct letter *l = mem_alloc(sizeof *l);
	uint64_t one = 1;
	*l = (struct letter){.run = run, .drop = drop, .arg = arg};
	pthread_mutex_lock(&m->lock);
	*m->last = l;
	m->last = &l->next;
	if (write(m->fd, &one, sizeof one) < 0)
		abort();
	pthread_mutex_unlock(&m->lock);
}

void mailbox_run(struct mailbox *m)
{
	for (struct letter *l = take_all(m), *next; l; l = next) {
		next = l->next;
		l->run(l->arg);
		free(l);
	}
}

void mailbox_wait(struct mailbox *m)
{
	struct pollfd p = {.fd = m->fd, .events = POLLIN};
	poll(&p, 1, -1);
	mailbox_run(m);
}
