//! Limits on component types.
//!
//! The types of components and instances contain declarations, among them types. wasmparser reads
//! nested types by recursion, as deep as the input says and before any check. So nested types are
//! read iteratively here, and wasmparser reads only types that cannot contain others.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentImport,
    ComponentType, ComponentTypeRef, CoreType,
};

use super::exceeded::{ExceededLimit, Measure, at_most};
use super::{StructuralLimits, Totals, add};

/// The first bytes of the types that contain declarations: component types and instance types.
const COMPONENT: u8 = 0x41;
const INSTANCE: u8 = 0x42;

/// Checks a section, which begins with its item count.
pub(super) fn component_types(
    section: &[u8],
    totals: &mut Totals,
    limits: &StructuralLimits,
) -> Result<(), ExceededLimit> {
    let mut reader = BinaryReader::new(section, 0);
    // The number of declarations that remain in each enclosing type; the first is the section.
    let mut remaining = vec![reader.read_var_u32()?];
    while let Some(innermost) = remaining.last_mut() {
        if *innermost == 0 {
            remaining.pop();
            continue;
        }
        *innermost -= 1;
        // A section contains only types, so its items have no kind.
        let kind = if remaining.len() == 1 { 0x01 } else { reader.read_u8()? };
        match kind {
            0x00 => core_type(&reader.read()?, totals, limits)?,
            0x01 => {
                let (types, limit) = (&mut totals.component_types, limits.component_types);
                add(types, 1_u32, Measure::ComponentTypes, limit)?;
                match reader.clone().read_u8()? {
                    COMPONENT | INSTANCE => {
                        reader.read_u8()?;
                        remaining.push(reader.read_var_u32()?);
                        at_most(Measure::Nesting, remaining.len() - 1, limits.nesting)?;
                    }
                    _ => {
                        let count = members(&reader.read()?);
                        add(&mut totals.members, count, Measure::Members, limits.members)?;
                    }
                }
            }
            0x02 => {
                reader.read::<ComponentAlias<'_>>()?;
            }
            0x03 => {
                name(totals, limits)?;
                reader.read::<ComponentImport<'_>>()?;
            }
            0x04 => {
                name(totals, limits)?;
                reader.read::<ComponentExternName<'_>>()?;
                reader.read::<ComponentTypeRef>()?;
            }
            other => {
                let text = format!("a declaration of the kind {other:#04x} in a type");
                return Err(ExceededLimit::Malformed(text));
            }
        }
    }
    Ok(())
}

/// Counts core types, including the declarations of module types.
pub(super) fn core_type(
    ty: &CoreType<'_>,
    totals: &mut Totals,
    limits: &StructuralLimits,
) -> Result<(), ExceededLimit> {
    let count = match ty {
        CoreType::Rec(group) => group.types().len(),
        CoreType::Module(declarations) => declarations.len(),
    };
    add(&mut totals.types, count, Measure::Types, limits.types)
}

fn name(totals: &mut Totals, limits: &StructuralLimits) -> Result<(), ExceededLimit> {
    add(&mut totals.names, 1_u32, Measure::Names, limits.names)
}

fn members(ty: &ComponentType<'_>) -> usize {
    match ty {
        ComponentType::Func(ty) => ty.params.len(),
        ComponentType::Defined(ty) => match ty {
            ComponentDefinedType::Record(fields) => fields.len(),
            ComponentDefinedType::Variant(cases) => cases.len(),
            ComponentDefinedType::Tuple(types) => types.len(),
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => names.len(),
            _ => 1,
        },
        _ => 0,
    }
}
