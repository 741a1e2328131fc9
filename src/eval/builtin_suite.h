/* builtin_suite.h - the suite that is part of the program: held-out questions of the curriculum. */
#ifndef AE_EVAL_BUILTIN_SUITE_H
#define AE_EVAL_BUILTIN_SUITE_H

extern const char ae_builtin_suite[] __attribute__((visibility("hidden")));
extern const char ae_builtin_suite_end[] __attribute__((visibility("hidden")));

#endif
