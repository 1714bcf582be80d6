/* clock.h - the two clocks. Modules below control take `now` as an argument;
 * only net, srs, http, control and cli read these.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Monotonic, for ages and intervals. Never 0. */
int64_t clock_ms(void);
int64_t clock_ns(void);

/* What the calling thread has used of a processor. */
int64_t clock_cpu_ns(void);

/* Milliseconds and nanoseconds since 1970, for stamps that leave the machine. */
int64_t clock_wall_ms(void);
int64_t clock_wall_ns(void);

#endif
