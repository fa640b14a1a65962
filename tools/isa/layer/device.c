// What the layer says of the device in the driver's place: the subgroup size that ISA_SUBGROUP asks for.
#include "layer.h"

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical, VkPhysicalDeviceProperties2 *properties) {
    instance_of(physical)->properties(physical, properties);
    if (!wishes.subgroup) return;
    for (VkBaseOutStructure *s = properties->pNext; s; s = s->pNext) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES) {
            VkPhysicalDeviceSubgroupSizeControlProperties *sizes = (VkPhysicalDeviceSubgroupSizeControlProperties *)s;
            sizes->minSubgroupSize = sizes->maxSubgroupSize = wishes.subgroup;
        }
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES)
            ((VkPhysicalDeviceSubgroupProperties *)s)->subgroupSize = wishes.subgroup;
    }
}

PFN_vkVoidFunction device_function(const char *name) {
    static const struct entry table[] = {
        ENTRY("vkGetPhysicalDeviceProperties2", get_properties),
        ENTRY("vkGetPhysicalDeviceProperties2KHR", get_properties),
    };
    return find(table, COUNT(table), name);
}
