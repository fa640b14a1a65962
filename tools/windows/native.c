/* A program of Linux under the name of one of Windows: spirv-val.exe, a copy of this, runs the root's spirv-val.
 *
 * Tests start such programs and read what they print. Wine can start them, but gives neither their exit code nor their
 * output: native.sh, which this starts, leaves both in files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void copy(HANDLE from, HANDLE to) {
    char bytes[65536];
    DWORD count, written;
    while (ReadFile(from, bytes, sizeof bytes, &count, NULL) && count > 0) WriteFile(to, bytes, count, &written, NULL);
}

static HANDLE open_file(const char *stem, const char *end, DWORD access, DWORD how) {
    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s.%s", stem, end);
    /* Results are read once. */
    DWORD flags = how == OPEN_EXISTING ? FILE_FLAG_DELETE_ON_CLOSE : 0;
    return CreateFileA(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how, flags, NULL);
}

/* Prints what the program printed. */
static void give(const char *stem, const char *end, DWORD to) {
    HANDLE file = open_file(stem, end, GENERIC_READ | DELETE, OPEN_EXISTING);
    copy(file, GetStdHandle(to));
    CloseHandle(file);
}

/* An argument as Linux has it: a path on drive Z: is one from the root, on drive C: one in Wine's prefix. */
static void write_argument(HANDLE list, const char *argument) {
    DWORD written;
    if (strlen(argument) > 2 && argument[1] == ':' && strchr("ZzCc", argument[0])) {
        const char *drive = strchr("Cc", argument[0]) ? "/prefix/drive_c" : "";
        WriteFile(list, drive, (DWORD)strlen(drive), &written, NULL);
        for (argument += 2; *argument; argument++) WriteFile(list, *argument == '\\' ? "/" : argument, 1, &written, NULL);
    } else {
        WriteFile(list, argument, (DWORD)strlen(argument), &written, NULL);
    }
    WriteFile(list, "\n", 1, &written, NULL);
}

int main(int count, char **arguments) {
    char stem[MAX_PATH], own[MAX_PATH], line[2 * MAX_PATH];
    /* No other call has this number: each is a process, and takes its files with it. */
    snprintf(stem, sizeof stem, "Z:\\tmp\\call-%lu", GetCurrentProcessId());
    GetModuleFileNameA(NULL, own, sizeof own);
    char *name = strrchr(own, '\\') + 1;
    *strrchr(name, '.') = 0;

    HANDLE input = open_file(stem, "in", GENERIC_WRITE, CREATE_ALWAYS);
    if (GetFileType(GetStdHandle(STD_INPUT_HANDLE)) == FILE_TYPE_PIPE) copy(GetStdHandle(STD_INPUT_HANDLE), input);
    CloseHandle(input);
    HANDLE list = open_file(stem, "arguments", GENERIC_WRITE, CREATE_ALWAYS);
    for (int i = 1; i < count; i++) write_argument(list, arguments[i]);
    CloseHandle(list);

    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    const char *script = getenv("MPRNET_NATIVE");
    snprintf(line, sizeof line, "Z:\\bin\\sh %s /tmp/call-%lu %s", script ? script : "", GetCurrentProcessId(), name);
    if (!CreateProcessA("Z:\\bin\\sh", line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process)) {
        fprintf(stderr, "sh cannot be started: error %lu\n", GetLastError());
        return 127;
    }
    HANDLE status;
    while ((status = open_file(stem, "status", GENERIC_READ | DELETE, OPEN_EXISTING)) == INVALID_HANDLE_VALUE) Sleep(2);
    char code[16] = "";
    DWORD length;
    ReadFile(status, code, sizeof code - 1, &length, NULL);
    CloseHandle(status);
    give(stem, "out", STD_OUTPUT_HANDLE);
    give(stem, "err", STD_ERROR_HANDLE);
    return atoi(code);
}
