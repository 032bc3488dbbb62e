//! Fuzz targets: functions that take bytes and panic when the engine does something wrong with
//! them. `fuzz_targets/` hands them to libFuzzer, `tests/fuzz.rs` of the core replays the corpus.

pub mod targets;
