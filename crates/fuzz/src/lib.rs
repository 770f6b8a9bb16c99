//! Fuzz targets: one program for every parser that reads bytes from outside, and what one input may cost it.
//! `cargo xtask fuzz` builds and runs them.

use std::time::Duration;

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

/// The most processor time that one input may take.
pub const TIME_MAX: Duration = Duration::from_millis(100);

/// The most memory that one input may take, beyond what was in use before, in bytes.
pub const MEMORY_BYTES_MAX: usize = 64 * 1_024 * 1_024;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Does what a target does with one input.
///
/// # Panics
///
/// After more than [`TIME_MAX`] of this thread's processor time (other programs do not count), or of
/// [`MEMORY_BYTES_MAX`] at once.
pub fn within_bounds(work: impl FnOnce()) {
    HEAP.reset_peak_usage();
    let (before, began) = (HEAP.current_usage(), worked());
    work();
    let (took, used) = (worked().saturating_sub(began), HEAP.peak_usage().saturating_sub(before));
    assert!(took <= TIME_MAX, "this input takes {took:?}: more than {TIME_MAX:?}");
    assert!(used <= MEMORY_BYTES_MAX, "this input takes {used} bytes: more than {MEMORY_BYTES_MAX}");
}

/// A fuzz target: `target!(|input: &[u8]| { … })`, for `&str` as well.
#[macro_export]
macro_rules! target {
    (|$input:ident: $kind:ty| $work:block) => {
        libfuzzer_sys::fuzz_target!(|$input: $kind| { $crate::within_bounds(|| $work) });
    };
}

/// For how long this thread has had a processor.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a clock of processor time begins at nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_work_is_within_bounds() {
        within_bounds(|| drop(vec![1_u8; 1_000]));
        // What is waited for is nobody's work.
        within_bounds(|| std::thread::sleep(TIME_MAX * 2));
    }

    #[test]
    fn long_work_is_found() {
        let said = panics(|| {
            let until = worked() + TIME_MAX * 2;
            while worked() < until {}
        });
        assert!(said.ends_with("more than 100ms"), "{said}");
    }

    #[test]
    fn large_memory_is_found_although_it_is_given_back() {
        let said = panics(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(MEMORY_BYTES_MAX + 1))));
        assert!(said.ends_with("more than 67108864"), "{said}");
    }

    /// What is said of an input that is not within bounds.
    fn panics(work: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let said = std::panic::catch_unwind(|| within_bounds(work)).expect_err("it is not within bounds");
        *said.downcast::<String>().expect("a text")
    }
}
