//! Merges data segments. Compilers write one for each run of bytes that are not zero, Go some 40,000
//! of them, and the adapter bounds their number.

use std::borrow::Cow;

use wasm_encoder::{ConstExpr, DataCountSection, DataSection, Module, RawSection};
use wasmparser::{Data, DataKind, Operator, Parser, Payload, TypeRef};

/// Segments that are no further apart than so many bytes become one. Each segment costs some bytes
/// itself, so that filling smaller gaps with zeros costs next to nothing.
pub const MAX_GAP: u32 = 32;

/// A module that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the core module cannot be read")]
pub struct InvalidModule(#[from] wasmparser::Error);

/// Where a segment begins in memory, and its bytes.
type Segment<'a> = (u32, Cow<'a, [u8]>);

/// Merges the active data segments of a core module whose gaps are at most `max_gap` bytes. What is
/// in memory when the module has started stays the same: a module whose segments cannot be merged so
/// (passive or overlapping ones, offsets that are computed, a memory of another module) stays as it
/// is.
pub fn merge_data_segments(module: &[u8], max_gap: u32) -> Result<Cow<'_, [u8]>, InvalidModule> {
    let Some(segments) = movable(module)? else { return Ok(Cow::Borrowed(module)) };
    let Some(merged) = merged(segments, max_gap) else { return Ok(Cow::Borrowed(module)) };
    let mut data = DataSection::new();
    for (offset, bytes) in &merged {
        data.active(0, &ConstExpr::i32_const(offset.cast_signed()), bytes.iter().copied());
    }
    let mut written = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::DataSection(_) => {
                written.section(&data);
            }
            Payload::DataCountSection { .. } => {
                written.section(&DataCountSection { count: data.len() });
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = module.get(range).unwrap_or_default();
                    written.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(Cow::Owned(written.finish()))
}

/// The segments of a module in the order of their offsets, unless they must stay where they are.
fn movable(module: &[u8]) -> Result<Option<Vec<Segment<'_>>>, InvalidModule> {
    let mut segments = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            // The gaps of a memory that another module owns may not be zero.
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if matches!(import?.ty, TypeRef::Memory(_)) {
                        return Ok(None);
                    }
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let Some(segment) = at_constant_offset(data?)? else { return Ok(None) };
                    segments.push(segment);
                }
            }
            _ => {}
        }
    }
    segments.sort_by_key(|(offset, _)| *offset);
    Ok(Some(segments))
}

fn at_constant_offset(data: Data<'_>) -> Result<Option<Segment<'_>>, InvalidModule> {
    let DataKind::Active { memory_index: 0, offset_expr } = data.kind else { return Ok(None) };
    let mut operators = offset_expr.get_operators_reader();
    match (operators.read()?, operators.read()?) {
        (Operator::I32Const { value }, Operator::End) => {
            Ok(Some((value.cast_unsigned(), Cow::Borrowed(data.data))))
        }
        _ => Ok(None),
    }
}

/// Fewer segments with the same content; `None` if two overlap, where the later one counts, or there
/// is nothing to merge.
fn merged(segments: Vec<Segment<'_>>, max_gap: u32) -> Option<Vec<Segment<'_>>> {
    let before = segments.len();
    let mut merged: Vec<Segment<'_>> = Vec::new();
    for (offset, bytes) in segments {
        let Some((start, last)) = merged.last_mut() else {
            merged.push((offset, bytes));
            continue;
        };
        let end = u64::from(*start) + u64::try_from(last.len()).ok()?;
        let gap = u64::from(offset).checked_sub(end)?;
        if gap <= u64::from(max_gap) {
            let filled = last.len() + usize::try_from(gap).ok()?;
            let last = last.to_mut();
            last.resize(filled, 0);
            last.extend_from_slice(&bytes);
        } else {
            merged.push((offset, bytes));
        }
    }
    (merged.len() < before).then_some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{MemorySection, MemoryType};

    fn memory_section() -> MemorySection {
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        memories
    }

    fn module(segments: &[(i32, &[u8])]) -> Vec<u8> {
        let mut data = DataSection::new();
        for (offset, bytes) in segments {
            data.active(0, &ConstExpr::i32_const(*offset), bytes.iter().copied());
        }
        let mut module = Module::new();
        module.section(&memory_section());
        module.section(&DataCountSection { count: data.len() });
        module.section(&data);
        module.finish()
    }

    /// The segments of a module, and what they make of memory.
    fn content(module: &[u8]) -> (Vec<(u32, usize)>, Vec<u8>) {
        wasmparser::Parser::new(0).parse_all(module).for_each(|payload| drop(payload.unwrap()));
        let mut memory = vec![0; 1 << 16];
        let segments = movable(module).unwrap().unwrap();
        for (offset, bytes) in &segments {
            let start = *offset as usize;
            memory[start..start + bytes.len()].copy_from_slice(bytes);
        }
        (segments.iter().map(|(offset, bytes)| (*offset, bytes.len())).collect(), memory)
    }

    fn count(module: &[u8]) -> Option<u32> {
        wasmparser::Parser::new(0).parse_all(module).find_map(|payload| match payload.unwrap() {
            Payload::DataCountSection { count, .. } => Some(count),
            _ => None,
        })
    }

    #[test]
    fn gaps_of_32_bytes_are_filled_and_larger_ones_are_not() {
        // Ends at 12; the next begins 32 bytes behind; then 33.
        let before = module(&[(8, b"abcd"), (44, b"ef"), (79, b"gh")]);
        let after = merge_data_segments(&before, MAX_GAP).unwrap();
        let (segments, memory) = content(&after);
        assert_eq!(segments, [(8, 38), (79, 2)]);
        assert_eq!(memory, content(&before).1);
        assert_eq!(count(&after), Some(2));
    }

    #[test]
    fn segments_out_of_order_are_merged_by_their_place() {
        let before = module(&[(20, b"c"), (0, b"a"), (10, b"b"), (21, b"d")]);
        let after = merge_data_segments(&before, MAX_GAP).unwrap();
        assert_eq!(content(&after).0, [(0, 22)]);
        assert_eq!(content(&after).1, content(&before).1);
    }

    #[test]
    fn a_module_that_would_change_stays_as_it_is() {
        let overlapping = module(&[(0, b"abcd"), (2, b"xy")]);
        assert_eq!(merge_data_segments(&overlapping, MAX_GAP).unwrap(), overlapping);
        let far = module(&[(0, b"a"), (1000, b"b")]);
        assert_eq!(merge_data_segments(&far, MAX_GAP).unwrap(), far);
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(0), *b"a");
        data.passive(*b"b");
        let mut passive = Module::new();
        passive.section(&memory_section()).section(&data);
        let passive = passive.finish();
        assert_eq!(merge_data_segments(&passive, MAX_GAP).unwrap(), passive);
    }

    #[test]
    fn an_imported_memory_is_left_alone() {
        let mut imports = wasm_encoder::ImportSection::new();
        let memory = MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        imports.import("env", "memory", memory);
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(0), *b"a");
        data.active(0, &ConstExpr::i32_const(4), *b"b");
        let mut module = Module::new();
        module.section(&imports).section(&data);
        let module = module.finish();
        assert_eq!(merge_data_segments(&module, MAX_GAP).unwrap(), module);
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        let error = merge_data_segments(b"\0asm\x01\0\0\0\x0b\x02", MAX_GAP).unwrap_err();
        assert_eq!(error.to_string(), "the core module cannot be read");
    }
}
