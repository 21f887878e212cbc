//! Limits on functions, by what they cost the compiler.

use wasmparser::{BlockType, FunctionBody, Operator, OperatorsReader};

use super::exceeded::{ExceededLimit, Measure, at_most};
use super::{StructuralLimits, add};

/// The fixed cost of a block, in block arguments. Each loop checks the epoch, and compile time
/// grows faster than linearly with the number of blocks.
const BLOCK_COST: u64 = 8;

/// The number of parameters and results of a function type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arity {
    pub(super) parameters: u64,
    pub(super) results: u64,
}

/// Checks one function.
///
/// The compiler translates locals and operands into SSA form. Where branches join, each local and
/// each operand of the block may become a block argument. So a function of a few kilobytes can have
/// as many SSA values as the product of its locals and blocks.
pub(super) fn function(
    body: &FunctionBody<'_>,
    types: &[Arity],
    limits: &StructuralLimits,
) -> Result<(), ExceededLimit> {
    at_most(Measure::FunctionBytes, body.range().len(), limits.function_bytes)?;
    let mut locals = 0;
    let mut reader = body.get_locals_reader()?;
    for _ in 0..reader.get_count() {
        let (count, _) = reader.read()?;
        add(&mut locals, count, Measure::Locals, limits.locals)?;
    }
    let mut counts = Counts {
        types,
        limits,
        locals,
        max_arity: 1,
        open_blocks: Vec::new(),
        open_loops: 0,
        block_arguments: 0,
        branch_targets: 0,
    };
    let mut operators = OperatorsReader::new(reader.get_binary_reader());
    while !operators.eof() {
        counts.operator(&operators.read()?)?;
    }
    Ok(())
}

struct Counts<'a> {
    types: &'a [Arity],
    limits: &'a StructuralLimits,
    locals: u64,
    /// The maximum number of values that a branch of this function can pass to its target.
    max_arity: u64,
    /// Whether each open block is a loop.
    open_blocks: Vec<bool>,
    /// The number of open blocks that are loops.
    open_loops: u64,
    block_arguments: u64,
    branch_targets: u64,
}

impl Counts<'_> {
    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), ExceededLimit> {
        match operator {
            Operator::Block { blockty }
            | Operator::Loop { blockty }
            | Operator::If { blockty }
            | Operator::TryTable { try_table: wasmparser::TryTable { ty: blockty, .. } } => {
                let is_loop = matches!(operator, Operator::Loop { .. });
                self.open_blocks.push(is_loop);
                self.open_loops += u64::from(is_loop);
                at_most(Measure::BlockNesting, self.open_blocks.len(), self.limits.block_nesting)?;
                at_most(Measure::LoopNesting, self.open_loops, self.limits.loop_nesting)?;
                let arity = self.arity(*blockty);
                let operands = arity.parameters + arity.results;
                self.max_arity = self.max_arity.max(operands);
                self.add_block_arguments(BLOCK_COST + self.locals + operands)
            }
            Operator::End => {
                // The last `end` closes the function, which has no entry in `open_blocks`.
                self.open_loops -= u64::from(self.open_blocks.pop() == Some(true));
                Ok(())
            }
            Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrOnNull { .. }
            | Operator::BrOnNonNull { .. } => self.add_block_arguments(self.max_arity),
            Operator::BrTable { targets } => {
                let count = u64::from(targets.len()) + 1;
                let limit = self.limits.branch_targets;
                add(&mut self.branch_targets, count, Measure::BranchTargets, limit)?;
                self.add_block_arguments(self.max_arity.saturating_mul(count))
            }
            _ => Ok(()),
        }
    }

    fn add_block_arguments(&mut self, count: u64) -> Result<(), ExceededLimit> {
        let limit = self.limits.block_arguments;
        add(&mut self.block_arguments, count, Measure::BlockArguments, limit)
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
