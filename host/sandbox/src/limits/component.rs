//! Limits on the size of a component once it is instantiated.
//!
//! The compiler inlines nested components wherever they are instantiated. So the size after
//! instantiation counts, and not the size of the definitions.

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Instance, Payload,
};

use super::exceeded::{ExceededLimit, Measure, at_most};
use super::types::core_type;
use super::{StructuralLimits, Totals, add};

/// The size of one instance of a component, including all nested instances.
#[derive(Debug, Clone, Copy, Default)]
struct InstanceSize {
    items: u64,
    instances: u64,
    lifted_functions: u64,
}

/// A component that is being read.
#[derive(Debug, Default)]
struct OpenComponent {
    /// Its component index space: the sizes of the components that it can refer to.
    components: Vec<InstanceSize>,
    size: InstanceSize,
}

/// The components that are being read, from the outermost to the innermost.
#[derive(Debug, Default)]
pub(super) struct ComponentStack(Vec<OpenComponent>);

impl ComponentStack {
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn enter(&mut self, limits: &StructuralLimits) -> Result<(), ExceededLimit> {
        self.0.push(OpenComponent::default());
        at_most(Measure::Nesting, self.0.len() - 1, limits.nesting)
    }

    /// Ends the innermost component and adds it to the index space of its parent.
    pub(super) fn leave(&mut self) {
        if let Some(ended) = self.0.pop() {
            self.define(ended.size);
        }
    }

    pub(super) fn section(
        &mut self,
        payload: Payload<'_>,
        totals: &mut Totals,
        limits: &StructuralLimits,
    ) -> Result<(), ExceededLimit> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    let arguments = match instance? {
                        Instance::Instantiate { args, .. } => args.len(),
                        Instance::FromExports(exports) => exports.len(),
                    };
                    self.add(InstanceSize { instances: 1, ..items(1 + arguments) }, limits)?;
                }
                Ok(())
            }
            Payload::CoreTypeSection(section) => {
                for ty in section {
                    core_type(&ty?, totals, limits)?;
                }
                Ok(())
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let size = match instance? {
                        ComponentInstance::Instantiate { component_index, args } => {
                            let nested = self.component(0, component_index)?;
                            nested.plus(InstanceSize { instances: 1, ..items(1 + args.len()) })
                        }
                        ComponentInstance::FromExports(exports) => items(1 + exports.len()),
                    };
                    self.add(size, limits)?;
                }
                Ok(())
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias?)?;
                    self.add(items(1), limits)?;
                }
                Ok(())
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    let lifted_functions = match function? {
                        CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. } => 1,
                        _ => 0,
                    };
                    self.add(InstanceSize { lifted_functions, ..items(1) }, limits)?;
                }
                Ok(())
            }
            Payload::ComponentImportSection(section) => {
                add(&mut totals.names, section.count(), Measure::Names, limits.names)?;
                for import in section {
                    if let ComponentTypeRef::Component(_) = import?.ty {
                        return Err(ExceededLimit::ComponentArgument);
                    }
                    self.add(items(1), limits)?;
                }
                Ok(())
            }
            Payload::ComponentExportSection(section) => {
                add(&mut totals.names, section.count(), Measure::Names, limits.names)?;
                for export in section {
                    let export = export?;
                    // An export adds another index for the component.
                    if export.kind == ComponentExternalKind::Component {
                        let size = self.component(0, export.index)?;
                        self.define(size);
                    }
                    self.add(items(1), limits)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), ExceededLimit> {
        match *alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                Err(ExceededLimit::ComponentArgument)
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let size = self.component(count, index)?;
                self.define(size);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Looks an index up in the component that is `outer` levels above the innermost one.
    fn component(&self, outer: u32, index: u32) -> Result<InstanceSize, ExceededLimit> {
        let component = self.0.iter().rev().nth(outer as usize);
        let size = component.and_then(|component| component.components.get(index as usize));
        size.copied().ok_or_else(|| ExceededLimit::Malformed(format!("no component {index}")))
    }

    /// Adds a component to the index space of the innermost component.
    fn define(&mut self, size: InstanceSize) {
        if let Some(component) = self.0.last_mut() {
            component.components.push(size);
        }
    }

    /// Adds to the size of the innermost component.
    fn add(&mut self, size: InstanceSize, limits: &StructuralLimits) -> Result<(), ExceededLimit> {
        let Some(component) = self.0.last_mut() else { return Ok(()) };
        component.size = component.size.plus(size);
        at_most(Measure::Instances, component.size.instances, limits.instances)?;
        at_most(
            Measure::LiftedFunctions,
            component.size.lifted_functions,
            limits.lifted_functions,
        )?;
        at_most(Measure::Items, component.size.items, limits.items)
    }
}

impl InstanceSize {
    fn plus(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            instances: self.instances.saturating_add(other.instances),
            lifted_functions: self.lifted_functions.saturating_add(other.lifted_functions),
        }
    }
}

fn items(count: usize) -> InstanceSize {
    InstanceSize { items: count as u64, ..InstanceSize::default() }
}
