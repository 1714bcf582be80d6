#include "steer/score.h"

#include <math.h>

float score_draws[1 << SCORE_DRAW_BITS];

__attribute__((constructor)) static void score_fill(void)
{
	for (unsigned i = 0; i < 1 << SCORE_DRAW_BITS; i++)
		score_draws[i] = (float)log(
			-log((i + 0.5) / (double)(1 << SCORE_DRAW_BITS)));
}
