//! What a function costs the compiler.

use wasmparser::{BlockType, FunctionBody, Operator, OperatorsReader};

use super::exceeded::{ExceededLimit, Measure, at_most};
use super::{Structure, add};

/// What a block costs by itself, in values: a loop looks at the clock, and takes time that grows
/// faster than the number of blocks.
const BLOCK: u64 = 8;

/// What a function type takes and gives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arity {
    pub(super) parameters: u64,
    pub(super) results: u64,
}

/// Checks one function.
///
/// The compiler turns locals and operands into values of which each has one origin. Where paths
/// meet, a value of each local, and each operand of the block, may need a new name; so a function
/// of a few kilobytes can have as many values as its locals times its blocks.
pub(super) fn function(
    body: &FunctionBody<'_>,
    types: &[Arity],
    limits: &Structure,
) -> Result<(), ExceededLimit> {
    at_most(Measure::Body, body.range().len(), limits.body)?;
    let mut locals = 0;
    let mut reader = body.get_locals_reader()?;
    for _ in 0..reader.get_count() {
        let (count, _) = reader.read()?;
        add(&mut locals, count, Measure::Locals, limits.locals)?;
    }
    let mut counted = Counted {
        types,
        limits,
        locals,
        widest: 1,
        within: Vec::new(),
        loops: 0,
        passed: 0,
        targets: 0,
    };
    let mut operators = OperatorsReader::new(reader.get_binary_reader());
    while !operators.eof() {
        counted.operator(&operators.read()?)?;
    }
    Ok(())
}

struct Counted<'a> {
    types: &'a [Arity],
    limits: &'a Structure,
    locals: u64,
    /// The most that a branch of this function may pass on.
    widest: u64,
    /// Whether each block that is open is a loop, and how many are.
    within: Vec<bool>,
    loops: u64,
    passed: u64,
    targets: u64,
}

impl Counted<'_> {
    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), ExceededLimit> {
        match operator {
            Operator::Block { blockty }
            | Operator::Loop { blockty }
            | Operator::If { blockty }
            | Operator::TryTable { try_table: wasmparser::TryTable { ty: blockty, .. } } => {
                let is_loop = matches!(operator, Operator::Loop { .. });
                self.within.push(is_loop);
                self.loops += u64::from(is_loop);
                at_most(Measure::Blocks, self.within.len(), self.limits.blocks)?;
                at_most(Measure::Loops, self.loops, self.limits.loops)?;
                let arity = self.arity(*blockty);
                let passed = arity.parameters + arity.results;
                self.widest = self.widest.max(passed);
                self.pass(BLOCK + self.locals + passed)
            }
            Operator::End => {
                // The last one ends the function.
                self.loops -= u64::from(self.within.pop() == Some(true));
                Ok(())
            }
            Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrOnNull { .. }
            | Operator::BrOnNonNull { .. } => self.pass(self.widest),
            Operator::BrTable { targets } => {
                let count = u64::from(targets.len()) + 1;
                let limit = self.limits.targets;
                add(&mut self.targets, count, Measure::Targets, limit)?;
                self.pass(self.widest.saturating_mul(count))
            }
            _ => Ok(()),
        }
    }

    fn pass(&mut self, values: u64) -> Result<(), ExceededLimit> {
        add(&mut self.passed, values, Measure::Passed, self.limits.passed)
    }

    fn arity(&self, ty: BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { parameters: 0, results: 1 },
            BlockType::FuncType(index) => {
                self.types.get(index as usize).copied().unwrap_or_default()
            }
        }
    }
}
