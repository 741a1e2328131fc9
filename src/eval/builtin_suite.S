/* builtin_suite.S - includes the built-in suite. AEON_SUITE_FILE is its path. */
#if defined(__APPLE__)
#define NAME(x) _##x
    .const
#else
#define NAME(x) x
    .section .rodata
    .hidden ae_builtin_suite
    .hidden ae_builtin_suite_end
#endif
    .globl NAME(ae_builtin_suite)
    .globl NAME(ae_builtin_suite_end)
NAME(ae_builtin_suite):
    .incbin AEON_SUITE_FILE
NAME(ae_builtin_suite_end):
    .byte 0
#if defined(__linux__)
    .section .note.GNU-stack, "", %progbits
#endif
