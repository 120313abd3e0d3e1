//! How many files this process may have open; a connection is one.

/// What there is besides connections: the receiver and who exports to it, pipes of services, the
/// files of reports.
const BESIDES: u64 = 256;

/// So many connections a request may have to do with: that which it uses, one that was begun for it
/// before another became free, and those of requests before that are not closed yet.
const PER_REQUEST: u64 = 4;

/// More than this macOS refuses whatever the hard limit says (`OPEN_MAX` of its `syslimits.h`).
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Lets this process send so many requests at a time, as far as the system allows it: shells start
/// with few open files for the sake of programs that cannot count further, 256 on macOS.
pub(crate) fn allow_requests(at_a_time: u64) {
    let wanted = at_a_time
        .saturating_mul(PER_REQUEST)
        .saturating_add(BESIDES);
    #[cfg(unix)]
    raise_to(wanted);
    // Elsewhere there is no such limit.
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
        // Where both are refused, there is an error once files run out, and it says what to do.
        .any(|limit| limit > soft && setrlimit(Resource::RLIMIT_NOFILE, limit, hard).is_ok());
}
