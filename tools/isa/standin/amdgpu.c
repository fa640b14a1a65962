// AMD: amdgpu, as RADV asks it.
#include "standin.h"

#include <drm/amdgpu_drm.h>
#include <string.h>

#define HEAP_BYTES (16 * GIB)
#define MASK_ENGINES 4
#define PAGE_BYTES 4096
#define IB_ALIGNMENT 256
#define FIRMWARE_VERSION 2000
#define FIRMWARE_FEATURE 60
#define MOST_IBS 192
#define RINGS 16

// The register that says how memory is spread over channels; the surface library works out its tables from it.
#define GB_ADDR_CONFIG 0x263e

enum { FAMILY_AI = 141, FAMILY_NV = 143, FAMILY_GFX11 = 145, FAMILY_GFX1150 = 150, FAMILY_GFX12 = 152 };

static const struct chip {
    unsigned long id;
    unsigned family, revision, device;
    unsigned engines, arrays, units, backends;  // Shader engines, arrays of one, compute units of one; render backends.
    unsigned registers;                         // Vector registers of a SIMD.
    unsigned major, minor, stepping;            // Of the graphics core.
    unsigned memory;
    uint32_t spread;                            // GB_ADDR_CONFIG
} chips[] = {
    {0x900, FAMILY_AI, 0x01, 0x687f, 4, 1, 16, 16, 256, 9, 0, 0, AMDGPU_VRAM_TYPE_HBM, 0x45},
    {0x908, FAMILY_AI, 0x33, 0x738c, 8, 1, 16, 0, 512, 9, 4, 8, AMDGPU_VRAM_TYPE_HBM, 0x45},
    {0x1010, FAMILY_NV, 0x01, 0x731f, 2, 2, 10, 16, 1024, 10, 1, 0, AMDGPU_VRAM_TYPE_GDDR6, 0x45},
    {0x1030, FAMILY_NV, 0x28, 0x73bf, 4, 2, 10, 16, 1024, 10, 3, 0, AMDGPU_VRAM_TYPE_GDDR6, 0x545},
    {0x1100, FAMILY_GFX11, 0x01, 0x744c, 6, 2, 8, 24, 1536, 11, 0, 0, AMDGPU_VRAM_TYPE_GDDR6, 0x45},
    {0x1102, FAMILY_GFX11, 0x10, 0x7480, 2, 2, 8, 8, 1024, 11, 0, 2, AMDGPU_VRAM_TYPE_GDDR6, 0x45},
    {0x1151, FAMILY_GFX1150, 0xc1, 0x1586, 2, 2, 10, 8, 1536, 11, 5, 1, AMDGPU_VRAM_TYPE_LPDDR5, 0x45},
    {0x1201, FAMILY_GFX12, 0x50, 0x7550, 4, 2, 8, 16, 1536, 12, 0, 1, AMDGPU_VRAM_TYPE_GDDR6, 0x45},
};

static const struct chip *chip(void) {
    for (size_t i = 0; i < COUNT(chips); i++)
        if (chips[i].id == device_id) return &chips[i];
    return &chips[0];
}

// The kernel's table has four engines; further ones stand behind the arrays of the first four.
static void fill_units(struct drm_amdgpu_info_device *d, const struct chip *c) {
    for (unsigned engine = 0; engine < c->engines; engine++)
        for (unsigned array = 0; array < c->arrays; array++)
            d->cu_bitmap[engine % MASK_ENGINES][array + 2 * (engine / MASK_ENGINES)] = (1u << c->units) - 1;
}

static void tell_device(uint64_t address, size_t room) {
    const struct chip *c = chip();
    unsigned backends = c->backends ? c->backends : 1;
    struct drm_amdgpu_info_device d = {
        .device_id = c->device, .external_rev = c->revision, .family = c->family,
        .num_shader_engines = c->engines, .num_shader_arrays_per_engine = c->arrays,
        .gpu_counter_freq = 100000, .max_engine_clock = 2500000, .max_memory_clock = 1200000, .min_engine_clock = 500000,
        .cu_active_number = c->engines * c->arrays * c->units, .num_cu_per_sh = c->units,
        .enabled_rb_pipes_mask = (1u << backends) - 1, .num_rb_pipes = backends, .num_hw_gfx_contexts = 8,
        .ids_flags = c->memory == AMDGPU_VRAM_TYPE_LPDDR5 ? AMDGPU_IDS_FLAGS_FUSION : 0,
        .virtual_address_offset = 2 * MIB, .virtual_address_max = 1ull << 47, .virtual_address_alignment = PAGE_BYTES,
        .high_va_offset = 0xffff800000000000ull, .high_va_max = 0xffffffffffe00000ull,
        .pte_fragment_size = 2 * MIB, .gart_page_size = PAGE_BYTES, .ce_ram_size = 32768,
        .vram_type = c->memory, .vram_bit_width = 256,
        .wave_front_size = c->family >= FAMILY_NV ? 32 : 64, .num_shader_visible_vgprs = c->registers,
        .max_gs_waves_per_vgt = 32, .gs_vgt_table_depth = 32, .gs_prim_buffer_depth = 1792,
        // Caches: kilobytes, and bytes for the last.
        .num_tcc_blocks = 16, .tcp_cache_size = 32, .num_sqc_per_wgp = 1, .sqc_data_cache_size = 16,
        .sqc_inst_cache_size = 32, .gl1c_cache_size = 256, .gl2c_cache_size = 6144, .mall_size = 96 * MIB,
    };
    fill_units(&d, c);
    answer(address, room, &d, sizeof d);
}

static void tell_engine(uint64_t address, size_t room, unsigned type) {
    const struct chip *c = chip();
    struct drm_amdgpu_info_hw_ip ip = {
        .hw_ip_version_major = c->major, .hw_ip_version_minor = c->minor,
        .ib_start_alignment = IB_ALIGNMENT, .ib_size_alignment = IB_ALIGNMENT,
        .available_rings = type == AMDGPU_HW_IP_GFX || type == AMDGPU_HW_IP_COMPUTE || type == AMDGPU_HW_IP_DMA,
        .ip_discovery_version = (c->major << 16) | (c->minor << 8) | c->stepping,
    };
    answer(address, room, &ip, sizeof ip);
}

static void tell_memory(uint64_t address, size_t room) {
    struct drm_amdgpu_heap_info heap = {HEAP_BYTES, HEAP_BYTES, 0, HEAP_BYTES};
    struct drm_amdgpu_memory_info memory = {.vram = heap, .cpu_accessible_vram = heap, .gtt = heap};
    answer(address, room, &memory, sizeof memory);
}

static int info(struct drm_amdgpu_info *q) {
    uint64_t address = q->return_pointer;
    size_t room = q->return_size;
    const uint32_t one = 1;
    note("standin: amdgpu query %#x, %zu bytes\n", q->query, room);
    memset(user(address), 0, room);
    switch (q->query) {
    case AMDGPU_INFO_ACCEL_WORKING:
    case AMDGPU_INFO_HW_IP_COUNT: answer(address, room, &one, sizeof one); break;
    case AMDGPU_INFO_DEV_INFO: tell_device(address, room); break;
    case AMDGPU_INFO_HW_IP_INFO: tell_engine(address, room, q->query_hw_ip.type); break;
    case AMDGPU_INFO_MEMORY: tell_memory(address, room); break;
    case AMDGPU_INFO_FW_VERSION: {
        struct drm_amdgpu_info_firmware firmware = {FIRMWARE_VERSION, FIRMWARE_FEATURE};
        answer(address, room, &firmware, sizeof firmware);
        break;
    }
    case AMDGPU_INFO_VRAM_GTT: {
        struct drm_amdgpu_info_vram_gtt sizes = {HEAP_BYTES, HEAP_BYTES, HEAP_BYTES};
        answer(address, room, &sizes, sizeof sizes);
        break;
    }
    case AMDGPU_INFO_READ_MMR_REG:
        for (uint32_t i = 0; i < q->read_mmr_reg.count; i++)
            if (q->read_mmr_reg.dword_offset + i == GB_ADDR_CONFIG) ((uint32_t *)user(address))[i] = chip()->spread;
        break;
    case AMDGPU_INFO_MAX_IBS: {
        uint32_t most[RINGS];
        for (size_t i = 0; i < RINGS; i++) most[i] = MOST_IBS;
        answer(address, room, most, sizeof most);
        break;
    }
    case AMDGPU_INFO_TIMESTAMP: {
        uint64_t clock = ticks();
        answer(address, room, &clock, sizeof clock);
        break;
    }
    }
    return 0;
}

static int call(unsigned number, void *argument) {
    switch (number) {
    case DRM_AMDGPU_INFO: return info(argument);
    // Questions and answers share their memory: what is asked is read before the answer is written.
    case DRM_AMDGPU_GEM_CREATE: {
        union drm_amdgpu_gem_create *c = argument;
        uint64_t size = c->in.bo_size;
        c->out.handle = buffer_new(size);
        return 0;
    }
    case DRM_AMDGPU_GEM_MMAP: {
        union drm_amdgpu_gem_mmap *m = argument;
        uint32_t handle = m->in.handle;
        m->out.addr_ptr = buffer_offset(handle);
        return 0;
    }
    case DRM_AMDGPU_CTX: {
        union drm_amdgpu_ctx *c = argument;
        uint32_t operation = c->in.op;
        memset(&c->out, 0, sizeof c->out);
        if (operation == AMDGPU_CTX_OP_ALLOC_CTX) c->out.alloc.ctx_id = object_new();
        return 0;
    }
    case DRM_AMDGPU_BO_LIST: ((union drm_amdgpu_bo_list *)argument)->out.list_handle = object_new(); return 0;
    case DRM_AMDGPU_CS: ((union drm_amdgpu_cs *)argument)->out.handle = object_new(); return 0;
    case DRM_AMDGPU_WAIT_CS: ((union drm_amdgpu_wait_cs *)argument)->out.status = 0; return 0;
    default: return 0;
    }
}

const struct driver amdgpu = {"amdgpu", 3, 64, call};
