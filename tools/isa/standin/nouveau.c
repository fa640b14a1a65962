// NVIDIA: nouveau, as NVK asks it. The layouts behind DRM_NOUVEAU_NVIF are not in the public headers: they are those of
// the kernel's include/nvif/ioctl.h and cl0080.h.
#include "standin.h"

#include <drm/nouveau_drm.h>
#include <stdio.h>

#define PCI_VENDOR_NVIDIA 0x10de
#define GRAPHICS_CLUSTERS 6ull
#define TEXTURE_CLUSTERS 40ull
#define MULTIPROCESSORS 80ull
#define MOST_PUSHES 4096
#define VRAM_BYTES (8 * GIB)
#define BAR_BYTES (256 * MIB)
#define PLATFORM_PCIE 3
#define REVISION 0xa1

enum { NVIF_SCLASS = 1, NVIF_METHOD = 4 };
enum { DEVICE_INFO = 0 };

struct nvif {
    uint8_t version, type, pad[4], owner, route;
    uint64_t token, object;
    uint8_t data[];
};
struct classes {
    uint8_t version, count, pad[6];
    struct {
        int32_t number;
        int16_t least, most;
    } list[];
};
struct method {
    uint8_t version, method, pad[6];
    uint8_t data[];
};
struct info {
    uint8_t version, platform;
    uint16_t chipset;
    uint8_t revision, family, pad[2];
    uint64_t ram_size, ram_user;
    char chip[16], name[64];
};

// Chips by the upper digits of their number: the family, a card by its PCI device, and the classes of copies to memory, of copies, 2D, 3D, compute.
#define ENGINES 5
static const struct generation {
    unsigned chips;
    uint8_t family;
    uint16_t card;
    int32_t classes[ENGINES];
} generations[] = {
    {0x130, 0x0a, 0x1b80, {0xa140, 0xc1b5, 0x902d, 0xc197, 0xc1c0}},  // Pascal: GTX 1080
    {0x140, 0x0b, 0x1d81, {0xa140, 0xc3b5, 0x902d, 0xc397, 0xc3c0}},  // Volta: Titan V
    {0x160, 0x0c, 0x1e04, {0xa140, 0xc5b5, 0x902d, 0xc597, 0xc5c0}},  // Turing: RTX 2080 Ti
    {0x170, 0x0d, 0x2204, {0xa140, 0xc7b5, 0x902d, 0xc797, 0xc7c0}},  // Ampere: RTX 3090
    {0x190, 0x0e, 0x2684, {0xa140, 0xc7b5, 0x902d, 0xc997, 0xc9c0}},  // Ada: RTX 4090
    {0x1b0, 0x0f, 0x2b85, {0xa140, 0xcab5, 0x902d, 0xce97, 0xcec0}},  // Blackwell: RTX 5090
};

static const struct generation *generation(void) {
    for (size_t i = 0; i < COUNT(generations); i++)
        if (generations[i].chips == (device_id & ~0xful)) return &generations[i];
    return &generations[0];
}

static void tell_classes(struct classes *c) {
    for (unsigned i = 0; i < ENGINES && i < c->count; i++) {
        c->list[i].number = generation()->classes[i];
        c->list[i].least = c->list[i].most = -1;
    }
    c->count = ENGINES;
}

static void tell_device(struct info *i) {
    i->platform = PLATFORM_PCIE;
    i->chipset = (uint16_t)device_id;
    i->revision = REVISION;
    i->family = generation()->family;
    i->ram_size = i->ram_user = VRAM_BYTES;
    snprintf(i->chip, sizeof i->chip, "%lX", device_id);
    snprintf(i->name, sizeof i->name, "NV%lX", device_id);
}

static int object_call(struct nvif *n) {
    note("standin: nvif %u\n", n->type);
    struct method *method = (struct method *)n->data;
    if (n->type == NVIF_SCLASS) tell_classes((struct classes *)n->data);
    if (n->type == NVIF_METHOD && method->method == DEVICE_INFO) tell_device((struct info *)method->data);
    return 0;
}

static int parameter(struct drm_nouveau_getparam *p) {
    switch (p->param) {
    case NOUVEAU_GETPARAM_CHIPSET_ID: p->value = device_id; break;
    case NOUVEAU_GETPARAM_PCI_VENDOR: p->value = PCI_VENDOR_NVIDIA; break;
    case NOUVEAU_GETPARAM_PCI_DEVICE: p->value = generation()->card; break;
    case NOUVEAU_GETPARAM_GRAPH_UNITS:
        p->value = GRAPHICS_CLUSTERS | (TEXTURE_CLUSTERS << 8) | (MULTIPROCESSORS << 32);
        break;
    case NOUVEAU_GETPARAM_EXEC_PUSH_MAX: p->value = MOST_PUSHES; break;
    case NOUVEAU_GETPARAM_VRAM_BAR_SIZE: p->value = BAR_BYTES; break;
    case NOUVEAU_GETPARAM_VRAM_USED: p->value = 0; break;
    case NOUVEAU_GETPARAM_PTIMER_TIME: p->value = ticks(); break;
    default: p->value = 1;
    }
    return 0;
}

static int call(unsigned number, void *argument) {
    switch (number) {
    case DRM_NOUVEAU_GETPARAM: return parameter(argument);
    case DRM_NOUVEAU_NVIF: return object_call(argument);
    case DRM_NOUVEAU_CHANNEL_ALLOC:
        ((struct drm_nouveau_channel_alloc *)argument)->channel = (int32_t)object_new();
        return 0;
    case DRM_NOUVEAU_GEM_NEW: {
        struct drm_nouveau_gem_new *g = argument;
        g->info.handle = buffer_new(g->info.size);
        g->info.map_handle = g->info.offset = buffer_offset(g->info.handle);
        return 0;
    }
    case DRM_NOUVEAU_GEM_INFO: {
        struct drm_nouveau_gem_info *i = argument;
        i->map_handle = i->offset = buffer_offset(i->handle);
        i->size = buffer_size(i->handle);
        return 0;
    }
    default: return 0;
    }
}

// From version 1.4 on there is the interface that NVK wants.
const struct driver nouveau = {"nouveau", 1, 4, call};
