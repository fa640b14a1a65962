/* IDxcCompiler3 of dxcompiler.dll. mingw has no header of it: methods are called by their place in the table. */
#include <stdio.h>

#include "compiler.h"

typedef struct object {
    void **methods;
} object;

typedef struct {
    const void *text;
    SIZE_T size;
    UINT code_page;
} buffer;

typedef HRESULT(WINAPI *create_instance)(const GUID *type, const GUID *id, object **made);
typedef HRESULT(WINAPI *compile_method)(object *self, const buffer *source, const WCHAR **arguments, UINT count,
                                        void *includes, const GUID *id, object **made);
typedef HRESULT(WINAPI *get_output)(object *self, UINT kind, const GUID *id, object **made, object **name);
typedef HRESULT(WINAPI *get_status)(object *self, HRESULT *status);
typedef void *(WINAPI *get_pointer)(object *self);
typedef SIZE_T(WINAPI *get_size)(object *self);
typedef ULONG(WINAPI *release_method)(object *self);

/* Places in the tables of IUnknown, IDxcCompiler3, IDxcResult (after IDxcOperationResult) and IDxcBlob. */
enum { RELEASE = 2, COMPILE = 3, GET_STATUS = 3, GET_OUTPUT = 7, GET_POINTER = 3, GET_SIZE = 4 };
/* DXC_OUT_KIND. */
enum { CODE = 1, ERRORS = 2 };

static const GUID COMPILER = {0x73e22d93, 0xe6ce, 0x47f3, {0xb5, 0xbf, 0xf0, 0x66, 0x4f, 0x39, 0xc1, 0xb0}};
static const GUID IDXC_COMPILER3 = {0x228b4687, 0x5a6a, 0x4730, {0x90, 0x0c, 0x97, 0x02, 0xb2, 0x20, 0x3f, 0x54}};
static const GUID IDXC_RESULT = {0x58346cda, 0xdde7, 0x4497, {0x94, 0x61, 0x6f, 0x87, 0xaf, 0x5e, 0x06, 0x59}};
static const GUID IDXC_BLOB = {0x8ba5fb08, 0x5195, 0x40e2, {0xac, 0x58, 0x0d, 0x98, 0x9c, 0x3a, 0x01, 0x02}};

static object *compiler, *answer, *code, *errors;

BOOL open_compiler(void) {
    HMODULE library = LoadLibraryA("dxcompiler.dll");
    create_instance create = library ? (create_instance)(void *)GetProcAddress(library, "DxcCreateInstance") : NULL;
    if (!create || FAILED(create(&COMPILER, &IDXC_COMPILER3, &compiler))) {
        printf("no IDxcCompiler3 in dxcompiler.dll: error %lu\n", GetLastError());
        return FALSE;
    }
    return TRUE;
}

static void release(object **held) {
    if (*held) ((release_method)(*held)->methods[RELEASE])(*held);
    *held = NULL;
}

static SIZE_T size_of(object *blob) {
    return blob ? ((get_size)blob->methods[GET_SIZE])(blob) : 0;
}

struct result compile(const char *target, BOOL half, const char *text, SIZE_T size) {
    release(&code);
    release(&errors);
    release(&answer);
    WCHAR wide[16];
    MultiByteToWideChar(CP_UTF8, 0, target, -1, wide, 16);
    const WCHAR *arguments[] = {L"-E",           L"main", L"-T", wide, L"-HV", L"2018", L"-no-warnings", L"-Ges",
                                L"-enable-16bit-types"};
    buffer source = {text, size, CP_UTF8};
    HRESULT status = ((compile_method)compiler->methods[COMPILE])(compiler, &source, arguments, half ? 9 : 8, NULL,
                                                                  &IDXC_RESULT, &answer);
    struct result result = {FALSE, 0, "no result"};
    if (FAILED(status) || !answer) return result;
    get_output output = (get_output)answer->methods[GET_OUTPUT];
    ((get_status)answer->methods[GET_STATUS])(answer, &status);
    output(answer, ERRORS, &IDXC_BLOB, &errors, NULL);
    output(answer, CODE, &IDXC_BLOB, &code, NULL);
    result.size = size_of(code);
    /* wgpu takes any message for a refusal. A blob of text ends with a zero, which counts. */
    result.said = size_of(errors) > 1 ? ((get_pointer)errors->methods[GET_POINTER])(errors) : "";
    result.right = SUCCEEDED(status) && result.size > 0 && !*result.said;
    return result;
}
