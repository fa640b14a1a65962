// Apple: asahi, as Honeykrisp asks it.
#include "standin.h"

#include <drm/asahi_drm.h>

#define M1 0x8103
#define M2 0x8112
#define CORES 8
#define ADDRESSES_BEGIN (1ull << 32)
#define ADDRESSES_END (1ull << 40)
#define KERNEL_ADDRESSES (1ull << 32)
#define CLOCK_KHZ 1278000
#define TIMESTAMP_HZ 1000000000
#define REVISION_B1 0x11

static int parameters(struct drm_asahi_get_params *g) {
    struct drm_asahi_params_global p = {0};
    p.gpu_generation = device_id >= M2 ? 14 : 13;
    p.gpu_variant = 'G';
    p.gpu_revision = REVISION_B1;
    p.chip_id = (uint32_t)(device_id ? device_id : M1);
    p.num_dies = p.num_clusters_total = 1;
    p.num_cores_per_cluster = CORES;
    p.core_masks[0] = (1u << CORES) - 1;
    p.max_frequency_khz = CLOCK_KHZ;
    p.vm_start = ADDRESSES_BEGIN;
    p.vm_end = ADDRESSES_END;
    p.vm_kernel_min_size = KERNEL_ADDRESSES;
    p.max_commands_per_submission = 64;
    p.max_attachments = 16;
    p.command_timestamp_frequency_hz = TIMESTAMP_HZ;
    answer(g->pointer, g->size, &p, sizeof p);
    g->size = sizeof p;
    return 0;
}

static int call(unsigned number, void *argument) {
    switch (number) {
    case DRM_ASAHI_GET_PARAMS: return parameters(argument);
    case DRM_ASAHI_VM_CREATE: ((struct drm_asahi_vm_create *)argument)->vm_id = object_new(); return 0;
    case DRM_ASAHI_QUEUE_CREATE: ((struct drm_asahi_queue_create *)argument)->queue_id = object_new(); return 0;
    case DRM_ASAHI_GEM_BIND_OBJECT:
        ((struct drm_asahi_gem_bind_object *)argument)->object_handle = object_new();
        return 0;
    case DRM_ASAHI_GEM_CREATE: {
        struct drm_asahi_gem_create *c = argument;
        c->handle = buffer_new(c->size);
        return 0;
    }
    case DRM_ASAHI_GEM_MMAP_OFFSET: {
        struct drm_asahi_gem_mmap_offset *m = argument;
        m->offset = buffer_offset(m->handle);
        return 0;
    }
    default: return 0;
    }
}

const struct driver asahi = {"asahi", 1, 6, call};
