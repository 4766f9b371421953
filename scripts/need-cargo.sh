#!/bin/bash
# Ends with a message when there is no Rust toolchain.
command -v cargo > /dev/null && exit 0
echo "cargo was found neither on PATH nor in ~/.cargo/bin. Install Rust 1.92 or newer (https://rustup.rs)." >&2
exit 1
