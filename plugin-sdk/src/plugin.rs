//! A plugin as the adapter sees it: JSON configuration in, columns in, columns out.

use crate::bindings::leadsman::plugin::types;
use crate::input::Input;
use crate::measures::Measures;
use crate::plan::{Context, Failure, Fault, Plan};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

type Evaluate = Box<dyn Fn(&str, &Input) -> Result<Measures, Failure>>;
type Configure = Box<dyn Fn(&str, &Context) -> Result<Plan, Vec<Fault>>>;

/// The plugin that [`export!`](crate::export) makes of a function.
pub struct Plugin {
    name: &'static str,
    version: &'static str,
    about: &'static str,
    schema: fn() -> String,
    configure: Configure,
    evaluate: Evaluate,
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The crate's name.
    pub name: String,
    /// The crate's version.
    pub version: String,
    /// The crate's description.
    pub about: String,
    /// The JSON schema of the configuration.
    pub config_schema: String,
}

impl Plugin {
    #[doc(hidden)]
    pub fn new<C: DeserializeOwned + JsonSchema + 'static>(
        name: &'static str,
        version: &'static str,
        about: &'static str,
        evaluate: fn(&C, &Input) -> Result<Measures, Failure>,
    ) -> Self {
        Self {
            name,
            version,
            about,
            schema: || {
                let schema = schemars::schema_for!(C);
                serde_json::to_string(&schema).unwrap_or_default()
            },
            configure: Box::new(|config, _| match parse::<C>(config) {
                Ok(_) => Ok(Plan::default()),
                Err(fault) => Err(vec![fault]),
            }),
            evaluate: Box::new(move |config, input| {
                let config: C = parse(config).map_err(|fault| Failure::new(fault.to_string()))?;
                evaluate(&config, input)
            }),
        }
    }

    #[doc(hidden)]
    pub fn with_plan<C: DeserializeOwned + JsonSchema + 'static>(
        mut self,
        plan: fn(&C, &Context) -> Result<Plan, Vec<Fault>>,
    ) -> Self {
        self.configure = Box::new(move |config, context| match parse::<C>(config) {
            Ok(config) => plan(&config, context),
            Err(fault) => Err(vec![fault]),
        });
        self
    }

    /// What the plugin says of itself.
    pub fn description(&self) -> Description {
        Description {
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            about: self.about.to_owned(),
            config_schema: (self.schema)(),
        }
    }

    /// Checks a configuration, given as JSON, with the mapping around it.
    pub fn plan(&self, config: &str, context: &Context) -> Result<Plan, Vec<Fault>> {
        (self.configure)(config, context)
    }

    /// Evaluates natively, without a sandbox.
    pub fn run(&self, config: &str, input: &Input) -> Result<Measures, Failure> {
        (self.evaluate)(config, input)
    }

    #[doc(hidden)]
    pub fn describe(&self) -> types::Description {
        let Description { name, version, about, config_schema } = self.description();
        types::Description { name, version, about, config_schema }
    }

    #[doc(hidden)]
    pub fn configure(
        &self,
        config: &str,
        context: types::Context,
    ) -> Result<types::Plan, Vec<types::Fault>> {
        self.plan(config, &Context::from_raw(context)).map(Plan::into_raw).map_err(|faults| {
            let raw = |Fault { path, message }| types::Fault { path, message };
            faults.into_iter().map(raw).collect()
        })
    }

    #[doc(hidden)]
    pub fn evaluate(
        &self,
        config: &str,
        input: types::Input,
    ) -> Result<types::Measures, types::Failure> {
        let input = Input::from_raw(input);
        match self.run(config, &input) {
            Ok(measures) => Ok(measures.into_raw(input.dictionary.len(), input.now())),
            Err(failure) => Err(failure.into_raw()),
        }
    }
}

fn parse<C: DeserializeOwned>(config: &str) -> Result<C, Fault> {
    let mut json = serde_json::Deserializer::from_str(config);
    serde_path_to_error::deserialize(&mut json).map_err(|error| Fault {
        path: pointer(error.path()),
        // The place is a line of JSON that the author of the configuration never sees.
        message: match error.inner().to_string().split_once(" at line ") {
            Some((message, _)) => message.to_owned(),
            None => error.inner().to_string(),
        },
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}
