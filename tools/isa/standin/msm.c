// Qualcomm: msm, as Turnip asks it.
#include "standin.h"

#include <drm/msm_drm.h>

#define TILE_BYTES (3 * MIB)
#define TILE_ADDRESS 0x100000
#define ADDRESSES_BEGIN (1ull << 32)
#define ADDRESSES_BYTES (1ull << 40)
#define CLOCK_HZ 800000000
#define TRAP_ADDRESS 0x1fffffffff000ull
// How memory is compressed and shuffled: does not matter for programs, but must be a way that the driver knows.
#define HIGHEST_BANK_BIT 16
#define SWIZZLE 6

static int parameter(struct drm_msm_param *p) {
    note("standin: msm parameter %u\n", p->param);
    switch (p->param) {
    case MSM_PARAM_GPU_ID: p->value = 0; break;  // Newer chips are told by their chip id alone.
    case MSM_PARAM_CHIP_ID: p->value = device_id; break;
    case MSM_PARAM_GMEM_SIZE: p->value = TILE_BYTES; break;
    case MSM_PARAM_GMEM_BASE: p->value = TILE_ADDRESS; break;
    case MSM_PARAM_VA_START: p->value = ADDRESSES_BEGIN; break;
    case MSM_PARAM_VA_SIZE: p->value = ADDRESSES_BYTES; break;
    case MSM_PARAM_MAX_FREQ: p->value = CLOCK_HZ; break;
    case MSM_PARAM_UCHE_TRAP_BASE: p->value = TRAP_ADDRESS; break;
    case MSM_PARAM_HIGHEST_BANK_BIT: p->value = HIGHEST_BANK_BIT; break;
    case MSM_PARAM_UBWC_SWIZZLE: p->value = SWIZZLE; break;
    case MSM_PARAM_FAULTS:
    case MSM_PARAM_SUSPENDS:
    case MSM_PARAM_TIMESTAMP: p->value = 0; break;
    default: p->value = 1;
    }
    return 0;
}

static int call(unsigned number, void *argument) {
    switch (number) {
    case DRM_MSM_GET_PARAM: return parameter(argument);
    case DRM_MSM_GEM_NEW: {
        struct drm_msm_gem_new *g = argument;
        g->handle = buffer_new(g->size);
        return 0;
    }
    case DRM_MSM_GEM_INFO: {
        struct drm_msm_gem_info *i = argument;
        if (i->info == MSM_INFO_GET_OFFSET) i->value = buffer_offset(i->handle);
        if (i->info == MSM_INFO_GET_IOVA) i->value = ADDRESSES_BEGIN + buffer_offset(i->handle);
        return 0;
    }
    // Nothing is ever thrown away.
    case DRM_MSM_GEM_MADVISE: ((struct drm_msm_gem_madvise *)argument)->retained = 1; return 0;
    case DRM_MSM_SUBMITQUEUE_NEW: ((struct drm_msm_submitqueue *)argument)->id = object_new(); return 0;
    default: return 0;
    }
}

const struct driver msm = {"msm", 1, 13, call};
