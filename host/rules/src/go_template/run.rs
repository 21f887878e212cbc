//! Runs a parsed template.

use std::collections::BTreeMap;

use super::ast::{Branch, Command, Node, Operand, Pipeline};
use super::functions::Function;
use super::item::Item;
use super::{MAX_OUTPUT, Value, print};

/// The most steps that a template may take.
const MAX_STEPS: usize = 100_000;

/// How many bytes of a text that is made or compared count as one step, so
/// that many steps with large texts end in time as well.
const BYTES_PER_STEP: usize = 256;

/// Whether to go on after a node, or what to do with the range around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Runner<'a> {
    output: String,
    steps: usize,
    variables: Vec<(&'a str, Item<'a>)>,
}

/// Runs a template with its data.
pub(super) fn run<'a>(
    nodes: &'a [Node],
    fields: &'a [String],
    data: &'a BTreeMap<String, Value>,
) -> Result<String, String> {
    let value = |field: &'a String| (field.as_str(), data.get(field).unwrap_or(&Value::Nil));
    let data = Item::Data(fields.iter().map(value).collect());
    let mut runner =
        Runner { output: String::new(), steps: 0, variables: vec![("$", data.clone())] };
    runner.nodes(nodes, &data)?;
    Ok(runner.output)
}

impl<'a> Runner<'a> {
    fn step(&mut self, steps: usize) -> Result<(), String> {
        self.steps += steps;
        if self.steps > MAX_STEPS {
            return Err(format!("the template takes more than {MAX_STEPS} steps"));
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        if self.output.len() + text.len() > MAX_OUTPUT {
            return Err(format!("the template makes more than {MAX_OUTPUT} bytes"));
        }
        self.output.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &'a [Node], dot: &Item<'a>) -> Result<Flow, String> {
        for node in nodes {
            self.step(1)?;
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'a Node, dot: &Item<'a>) -> Result<Flow, String> {
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipeline) => {
                let item = self.pipeline(pipeline, dot)?;
                match item.text() {
                    _ if !pipeline.variables.is_empty() => {}
                    Some(text) => self.write(text)?,
                    None => self.write(&print::action(&item)?)?,
                }
            }
            Node::If(branch) | Node::With(branch) => {
                let declared = self.variables.len();
                let item = self.pipeline(&branch.pipeline, dot)?;
                let flow = if !item.is_true() {
                    self.nodes(&branch.otherwise, dot)
                } else if matches!(node, Node::With(_)) {
                    self.nodes(&branch.body, &item)
                } else {
                    self.nodes(&branch.body, dot)
                };
                self.variables.truncate(declared);
                return flow;
            }
            Node::Range(branch) => return self.range(branch, dot),
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(&mut self, branch: &'a Branch, dot: &Item<'a>) -> Result<Flow, String> {
        let declared = self.variables.len();
        let over = self.pipeline(&branch.pipeline, dot)?;
        let flow = if let Item::Int(count) = over {
            if branch.pipeline.variables.len() > 1 {
                Err(format!("can't use {count} to iterate over more than one variable"))
            } else {
                let items = (0..count).map(|int| (Item::Int(int), Item::Int(int)));
                self.each(branch, dot, items)
            }
        } else {
            match over {
                Item::List(values) => {
                    let items = (0..).map(Item::Int).zip(values.iter().map(Item::from));
                    self.each(branch, dot, items)
                }
                Item::Map(entries) => {
                    let item = |(key, value): (&'a String, &'a Value)| {
                        (Item::Text(key.as_str()), Item::from(value))
                    };
                    self.each(branch, dot, entries.iter().map(item))
                }
                Item::Nil => self.each(branch, dot, std::iter::empty()),
                _ => Err(format!("range can't iterate over {}", over.type_name())),
            }
        };
        self.variables.truncate(declared);
        flow.map_err(|problem| match branch.pipeline.commands.first() {
            Some(command) => placed(command, problem),
            None => problem,
        })
    }

    fn each(
        &mut self,
        branch: &'a Branch,
        dot: &Item<'a>,
        items: impl Iterator<Item = (Item<'a>, Item<'a>)>,
    ) -> Result<Flow, String> {
        let declared = self.variables.len();
        let mut empty = true;
        for (key, item) in items {
            empty = false;
            self.step(1)?;
            self.set_range(&branch.pipeline, key, &item)?;
            let flow = self.nodes(&branch.body, &item)?;
            self.variables.truncate(declared);
            if flow == Flow::Break {
                return Ok(Flow::On);
            }
        }
        if empty {
            return self.nodes(&branch.otherwise, dot);
        }
        Ok(Flow::On)
    }

    /// Sets the variables of a range for one round.
    fn set_range(
        &mut self,
        pipeline: &'a Pipeline,
        key: Item<'a>,
        item: &Item<'a>,
    ) -> Result<(), String> {
        match pipeline.variables.as_slice() {
            [name] => self.set(name, item.clone()),
            [first, second] => {
                // A repeated name stands for the second variable, as in Go.
                self.set_declared(pipeline, 2, first, key)?;
                self.set_declared(pipeline, 1, second, item.clone())
            }
            _ => Ok(()),
        }
    }

    /// Sets a variable of a range that may have been declared by it, the
    /// given number of places from the last one.
    fn set_declared(
        &mut self,
        pipeline: &Pipeline,
        from_end: usize,
        name: &str,
        item: Item<'a>,
    ) -> Result<(), String> {
        if pipeline.assigns {
            return self.set(name, item);
        }
        let place = self.variables.len().checked_sub(from_end);
        if let Some(variable) = place.and_then(|place| self.variables.get_mut(place)) {
            variable.1 = item;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, item: Item<'a>) -> Result<(), String> {
        let found = self.variables.iter_mut().rev().find(|known| known.0 == name);
        let variable = found.ok_or_else(|| format!("undefined variable: {name}"))?;
        variable.1 = item;
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Item<'a>) -> Result<Item<'a>, String> {
        let mut result = None;
        for command in &pipeline.commands {
            let item = self.command(command, dot, result.take())?;
            result = Some(item);
        }
        let item = result.unwrap_or(Item::Nil);
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.set(name, item.clone())?;
            } else {
                self.variables.push((name, item.clone()));
            }
        }
        Ok(item)
    }

    fn command(
        &mut self,
        command: &'a Command,
        dot: &Item<'a>,
        previous: Option<Item<'a>>,
    ) -> Result<Item<'a>, String> {
        self.step(1)?;
        let Operand::Function(function) = &command.first else {
            return self.operand(&command.first, dot).map_err(|problem| placed(command, problem));
        };
        let stops = match function {
            Function::And => Some(false),
            Function::Or => Some(true),
            _ => None,
        };
        let mut arguments = Vec::with_capacity(command.arguments.len() + 1);
        for argument in &command.arguments {
            let item = self.operand(argument, dot).map_err(|problem| placed(command, problem))?;
            if stops == Some(item.is_true()) {
                return Ok(item);
            }
            self.step(item.text().map_or(0, str::len) / BYTES_PER_STEP)?;
            arguments.push(item);
        }
        arguments.extend(previous);
        let result = function.call(&arguments).map_err(|problem| placed(command, problem))?;
        self.step(result.text().map_or(0, str::len) / BYTES_PER_STEP)?;
        Ok(result)
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Item<'a>) -> Result<Item<'a>, String> {
        self.step(1)?;
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Nil => Ok(Item::Nil),
            Operand::Bool(yes) => Ok(Item::Bool(*yes)),
            Operand::Int(int) => Ok(Item::Int(*int)),
            Operand::Float(bits) => Ok(Item::Float(f64::from_bits(*bits))),
            Operand::Text(text) => Ok(Item::Text(text)),
            Operand::Variable(name) => {
                let found = self.variables.iter().rev().find(|known| known.0 == name);
                let variable = found.ok_or_else(|| format!("undefined variable: {name}"))?;
                Ok(variable.1.clone())
            }
            Operand::Function(function) => function.call(&[]),
            Operand::Pipeline(pipeline) => self.pipeline(pipeline, dot),
            Operand::Fields(base, names) => {
                let base = self.operand(base, dot)?;
                names.iter().try_fold(base, |item, name| item.field(name))
            }
        }
    }
}

fn placed(command: &Command, problem: String) -> String {
    if problem.starts_with("line ") {
        // The command inside of this one has said where it is.
        return problem;
    }
    format!("{}: {problem}", command.place)
}
