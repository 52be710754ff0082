//! Lets a long walk be ended from outside: a check that whoever runs the request supplies.
//!
//! The check belongs to the thread that carries out the request, for a cursor outlives the request that
//! opened it, and each request that reads from it brings a check of its own.

use std::cell::RefCell;
use std::rc::Rc;

use crate::error::Result;

type Check = Rc<dyn Fn() -> Result<()>>;

thread_local! {
    static CHECK: RefCell<Option<Check>> = const { RefCell::new(None) };
}

/// Puts the check back that was there before, also when the work panics.
struct Restore(Option<Check>);

impl Drop for Restore {
    fn drop(&mut self) {
        let before = self.0.take();
        CHECK.with(|current| *current.borrow_mut() = before);
    }
}

/// Does `work` on this thread; queries and writes in it ask `check` now and then while they walk, and fail
/// with its error. What a write has committed by then stays.
pub fn interruptible<T>(check: impl Fn() -> Result<()> + 'static, work: impl FnOnce() -> T) -> T {
    let check: Check = Rc::new(check);
    let _restore = Restore(CHECK.with(|current| current.borrow_mut().replace(check)));
    work()
}

/// Fails if the request that runs on this thread is to end.
pub(crate) fn check() -> Result<()> {
    let check = CHECK.with(|current| current.borrow().clone());
    check.map_or(Ok(()), |check| check())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[test]
    fn the_innermost_check_counts_and_ends_with_its_work() {
        let failing = |message| move || Err(Error::new(Code::Interrupted, message));
        assert!(check().is_ok());
        interruptible(failing("outer"), || {
            interruptible(failing("inner"), || assert_eq!(check().unwrap_err().message(), "inner"));
            assert_eq!(check().unwrap_err().message(), "outer");
        });
        assert!(check().is_ok());
    }
}
