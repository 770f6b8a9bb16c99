//! How the commit thread gets its processor back as soon as the disk has answered, and others leave it theirs.

use crate::limits::STAND_BACK_NICE;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Above ordinary threads, below the kernel's own, which begin at 50.
const FIFO_PRIORITY: u8 = 10;

/// How the calling thread is scheduled from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// Real-time, first in first out: runs as soon as it can.
    Fifo,
    /// Like every other thread: the process may not ask for more (`CAP_SYS_NICE`).
    Default,
}

/// Puts the calling thread into `SCHED_FIFO` where that is permitted.
///
/// On a busy machine an ordinary thread waits for the next scheduler tick after each sync, 4 ms instead
/// of 0.1 ms (`docs/decisions/0002-journal-file.md`). Threads started afterwards inherit the class, so
/// open the journal first. The thread must sleep between commits: one that spins starves its processor.
pub fn hurry_this_thread() -> Scheduling {
    let Ok(priority) = ThreadPriorityValue::try_from(FIFO_PRIORITY) else {
        return Scheduling::Default;
    };
    let taken = set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    );
    if taken.is_ok() { Scheduling::Fifo } else { Scheduling::Default }
}

/// Lets every other thread go before the calling one, which still gets on while they are busy. This needs no permission,
/// and cannot be taken back without one.
pub(crate) fn stand_back_this_thread() {
    // A thread that stays as it was is only slower for the others.
    let _ = rustix::process::nice(STAND_BACK_NICE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_back_does_so_alone() {
        let behind = std::thread::spawn(|| {
            stand_back_this_thread();
            rustix::process::nice(0).expect("a thread has a nice value")
        });
        let before = rustix::process::nice(0).expect("a thread has a nice value");
        assert!(before < behind.join().expect("the thread ends"));
        assert_eq!(rustix::process::nice(0).expect("a thread has a nice value"), before);
    }

    #[test]
    fn the_answer_is_what_the_kernel_says() {
        let (said, is) = std::thread::spawn(|| {
            let said = hurry_this_thread();
            (said, thread_priority::thread_schedule_policy().expect("a thread has a policy"))
        })
        .join()
        .expect("the thread ends");
        let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        assert_eq!(said == Scheduling::Fifo, is == fifo);
    }
}
