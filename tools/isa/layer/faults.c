// Faults: allocations, mappings and submissions are counted over all of a process's devices, and those that ISA_FAIL or
// ISA_FAIL_FILE names fail with the code that it gives, without reaching the driver. The counts are written into calls.tsv.
#define _GNU_SOURCE
#include "layer.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum call { ALLOCATION, MAPPING, SUBMISSION, CALLS };
static const char *const names[CALLS] = {"allocation", "mapping", "submission"};
static uint64_t counts[CALLS];

// What ISA_FAIL asks for: calls of one kind, from `first` (counted from 1) to `last`.
static struct {
    enum call call;
    uint64_t first, last;
    VkResult code;
} fault = {.call = CALLS};

// Loaders unload layers with the last instance, and would have those of the next one count from the beginning.
__attribute__((constructor)) static void stay(void) {
    Dl_info own;
    if (dladdr((void *)counts, &own)) dlopen(own.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

// kind:first-last:code, as in submission:2-2:-4.
static void arm(const char *asked) {
    char name[16];
    unsigned long long first, last;
    int code;
    fault.call = CALLS;
    if (sscanf(asked, "%15[a-z]:%llu-%llu:%d", name, &first, &last, &code) == 4)
        for (enum call call = ALLOCATION; call < CALLS; call++)
            if (!strcmp(name, names[call])) fault.call = call;
    if (fault.call == CALLS) {
        fprintf(stderr, "isa layer: a fault is not of the form (allocation|mapping|submission):first-last:code\n");
        exit(2);
    }
    fault.first = first;
    fault.last = last;
    fault.code = (VkResult)code;
}

__attribute__((constructor)) static void read_fault(void) {
    const char *asked = getenv("ISA_FAIL");
    if (asked) arm(asked);
}

// A process may have one fault after the other: a device that is made after the file of ISA_FAIL_FILE has got another one
// begins with that, and with no calls counted. A device that takes a lost one's place finds the same, and goes on.
void read_next_fault(void) {
    static char last[64];
    const char *path = getenv("ISA_FAIL_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    char asked[sizeof last];
    if (!file) return;
    if (fgets(asked, sizeof asked, file) && strcmp(asked, last)) {
        strcpy(last, asked);
        for (enum call call = ALLOCATION; call < CALLS; call++) __atomic_store_n(&counts[call], 0, __ATOMIC_SEQ_CST);
        arm(asked);
    }
    fclose(file);
}

static VkResult next_is(enum call call) {
    uint64_t number = __atomic_add_fetch(&counts[call], 1, __ATOMIC_SEQ_CST);
    return call == fault.call && fault.first <= number && number <= fault.last ? fault.code : VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory) {
    VkResult result = next_is(ALLOCATION);
    return result == VK_SUCCESS ? BELOW(device, vkAllocateMemory)(device, info, allocator, memory) : result;
}

static VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size,
                                          VkMemoryMapFlags flags, void **mapped) {
    VkResult result = next_is(MAPPING);
    return result == VK_SUCCESS ? BELOW(device, vkMapMemory)(device, memory, offset, size, flags, mapped) : result;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence) {
    VkResult result = next_is(SUBMISSION);
    return result == VK_SUCCESS ? BELOW(queue, vkQueueSubmit)(queue, count, infos, fence) : result;
}

__attribute__((destructor)) static void write_counts(void) {
    FILE *file = open_file("calls.tsv", "w");
    if (!file) return;
    for (enum call call = ALLOCATION; call < CALLS; call++)
        fprintf(file, "%s\t%llu\n", names[call], (unsigned long long)counts[call]);
    fclose(file);
}

PFN_vkVoidFunction fault_function(const char *name) {
    static const struct entry table[] = {
        ENTRY("vkAllocateMemory", allocate),
        ENTRY("vkMapMemory", map),
        ENTRY("vkQueueSubmit", submit),
    };
    return find(table, COUNT(table), name);
}
