//! The interpreter of templates.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Base, Branch, Command, Control, FormatPart, Node, Operand, Pipeline, Value};

/// The maximum number of steps of a template.
const MAX_STEPS: usize = 100_000;

/// The number of bytes of a constructed string that count as one step, so that many steps with large
/// strings are bounded as well.
const BYTES_PER_STEP: usize = 256;

/// The maximum size of the output, and of one string, in bytes.
const MAX_OUTPUT: usize = 1 << 20;

/// A value while a template runs.
#[derive(Clone, Debug)]
enum Item<'a> {
    Nil,
    Number(usize),
    Text(Cow<'a, str>),
    List(&'a [Value]),
    Map(&'a BTreeMap<String, Value>),
}

struct Runner<'a> {
    data: &'a BTreeMap<String, Value>,
    output: String,
    steps: usize,
    variables: Vec<(&'a str, Item<'a>)>,
}

/// Why a command fails.
enum CommandError {
    /// In a pipeline within it, which says where.
    Nested(String),
    /// In itself.
    Own(String),
}

impl From<String> for CommandError {
    fn from(what: String) -> Self {
        Self::Own(what)
    }
}

/// Runs a template with data.
pub(super) fn run(nodes: &[Node], data: &BTreeMap<String, Value>) -> Result<String, String> {
    let mut runner = Runner { data, output: String::new(), steps: 0, variables: Vec::new() };
    runner.nodes(nodes, &Item::Nil)?;
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

    fn nodes(&mut self, nodes: &'a [Node], dot: &Item<'a>) -> Result<(), String> {
        for node in nodes {
            self.step(1)?;
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Action(pipeline) => {
                    let item = self.pipeline(pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        match item {
                            Item::Nil => self.write("<no value>")?,
                            item => self.write(&item.printed())?,
                        }
                    }
                }
                Node::Branch(branch) => {
                    let declared = self.variables.len();
                    self.branch(branch, dot)?;
                    self.variables.truncate(declared);
                }
            }
        }
        Ok(())
    }

    fn branch(&mut self, branch: &'a Branch, dot: &Item<'a>) -> Result<(), String> {
        let item = self.pipeline(&branch.pipeline, dot)?;
        match branch.control {
            Control::Range => self.range(branch, item, dot),
            _ if !item.is_true() => self.nodes(&branch.otherwise, dot),
            Control::If => self.nodes(&branch.body, dot),
            Control::With => self.nodes(&branch.body, &item),
        }
    }

    fn range(&mut self, branch: &'a Branch, over: Item<'a>, dot: &Item<'a>) -> Result<(), String> {
        let items: Vec<(Item<'a>, Item<'a>)> = match over {
            Item::Nil => Vec::new(),
            Item::List(values) => {
                values.iter().enumerate().map(|(at, v)| (Item::Number(at), v.into())).collect()
            }
            Item::Map(entries) => {
                entries.iter().map(|(key, v)| (Item::Text(key.into()), v.into())).collect()
            }
            Item::Number(_) | Item::Text(_) => {
                let place = branch.pipeline.position;
                return Err(format!("{place}: range can't iterate over {}", over.type_name()));
            }
        };
        if items.is_empty() {
            return self.nodes(&branch.otherwise, dot);
        }
        // The pipeline has set the variables to the whole range.
        let outer = self.variables.len() - branch.pipeline.variables.len();
        for (key, item) in items {
            self.step(1)?;
            self.variables.truncate(outer);
            match branch.pipeline.variables.as_slice() {
                [] => {}
                [name] => self.variables.push((name, item.clone())),
                [first, second, ..] => {
                    self.variables.push((first, key));
                    self.variables.push((second, item.clone()));
                }
            }
            self.nodes(&branch.body, &item)?;
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Item<'a>) -> Result<Item<'a>, String> {
        let mut result = None;
        for command in &pipeline.commands {
            let item = self.command(command, result.take(), dot);
            let placed = |error| match error {
                CommandError::Nested(what) => what,
                CommandError::Own(what) => format!("{}: {what}", pipeline.position),
            };
            result = Some(item.map_err(placed)?);
        }
        let item = result.unwrap_or(Item::Nil);
        for name in &pipeline.variables {
            self.variables.push((name, item.clone()));
        }
        Ok(item)
    }

    fn command(
        &mut self,
        command: &'a Command,
        piped: Option<Item<'a>>,
        dot: &Item<'a>,
    ) -> Result<Item<'a>, CommandError> {
        self.step(1)?;
        let (Command::Index(operands) | Command::Printf(_, operands)) = command else {
            let Command::Operand(operand) = command else { return Ok(Item::Nil) };
            return self.operand(operand, dot);
        };
        let mut arguments = Vec::with_capacity(operands.len() + 1);
        for operand in operands {
            arguments.push(self.operand(operand, dot)?);
        }
        let mut arguments = arguments.into_iter().chain(piped);
        match command {
            Command::Printf(parts, _) => {
                let text = printf(parts, arguments)?;
                self.step(text.len() / BYTES_PER_STEP)?;
                Ok(Item::Text(text.into()))
            }
            _ => {
                let first = arguments.next().unwrap_or(Item::Nil);
                arguments.try_fold(first, |item, at| item.index(&at)).map_err(CommandError::Own)
            }
        }
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Item<'a>) -> Result<Item<'a>, CommandError> {
        self.step(1)?;
        let (base, names) = match operand {
            Operand::Text(text) => return Ok(Item::Text(text.into())),
            Operand::Number(number) => return Ok(Item::Number(*number)),
            Operand::Pipeline(pipeline) => {
                return self.pipeline(pipeline, dot).map_err(CommandError::Nested);
            }
            Operand::Path(base, names) => (base, names.as_slice()),
        };
        let (item, names) = match (base, names) {
            (Base::Data, [field, rest @ ..]) => {
                (self.data.get(field).map_or(Item::Nil, Item::from), rest)
            }
            (Base::Variable(name), names) => {
                let known = self.variables.iter().rev().find(|known| known.0 == name);
                (known.map_or(Item::Nil, |known| known.1.clone()), names)
            }
            (_, names) => (dot.clone(), names),
        };
        names.iter().try_fold(item, |item, name| item.field(name)).map_err(CommandError::Own)
    }
}

fn printf<'a>(
    parts: &[FormatPart],
    mut arguments: impl Iterator<Item = Item<'a>>,
) -> Result<String, String> {
    let mut text = String::new();
    for piece in parts {
        match (piece, arguments.by_ref()) {
            (FormatPart::Text(piece), _) => text.push_str(piece),
            (FormatPart::String, arguments) => match arguments.next() {
                Some(Item::Nil) | None => return Err("printf %s needs a text, not nil".to_owned()),
                Some(Item::Number(_)) => {
                    return Err("printf %s needs a text, not int; write %v".to_owned());
                }
                Some(item) => text.push_str(&item.printed()),
            },
            (FormatPart::Value, arguments) => match arguments.next() {
                Some(Item::Nil) | None => text.push_str("<nil>"),
                Some(item) => text.push_str(&item.printed()),
            },
        }
        if text.len() > MAX_OUTPUT {
            return Err(format!("a text is larger than {MAX_OUTPUT} bytes"));
        }
    }
    Ok(text)
}

impl<'a> From<&'a Value> for Item<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.into()),
            Value::List(values) => Self::List(values),
            Value::Map(entries) => Self::Map(entries),
        }
    }
}

impl<'a> Item<'a> {
    /// Whether Go treats the value as true: whether it is not empty.
    fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Number(number) => *number != 0,
            Self::Text(text) => !text.is_empty(),
            Self::List(values) => !values.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
        }
    }

    /// The name of the type in Go.
    fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Number(_) => "int",
            Self::Text(_) => "string",
            Self::List(_) => "[]string",
            Self::Map(_) => "map[string]string",
        }
    }

    /// The value of a key, in field notation.
    fn field(self, name: &str) -> Result<Self, String> {
        match self {
            Self::Map(entries) => Ok(entries.get(name).map_or(Self::Nil, Self::from)),
            Self::Nil => Ok(Self::Nil),
            _ => Err(format!("can't evaluate field {name} in type {}", self.type_name())),
        }
    }

    fn index(self, at: &Self) -> Result<Self, String> {
        match (&self, at) {
            // A missing key gives the empty string, the zero value in Go.
            (Self::Map(entries), Self::Text(key)) => {
                Ok(entries.get(&**key).map_or(Self::Text("".into()), Self::from))
            }
            (Self::List(values), Self::Number(at)) => match values.get(*at) {
                Some(value) => Ok(value.into()),
                None => Err(format!("index out of range: {at}")),
            },
            _ => {
                let (item, at) = (self.type_name(), at.type_name());
                Err(format!("can't index an item of type {item} with {at}"))
            }
        }
    }

    /// The value as Go prints it.
    fn printed(self) -> Cow<'a, str> {
        let all = |values: Vec<String>| values.join(" ");
        match self {
            Self::Nil => "<nil>".into(),
            Self::Number(number) => number.to_string().into(),
            Self::Text(text) => text,
            Self::List(values) => {
                let printed = values.iter().map(|v| Item::from(v).printed().into_owned());
                format!("[{}]", all(printed.collect())).into()
            }
            Self::Map(entries) => {
                let printed =
                    entries.iter().map(|(k, v)| format!("{k}:{}", Item::from(v).printed()));
                format!("map[{}]", all(printed.collect())).into()
            }
        }
    }
}
