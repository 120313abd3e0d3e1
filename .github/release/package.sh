#!/usr/bin/env bash
# Creates a release archive: package.sh TARGET PROGRAM FOLDER
#
# The archive spanspec-TARGET.tar.gz (.zip for Windows) contains one folder, spanspec-TARGET. Its
# SHA-256 is in a file next to it. action/install.sh and cargo-binstall rely on these names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target=$1 program=$2 folder=$3
name="spanspec-$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name" "$folder"
folder=$(cd "$folder" && pwd)
cp "$program" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$work/$name"

case "$target" in
*-windows-*)
    archive="$name.zip"
    (cd "$work" && "$(command -v python3 || command -v python)" -m zipfile -c "$archive" "$name")
    ;;
*)
    archive="$name.tar.gz"
    tar -czf "$work/$archive" -C "$work" "$name"
    ;;
esac
mv "$work/$archive" "$folder/$archive"
cd "$folder"
if command -v sha256sum >/dev/null; then
    sha256sum "$archive" >"$archive.sha256"
else
    shasum -a 256 "$archive" >"$archive.sha256"
fi
cat "$archive.sha256"
