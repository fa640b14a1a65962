//! The program's only unsafe code: a variable of its own environment.

#![allow(unsafe_code)]

/// The variable and its value that keep Mesa's layer that sorts Vulkan devices out of a process, unless the user has a
/// word for it. It asks Wayland which device draws the desktop, which complains on standard error where there is none;
/// and adapters are ranked here anyway. To be set before anything else is done.
#[must_use]
pub fn wanted_variable() -> Option<(&'static str, &'static str)> {
    const READ_BY_THE_LAYER: [&str; 3] = ["NODEVICE_SELECT", "MESA_VK_DEVICE_SELECT", "DRI_PRIME"];
    let wanted =
        cfg!(target_os = "linux") && READ_BY_THE_LAYER.iter().all(|name| std::env::var_os(name).is_none());
    wanted.then_some((READ_BY_THE_LAYER[0], "1"))
}

/// Sets it. To be called before anything else is.
pub(super) fn settle() {
    if let Some((name, value)) = wanted_variable() {
        // SAFETY: no other thread may read or write the environment meanwhile. There is none: `main` calls this first,
        // nothing of this program or of its dependencies runs before `main`, and this starts no thread.
        unsafe { std::env::set_var(name, value) }
    }
}
