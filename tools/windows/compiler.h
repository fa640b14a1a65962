/* What a shader compiler is to main.c, which walks the files; fxc.c and dxc.c each make a program of it. */
#ifndef COMPILER_H
#define COMPILER_H

#include <windows.h>

struct result {
    /* Whether there is code that wgpu would take. */
    BOOL right;
    /* Bytes of code. */
    SIZE_T size;
    /* What the compiler said, or an empty string; lives until the next call. */
    const char *said;
};

/* Loads the compiler's library; false, with a line printed, where that fails. */
BOOL open_compiler(void);

/* Compiles the entry point "main" as wgpu's DX12 backend has it done, without debug information. */
struct result compile(const char *target, BOOL half, const char *text, SIZE_T size);

#endif
