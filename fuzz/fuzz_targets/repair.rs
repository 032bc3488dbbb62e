#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lodestore_fuzz::targets::by_name("repair")(data));
