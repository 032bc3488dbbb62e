//! Sets the linker up for a Node.js addon. On glibc napi-build also marks it never to be unloaded
//! (`-z nodelete`): unloading an addon when a worker ends is a known crash.

fn main() {
    // Otherwise a change of any file here, docs included, compiles the crate again.
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "node")]
    napi_build::setup();
}
