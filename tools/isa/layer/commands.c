// Dispatches: how many workgroups each pipeline was recorded with, and how often, into dispatches.tsv.
#include "layer.h"

#include <pthread.h>
#include <stdio.h>

#define SHAPES 8192
static struct {
    int pipeline;
    uint32_t x, y, z, count;
} shapes[SHAPES];
static int shape_count;
// The pipeline that a command buffer is bound to; programs record few at a time.
#define BUFFERS 256
static struct {
    VkCommandBuffer buffer;
    int pipeline;
} bound[BUFFERS];
static int next_buffer;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static VKAPI_ATTR void VKAPI_CALL bind(VkCommandBuffer buffer, VkPipelineBindPoint point, VkPipeline pipeline) {
    int number = number_of_pipeline(pipeline);
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < BUFFERS && bound[i].buffer != buffer) i++;
    if (i == BUFFERS) i = next_buffer++ % BUFFERS;
    bound[i].buffer = buffer;
    bound[i].pipeline = number;
    pthread_mutex_unlock(&lock);
    if (!wishes.no_device) BELOW(buffer, vkCmdBindPipeline)(buffer, point, pipeline);
}

static void count_shape(int pipeline, uint32_t x, uint32_t y, uint32_t z) {
    int i = 0;
    while (i < shape_count && (shapes[i].pipeline != pipeline || shapes[i].x != x || shapes[i].y != y || shapes[i].z != z))
        i++;
    if (i == SHAPES) return;
    if (i == shape_count) {
        shape_count++;
        shapes[i].pipeline = pipeline;
        shapes[i].x = x;
        shapes[i].y = y;
        shapes[i].z = z;
    }
    shapes[i].count++;
}

static VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer buffer, uint32_t x, uint32_t y, uint32_t z) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < BUFFERS; i++)
        if (bound[i].buffer == buffer && bound[i].pipeline >= 0) count_shape(bound[i].pipeline, x, y, z);
    pthread_mutex_unlock(&lock);
    if (!wishes.no_device) BELOW(buffer, vkCmdDispatch)(buffer, x, y, z);
}

__attribute__((destructor)) static void write_shapes(void) {
    FILE *file = shape_count ? open_file("dispatches.tsv", "w") : NULL;
    if (!file) return;
    for (int i = 0; i < shape_count; i++)
        fprintf(file, "%d\t%u\t%u\t%u\t%u\n", shapes[i].pipeline, shapes[i].x, shapes[i].y, shapes[i].z, shapes[i].count);
    fclose(file);
}

PFN_vkVoidFunction command_function(const char *name) {
    static const struct entry table[] = {
        ENTRY("vkCmdBindPipeline", bind),
        ENTRY("vkCmdDispatch", dispatch),
    };
    return find(table, COUNT(table), name);
}
