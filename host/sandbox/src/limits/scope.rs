//! What a component consists of, and how often.
//!
//! The compiler instantiates all components within a component when it translates it. So what
//! counts is not how much the bytes define, but how much there is once every component stands in
//! each place where it is instantiated.

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Instance, Payload,
};

use super::exceeded::{ExceededLimit, Measure, at_most};
use super::types::core_type;
use super::{Structure, Totals, add};

/// What one instance of a component consists of, with all that it instantiates.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    items: u64,
    instances: u64,
    lifted: u64,
}

/// A component that is being read.
#[derive(Debug, Default)]
struct Scope {
    /// The components that it can name, by their index.
    components: Vec<Weight>,
    own: Weight,
}

/// The component that is being read, and those around it.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

impl Scopes {
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn enter(&mut self, limits: &Structure) -> Result<(), ExceededLimit> {
        self.0.push(Scope::default());
        at_most(Measure::Nesting, self.0.len() - 1, limits.nesting)
    }

    /// The component ends: the one around it can now name it.
    pub(super) fn leave(&mut self) {
        if let Some(ended) = self.0.pop() {
            self.name(ended.own);
        }
    }

    pub(super) fn section(
        &mut self,
        payload: Payload<'_>,
        totals: &mut Totals,
        limits: &Structure,
    ) -> Result<(), ExceededLimit> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    let arguments = match instance? {
                        Instance::Instantiate { args, .. } => args.len(),
                        Instance::FromExports(exports) => exports.len(),
                    };
                    self.add(Weight { instances: 1, ..items(1 + arguments) }, limits)?;
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
                    let weight = match instance? {
                        ComponentInstance::Instantiate { component_index, args } => {
                            let within = self.component(0, component_index)?;
                            within.and(Weight { instances: 1, ..items(1 + args.len()) })
                        }
                        ComponentInstance::FromExports(exports) => items(1 + exports.len()),
                    };
                    self.add(weight, limits)?;
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
                    let lifted = match function? {
                        CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. } => 1,
                        _ => 0,
                    };
                    self.add(Weight { lifted, ..items(1) }, limits)?;
                }
                Ok(())
            }
            Payload::ComponentImportSection(section) => {
                add(&mut totals.names, section.count(), Measure::Names, limits.names)?;
                for import in section {
                    if let ComponentTypeRef::Component(_) = import?.ty {
                        return Err(ExceededLimit::Handed);
                    }
                    self.add(items(1), limits)?;
                }
                Ok(())
            }
            Payload::ComponentExportSection(section) => {
                add(&mut totals.names, section.count(), Measure::Names, limits.names)?;
                for export in section {
                    let export = export?;
                    // What is exported gets another index.
                    if export.kind == ComponentExternalKind::Component {
                        let weight = self.component(0, export.index)?;
                        self.name(weight);
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
                Err(ExceededLimit::Handed)
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let weight = self.component(count, index)?;
                self.name(weight);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The component of this index, of the component so far outward.
    fn component(&self, outward: u32, index: u32) -> Result<Weight, ExceededLimit> {
        let scope = self.0.iter().rev().nth(outward as usize);
        let weight = scope.and_then(|scope| scope.components.get(index as usize));
        weight.copied().ok_or_else(|| ExceededLimit::Malformed(format!("no component {index}")))
    }

    fn name(&mut self, weight: Weight) {
        if let Some(scope) = self.0.last_mut() {
            scope.components.push(weight);
        }
    }

    fn add(&mut self, weight: Weight, limits: &Structure) -> Result<(), ExceededLimit> {
        let Some(scope) = self.0.last_mut() else { return Ok(()) };
        scope.own = scope.own.and(weight);
        at_most(Measure::Instances, scope.own.instances, limits.instances)?;
        at_most(Measure::Lifted, scope.own.lifted, limits.lifted)?;
        at_most(Measure::Items, scope.own.items, limits.items)
    }
}

impl Weight {
    fn and(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            instances: self.instances.saturating_add(other.instances),
            lifted: self.lifted.saturating_add(other.lifted),
        }
    }
}

fn items(count: usize) -> Weight {
    Weight { items: count as u64, ..Weight::default() }
}
