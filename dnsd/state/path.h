/* path.h - the path between two points on the globe, for callers that compute
 * many: points are unit vectors. Pure; any thread. */
#ifndef STATE_PATH_H
#define STATE_PATH_H

#include <math.h>
#include <stdbool.h>

#include "state/map.h"

/* Stands for a path that is not known: further than a neighbour, nearer than
 * another continent. */
#define PATH_UNKNOWN_MS 60.0f
#define PATH_EARTH_KM 6371.0

struct vec {
	float x, y, z;
};

static inline struct vec path_vec(float lat, float lon)
{
	float a = lat * (float)(M_PI / 180), o = lon * (float)(M_PI / 180);
	return (struct vec){cosf(a) * cosf(o), cosf(a) * sinf(o), sinf(a)};
}

static inline float path_chord(struct vec a, struct vec b)
{
	float x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
	return sqrtf(x * x + y * y + z * z);
}

static inline float path_between_ms(struct vec a, struct vec b)
{
	/* From the chord: acos of a dot product is poor for near points. */
	float half = path_chord(a, b) / 2;
	float angle = 2 * asinf(half < 1 ? half : 1);
	return (float)place_path_ms(PATH_EARTH_KM * angle);
}

static inline bool path_crosses_carrier(
	const struct map_node *node, uint32_t asn)
{
	if (!asn || !node->n_asn)
		return false;
	for (unsigned i = 0; i < node->n_asn; i++)
		if (node->asn[i] == asn)
			return false;
	return true;
}

#endif
