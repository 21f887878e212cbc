//! The types of components.
//!
//! The types of components and of instances hold declarations, of types among others. The reader
//! of wasmparser calls itself for those, as deep as a file says and before anything has looked at
//! it; so here they are read step by step, and only what cannot hold another is left to it.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentImport,
    ComponentType, ComponentTypeRef, CoreType,
};

use super::exceeded::{ExceededLimit, Measure, at_most};
use super::{Structure, Totals, add};

/// The first byte of a type that holds declarations: a component's and an instance's.
const COMPONENT: u8 = 0x41;
const INSTANCE: u8 = 0x42;

/// Checks a section, given from its count on.
pub(super) fn component_types(
    section: &[u8],
    totals: &mut Totals,
    limits: &Structure,
) -> Result<(), ExceededLimit> {
    let mut reader = BinaryReader::new(section, 0);
    // How many declarations are left of each type that the reader is in, the section first.
    let mut left = vec![reader.read_var_u32()?];
    while let Some(last) = left.last_mut() {
        if *last == 0 {
            left.pop();
            continue;
        }
        *last -= 1;
        // A section holds types alone, so they need no mark.
        let kind = if left.len() == 1 { 0x01 } else { reader.read_u8()? };
        match kind {
            0x00 => core_type(&reader.read()?, totals, limits)?,
            0x01 => {
                let (types, limit) = (&mut totals.component_types, limits.component_types);
                add(types, 1_u32, Measure::ComponentTypes, limit)?;
                match reader.clone().read_u8()? {
                    COMPONENT | INSTANCE => {
                        reader.read_u8()?;
                        left.push(reader.read_var_u32()?);
                        at_most(Measure::Nesting, left.len() - 1, limits.nesting)?;
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

/// Counts the core types of a component, those within the type of a module as well.
pub(super) fn core_type(
    ty: &CoreType<'_>,
    totals: &mut Totals,
    limits: &Structure,
) -> Result<(), ExceededLimit> {
    let count = match ty {
        CoreType::Rec(group) => group.types().len(),
        CoreType::Module(declarations) => declarations.len(),
    };
    add(&mut totals.types, count, Measure::Types, limits.types)
}

fn name(totals: &mut Totals, limits: &Structure) -> Result<(), ExceededLimit> {
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
