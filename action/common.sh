# shellcheck shell=bash
# Functions shared by the steps of the action. Compatible with bash 3.2 of macOS.

# The URL of the releases; tests replace it with a local server.
releases() {
    printf '%s' "${SPANSPEC_RELEASES:-https://github.com/spanspec/spanspec/releases}"
}

# Fails the step with an annotation.
fail() {
    local text=${1//'%'/%25}
    text=${text//$'\r'/%0D}
    printf '::error title=spanspec::%s\n' "${text//$'\n'/%0A}"
    exit 2
}

# Sets an output of the step. The value can have several lines.
output() {
    local end="end-$RANDOM-$RANDOM-$RANDOM"
    printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

# The SHA-256 of standard input.
sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum | cut -d ' ' -f 1
    else
        shasum -a 256 | cut -d ' ' -f 1
    fi
}

# A path for programs outside of this shell: on Windows, with a drive letter.
native() {
    if command -v cygpath >/dev/null; then
        cygpath -m "$1"
    else
        printf '%s' "$1"
    fi
}

program_name() {
    if [ "${RUNNER_OS:-}" = Windows ]; then
        printf 'spanspec.exe'
    else
        printf 'spanspec'
    fi
}
