// A Vulkan layer that writes down what a driver's compiler makes of every compute pipeline, and fails in the driver's place.
//
// This part is where the loader comes in: it finds the functions of the layer, and what lies below.
#include "layer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>

#define EXPORT __attribute__((visibility("default")))
#define INTERFACE_VERSION 2

struct wishes wishes;

__attribute__((constructor)) static void read_wishes(void) {
    const char *noop = getenv("ISA_NOOP"), *robust = getenv("ISA_ROBUST"), *capture = getenv("ISA_CAPTURE");
    const char *subgroup = getenv("ISA_SUBGROUP");
    wishes.folder = getenv("ISA_OUT");
    wishes.no_device = noop && atoi(noop);
    wishes.not_robust = robust && !atoi(robust);
    wishes.capture = capture && atoi(capture);
    wishes.subgroup = subgroup ? (uint32_t)atoi(subgroup) : 0;
}

void *open_file(const char *name, const char *mode) {
    char path[PATH_LENGTH];
    if (!wishes.folder || snprintf(path, sizeof path, "%s/%s", wishes.folder, name) >= (int)sizeof path) return NULL;
    return fopen(path, mode);
}

// Instances and devices that live. Programs have one or two of each; past the last place the newest is replaced.
#define PLACES 64
static struct instance instances[PLACES];
static struct device devices[PLACES];
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;

static void *key_of(const void *handle) { return *(void *const *)handle; }

struct instance *instance_of(const void *handle) {
    struct instance *found = NULL;
    pthread_mutex_lock(&places_lock);
    for (int i = 0; i < PLACES && !found; i++)
        if (instances[i].key == key_of(handle)) found = &instances[i];
    pthread_mutex_unlock(&places_lock);
    return found;
}

struct device *device_of(const void *handle) {
    struct device *found = NULL;
    pthread_mutex_lock(&places_lock);
    for (int i = 0; i < PLACES && !found; i++)
        if (devices[i].key == key_of(handle)) found = &devices[i];
    pthread_mutex_unlock(&places_lock);
    return found;
}

// The first free place; a key that was freed and used again names the newer.
static void add_instance(struct instance made) {
    pthread_mutex_lock(&places_lock);
    int i = 0;
    while (i < PLACES - 1 && instances[i].key && instances[i].key != made.key) i++;
    instances[i] = made;
    pthread_mutex_unlock(&places_lock);
}

static void add_device(struct device made) {
    pthread_mutex_lock(&places_lock);
    int i = 0;
    while (i < PLACES - 1 && devices[i].key && devices[i].key != made.key) i++;
    devices[i] = made;
    pthread_mutex_unlock(&places_lock);
}

PFN_vkVoidFunction below(const void *handle, const char *name) {
    const struct device *device = device_of(handle);
    return device ? device->below(device->handle, name) : NULL;
}

PFN_vkVoidFunction find(const struct entry *table, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, table[i].name)) return table[i].function;
    return NULL;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance) {
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
    while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO && link->function == VK_LAYER_LINK_INFO))
        link = (VkLayerInstanceCreateInfo *)link->pNext;
    if (!link) return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    // The next layer finds its own link in the same place.
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    VkResult result = ((PFN_vkCreateInstance)next(NULL, "vkCreateInstance"))(info, allocator, instance);
    if (result != VK_SUCCESS) return result;
    struct instance made = {.key = key_of(*instance), .below = next, .handle = *instance};
    made.create_device = (PFN_vkCreateDevice)next(*instance, "vkCreateDevice");
    made.extensions =
        (PFN_vkEnumerateDeviceExtensionProperties)next(*instance, "vkEnumerateDeviceExtensionProperties");
    made.properties = (PFN_vkGetPhysicalDeviceProperties2)next(*instance, "vkGetPhysicalDeviceProperties2");
    if (!made.properties)
        made.properties = (PFN_vkGetPhysicalDeviceProperties2)next(*instance, "vkGetPhysicalDeviceProperties2KHR");
    made.families = (PFN_vkGetPhysicalDeviceQueueFamilyProperties)next(*instance, "vkGetPhysicalDeviceQueueFamilyProperties");
    add_instance(made);
    return result;
}

static bool has_executables(VkPhysicalDevice physical) {
    PFN_vkEnumerateDeviceExtensionProperties enumerate = instance_of(physical)->extensions;
    uint32_t count = 0;
    bool found = false;
    if (!enumerate || enumerate(physical, NULL, &count, NULL) != VK_SUCCESS) return false;
    VkExtensionProperties *all = calloc(count + 1, sizeof *all);
    if (all && enumerate(physical, NULL, &count, all) >= VK_SUCCESS)
        for (uint32_t i = 0; i < count; i++)
            found |= !strcmp(all[i].extensionName, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
    free(all);
    return found;
}

// Bounds checks that the program asks for, taken out of what it enables.
static void drop_robustness(const VkDeviceCreateInfo *info, VkPhysicalDeviceFeatures *core) {
    core->robustBufferAccess = VK_FALSE;
    for (VkBaseOutStructure *s = (VkBaseOutStructure *)info->pNext; s; s = s->pNext) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2)
            ((VkPhysicalDeviceFeatures2 *)s)->features.robustBufferAccess = VK_FALSE;
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT) {
            VkPhysicalDeviceRobustness2FeaturesEXT *more = (VkPhysicalDeviceRobustness2FeaturesEXT *)s;
            more->robustBufferAccess2 = more->robustImageAccess2 = VK_FALSE;
        }
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_ROBUSTNESS_FEATURES)
            ((VkPhysicalDeviceImageRobustnessFeatures *)s)->robustImageAccess = VK_FALSE;
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device) {
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
    while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO && link->function == VK_LAYER_LINK_INFO))
        link = (VkLayerDeviceCreateInfo *)link->pNext;
    const struct instance *instance = instance_of(physical);
    if (!link || !instance) return VK_ERROR_INITIALIZATION_FAILED;
    read_next_fault();
    PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;

    VkDeviceCreateInfo mine = *info;
    VkPhysicalDeviceFeatures core;
    if (wishes.not_robust && info->pEnabledFeatures) {
        core = *info->pEnabledFeatures;
        mine.pEnabledFeatures = &core;
    }
    if (wishes.not_robust) drop_robustness(info, &core);
    // Statistics and assembly are an extension that the program does not ask for.
    bool executables = has_executables(physical);
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)info->pNext, VK_TRUE};
    const char **names = calloc(info->enabledExtensionCount + 1, sizeof *names);
    if (!names) return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (executables) {
        memcpy(names, info->ppEnabledExtensionNames, info->enabledExtensionCount * sizeof *names);
        names[mine.enabledExtensionCount++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
        mine.ppEnabledExtensionNames = names;
        mine.pNext = &feature;
    }
    VkResult result = instance->create_device(physical, &mine, allocator, device);
    free(names);
    if (result == VK_SUCCESS) {
        add_device((struct device){key_of(*device), next, *device, executables});
        describe_device(physical, executables);
    } else {
        fprintf(stderr, "isa layer: the device cannot be created: VkResult %d\n", result);
    }
    return result;
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL isa_GetDeviceProcAddr(VkDevice device, const char *name);
EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL isa_GetInstanceProcAddr(VkInstance instance, const char *name);

static PFN_vkVoidFunction own_function(const char *name) {
    static const struct entry table[] = {
        ENTRY("vkGetInstanceProcAddr", isa_GetInstanceProcAddr),
        ENTRY("vkGetDeviceProcAddr", isa_GetDeviceProcAddr),
        ENTRY("vkCreateInstance", create_instance),
        ENTRY("vkCreateDevice", create_device),
    };
    PFN_vkVoidFunction found = find(table, COUNT(table), name);
    if (!found) found = device_function(name);
    if (!found) found = pipeline_function(name);
    if (!found) found = command_function(name);
    if (!found && wishes.no_device) found = absent_function(name);
    if (!found) found = fault_function(name);
    return found;
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL isa_GetDeviceProcAddr(VkDevice device, const char *name) {
    PFN_vkVoidFunction found = own_function(name);
    return found ? found : below(device, name);
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL isa_GetInstanceProcAddr(VkInstance instance, const char *name) {
    PFN_vkVoidFunction found = own_function(name);
    const struct instance *known = !found && instance ? instance_of(instance) : NULL;
    return known ? known->below(known->handle, name) : found;
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface) {
    if (interface->loaderLayerInterfaceVersion > INTERFACE_VERSION) interface->loaderLayerInterfaceVersion = INTERFACE_VERSION;
    interface->pfnGetInstanceProcAddr = isa_GetInstanceProcAddr;
    interface->pfnGetDeviceProcAddr = isa_GetDeviceProcAddr;
    interface->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
