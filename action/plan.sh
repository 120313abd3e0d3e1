#!/usr/bin/env bash
# Decides which spanspec is to be had, and where it will be.
#
# Reads INPUT_VERSION and ACTION_REF; gives `version` (a release, or `source`), `target`, `folder`
# and `key`, the name under which the folder is cached.
set -euo pipefail
# shellcheck source=action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

target() {
    case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
    Linux-X64) printf 'x86_64-unknown-linux-musl' ;;
    Linux-ARM64) printf 'aarch64-unknown-linux-musl' ;;
    macOS-X64) printf 'x86_64-apple-darwin' ;;
    macOS-ARM64) printf 'aarch64-apple-darwin' ;;
    Windows-X64) printf 'x86_64-pc-windows-msvc' ;;
    *) printf 'unknown' ;;
    esac
}

# Of the checkout that this script is in: at a tag, it is the release of that tag.
version_of_action() {
    sed -n 's/^version = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1
}

# A server answers `latest` by naming the page of a tag.
latest() {
    local page
    page=$(curl --silent --show-error --output /dev/null --write-out '%{redirect_url}' "$(releases)/latest") ||
        fail "failed to ask $(releases)/latest for the newest release; name one in \`version\`"
    case "$page" in
    */tag/v*) printf '%s' "${page##*/tag/v}" ;;
    *) fail "there is no release at $(releases) yet; \`version: source\` builds one with cargo" ;;
    esac
}

version() {
    case "$INPUT_VERSION" in
    "")
        case "${ACTION_REF:-}" in
        v[0-9]*) version_of_action ;;
        *) printf 'source' ;;
        esac
        ;;
    source) printf 'source' ;;
    latest) latest ;;
    v[0-9]* | [0-9]*) printf '%s' "${INPUT_VERSION#v}" ;;
    *) fail "\`version\` is \`$INPUT_VERSION\`; write a release such as 0.1.0, or latest, or source" ;;
    esac
}

# Another source, or another compiler, is another program.
fingerprint() {
    (
        cd "$GITHUB_ACTION_PATH"
        rustc --version
        find Cargo.toml Cargo.lock src -type f | LC_ALL=C sort | while IFS= read -r file; do
            printf '%s\n' "$file"
            cat "$file"
        done
    ) | sha256
}

version=$(version) || { printf '%s\n' "$version"; exit 2; }
target=$(target)
if [ "$version" = source ]; then
    command -v cargo >/dev/null ||
        fail "building spanspec needs Rust: install a toolchain in a step before, or name a release in \`version\`"
    key="spanspec-source-$target-$(fingerprint)"
else
    case "$version" in
    *[!0-9A-Za-z.+-]*) fail "\`$version\` is no version" ;;
    esac
    [ "$target" != unknown ] ||
        fail "there is no release for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}; \`version: source\` builds one with cargo"
    key="spanspec-$version-$target"
fi
output version "$version"
output target "$target"
output key "$key"
output folder "$(native "${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/spanspec/$key")"
printf 'spanspec %s for %s\n' "$version" "$target"
