/* pace.h - how much of the prompts goes into a step beside sessions that speak.
 *
 * Model:    A step takes what its speakers take alone and so much for each token of a prompt. Both
 *           are learned from the steps themselves. There is room for as many tokens as let a step
 *           take AE_PACE_PATIENCE times what it would without; at least one, so that prompts get
 *           on. Dearer tokens (a prompt that grows, a machine with other work) count at once,
 *           cheaper ones by and by: the room at most doubles from step to step.
 * Threads:  One.
 * Promises: (1) pure arithmetic on what it is told, no clock
 *           (2) of the steps at most one in AE_PACE_MEASURE has no room, while the number of
 *               speakers stays the same
 */
#ifndef AE_ENGINE_PACE_H
#define AE_ENGINE_PACE_H

#include <stddef.h>

#define AE_PACE_PATIENCE 2.0
enum { AE_PACE_MEASURE = 64 }; /* steps; timelines grow, and the time of speakers with them */

/* All zeros: nothing is known. */
typedef struct {
    double speak_s;        /* a step of speakers alone, */
    size_t n_speakers;     /* when there are so many */
    double prompt_token_s; /* what a token of a prompt adds */
    size_t n_since;        /* steps with prompts since speakers were alone */
} ae_pace;

/* Tokens of prompts for the next step beside n_speakers (at least one). 0: the speakers have to go
 * alone, so that their time becomes known. */
size_t ae_pace_room(const ae_pace *p, size_t n_speakers);

/* A step of n_speakers and n_prompt tokens of prompts took so long. */
void ae_pace_learn(ae_pace *p, size_t n_speakers, size_t n_prompt, double took_s);

#endif
