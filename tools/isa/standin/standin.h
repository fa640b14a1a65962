// A stand-in for the kernel's GPU drivers: what its parts share. It is described in ../README.md.
#ifndef STANDIN_H
#define STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GIB (1ull << 30)
#define MIB (1ull << 20)

// One kernel driver: its name and version as DRM_IOCTL_VERSION tells them, and its own calls (numbers from
// DRM_COMMAND_BASE on, counted from 0). A call returns 0, or -1 with errno set.
struct driver {
    const char *name;
    int major, minor;
    int (*call)(unsigned number, void *argument);
};
extern const struct driver amdgpu, asahi, i915, msm, nouveau, xe;

// STANDIN_ID: the device's number in its driver's terms.
extern unsigned long device_id;

// A line on standard error where STANDIN_LOG is set.
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A buffer's handle, and the place in the one file behind all buffers from which mmap gives its memory.
uint32_t buffer_new(uint64_t size);
uint64_t buffer_offset(uint32_t handle);
uint64_t buffer_size(uint32_t handle);
void *buffer_map(uint32_t handle, uint64_t offset, uint64_t size);

// A number for anything that is only named: contexts, queues, address spaces, synchronization objects.
uint32_t object_new(void);

// A clock that goes on each time it is read.
uint64_t ticks(void);

// An answer into memory that the caller sized: the rest of it becomes zero.
void answer(uint64_t address, size_t room, const void *value, size_t size);

// A user's address, which the kernel's interfaces carry as a number.
void *user(uint64_t address);

#endif
