//! Pure work on many things at once, on every core.

use std::sync::Arc;
use tokio::sync::oneshot;

/// Fewer things than this are not worth a thread.
pub(crate) const MIN_SPREAD: usize = 8;

/// `work` done on each item; the order stays. The caller's thread takes its share.
pub(crate) fn spread<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    let mut items = items.into_iter();
    let own: Vec<T> = items.by_ref().take(share).collect();
    let work = &work;
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        while items.len() > 0 {
            let part: Vec<T> = items.by_ref().take(share).collect();
            threads.push(scope.spawn(move || part.into_iter().map(work).collect::<Vec<_>>()));
        }
        let mut done: Vec<R> = own.into_iter().map(work).collect();
        for thread in threads {
            done.extend(thread.join().expect("the work does not panic"));
        }
        done
    })
}

/// [`spread`] that leaves the caller's thread to what it does meanwhile.
pub(crate) fn spread_apart<T: Send + 'static, R: Send + 'static>(
    items: Vec<T>,
    work: impl Fn(T) -> R + Send + Sync + 'static,
) -> impl Future<Output = Vec<R>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    let (mut items, work) = (items.into_iter(), Arc::new(work));
    let mut parts = Vec::new();
    while items.len() > 0 {
        let part: Vec<T> = items.by_ref().take(share).collect();
        let (done, result) = oneshot::channel();
        let work = work.clone();
        std::thread::spawn(move || {
            let results: Vec<R> = part.into_iter().map(&*work).collect();
            // Whoever asked may have gone.
            drop(done.send(results));
        });
        parts.push(result);
    }
    async {
        let mut results = Vec::new();
        for part in parts {
            results.extend(part.await.expect("the work does not panic"));
        }
        results
    }
}
