// Preloaded before the C library, this is the kernel of a render node that is not there: open, fstat and ioctl of it
// are answered here, all other files go to the real kernel. Drivers look for the node itself, and for what sysfs says
// of it, by functions that are not replaced: both must exist as plain files (../run.sh).
#define _GNU_SOURCE
#include "standin.h"

#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define NODE "/dev/dri/renderD128"
#define DRM_MAJOR 226
#define RENDER_MINOR 128
#define FIRST_FREE_DESCRIPTOR 3
// The file behind all buffers is sparse: only what is written takes memory.
#define FILE_BYTES (1ll << 40)
#define BUFFER_ALIGNMENT 65536ull
#define BUFFERS (1u << 16)
// Timelines have always come farther than anything waits for.
#define TIMELINE_POINT (1ull << 40)

unsigned long device_id;
static const struct driver *driver;
static bool verbose;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int node = -1;
static struct stat node_stat;
static struct {
    uint64_t offset, size;
} buffers[BUFFERS];
static uint32_t last_buffer, last_object;
static uint64_t used_bytes;

__attribute__((constructor)) static void begin(void) {
    static const struct driver *const all[] = {&amdgpu, &asahi, &i915, &msm, &nouveau, &xe};
    const char *name = getenv("STANDIN_DRIVER"), *id = getenv("STANDIN_ID");
    for (size_t i = 0; name && i < COUNT(all); i++)
        if (!strcmp(name, all[i]->name)) driver = all[i];
    device_id = id ? strtoul(id, NULL, 0) : 0;
    verbose = getenv("STANDIN_LOG") != NULL;
}

void note(const char *format, ...) {
    if (!verbose) return;
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
}

void *user(uint64_t address) { return (void *)(uintptr_t)address; }

void answer(uint64_t address, size_t room, const void *value, size_t size) {
    memset(user(address), 0, room);
    memcpy(user(address), value, size < room ? size : room);
}

uint32_t buffer_new(uint64_t size) {
    size = (size + BUFFER_ALIGNMENT - 1) & ~(BUFFER_ALIGNMENT - 1);
    pthread_mutex_lock(&lock);
    uint32_t handle = last_buffer = last_buffer + 1 < BUFFERS ? last_buffer + 1 : 1;
    // Offset 0 is none.
    used_bytes += BUFFER_ALIGNMENT;
    buffers[handle].offset = used_bytes;
    buffers[handle].size = size;
    used_bytes += size;
    pthread_mutex_unlock(&lock);
    return handle;
}

uint64_t buffer_offset(uint32_t handle) { return handle < BUFFERS ? buffers[handle].offset : 0; }
uint64_t buffer_size(uint32_t handle) { return handle < BUFFERS ? buffers[handle].size : 0; }

void *buffer_map(uint32_t handle, uint64_t offset, uint64_t size) {
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, node, (off_t)(buffer_offset(handle) + offset));
}

uint32_t object_new(void) { return __atomic_add_fetch(&last_object, 1, __ATOMIC_SEQ_CST); }

uint64_t ticks(void) {
    static uint64_t clock;
    return __atomic_add_fetch(&clock, 1000, __ATOMIC_SEQ_CST);
}

// Another descriptor of the one file.
static int duplicate(int flags) {
    return fcntl(node, flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, FIRST_FREE_DESCRIPTOR);
}

static int open_node(int flags) {
    pthread_mutex_lock(&lock);
    if (node < 0) {
        node = (int)syscall(SYS_memfd_create, "standin", 0);
        if (node >= 0 && (syscall(SYS_fstat, node, &node_stat) || ftruncate(node, FILE_BYTES))) abort();
    }
    pthread_mutex_unlock(&lock);
    return node < 0 ? -1 : duplicate(flags);
}

static bool is_node(int descriptor) {
    struct stat s;
    return node >= 0 && !syscall(SYS_fstat, descriptor, &s) && s.st_ino == node_stat.st_ino && s.st_dev == node_stat.st_dev;
}

static int open_any(int folder, const char *path, int flags, mode_t mode) {
    if (driver && !strcmp(path, NODE)) return open_node(flags);
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

// The C library has several names for it, by the size of offsets and by whether the call was checked.
#define OPEN(name)                                              \
    EXPORT int name(const char *path, int flags, ...) {         \
        va_list list;                                           \
        va_start(list, flags);                                  \
        mode_t mode = va_arg(list, mode_t);                     \
        va_end(list);                                           \
        return open_any(AT_FDCWD, path, flags, mode);           \
    }
#define OPENAT(name)                                            \
    EXPORT int name(int folder, const char *path, int flags, ...) { \
        va_list list;                                           \
        va_start(list, flags);                                  \
        mode_t mode = va_arg(list, mode_t);                     \
        va_end(list);                                           \
        return open_any(folder, path, flags, mode);             \
    }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPENAT(openat)
OPENAT(openat64)

// Turnip closes descriptor 0 for objects that nothing ever filled in. Whatever else had got that number meanwhile, a file
// of the layer's or of the program's, would be closed under its owner, and its text would land in the next one.
EXPORT int close(int descriptor) {
    if (driver && descriptor == 0) return 0;
    return (int)syscall(SYS_close, descriptor);
}

EXPORT int fstat(int descriptor, struct stat *s) {
    int result = (int)syscall(SYS_fstat, descriptor, s);
    if (!result && node >= 0 && s->st_ino == node_stat.st_ino && s->st_dev == node_stat.st_dev) {
        s->st_mode = S_IFCHR | 0666;
        s->st_rdev = makedev(DRM_MAJOR, RENDER_MINOR);
    }
    return result;
}

EXPORT int fstat64(int descriptor, struct stat64 *s) { return fstat(descriptor, (struct stat *)s); }

// A text as DRM_IOCTL_VERSION hands it out: the length always, the text where there is room.
static void tell(char *room, __kernel_size_t *length, const char *text) {
    if (room && *length >= strlen(text)) memcpy(room, text, strlen(text));
    *length = strlen(text);
}

static int version(struct drm_version *v) {
    v->version_major = driver->major;
    v->version_minor = driver->minor;
    v->version_patchlevel = 0;
    tell(v->name, &v->name_len, driver->name);
    tell(v->date, &v->date_len, "20250101");
    tell(v->desc, &v->desc_len, "none");
    return 0;
}

// What all DRM drivers have in common. Whatever only has to succeed is not named.
static int common_call(unsigned long request, void *argument) {
    switch (_IOC_NR(request)) {
    case _IOC_NR(DRM_IOCTL_VERSION):
        return version(argument);
    case _IOC_NR(DRM_IOCTL_GET_CAP): {
        struct drm_get_cap *cap = argument;
        cap->value = cap->capability == DRM_CAP_PRIME ? DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT : 1;
        return 0;
    }
    case _IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD):
        ((struct drm_prime_handle *)argument)->fd = duplicate(O_CLOEXEC);
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_CREATE):
        ((struct drm_syncobj_create *)argument)->handle = object_new();
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD):
        ((struct drm_syncobj_handle *)argument)->fd = duplicate(O_CLOEXEC);
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE):
        ((struct drm_syncobj_handle *)argument)->handle = object_new();
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_QUERY): {
        struct drm_syncobj_timeline_array *array = argument;
        for (uint32_t i = 0; i < array->count_handles; i++) ((uint64_t *)user(array->points))[i] = TIMELINE_POINT;
        return 0;
    }
    default:
        return 0;
    }
}

EXPORT int ioctl(int descriptor, unsigned long request, ...) {
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (_IOC_TYPE(request) != DRM_IOCTL_BASE || !is_node(descriptor))
        return (int)syscall(SYS_ioctl, descriptor, request, argument);
    unsigned number = _IOC_NR(request);
    if (number < DRM_COMMAND_BASE || number >= DRM_COMMAND_END) {
        note("standin: common call %#x\n", number);
        return common_call(request, argument);
    }
    note("standin: %s call %#x of %u bytes\n", driver->name, number - DRM_COMMAND_BASE, (unsigned)_IOC_SIZE(request));
    return driver->call(number - DRM_COMMAND_BASE, argument);
}
