//! Limits on core modules.

use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementItems, Imports, Operator, Payload, TypeRef,
};

use super::code::{self, Arity};
use super::exceeded::{ExceededLimit, Measure, at_most};
use super::{StructuralLimits, Totals, add};

/// The state of a core module that is being read.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The arity of each function type, for blocks that use it.
    types: Vec<Arity>,
    memories: u64,
    /// The range of memory that data segments with constant offsets initialize.
    memory_image: Option<(u64, u64)>,
}

impl Module {
    pub(super) fn section(
        &mut self,
        payload: Payload<'_>,
        totals: &mut Totals,
        limits: &StructuralLimits,
    ) -> Result<(), ExceededLimit> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    let group = group?;
                    add(&mut totals.types, group.types().len(), Measure::Types, limits.types)?;
                    for ty in group.types() {
                        self.types.push(arity(&ty.composite_type.inner, limits)?);
                    }
                }
                Ok(())
            }
            Payload::ImportSection(section) => {
                for imports in section {
                    self.imports(imports?, totals, limits)?;
                }
                Ok(())
            }
            Payload::FunctionSection(section) => {
                add(&mut totals.functions, section.count(), Measure::Functions, limits.functions)
            }
            Payload::TableSection(section) => {
                add(&mut totals.tables, section.count(), Measure::Tables, limits.tables)?;
                for table in section {
                    let (elements, limit) = (&mut totals.table_elements, limits.table_elements);
                    add(elements, table?.ty.initial, Measure::TableElements, limit)?;
                }
                Ok(())
            }
            Payload::MemorySection(section) => {
                add(&mut self.memories, section.count(), Measure::Memories, limits.memories)?;
                let (defined, limit) = (&mut totals.defined_memories, limits.defined_memories);
                add(defined, section.count(), Measure::DefinedMemories, limit)
            }
            Payload::GlobalSection(section) => {
                add(&mut totals.globals, section.count(), Measure::Globals, limits.globals)
            }
            Payload::ExportSection(section) => {
                add(&mut totals.exports, section.count(), Measure::Exports, limits.exports)
            }
            Payload::ElementSection(section) => {
                let (segments, limit) = (&mut totals.element_segments, limits.element_segments);
                add(segments, section.count(), Measure::ElementSegments, limit)?;
                for segment in section {
                    let count = match segment?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    add(&mut totals.elements, count, Measure::Elements, limits.elements)?;
                }
                Ok(())
            }
            Payload::DataSection(section) => {
                let (segments, limit) = (&mut totals.data_segments, limits.data_segments);
                add(segments, section.count(), Measure::DataSegments, limit)?;
                for segment in section {
                    let segment = segment?;
                    if let DataKind::Active { offset_expr, .. } = segment.kind {
                        self.data(&offset_expr, segment.data.len() as u64)?;
                    }
                }
                Ok(())
            }
            Payload::CodeSectionStart { count, .. } => {
                // A valid module has as many bodies as its function section has entries.
                at_most(Measure::Functions, count, limits.functions)
            }
            Payload::CodeSectionEntry(body) => code::function(&body, &self.types, limits),
            _ => Ok(()),
        }
    }

    /// Checks the totals that are known only at the end of the module.
    pub(super) fn end(
        self,
        totals: &mut Totals,
        limits: &StructuralLimits,
    ) -> Result<(), ExceededLimit> {
        let size = self.memory_image.map_or(0, |(start, end)| end - start);
        add(&mut totals.memory_image, size, Measure::MemoryImage, limits.memory_image)
    }

    fn imports(
        &mut self,
        imports: Imports<'_>,
        totals: &mut Totals,
        limits: &StructuralLimits,
    ) -> Result<(), ExceededLimit> {
        let (total, limit) = (&mut totals.imports, limits.imports);
        let memories = match imports {
            Imports::Single(_, import) => {
                add(total, 1_u32, Measure::Imports, limit)?;
                u64::from(is_memory(&import.ty))
            }
            Imports::Compact1 { items, .. } => {
                add(total, items.count(), Measure::Imports, limit)?;
                let mut memories = 0;
                for item in items {
                    memories += u64::from(is_memory(&item?.ty));
                }
                memories
            }
            Imports::Compact2 { ty, names, .. } => {
                add(total, names.count(), Measure::Imports, limit)?;
                if is_memory(&ty) { u64::from(names.count()) } else { 0 }
            }
        };
        add(&mut self.memories, memories, Measure::Memories, limits.memories)
    }

    /// Extends the memory image by a data segment with a constant offset. A segment with a computed
    /// offset is not part of the image, since only an instance knows the offset.
    fn data(&mut self, offset: &ConstExpr<'_>, length: u64) -> Result<(), ExceededLimit> {
        let at = match offset.get_operators_reader().read()? {
            Operator::I32Const { value } => u64::from(value.cast_unsigned()),
            Operator::I64Const { value } => value.cast_unsigned(),
            _ => return Ok(()),
        };
        let end = at.saturating_add(length);
        let (first, last) = self.memory_image.unwrap_or((at, end));
        self.memory_image = Some((first.min(at), last.max(end)));
        Ok(())
    }
}

fn is_memory(ty: &TypeRef) -> bool {
    matches!(ty, TypeRef::Memory(_))
}

fn arity(ty: &CompositeInnerType, limits: &StructuralLimits) -> Result<Arity, ExceededLimit> {
    let CompositeInnerType::Func(ty) = ty else { return Ok(Arity::default()) };
    let arity = Arity { parameters: ty.params().len() as u64, results: ty.results().len() as u64 };
    at_most(Measure::Parameters, arity.parameters, limits.parameters)?;
    at_most(Measure::Results, arity.results, limits.results)?;
    Ok(arity)
}
