//! What a core module consists of.

use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementItems, Imports, Operator, Payload, TypeRef,
};

use super::code::{self, Arity};
use super::exceeded::{ExceededLimit, Measure, at_most};
use super::{Structure, Totals, add};

/// A core module, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// What each type takes and gives, for blocks of that type.
    types: Vec<Arity>,
    memories: u64,
    /// The first and the last byte that a data segment sets, where that is known.
    image: Option<(u64, u64)>,
}

impl Module {
    pub(super) fn section(
        &mut self,
        payload: Payload<'_>,
        totals: &mut Totals,
        limits: &Structure,
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
                    let (most, limit) = (&mut totals.table_elements, limits.table_elements);
                    add(most, table?.ty.initial, Measure::TableElements, limit)?;
                }
                Ok(())
            }
            Payload::MemorySection(section) => {
                add(&mut self.memories, section.count(), Measure::Memories, limits.memories)?;
                let (all, limit) = (&mut totals.own_memories, limits.own_memories);
                add(all, section.count(), Measure::OwnMemories, limit)
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
                // Their number is that of the function section, or the module is not valid.
                at_most(Measure::Functions, count, limits.functions)
            }
            Payload::CodeSectionEntry(body) => code::function(&body, &self.types, limits),
            _ => Ok(()),
        }
    }

    /// Counts what can only be counted when all of it is known.
    pub(super) fn end(self, totals: &mut Totals, limits: &Structure) -> Result<(), ExceededLimit> {
        let spanned = self.image.map_or(0, |(first, end)| end - first);
        add(&mut totals.image, spanned, Measure::Image, limits.image)
    }

    fn imports(
        &mut self,
        imports: Imports<'_>,
        totals: &mut Totals,
        limits: &Structure,
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

    /// Bytes at a place that is written out. One that is computed is only known to an instance,
    /// which fills it by itself.
    fn data(&mut self, offset: &ConstExpr<'_>, length: u64) -> Result<(), ExceededLimit> {
        let at = match offset.get_operators_reader().read()? {
            Operator::I32Const { value } => u64::from(value.cast_unsigned()),
            Operator::I64Const { value } => value.cast_unsigned(),
            _ => return Ok(()),
        };
        let end = at.saturating_add(length);
        let (first, last) = self.image.unwrap_or((at, end));
        self.image = Some((first.min(at), last.max(end)));
        Ok(())
    }
}

fn is_memory(ty: &TypeRef) -> bool {
    matches!(ty, TypeRef::Memory(_))
}

fn arity(ty: &CompositeInnerType, limits: &Structure) -> Result<Arity, ExceededLimit> {
    let CompositeInnerType::Func(ty) = ty else { return Ok(Arity::default()) };
    let arity = Arity { parameters: ty.params().len() as u64, results: ty.results().len() as u64 };
    at_most(Measure::Parameters, arity.parameters, limits.parameters)?;
    at_most(Measure::Results, arity.results, limits.results)?;
    Ok(arity)
}
