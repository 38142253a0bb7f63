//! No transparent huge pages: the kernel clears all 2 MiB of one before whoever touched it first
//! goes on, which took 2 to 6 ms of a request where the machine is a guest of another. Single pages
//! are cleared as they are needed.

/// The kernel gives this process none from now on.
#[cfg(target_os = "linux")]
pub(super) fn disable() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!(%error, "transparent huge pages stay on: single requests may take longer");
    }
}

/// Only Linux has them.
#[cfg(not(target_os = "linux"))]
pub(super) fn disable() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gives_no_more_of_them() {
        disable();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }
}
