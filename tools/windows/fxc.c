/* D3DCompile of d3dcompiler_47.dll. */
#define COBJMACROS
#include <stdio.h>

#include "compiler.h"
#include <d3dcompiler.h>

static pD3DCompile entry;
static ID3DBlob *code, *message;

BOOL open_compiler(void) {
    HMODULE library = LoadLibraryA("d3dcompiler_47.dll");
    if (library) entry = (pD3DCompile)(void *)GetProcAddress(library, "D3DCompile");
    if (!entry) printf("no D3DCompile in d3dcompiler_47.dll: error %lu\n", GetLastError());
    return entry != NULL;
}

static void release(ID3DBlob **blob) {
    if (*blob) ID3D10Blob_Release(*blob);
    *blob = NULL;
}

struct result compile(const char *target, BOOL half, const char *text, SIZE_T size) {
    (void)half; /* FXC has no 16-bit types. */
    release(&code);
    release(&message);
    HRESULT status = entry(text, size, NULL, NULL, NULL, "main", target, D3DCOMPILE_ENABLE_STRICTNESS, 0, &code, &message);
    struct result result = {SUCCEEDED(status) && code, 0, ""};
    if (code) result.size = ID3D10Blob_GetBufferSize(code);
    if (message) result.said = ID3D10Blob_GetBufferPointer(message);
    return result;
}
