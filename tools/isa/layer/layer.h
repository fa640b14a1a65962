// What the parts of the layer share. It is described in ../README.md.
#ifndef LAYER_H
#define LAYER_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

// The loader gives everything that belongs to an instance or a device (physical devices; queues, command buffers) the
// same first word: its key.
struct instance {
    void *key;
    // The functions below this layer, taken when the instance was made: older loaders lead back into the layer later.
    PFN_vkCreateDevice create_device;
    PFN_vkEnumerateDeviceExtensionProperties extensions;
    PFN_vkGetPhysicalDeviceProperties2 properties;
    PFN_vkGetPhysicalDeviceQueueFamilyProperties families;
    PFN_vkGetInstanceProcAddr below;
    VkInstance handle;
};
struct device {
    void *key;
    PFN_vkGetDeviceProcAddr below;
    VkDevice handle;
    bool executables;  // It has VK_KHR_pipeline_executable_properties.
};

// What the environment asks for.
struct wishes {
    const char *folder;  // ISA_OUT
    bool no_device;      // ISA_NOOP=1
    bool not_robust;     // ISA_ROBUST=0
    bool capture;        // ISA_CAPTURE=1
    uint32_t subgroup;   // ISA_SUBGROUP=n, or 0
};
extern struct wishes wishes;

// Whose a dispatchable handle is; NULL for one that was never seen, which no valid call has.
struct instance *instance_of(const void *handle);
struct device *device_of(const void *handle);

// A device's function below this layer, cast to its type.
#define BELOW(handle, name) ((PFN_##name)below(handle, #name))
PFN_vkVoidFunction below(const void *handle, const char *name);

// Handles that are no pointers on every platform, as numbers.
#define NUMBER(handle) ((uint64_t)(uintptr_t)(handle))

// A function of this layer by its name, of those that each part has; NULL if it has none.
struct entry {
    const char *name;
    PFN_vkVoidFunction function;
};
#define ENTRY(name, function) {name, (PFN_vkVoidFunction)(function)}
#define COUNT(array) (sizeof(array) / sizeof *(array))
PFN_vkVoidFunction find(const struct entry *table, size_t count, const char *name);
PFN_vkVoidFunction device_function(const char *name);    // device.c
PFN_vkVoidFunction pipeline_function(const char *name);  // pipelines.c
PFN_vkVoidFunction command_function(const char *name);   // commands.c
PFN_vkVoidFunction absent_function(const char *name);    // absent.c, for ISA_NOOP alone
PFN_vkVoidFunction fault_function(const char *name);     // faults.c
void read_next_fault(void);

// A file of the folder, opened; NULL if there is no folder or it cannot be. `mode` is fopen's.
#define PATH_LENGTH 4096
void *open_file(const char *name, const char *mode);

void describe_device(VkPhysicalDevice physical, bool executables);        // describe.c
void describe_pipeline(VkDevice device, VkPipeline pipeline, int number); // describe.c
int number_of_pipeline(VkPipeline pipeline);                              // pipelines.c; -1 for none

#endif
