//! What happens once: a request under its key, and whatever else two requests must not do at the same time.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// What is under way.
#[derive(Clone, Debug)]
pub(crate) struct Busy<T>(Arc<Mutex<HashSet<T>>>);

/// Something under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Guard<T: Eq + Hash>(Arc<Mutex<HashSet<T>>>, T);

impl<T> Default for Busy<T> {
    fn default() -> Busy<T> {
        Busy(Arc::default())
    }
}

impl<T: Clone + Eq + Hash> Busy<T> {
    /// Begins something, unless it is under way.
    pub(crate) fn enter(&self, what: T) -> Option<Guard<T>> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.clone());
        is_new.then(|| Guard(self.0.clone(), what))
    }
}

impl<T: Eq + Hash> Drop for Guard<T> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::Busy;

    #[test]
    fn what_is_under_way_is_not_begun_again() {
        let busy = Busy::default();
        let first = busy.enter(1);
        assert!(first.is_some());
        assert!(busy.enter(1).is_none());
        assert!(busy.enter(2).is_some());
        drop(first);
        assert!(busy.enter(1).is_some());
    }
}
