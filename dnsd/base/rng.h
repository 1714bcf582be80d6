/* rng.h - hashes and random numbers.
 *
 * hash_mix() and hash_bytes() spread; they do not resist an attacker who can
 * choose keys, unless seeded by a secret. siphash() does (RFC 9018 asks for
 * SipHash-2-4). struct rng is a small deterministic generator: one per thread,
 * seeded by its owner, so that replay gives the same run again.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* A bijection that spreads every bit (Stafford's mix 13 of SplitMix64). The top
 * 31 bits are good one step earlier. */
static inline uint64_t hash_mix_top(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return (x ^ (x >> 27)) * 0x94d049bb133111ebu;
}

static inline uint64_t hash_mix(uint64_t x)
{
	x = hash_mix_top(x);
	return x ^ (x >> 31);
}

/* A bijection (secret is odd). The result's upper bits cannot be predicted without
 * the secret, though others can compute the hash (multiply-shift hashing). */
static inline uint64_t hash_spread(uint64_t hash, uint64_t secret)
{
	return hash * secret;
}

/* An odd number without a pattern (2^64 by the golden ratio): the upper bits of
 * a product with it depend on all bits below (Fibonacci hashing). */
#define HASH_ODD 0x9e3779b97f4a7c15u

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);

/* SipHash-2-4, 64 bit output, key of 16 bytes. */
uint64_t siphash(const uint8_t key[16], const void *bytes, size_t n);

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	return hash_mix(rng->state += HASH_ODD);
}

/* Uniform in [0, 1). */
static inline double rng_unit(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* A share, 0..1, of all numbers of 64 bits: those up to the bound; 0: none. */
static inline uint64_t share_bound(double share)
{
	if (share >= 1)
		return UINT64_MAX;
	return share > 0 ? (uint64_t)(share * 0x1p64) : 0;
}

/* Fills bytes from the kernel; aborts if it cannot. */
void rng_secret(void *bytes, size_t n);

#endif
