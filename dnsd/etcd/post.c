/* One POST to one endpoint, by libcurl. Every one asks for a leader: a member without
 * one says so at once instead of after etcd's own timeout. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/private.h"

#define URL_MAX 1024

void post_why(struct post *post, const char *fmt, ...)
{
	char text[ETCD_WHY_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(post->why, sizeof post->why, "%.100s: %.140s",
		post->etcd->endpoint[post->endpoint], text);
}

struct buf *post_request(struct post *post)
{
	assert(!post->running);
	buf_fini(&post->request);
	return &post->request;
}

static size_t post_on_answer(char *bytes, size_t size, size_t n, void *arg)
{
	struct post *post = arg;
	buf_add(&post->answer, bytes, n);
	if (post->take && !post->take(post, n))
		return 0; /* makes it CURLE_WRITE_ERROR */
	post->too_long = post->answer.len > post->most;
	return post->too_long ? 0 : n;
}

static void post_set_tls(const struct etcd *e, CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (*e->ca) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, e->ca);
		/* Or the system's authorities would be trusted as well. */
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (*e->cert)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, e->cert);
	if (*e->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, e->key);
}

static void post_set_options(
	struct post *post, const char *url, long timeout_ms)
{
	CURL *curl = post->curl;
	long connect_ms = etcd_connect_ms(post->etcd);

	if (timeout_ms && timeout_ms < connect_ms)
		connect_ms = timeout_ms;
	curl_easy_setopt(curl, CURLOPT_PRIVATE, post);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->request.text);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)post->request.len);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->etcd->headers);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "dnsd");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	/* A name that is looked up longer than that is left to its thread. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, (long)post->once);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, (long)post->once);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->words);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, post_on_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
	post_set_tls(post->etcd, curl);
}

void post_start(struct post *post, const char *path, long timeout_ms)
{
	struct etcd *e = post->etcd;
	char url[URL_MAX];

	assert(!post->running && post->done && post->most);
	if (!post->curl)
		post->curl = curl_easy_init();
	if (!post->curl)
		abort(); /* no memory */
	curl_easy_reset(post->curl);
	post->endpoint = e->current;
	post->error = (struct gateway_error){0};
	post->too_long = false;
	*post->why = *post->words = '\0';
	buf_fini(&post->answer);
	snprintf(url, sizeof url, "%s%s", e->endpoint[post->endpoint], path);
	post_set_options(post, url, timeout_ms);
	if (curl_multi_add_handle(e->multi, post->curl) != CURLM_OK)
		abort();
	post->running = true;
}

void post_stop(struct post *post)
{
	if (post->running)
		curl_multi_remove_handle(post->etcd->multi, post->curl);
	post->running = false;
}

void post_fini(struct post *post)
{
	post_stop(post);
	if (post->curl)
		curl_easy_cleanup(post->curl);
	post->curl = NULL;
	buf_fini(&post->request);
	buf_fini(&post->answer);
}

/* In TLS 1.3 a server refuses a client's certificate after the handshake. Its alert is
 * lost where the connection is reset before the alert is read. */
static bool post_maybe_refused(const struct post *post, CURLcode code)
{
	long connections = 0;

	curl_easy_getinfo(post->curl, CURLINFO_NUM_CONNECTS, &connections);
	return connections && !post->answer.len &&
		strncmp(post->etcd->endpoint[post->endpoint], "https:", 6) ==
		0 &&
		(code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
			code == CURLE_GOT_NOTHING);
}

/* What curl says, for people. */
static const char *post_words(const struct post *post, CURLcode code)
{
	long error = 0;
	if (post_maybe_refused(post, code))
		return "closed after the TLS handshake: does etcd accept the "
		       "certificate of 'cert'?";
	curl_easy_getinfo(post->curl, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT && error)
		return strerror((int)error);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "no answer in time";
	return *post->words ? post->words : curl_easy_strerror(code);
}

static enum post_end post_end_of(struct post *post, CURLcode code)
{
	long status = 0, sent = 0;
	const struct buf *a = &post->answer;
	curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->curl, CURLINFO_REQUEST_SIZE, &sent);
	if (post->too_long) {
		post_why(post, "the answer is too long");
		return POST_TOO_LONG;
	}
	if (code != CURLE_OK) {
		if (!*post->why)
			post_why(post, "%s", post_words(post, code));
		return sent ? POST_FAILED : POST_UNREACHED;
	}
	if (status == 200)
		return POST_OK;
	if (a->len && gateway_error(a->text, a->len, &post->error)) {
		post_why(post, "%s", post->error.text);
		return post->error.no_leader ? POST_UNREACHED : POST_REFUSED;
	}
	post_why(post, "HTTP %ld", status);
	return POST_FAILED;
}

void post_ended(struct etcd *e)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(e->multi, &left));) {
		struct post *post;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &post);
		enum post_end end = post_end_of(post, code);
		post_stop(post);
		if (end == POST_UNREACHED || end == POST_FAILED ||
			(end == POST_REFUSED &&
				post->error.code == GATEWAY_UNAVAILABLE))
			etcd_endpoint_failed(e, post->endpoint);
		post->done(post, end);
	}
}
