/* fxc.exe and dxc.exe: TARGET [--half] FOLDER
 *
 * Compiles every .hlsl file of a folder for a shader model (cs_5_1, cs_6_2), with 16-bit types where --half is given. Prints
 * a line for each that is refused, and what all took; exit code 1 if any was refused, 3 if nothing could be compiled. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"

/* The file's text, its length in *size; null where it cannot be read. */
static char *read_file(const char *path, SIZE_T *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text && fread(text, 1, (size_t)length, file) != (size_t)length) {
        free(text);
        text = NULL;
    }
    fclose(file);
    *size = (SIZE_T)length;
    return text;
}

static double seconds(void) {
    LARGE_INTEGER ticks, rate;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&rate);
    return (double)ticks.QuadPart / (double)rate.QuadPart;
}

int main(int count, char **arguments) {
    BOOL half = count == 4 && strcmp(arguments[2], "--half") == 0;
    if (count != 3 + half) {
        printf("usage: TARGET [--half] FOLDER\n");
        return 2;
    }
    if (!open_compiler()) return 3;
    const char *target = arguments[1], *folder = arguments[2 + half];
    char path[MAX_PATH], slowest[MAX_PATH] = "";
    int files = 0, refused = 0;
    double all = 0, longest = 0;
    WIN32_FIND_DATAA found;
    snprintf(path, sizeof path, "%s\\*.hlsl", folder);
    HANDLE search = FindFirstFileA(path, &found);
    for (BOOL more = search != INVALID_HANDLE_VALUE; more; more = FindNextFileA(search, &found), files++) {
        SIZE_T size;
        snprintf(path, sizeof path, "%s\\%s", folder, found.cFileName);
        char *text = read_file(path, &size);
        double start = seconds();
        struct result result = {FALSE, 0, "cannot be read"};
        if (text) result = compile(target, half, text, size);
        double took = seconds() - start;
        free(text);
        all += took;
        if (took > longest) {
            longest = took;
            strcpy(slowest, found.cFileName);
        }
        if (!result.right) {
            refused++;
            printf("%s for %s: %s\n", found.cFileName, target, result.said);
            fflush(stdout);
        }
    }
    printf("%s%s: %d of %d compile, %.1f s; longest %.1f s, %s\n", target, half ? " with 16-bit types" : "", files - refused,
           files, all, longest, slowest);
    if (files == 0) return 3;
    return refused ? 1 : 0;
}
