/* system.h - what the system says of the machine: processor, cores, memory.
 *
 * Model:    Facts are asked for anew at each call. Within a container the limits of the container
 *           count, not those of the machine around it.
 * Threads:  Any thread.
 * Example:  if (size_bytes > ae_memory_available_bytes()) ...
 */
#ifndef AE_BASE_SYSTEM_H
#define AE_BASE_SYSTEM_H

#include "base/status.h"

/* Physical cores that this process may run on, and no more than its container may use at a time; at
 * least 1. */
int ae_n_cores(void);

/* Bytes of main memory that this process may use at most; 0 if unknown. */
uint64_t ae_memory_bytes(void);

/* Bytes that could be taken now without pushing others out of memory, caches of files not counted
 * as taken; 0 if unknown. */
uint64_t ae_memory_available_bytes(void);

/* The processor as it calls itself ("AMD EPYC"), 0-terminated in out[size]; "" if unknown. */
void ae_processor_name(char *out, size_t size);

/* Extensions of 64-bit Arm, of which only the system can tell; false on other processors. */
typedef enum { AE_ARM_DOTPROD, AE_ARM_I8MM, AE_ARM_BF16, AE_N_ARM_EXTENSIONS } ae_arm_extension;
bool ae_processor_has(ae_arm_extension extension);

#endif
