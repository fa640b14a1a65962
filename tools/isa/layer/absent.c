// ISA_NOOP=1: for drivers with no device behind them. Memory, semaphores and fences are this layer's own, nothing is
// recorded or submitted, and everything that is waited for has happened already. Results are whatever memory held.
#include "layer.h"

#include <stdlib.h>
#include <string.h>

// One heap of one type of memory, plain malloc's: some of these drivers have none.
#define HEAP_BYTES (16ull << 30)
#define SPARE_BYTES 64

struct semaphore {
    uint64_t value;
};

static void reached(VkSemaphore handle, uint64_t value) {
    struct semaphore *semaphore = (struct semaphore *)(uintptr_t)handle;
    // Submissions of several threads may come out of order: a timeline only rises.
    uint64_t old = __atomic_load_n(&semaphore->value, __ATOMIC_SEQ_CST);
    while (old < value &&
           !__atomic_compare_exchange_n(&semaphore->value, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
                                                       const VkAllocationCallbacks *allocator, VkSemaphore *out) {
    (void)device, (void)allocator;
    struct semaphore *semaphore = calloc(1, sizeof *semaphore);
    if (!semaphore) return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (const VkBaseInStructure *s = info->pNext; s; s = s->pNext)
        if (s->sType == VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO)
            semaphore->value = ((const VkSemaphoreTypeCreateInfo *)s)->initialValue;
    *out = (VkSemaphore)(uintptr_t)semaphore;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_semaphore(VkDevice device, VkSemaphore semaphore,
                                                    const VkAllocationCallbacks *allocator) {
    (void)device, (void)allocator;
    free((void *)(uintptr_t)semaphore);
}

static VKAPI_ATTR VkResult VKAPI_CALL signal_semaphore(VkDevice device, const VkSemaphoreSignalInfo *info) {
    (void)device;
    reached(info->semaphore, info->value);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL semaphore_value(VkDevice device, VkSemaphore semaphore, uint64_t *value) {
    (void)device;
    *value = __atomic_load_n(&((struct semaphore *)(uintptr_t)semaphore)->value, __ATOMIC_SEQ_CST);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_fence(VkDevice device, const VkFenceCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator, VkFence *fence) {
    (void)device, (void)info, (void)allocator;
    *fence = (VkFence)(uintptr_t)calloc(1, 1);
    return *fence ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static VKAPI_ATTR void VKAPI_CALL destroy_fence(VkDevice device, VkFence fence, const VkAllocationCallbacks *allocator) {
    (void)device, (void)allocator;
    free((void *)(uintptr_t)fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence) {
    (void)queue, (void)fence;
    for (uint32_t i = 0; i < count; i++)
        for (const VkBaseInStructure *s = infos[i].pNext; s; s = s->pNext) {
            if (s->sType != VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO) continue;
            const VkTimelineSemaphoreSubmitInfo *values = (const VkTimelineSemaphoreSubmitInfo *)s;
            for (uint32_t j = 0; j < values->signalSemaphoreValueCount && j < infos[i].signalSemaphoreCount; j++)
                reached(infos[i].pSignalSemaphores[j], values->pSignalSemaphoreValues[j]);
        }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit2(VkQueue queue, uint32_t count, const VkSubmitInfo2 *infos, VkFence fence) {
    (void)queue, (void)fence;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < infos[i].signalSemaphoreInfoCount; j++)
            reached(infos[i].pSignalSemaphoreInfos[j].semaphore, infos[i].pSignalSemaphoreInfos[j].value);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory) {
    (void)device, (void)allocator;
    *memory = (VkDeviceMemory)(uintptr_t)calloc(1, info->allocationSize + SPARE_BYTES);
    return *memory ? VK_SUCCESS : VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

static VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory memory,
                                              const VkAllocationCallbacks *allocator) {
    (void)device, (void)allocator;
    free((void *)(uintptr_t)memory);
}

static VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size,
                                          VkMemoryMapFlags flags, void **mapped) {
    (void)device, (void)size, (void)flags;
    *mapped = (char *)(uintptr_t)memory + offset;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL buffer_needs(VkDevice device, VkBuffer buffer, VkMemoryRequirements *needs) {
    BELOW(device, vkGetBufferMemoryRequirements)(device, buffer, needs);
    needs->memoryTypeBits = 1;
}

static VKAPI_ATTR void VKAPI_CALL buffer_needs2(VkDevice device, const VkBufferMemoryRequirementsInfo2 *info,
                                                VkMemoryRequirements2 *needs) {
    BELOW(device, vkGetBufferMemoryRequirements2)(device, info, needs);
    needs->memoryRequirements.memoryTypeBits = 1;
}

static VKAPI_ATTR void VKAPI_CALL image_needs(VkDevice device, VkImage image, VkMemoryRequirements *needs) {
    BELOW(device, vkGetImageMemoryRequirements)(device, image, needs);
    needs->memoryTypeBits = 1;
}

static VKAPI_ATTR void VKAPI_CALL memory_properties(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory) {
    (void)physical;
    memset(memory, 0, sizeof *memory);
    memory->memoryTypeCount = memory->memoryHeapCount = 1;
    memory->memoryHeaps[0] = (VkMemoryHeap){HEAP_BYTES, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    memory->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                           VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
}

static VKAPI_ATTR void VKAPI_CALL memory_properties2(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties2 *memory) {
    memory_properties(physical, &memory->memoryProperties);
    for (VkBaseOutStructure *s = memory->pNext; s; s = s->pNext) {
        if (s->sType != VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT) continue;
        VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget = (VkPhysicalDeviceMemoryBudgetPropertiesEXT *)s;
        memset(budget->heapBudget, 0, sizeof budget->heapBudget);
        memset(budget->heapUsage, 0, sizeof budget->heapUsage);
        budget->heapBudget[0] = HEAP_BYTES;
    }
}

// Where nothing runs there is no clock either: programs take their own instead of one that stands still.
static VKAPI_ATTR void VKAPI_CALL families(VkPhysicalDevice physical, uint32_t *count, VkQueueFamilyProperties *found) {
    instance_of(physical)->families(physical, count, found);
    for (uint32_t i = 0; found && i < *count; i++) found[i].timestampValidBits = 0;
}

// In the place of whatever may be left out: the calling convention lets a callee leave its arguments alone.
static VkResult nothing(void) { return VK_SUCCESS; }

PFN_vkVoidFunction absent_function(const char *name) {
    static const struct entry table[] = {
        ENTRY("vkGetPhysicalDeviceQueueFamilyProperties", families),
        ENTRY("vkCreateSemaphore", create_semaphore),
        ENTRY("vkDestroySemaphore", destroy_semaphore),
        ENTRY("vkSignalSemaphore", signal_semaphore),
        ENTRY("vkGetSemaphoreCounterValue", semaphore_value),
        ENTRY("vkGetSemaphoreCounterValueKHR", semaphore_value),
        ENTRY("vkCreateFence", create_fence),
        ENTRY("vkDestroyFence", destroy_fence),
        ENTRY("vkQueueSubmit", submit),
        ENTRY("vkQueueSubmit2", submit2),
        ENTRY("vkQueueSubmit2KHR", submit2),
        ENTRY("vkAllocateMemory", allocate),
        ENTRY("vkFreeMemory", free_memory),
        ENTRY("vkMapMemory", map),
        ENTRY("vkGetBufferMemoryRequirements", buffer_needs),
        ENTRY("vkGetBufferMemoryRequirements2", buffer_needs2),
        ENTRY("vkGetBufferMemoryRequirements2KHR", buffer_needs2),
        ENTRY("vkGetImageMemoryRequirements", image_needs),
        ENTRY("vkGetPhysicalDeviceMemoryProperties", memory_properties),
        ENTRY("vkGetPhysicalDeviceMemoryProperties2", memory_properties2),
        ENTRY("vkGetPhysicalDeviceMemoryProperties2KHR", memory_properties2),
        ENTRY("vkWaitSemaphores", nothing),
        ENTRY("vkWaitSemaphoresKHR", nothing),
        ENTRY("vkWaitForFences", nothing),
        ENTRY("vkGetFenceStatus", nothing),
        ENTRY("vkResetFences", nothing),
        ENTRY("vkQueueWaitIdle", nothing),
        ENTRY("vkDeviceWaitIdle", nothing),
        ENTRY("vkQueueBindSparse", nothing),
        ENTRY("vkBindBufferMemory", nothing),
        ENTRY("vkBindBufferMemory2", nothing),
        ENTRY("vkBindBufferMemory2KHR", nothing),
        ENTRY("vkBindImageMemory", nothing),
        ENTRY("vkUnmapMemory", nothing),
        ENTRY("vkFlushMappedMemoryRanges", nothing),
        ENTRY("vkInvalidateMappedMemoryRanges", nothing),
        ENTRY("vkUpdateDescriptorSets", nothing),
        ENTRY("vkBeginCommandBuffer", nothing),
        ENTRY("vkEndCommandBuffer", nothing),
        ENTRY("vkResetQueryPool", nothing),
        ENTRY("vkGetQueryPoolResults", nothing),
    };
    if (!strncmp(name, "vkCmd", strlen("vkCmd"))) return (PFN_vkVoidFunction)nothing;
    return find(table, COUNT(table), name);
}
