// Compute pipelines: compiled with their statistics kept, written down, and numbered in the order of their creation.
#include "layer.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The newest modules and pipelines, in rings; far more than a program keeps.
#define KEPT 4096
static struct {
    uint64_t handle;
    size_t size;
    uint32_t *code;
} modules[KEPT];
static struct {
    uint64_t handle;
    int number;
} pipelines[KEPT];
static int module_count, pipeline_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice device, const VkShaderModuleCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkShaderModule *module) {
    VkResult result = BELOW(device, vkCreateShaderModule)(device, info, allocator, module);
    if (result != VK_SUCCESS) return result;
    uint32_t *copy = malloc(info->codeSize);
    if (!copy) return result;
    memcpy(copy, info->pCode, info->codeSize);
    pthread_mutex_lock(&lock);
    int i = module_count++ % KEPT;
    free(modules[i].code);
    modules[i].handle = NUMBER(*module);
    modules[i].size = info->codeSize;
    modules[i].code = copy;
    pthread_mutex_unlock(&lock);
    return result;
}

static void write_module(VkShaderModule module, int number) {
    char name[sizeof "2147483647.spv"];
    snprintf(name, sizeof name, "%04d.spv", number);
    // The newest of a handle that was used again.
    for (int m = module_count - 1; m >= 0 && m >= module_count - KEPT; m--) {
        if (modules[m % KEPT].handle != NUMBER(module)) continue;
        FILE *file = open_file(name, "wb");
        if (!file) return;
        fwrite(modules[m % KEPT].code, 1, modules[m % KEPT].size, file);
        fclose(file);
        return;
    }
}

// What the driver prints while it compiles, for drivers whose assembly is to be had in no other way. Whatever else the
// process prints meanwhile lands in it too.
struct capture {
    int file, output, errors;
};
#define CAPTURED "compiling.log"

static struct capture begin_capture(void) {
    struct capture capture = {-1, -1, -1};
    char path[PATH_LENGTH];
    if (!wishes.capture || !wishes.folder) return capture;
    if (snprintf(path, sizeof path, "%s/" CAPTURED, wishes.folder) >= (int)sizeof path) return capture;
    fflush(NULL);
    capture.file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    if (capture.file < 0) return capture;
    capture.output = dup(STDOUT_FILENO);
    capture.errors = dup(STDERR_FILENO);
    dup2(capture.file, STDOUT_FILENO);
    dup2(capture.file, STDERR_FILENO);
    return capture;
}

static void end_capture(struct capture capture) {
    if (capture.file < 0) return;
    fflush(NULL);
    dup2(capture.output, STDOUT_FILENO);
    dup2(capture.errors, STDERR_FILENO);
    close(capture.output);
    close(capture.errors);
    close(capture.file);
}

// The captured text becomes one more representation of the pipeline.
static void append_capture(int number) {
    char name[sizeof "2147483647.txt"], part[1 << 16];
    snprintf(name, sizeof name, "%04d.txt", number);
    FILE *from = open_file(CAPTURED, "r"), *to = open_file(name, "a");
    if (from && to) {
        fprintf(to, "#IR\tPrinted\tWhat the driver printed while it compiled\n");
        for (size_t n; (n = fread(part, 1, sizeof part, from)) > 0;) fwrite(part, 1, n, to);
    }
    if (from) fclose(from);
    if (to) fclose(to);
}

static void record(VkDevice device, const VkComputePipelineCreateInfo *info, VkPipeline pipeline, VkResult result,
                   double seconds) {
    int number = pipeline_count++;
    pipelines[number % KEPT].handle = NUMBER(pipeline);
    pipelines[number % KEPT].number = number;
    write_module(info->stage.module, number);
    FILE *index = open_file("index.tsv", "a");
    if (index) {
        fprintf(index, "created\t%04d\tresult %d\t%.3f s\tentry %s\n", number, result, seconds, info->stage.pName);
        fclose(index);
    }
    if (result != VK_SUCCESS) return;
    if (device_of(device)->executables) describe_pipeline(device, pipeline, number);
    if (wishes.capture) append_capture(number);
    // A process may end while another of its threads writes: only what this line follows is whole.
    index = open_file("index.tsv", "a");
    if (index) {
        fprintf(index, "described\t%04d\n", number);
        fclose(index);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                       const VkComputePipelineCreateInfo *infos,
                                                       const VkAllocationCallbacks *allocator, VkPipeline *created) {
    // A cache could hold a pipeline without its statistics.
    (void)cache;
    VkComputePipelineCreateInfo *mine = calloc(count, sizeof *mine);
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo *sizes = calloc(count, sizeof *sizes);
    if (!mine || !sizes) {
        free(mine);
        free(sizes);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        mine[i] = infos[i];
        if (device_of(device)->executables)
            mine[i].flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR |
                             VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
        if (!wishes.subgroup) continue;
        sizes[i] = (VkPipelineShaderStageRequiredSubgroupSizeCreateInfo){
            VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO, (void *)infos[i].stage.pNext,
            wishes.subgroup};
        mine[i].stage.pNext = &sizes[i];
        mine[i].stage.flags &= ~(VkFlags)VK_PIPELINE_SHADER_STAGE_CREATE_ALLOW_VARYING_SUBGROUP_SIZE_BIT;
    }
    // What is captured belongs to one compilation at a time.
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    if (wishes.capture) pthread_mutex_lock(&one);
    struct capture capture = begin_capture();
    double begin = now();
    VkResult result = BELOW(device, vkCreateComputePipelines)(device, VK_NULL_HANDLE, count, mine, allocator, created);
    double seconds = now() - begin;
    end_capture(capture);
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < count; i++) record(device, &infos[i], created[i], result, seconds);
    pthread_mutex_unlock(&lock);
    if (wishes.capture) pthread_mutex_unlock(&one);
    free(mine);
    free(sizes);
    return result;
}

int number_of_pipeline(VkPipeline pipeline) {
    int found = -1;
    pthread_mutex_lock(&lock);
    for (int i = pipeline_count - 1; i >= 0 && i >= pipeline_count - KEPT && found < 0; i--)
        if (pipelines[i % KEPT].handle == NUMBER(pipeline)) found = pipelines[i % KEPT].number;
    pthread_mutex_unlock(&lock);
    return found;
}

static VKAPI_ATTR VkResult VKAPI_CALL set_name(VkDevice device, const VkDebugUtilsObjectNameInfoEXT *info) {
    if (info->objectType == VK_OBJECT_TYPE_PIPELINE && info->pObjectName) {
        int number = number_of_pipeline((VkPipeline)(uintptr_t)info->objectHandle);
        FILE *index = number < 0 ? NULL : open_file("index.tsv", "a");
        if (index) {
            fprintf(index, "named\t%04d\t%s\n", number, info->pObjectName);
            fclose(index);
        }
    }
    // Without a device some of the objects are this layer's own.
    PFN_vkSetDebugUtilsObjectNameEXT next = BELOW(device, vkSetDebugUtilsObjectNameEXT);
    return next && !wishes.no_device ? next(device, info) : VK_SUCCESS;
}

PFN_vkVoidFunction pipeline_function(const char *name) {
    static const struct entry table[] = {
        ENTRY("vkCreateShaderModule", create_module),
        ENTRY("vkCreateComputePipelines", create_pipelines),
        ENTRY("vkSetDebugUtilsObjectNameEXT", set_name),
    };
    return find(table, COUNT(table), name);
}
