// The text that ../assembly.py reads: device.txt, and NNNN.txt for each pipeline.
#include "layer.h"

#include <stdio.h>
#include <stdlib.h>

void describe_device(VkPhysicalDevice physical, bool executables) {
    PFN_vkGetPhysicalDeviceProperties2 get = instance_of(physical)->properties;
    FILE *file = open_file("device.txt", "w");
    if (!file) return;
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    if (get) get(physical, &properties);
    fprintf(file, "%s\n", properties.properties.deviceName);
    fprintf(file, "driver\t%s %s\n", driver.driverName, driver.driverInfo);
    fprintf(file, "executable properties\t%s\n", executables ? "yes" : "no");
    fclose(file);
}

static void write_statistic(FILE *file, const VkPipelineExecutableStatisticKHR *statistic) {
    fprintf(file, "#STAT\t%s\t", statistic->name);
    switch (statistic->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        fprintf(file, "%s\n", statistic->value.b32 ? "true" : "false");
        break;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        fprintf(file, "%lld\n", (long long)statistic->value.i64);
        break;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        fprintf(file, "%llu\n", (unsigned long long)statistic->value.u64);
        break;
    default:
        fprintf(file, "%g\n", statistic->value.f64);
    }
}

static void write_statistics(FILE *file, VkDevice device, const VkPipelineExecutableInfoKHR *info) {
    PFN_vkGetPipelineExecutableStatisticsKHR get = BELOW(device, vkGetPipelineExecutableStatisticsKHR);
    uint32_t count = 0;
    if (!get || get(device, info, &count, NULL) != VK_SUCCESS) return;
    VkPipelineExecutableStatisticKHR *all = calloc(count + 1, sizeof *all);
    for (uint32_t i = 0; all && i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    if (all && get(device, info, &count, all) == VK_SUCCESS)
        for (uint32_t i = 0; i < count; i++) write_statistic(file, &all[i]);
    free(all);
}

// Intermediate forms and assembly: asked for three times, for their number, their sizes and their text.
static void write_representations(FILE *file, VkDevice device, const VkPipelineExecutableInfoKHR *info) {
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
        BELOW(device, vkGetPipelineExecutableInternalRepresentationsKHR);
    uint32_t count = 0;
    if (!get || get(device, info, &count, NULL) != VK_SUCCESS) return;
    VkPipelineExecutableInternalRepresentationKHR *all = calloc(count + 1, sizeof *all);
    if (!all) return;
    for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    get(device, info, &count, all);
    for (uint32_t i = 0; i < count; i++) all[i].pData = calloc(1, all[i].dataSize + 1);
    get(device, info, &count, all);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(file, "#IR\t%s\t%s\n", all[i].name, all[i].description);
        if (all[i].isText && all[i].pData) fprintf(file, "%s\n", (const char *)all[i].pData);
        free(all[i].pData);
    }
    free(all);
}

void describe_pipeline(VkDevice device, VkPipeline pipeline, int number) {
    PFN_vkGetPipelineExecutablePropertiesKHR get = BELOW(device, vkGetPipelineExecutablePropertiesKHR);
    VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipeline};
    uint32_t count = 0;
    if (!get || get(device, &info, &count, NULL) != VK_SUCCESS) return;
    VkPipelineExecutablePropertiesKHR *all = calloc(count + 1, sizeof *all);
    char name[sizeof "2147483647.txt"];
    snprintf(name, sizeof name, "%04d.txt", number);
    FILE *file = all ? open_file(name, "w") : NULL;
    for (uint32_t i = 0; file && i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
    if (file && get(device, &info, &count, all) == VK_SUCCESS) {
        for (uint32_t i = 0; i < count; i++) {
            fprintf(file, "#EXECUTABLE\t%s\t%s\tsubgroup %u\n", all[i].name, all[i].description, all[i].subgroupSize);
            VkPipelineExecutableInfoKHR one = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, i};
            write_statistics(file, device, &one);
            write_representations(file, device, &one);
        }
    }
    if (file) fclose(file);
    free(all);
}
