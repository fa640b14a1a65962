// Intel from Lunar Lake and Battlemage on: xe, as ANV asks it.
#include "intel.h"

#include <drm/xe_drm.h>
#include <errno.h>
#include <string.h>

#define ANSWER_BYTES 8192
#define XE2_MAJOR 20
#define REVISION_SHIFT 16
#define REVISION 4
#define SMALL_PAGE 4096
#define HIGHEST_PRIORITY 2
#define CLOCK_BITS 36
// Firmware that can do all that ANV wants of it.
#define FIRMWARE_MAJOR 1
#define FIRMWARE_MINOR 20

static size_t engines(struct drm_xe_query_engines *e) {
    static const uint16_t classes[] = {DRM_XE_ENGINE_CLASS_RENDER, DRM_XE_ENGINE_CLASS_COPY, DRM_XE_ENGINE_CLASS_COMPUTE};
    e->num_engines = COUNT(classes);
    for (size_t i = 0; i < COUNT(classes); i++) e->engines[i].instance.engine_class = classes[i];
    return sizeof *e + COUNT(classes) * sizeof e->engines[0];
}

static size_t regions(struct drm_xe_query_mem_regions *r) {
    uint64_t local = intel_chip().local_bytes;
    r->num_mem_regions = local ? 2 : 1;
    r->mem_regions[0].mem_class = DRM_XE_MEM_REGION_CLASS_SYSMEM;
    r->mem_regions[0].min_page_size = SMALL_PAGE;
    r->mem_regions[0].total_size = SYSTEM_BYTES;
    if (local) {
        r->mem_regions[1].mem_class = DRM_XE_MEM_REGION_CLASS_VRAM;
        r->mem_regions[1].instance = 1;
        r->mem_regions[1].min_page_size = LARGE_PAGE;
        r->mem_regions[1].total_size = r->mem_regions[1].cpu_visible_size = local;
    }
    return sizeof *r + r->num_mem_regions * sizeof r->mem_regions[0];
}

static size_t configuration(struct drm_xe_query_config *c) {
    c->num_params = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1;
    c->info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = device_id | ((uint64_t)REVISION << REVISION_SHIFT);
    c->info[DRM_XE_QUERY_CONFIG_FLAGS] = intel_chip().local_bytes ? DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM : 0;
    c->info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = LARGE_PAGE;
    c->info[DRM_XE_QUERY_CONFIG_VA_BITS] = ADDRESS_BITS;
    c->info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = HIGHEST_PRIORITY;
    return sizeof *c + c->num_params * sizeof c->info[0];
}

static size_t tiles(struct drm_xe_query_gt_list *g) {
    struct chip chip = intel_chip();
    g->num_gt = 1;
    g->gt_list[0].type = DRM_XE_QUERY_GT_TYPE_MAIN;
    g->gt_list[0].reference_clock = TIMESTAMP_HZ;
    // Masks of regions: its own memory is the second where there is one.
    g->gt_list[0].near_mem_regions = chip.local_bytes ? 2 : 1;
    g->gt_list[0].far_mem_regions = 1;
    g->gt_list[0].ip_ver_major = XE2_MAJOR;
    g->gt_list[0].ip_ver_minor = (uint16_t)chip.minor;
    return sizeof *g + sizeof g->gt_list[0];
}

// Masks of Xe cores for geometry and for compute, and of the execution units of one.
static size_t topology(uint8_t *made) {
    struct chip chip = intel_chip();
    static const uint16_t types[] = {DRM_XE_TOPO_DSS_GEOMETRY, DRM_XE_TOPO_DSS_COMPUTE, DRM_XE_TOPO_SIMD16_EU_PER_DSS};
    size_t size = 0;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct drm_xe_query_topology_mask *m = (struct drm_xe_query_topology_mask *)(made + size);
        unsigned bits = types[i] == DRM_XE_TOPO_SIMD16_EU_PER_DSS ? chip.units : chip.slices * chip.subslices;
        uint32_t mask = (uint32_t)((1ull << bits) - 1);
        m->type = types[i];
        m->num_bytes = sizeof mask;
        memcpy(m->mask, &mask, sizeof mask);
        size += sizeof *m + sizeof mask;
    }
    return size;
}

// These two are filled in place: the caller has written into them what it asks about.
static int in_place(struct drm_xe_device_query *q, size_t size) {
    if (!q->size) {
        q->size = (uint32_t)size;
        return 0;
    }
    if (q->query == DRM_XE_DEVICE_QUERY_ENGINE_CYCLES) {
        struct drm_xe_query_engine_cycles *c = user(q->data);
        c->engine_cycles = c->cpu_timestamp = ticks();
        c->width = CLOCK_BITS;
        c->cpu_delta = 1;
    } else {
        struct drm_xe_query_uc_fw_version *v = user(q->data);
        v->major_ver = FIRMWARE_MAJOR;
        v->minor_ver = FIRMWARE_MINOR;
    }
    return 0;
}

static int query(struct drm_xe_device_query *q) {
    _Alignas(8) uint8_t made[ANSWER_BYTES] = {0};
    size_t size;
    switch (q->query) {
    case DRM_XE_DEVICE_QUERY_ENGINES: size = engines((struct drm_xe_query_engines *)made); break;
    case DRM_XE_DEVICE_QUERY_MEM_REGIONS: size = regions((struct drm_xe_query_mem_regions *)made); break;
    case DRM_XE_DEVICE_QUERY_CONFIG: size = configuration((struct drm_xe_query_config *)made); break;
    case DRM_XE_DEVICE_QUERY_GT_LIST: size = tiles((struct drm_xe_query_gt_list *)made); break;
    case DRM_XE_DEVICE_QUERY_GT_TOPOLOGY: size = topology(made); break;
    case DRM_XE_DEVICE_QUERY_HWCONFIG: size = 0; break;
    case DRM_XE_DEVICE_QUERY_ENGINE_CYCLES: return in_place(q, sizeof(struct drm_xe_query_engine_cycles));
    case DRM_XE_DEVICE_QUERY_UC_FW_VERSION: return in_place(q, sizeof(struct drm_xe_query_uc_fw_version));
    default: errno = EINVAL; return -1;
    }
    // Asked for twice: for its length, and for itself.
    if (q->size && size) memcpy(user(q->data), made, size);
    q->size = (uint32_t)size;
    return 0;
}

static int call(unsigned number, void *argument) {
    switch (number) {
    case DRM_XE_DEVICE_QUERY: return query(argument);
    case DRM_XE_GEM_CREATE: {
        struct drm_xe_gem_create *c = argument;
        c->handle = buffer_new(c->size);
        return 0;
    }
    case DRM_XE_GEM_MMAP_OFFSET: {
        struct drm_xe_gem_mmap_offset *m = argument;
        m->offset = buffer_offset(m->handle);
        return 0;
    }
    case DRM_XE_VM_CREATE: ((struct drm_xe_vm_create *)argument)->vm_id = object_new(); return 0;
    case DRM_XE_EXEC_QUEUE_CREATE:
        ((struct drm_xe_exec_queue_create *)argument)->exec_queue_id = object_new();
        return 0;
    default: return 0;
    }
}

const struct driver xe = {"xe", 1, 6, call};
