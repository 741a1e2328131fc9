/* builtin.S - includes the built-in model, aligned as GGUF asks. AEON_BUILTIN_FILE is its path. */
#if defined(__APPLE__)
#define NAME(x) _##x
    .const
#else
#define NAME(x) x
    .section .rodata
    .hidden ae_builtin_data
    .hidden ae_builtin_end
#endif
    .globl NAME(ae_builtin_data)
    .globl NAME(ae_builtin_end)
    .balign 64
NAME(ae_builtin_data):
    .incbin AEON_BUILTIN_FILE
NAME(ae_builtin_end):
    .byte 0
#if defined(__linux__)
    .section .note.GNU-stack, "", %progbits
#endif
