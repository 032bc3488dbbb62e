//! Vectors as they stand in documents.

use super::distance::floats;
use super::metric::{Form, Metric};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{BinaryKind, Kind, ShapeSource, ValueRef};

/// Visits the vectors of a field, each in the form that the crate's vectors have: none of null and
/// undefined, one of a typed array or a list of numbers, several of a list of these. Returns how
/// many there are. `scratch` is memory.
///
/// # Errors
/// `DIMENSION_MISMATCH`, `VALIDATION`, whose messages go on where the field was named; `CORRUPT`;
/// those of `visit`.
pub fn each_vector<S: ShapeSource + ?Sized>(
    value: ValueRef<'_>,
    form: Form,
    shapes: &S,
    scratch: &mut Vec<u8>,
    mut visit: impl FnMut(&[u8]) -> Result<()>,
) -> Result<u32> {
    match value.kind()? {
        Kind::Null | Kind::Undefined => return Ok(0),
        Kind::Binary => {
            visit(of_binary(value, form, scratch)?)?;
            return Ok(1);
        }
        Kind::Array => {}
        _ => return Err(not_a_vector("is neither a typed array nor a list")),
    }
    let length = value.array_len()?.unwrap_or(0);
    let mut elements = value.elements(shapes)?.into_iter().flatten();
    let first = elements.next().transpose()?;
    match first {
        None if length == 0 => return Ok(0),
        None => return Err(not_a_vector("is a list of holes")),
        Some((_, first)) if first.as_number()?.is_some() => {
            visit(of_numbers(value, form, shapes, scratch)?)?;
            return Ok(1);
        }
        Some(_) => {}
    }
    let mut count = 0;
    for element in value.elements(shapes)?.into_iter().flatten() {
        let (_, element) = element?;
        match element.kind()? {
            Kind::Binary => visit(of_binary(element, form, scratch)?)?,
            Kind::Array => visit(of_numbers(element, form, shapes, scratch)?)?,
            _ => return Err(not_a_vector("is a list with something else than vectors in it")),
        }
        count += 1;
    }
    if count < length {
        return Err(not_a_vector("is a list with holes"));
    }
    Ok(count)
}

/// Checks the components of a vector.
///
/// # Errors
/// `VALIDATION`, whose message goes on where the field was named.
pub fn check_components(form: Form, vector: &[u8]) -> Result<()> {
    if form.is_binary() {
        return Ok(());
    }
    let mut is_zero = true;
    for (at, component) in floats(vector).enumerate() {
        if !component.is_finite() {
            return Err(not_a_vector(format!(
                "has the component {at}, which is not a finite number of 32 bits"
            )));
        }
        is_zero &= component == 0.0;
    }
    if is_zero && form.metric == Metric::Cosine {
        return Err(not_a_vector("is a vector of zeros, which has no direction"));
    }
    Ok(())
}

fn of_binary<'a>(value: ValueRef<'a>, form: Form, scratch: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    let Some((kind, bytes)) = value.as_binary()? else { return Ok(&[]) };
    if form.is_binary() {
        if kind != BinaryKind::Uint8Array {
            return Err(not_a_vector("is not a Uint8Array, which vectors of bits are"));
        }
        check_dimensions(bytes.len() as u64 * 8, form)?;
        return Ok(bytes);
    }
    let size = match kind {
        BinaryKind::Float32Array => {
            check_dimensions((bytes.len() / 4) as u64, form)?;
            return Ok(bytes);
        }
        BinaryKind::Int8Array => 1,
        BinaryKind::Float16Array => 2,
        BinaryKind::Float64Array => 8,
        BinaryKind::Uint8Array => {
            return Err(not_a_vector(
                "is a Uint8Array, whose bits only the metric hamming compares",
            ));
        }
        _ => {
            return Err(not_a_vector(
                "is not a Float32Array, Float64Array, Float16Array, Int8Array or list of numbers",
            ));
        }
    };
    check_dimensions((bytes.len() / size) as u64, form)?;
    scratch.clear();
    match kind {
        BinaryKind::Int8Array => {
            bytes.iter().for_each(|byte| push(scratch, f64::from(byte.cast_signed())));
        }
        BinaryKind::Float16Array => {
            let halves = bytes.as_chunks().0.iter().map(|one| u16::from_le_bytes(*one));
            halves.for_each(|half| push(scratch, f64::from(of_half(half))));
        }
        _ => bytes.as_chunks().0.iter().for_each(|one| push(scratch, f64::from_le_bytes(*one))),
    }
    Ok(scratch)
}

fn of_numbers<'a, S: ShapeSource + ?Sized>(
    value: ValueRef<'_>,
    form: Form,
    shapes: &S,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8]> {
    if form.is_binary() {
        return Err(not_a_vector("is not a Uint8Array, which vectors of bits are"));
    }
    let length = value.array_len()?.unwrap_or(0);
    check_dimensions(u64::from(length), form)?;
    scratch.clear();
    let mut count = 0;
    value.any_element(shapes, |at, element| {
        let number = element.as_number()?.ok_or_else(|| {
            not_a_vector(format!("has something else than a number as component {at}"))
        })?;
        push(scratch, number);
        count += 1;
        Ok(false)
    })?;
    if count < length {
        return Err(not_a_vector("has a hole as a component"));
    }
    Ok(scratch)
}

fn push(vector: &mut Vec<u8>, component: f64) {
    vector.extend_from_slice(&(component as f32).to_le_bytes());
}

/// The number that 16 bits are (IEEE 754 binary16), which f32 has exactly.
fn of_half(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let (exponent, fraction) = (u32::from(half >> 10) & 0x1f, u32::from(half) & 0x3ff);
    match exponent {
        // 2 ** -24, of which numbers below the normal ones are multiples.
        0 => f32::from_bits(sign | (fraction as f32 * f32::from_bits(0x3380_0000)).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

fn check_dimensions(dimensions: u64, form: Form) -> Result<()> {
    if dimensions == u64::from(form.dimensions) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::DimensionMismatch,
        format!("has a vector of {dimensions} dimensions instead of {}", form.dimensions),
    ))
}

fn not_a_vector(why: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_numbers_that_they_are() {
        for (half, number) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x83ff, -6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(of_half(half).to_bits(), f32::to_bits(number), "{half:04x}");
        }
        assert!(of_half(0x7e00).is_nan());
        // Between neighbours the distance is that of binary16.
        let order = (0..0x7c00).map(of_half);
        assert!(order.clone().zip(order.skip(1)).all(|(one, next)| one < next));
    }
}
