//! Whether this process counts what it does. It always does, unless somebody measures what
//! counting costs. It must not know what is counted.

use std::sync::atomic::{AtomicBool, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(true);

/// Whether requests and commands are counted and timed.
#[inline]
pub fn is_counting() -> bool {
    COUNTING.load(Ordering::Relaxed)
}

/// Chooses it for the whole process, before the first request.
pub fn choose_counting(is_counting: bool) {
    COUNTING.store(is_counting, Ordering::Relaxed);
}
