//! The calls whose own cost counts, as plain functions.
//!
//! A method of a generated class costs several times what a point read does: it finds and checks
//! its `this`, tracks borrows and converts through traits. These functions carry a pointer to what
//! they read with, take numbers and return a number.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::{JsObjectValue, Object};
use napi::{Env, Unknown, check_status, sys};

use super::error::to_json;
use super::reads::Reads;
use crate::error::{Error, ErrorCode, Result};

/// An object with the functions `get(snapshot, storeId, keyLength)`, `read(snapshot,
/// requestLength)`, `lastTransactionId()` and `transactionIdOf(snapshot)`.
pub(super) fn create<'e>(env: &'e Env, reads: &Rc<Reads>) -> napi::Result<Object<'e>> {
    let mut object = Object::new(env)?;
    for (name, call) in [
        (c"get", get as unsafe extern "C" fn(_, _) -> _),
        (c"read", read),
        (c"lastTransactionId", last_transaction_id),
        (c"transactionIdOf", transaction_id_of),
    ] {
        let function = function(env, name, call, Rc::clone(reads))?;
        object.set_named_property(&name.to_string_lossy(), function)?;
    }
    Ok(object)
}

type Call = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// A function whose data is `reads`, released when the function is collected.
fn function<'e>(
    env: &'e Env,
    name: &std::ffi::CStr,
    call: Call,
    reads: Rc<Reads>,
) -> napi::Result<Unknown<'e>> {
    let length = isize::try_from(name.to_bytes().len()).unwrap_or(-1);
    let data = Rc::into_raw(reads).cast_mut().cast::<c_void>();
    let mut function = ptr::null_mut();
    // SAFETY: a live environment, a name of the given length, and a callback of the right type.
    // `data` stays alive until `release` runs, which is when the function can no longer be called.
    unsafe {
        let created = sys::napi_create_function(
            env.raw(),
            name.as_ptr(),
            length,
            Some(call),
            data,
            &mut function,
        );
        if created == sys::Status::napi_ok {
            let finalizer = sys::napi_add_finalizer(
                env.raw(),
                function,
                data,
                Some(release),
                ptr::null_mut(),
                ptr::null_mut(),
            );
            check_status!(finalizer)?;
        } else {
            drop(Rc::from_raw(data.cast_const().cast::<Reads>()));
        }
        check_status!(created)?;
        Ok(Unknown::from_raw_unchecked(env.raw(), function))
    }
}

unsafe extern "C" fn release(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `function` made it with `Rc::into_raw`, for one release, on this thread.
    drop(unsafe { Rc::from_raw(data.cast_const().cast::<Reads>()) });
}

/// Runs a call with N numbers as arguments; its failure is thrown.
///
/// # Safety
/// To be called by Node.js, as a callback of a function made by [`function`].
unsafe fn run<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    call: impl FnOnce(&Reads, [u32; N]) -> Result<f64>,
) -> sys::napi_value {
    let mut count = N;
    let mut values = [ptr::null_mut(); N];
    let mut data = ptr::null_mut();
    let mut numbers = [0; N];
    // SAFETY: the arguments are those that Node.js passed to this callback; missing ones are
    // `undefined`, which is no number and gives 0. `data` is the `Reads` of `function`, alive while
    // the function is.
    let reads = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut count,
            values.as_mut_ptr(),
            ptr::null_mut(),
            &mut data,
        );
        for (number, value) in numbers.iter_mut().zip(values) {
            sys::napi_get_value_uint32(env, value, number);
        }
        &*data.cast_const().cast::<Reads>()
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| call(reads, numbers))).unwrap_or_else(|_| {
        Err(Error::new(ErrorCode::Poisoned, "a defect in the native library ended the call"))
    });
    let mut result = ptr::null_mut();
    match outcome {
        // SAFETY: a live environment and an out pointer.
        Ok(number) => unsafe {
            sys::napi_create_double(env, number, &mut result);
        },
        Err(error) => {
            let message = to_json(&error);
            let length = isize::try_from(message.len()).unwrap_or(0);
            // SAFETY: as above; the message has the given length.
            unsafe {
                let mut text = ptr::null_mut();
                let mut exception = ptr::null_mut();
                sys::napi_create_string_utf8(env, message.as_ptr().cast(), length, &mut text);
                sys::napi_create_error(env, ptr::null_mut(), text, &mut exception);
                sys::napi_throw(env, exception);
            }
        }
    }
    result
}

unsafe extern "C" fn get(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: Node.js calls it as the callback of a function made by `function`.
    unsafe {
        run(env, info, |reads, [snapshot, store, length]| {
            reads.get(snapshot, store, length).map(f64::from)
        })
    }
}

unsafe extern "C" fn read(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: as in `get`.
    unsafe {
        run(env, info, |reads, [snapshot, length]| reads.read(snapshot, length).map(f64::from))
    }
}

unsafe extern "C" fn last_transaction_id(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: as in `get`.
    unsafe { run(env, info, |reads, []| reads.last_transaction_id().map(|id| id as f64)) }
}

unsafe extern "C" fn transaction_id_of(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: as in `get`.
    unsafe {
        run(env, info, |reads, [snapshot]| reads.transaction_id_of(snapshot).map(|id| id as f64))
    }
}
