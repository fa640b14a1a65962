//! The program's only unsafe code: a variable of its own environment.

#![allow(unsafe_code)]

/// Keeps Mesa's layer that sorts Vulkan devices out of this process, unless the user has a word for it. It asks Wayland
/// which device draws the desktop, which complains on standard error where there is none; and adapters are ranked
/// here anyway.
///
/// To be called before anything else is.
pub(super) fn settle() {
    const READ_BY_THE_LAYER: [&str; 3] = ["NODEVICE_SELECT", "MESA_VK_DEVICE_SELECT", "DRI_PRIME"];
    if cfg!(target_os = "linux") && READ_BY_THE_LAYER.iter().all(|name| std::env::var_os(name).is_none()) {
        // SAFETY: no other thread may read or write the environment meanwhile. There is none: `main` calls this first,
        // nothing of this program or of its dependencies runs before `main`, and this starts no thread.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") }
    }
}
