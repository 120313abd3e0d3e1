//! The limit of open files, which include connections.

/// Open files besides connections: the receiver and its exporters, pipes of services, files of
/// reports.
const BESIDES: u64 = 256;

/// Number of connections per request: its own, one that was started before another became free, and
/// those of earlier requests that are not closed yet.
const PER_REQUEST: u64 = 4;

/// The largest limit that macOS accepts, even below the hard limit (`OPEN_MAX` in `syslimits.h`).
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Raises the limit for this number of concurrent requests, as far as the system allows. The default
/// of shells is low, for example 256 on macOS.
pub(crate) fn allow_requests(at_a_time: u64) {
    let wanted = at_a_time
        .saturating_mul(PER_REQUEST)
        .saturating_add(BESIDES);
    #[cfg(unix)]
    raise_to(wanted);
    // Other systems have no such limit.
    #[cfg(not(unix))]
    let _ = wanted;
}

#[cfg(unix)]
fn raise_to(wanted: u64) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let wanted = wanted.min(hard);
    let _ = [wanted, wanted.min(OPEN_MAX)]
        .into_iter()
        // If both fail, the error of a request without a file gives the remedy.
        .any(|limit| limit > soft && setrlimit(Resource::RLIMIT_NOFILE, limit, hard).is_ok());
}
