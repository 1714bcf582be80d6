/* cities.h - a world of three cities for tests of decisions: five nodes, a name for each
 * policy, one with several addresses and one with streams. */
#ifndef TESTS_CITIES_H
#define TESTS_CITIES_H

#include "world.h"

/* Three cities, each two sites; hk1 and hk2 share a site. */
static const char cities[] =
	"nodes:\n"
	"  hk1: {address: [192.0.2.1], at: [22.3, 114.2], site: hk, provider: p1}\n"
	"  hk2: {address: [192.0.2.2], at: [22.3, 114.2], site: hk, provider: p2}\n"
	"  hk3: {address: [192.0.2.3], at: [22.3, 114.3], site: hkb, provider: p1}\n"
	"  jp1: {address: [192.0.2.4], at: [35.7, 139.7], site: tyo, provider: p3}\n"
	"  uk1: {address: [192.0.2.5], at: [51.5, -0.1], site: lon, provider: p4}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], lines: 3, ttl: [5, 30]}\n"
	"  geo.example.com: {pool: [edge], policy: geo}\n"
	"  order.example.com: {pool: [uk1, jp1, hk1], policy: failover, lines: 3}\n"
	"  push.example.com: {pool: [edge], policy: stable, ttl: 60}\n"
	"  two.example.com: {pool: [edge], answers: 2}\n"
	"  s.example.com: {pool: [edge], streams: true, lines: 2}\n";

static inline int open_cities(void **state)
{
	static struct world w;
	world_open(&w, cities);
	*state = &w;
	return 0;
}

static inline bool in_hk(const char *name)
{
	return !strncmp(name, "hk", 2);
}

/* A test of that world. */
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_cities, world_teardown)

#endif
