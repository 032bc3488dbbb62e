//! Sets the linker up for a Node.js addon. On glibc napi-build also marks it never to be unloaded
//! (`-z nodelete`): unloading an addon when a worker ends is a known crash.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
