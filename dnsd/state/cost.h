/* cost.h - what sending a viewer to a node costs, in milliseconds.
 *
 *	cost = path + carrier + bias + penalty + price(utilisation)
 *
 * The price is nothing below the knee, convex above it, and a wall at full:
 * steep, but never infinite, so that in a full fleet the least bad node wins.
 */
#ifndef STATE_COST_H
#define STATE_COST_H

#define COST_FULL 0.95f      /* share of the capacity that counts as full */
#define COST_KNEE 0.85f      /* of full: the price begins */
#define COST_SCALE_MS 0.4f   /* of the convex part */
#define COST_WALL 0.99f      /* of full: the wall begins */
#define COST_WALL_MS 3000.0f /* per utilisation above the wall */

/* Softness of the choice: costs that differ by so much are nearly equal. */
#define COST_TEMPERATURE_MS 0.5f
#define COST_SAFETY 1.25f /* on what is reserved but not yet seen */

/* used: utilisation with the viewer to come, 1 = configured capacity. Without a branch:
 * it is asked of many nodes at once. */
static inline float cost_price_ms(float used)
{
	float u = used * (1 / COST_FULL);
	float convex = u < COST_WALL ? u : COST_WALL;
	float ms = COST_SCALE_MS * (1 / (1 - convex) - 1 / (1 - COST_KNEE));
	float beyond = u > COST_WALL ? u - COST_WALL : 0;
	return (ms > 0 ? ms : 0) + beyond * COST_WALL_MS;
}

#endif
