//! How many files this process may have open; a connection is one.

/// What there is besides connections: the receiver and who exports to it, pipes of services, the
/// files of reports.
const BESIDES: u64 = 256;

/// Lets this process have so many connections at a time, as far as the system allows it: shells
/// start with few for the sake of programs that cannot count further, 256 on macOS.
pub(crate) fn allow_connections(count: u64) {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};

        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
            return;
        };
        let wanted = count.saturating_add(BESIDES).min(hard);
        if wanted > soft {
            // Where it is refused, there is an error once files run out, and it says what to do.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
        }
    }
    // Elsewhere there is no such limit.
    #[cfg(not(unix))]
    let _ = (count, BESIDES);
}
