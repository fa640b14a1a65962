// Intel up to Meteor Lake and DG2: i915, as ANV asks it.
#include "intel.h"

#include <drm/i915_drm.h>
#include <errno.h>
#include <string.h>

#define ANSWER_BYTES 8192

struct chip intel_chip(void) {
    static const struct chip chips[] = {
        {0x56a0, 8, 4, 16, 16 * GIB, true, 8, 0},  // DG2, Arc A770: 32 Xe cores
        {0x7d55, 2, 4, 16, 0, true, 0, 0},         // Meteor Lake: 8 Xe cores
        {0x9a49, 1, 6, 16, 0, false, 0, 0},        // Tiger Lake: 96 execution units
        {0x46a6, 1, 6, 16, 0, false, 0, 0},        // Alder Lake
        {0x3e92, 1, 3, 8, 0, false, 0, 0},         // UHD 630: 24 execution units
        {0x64a0, 2, 4, 8, 0, true, 0, 4},          // Lunar Lake: 8 Xe2 cores
        {0xe20b, 5, 4, 8, 12 * GIB, true, 0, 1},   // Battlemage, Arc B580: 20 Xe2 cores
    };
    for (size_t i = 0; i < COUNT(chips); i++)
        if (chips[i].id == device_id) return chips[i];
    return (struct chip){device_id, 1, 3, 8, 0, false, 0, 0};
}

// Masks of slices, subslices and execution units, one behind the other.
static size_t topology(struct drm_i915_query_topology_info *t) {
    struct chip chip = intel_chip();
    unsigned slices = chip.flat ? 1 : chip.slices;
    unsigned subslices = chip.flat ? chip.slices * chip.subslices : chip.subslices;
    t->max_slices = (uint16_t)slices;
    t->max_subslices = (uint16_t)subslices;
    t->max_eus_per_subslice = (uint16_t)chip.units;
    t->subslice_offset = 1;
    t->subslice_stride = (uint16_t)((subslices + 7) / 8);
    t->eu_offset = (uint16_t)(t->subslice_offset + slices * t->subslice_stride);
    t->eu_stride = (uint16_t)((chip.units + 7) / 8);
    t->data[0] = (uint8_t)((1u << slices) - 1);
    for (unsigned s = 0; s < slices; s++)
        for (unsigned ss = 0; ss < subslices; ss++) {
            t->data[t->subslice_offset + s * t->subslice_stride + ss / 8] |= (uint8_t)(1u << ss % 8);
            for (unsigned e = 0; e < chip.units; e++)
                t->data[t->eu_offset + (s * subslices + ss) * t->eu_stride + e / 8] |= (uint8_t)(1u << e % 8);
        }
    return sizeof *t + t->eu_offset + slices * subslices * t->eu_stride;
}

static size_t engines(struct drm_i915_query_engine_info *info) {
    info->num_engines = 2;
    info->engines[0].engine.engine_class = I915_ENGINE_CLASS_RENDER;
    info->engines[1].engine.engine_class = I915_ENGINE_CLASS_COPY;
    return sizeof *info + 2 * sizeof info->engines[0];
}

static size_t regions(struct drm_i915_query_memory_regions *info) {
    uint64_t local = intel_chip().local_bytes;
    info->num_regions = local ? 2 : 1;
    info->regions[0].region.memory_class = I915_MEMORY_CLASS_SYSTEM;
    info->regions[0].probed_size = info->regions[0].unallocated_size = SYSTEM_BYTES;
    if (local) {
        info->regions[1].region.memory_class = I915_MEMORY_CLASS_DEVICE;
        info->regions[1].probed_size = info->regions[1].unallocated_size = local;
        // All of it can be mapped, as with a resizable BAR.
        info->regions[1].probed_cpu_visible_size = info->regions[1].unallocated_cpu_visible_size = local;
    }
    return sizeof *info + info->num_regions * sizeof info->regions[0];
}

// Each is asked for twice: for its length, and for itself.
static int query(struct drm_i915_query *q) {
    struct drm_i915_query_item *items = user(q->items_ptr);
    for (uint32_t i = 0; i < q->num_items; i++) {
        _Alignas(8) uint8_t made[ANSWER_BYTES] = {0};
        size_t size;
        switch (items[i].query_id) {
        case DRM_I915_QUERY_TOPOLOGY_INFO:
        case DRM_I915_QUERY_GEOMETRY_SUBSLICES:
            size = topology((struct drm_i915_query_topology_info *)made);
            break;
        case DRM_I915_QUERY_ENGINE_INFO:
            size = engines((struct drm_i915_query_engine_info *)made);
            break;
        case DRM_I915_QUERY_MEMORY_REGIONS:
            size = regions((struct drm_i915_query_memory_regions *)made);
            break;
        default:
            // What is asked for besides (hwconfig, firmware) may be missing.
            items[i].length = -EINVAL;
            continue;
        }
        if (items[i].length) memcpy(user(items[i].data_ptr), made, size);
        items[i].length = (int32_t)size;
    }
    return 0;
}

static int parameter(struct drm_i915_getparam *p) {
    struct chip chip = intel_chip();
    switch (p->param) {
    case I915_PARAM_CHIPSET_ID: *p->value = (int)device_id; break;
    case I915_PARAM_REVISION: *p->value = (int)chip.revision; break;
    case I915_PARAM_CS_TIMESTAMP_FREQUENCY: *p->value = TIMESTAMP_HZ; break;
    case I915_PARAM_SUBSLICE_TOTAL: *p->value = (int)(chip.slices * chip.subslices); break;
    case I915_PARAM_EU_TOTAL: *p->value = (int)(chip.slices * chip.subslices * chip.units); break;
    // Full per-process page tables with 48 bits; the newest ways to map; the rest says that a feature is there.
    case I915_PARAM_HAS_ALIASING_PPGTT: *p->value = 3; break;
    case I915_PARAM_MMAP_VERSION:
    case I915_PARAM_MMAP_GTT_VERSION: *p->value = 4; break;
    case I915_PARAM_CMD_PARSER_VERSION: *p->value = 10; break;
    case I915_PARAM_NUM_FENCES_AVAIL: *p->value = 16; break;
    default: *p->value = 1;
    }
    return 0;
}

static int context_parameter(struct drm_i915_gem_context_param *p) {
    p->value = 0;
    if (p->param == I915_CONTEXT_PARAM_GTT_SIZE) p->value = 1ull << ADDRESS_BITS;
    if (p->param == I915_CONTEXT_PARAM_VM) p->value = 1;
    return 0;
}

static int call(unsigned number, void *argument) {
    switch (number) {
    case DRM_I915_GETPARAM: return parameter(argument);
    case DRM_I915_QUERY: return query(argument);
    case DRM_I915_GEM_CONTEXT_GETPARAM: return context_parameter(argument);
    case DRM_I915_GEM_CREATE: {
        struct drm_i915_gem_create *c = argument;
        c->handle = buffer_new(c->size);
        return 0;
    }
    case DRM_I915_GEM_CREATE_EXT: {
        struct drm_i915_gem_create_ext *c = argument;
        c->handle = buffer_new(c->size);
        return 0;
    }
    case DRM_I915_GEM_USERPTR: {
        struct drm_i915_gem_userptr *u = argument;
        u->handle = buffer_new(u->user_size);
        return 0;
    }
    case DRM_I915_GEM_MMAP_GTT: {
        struct drm_i915_gem_mmap_offset *m = argument;
        m->offset = buffer_offset(m->handle);
        return 0;
    }
    case DRM_I915_GEM_MMAP: {
        struct drm_i915_gem_mmap *m = argument;
        m->addr_ptr = (uintptr_t)buffer_map(m->handle, m->offset, m->size);
        return 0;
    }
    case DRM_I915_GEM_CONTEXT_CREATE: ((struct drm_i915_gem_context_create *)argument)->ctx_id = object_new(); return 0;
    case DRM_I915_GEM_VM_CREATE: ((struct drm_i915_gem_vm_control *)argument)->vm_id = object_new(); return 0;
    case DRM_I915_GEM_GET_APERTURE: {
        struct drm_i915_gem_get_aperture *a = argument;
        a->aper_size = a->aper_available_size = SYSTEM_BYTES;
        return 0;
    }
    case DRM_I915_REG_READ: ((struct drm_i915_reg_read *)argument)->val = ticks(); return 0;
    default: return 0;
    }
}

const struct driver i915 = {"i915", 1, 6, call};
