//! A value by the clock: 10 on working days from 8 to 18, with ramps and without holidays.
//!
//! The only time that is known is the evaluation's, so a run can be repeated at any other time.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{Context, Failure, Fault, FixedObject, Input, Measure, Measures, Plan};

mod holiday;
mod schedule;
mod window;
mod zone;

#[cfg(test)]
mod tests;

use schedule::Schedule;

/// Windows in a time zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The time zone of all hours and days: `Europe/Berlin`, `UTC`, or a rule of POSIX such as
    /// `CET-1CEST,M3.5.0,M10.5.0/3`.
    time_zone: String,
    /// The object that has the value, or `all` of the metric's kind. Left out for an external metric.
    object: Option<Objects>,
    /// When which value holds. The largest holds where several do. At most 100.
    windows: Vec<WindowConfig>,
    /// Days that windows skip, or are for: `2026-12-25`, `12-25` of each year, `easter-2` (Good
    /// Friday), `easter+39`. At most 400.
    #[serde(default)]
    holidays: Vec<String>,
    /// The value when no window holds. Without it there is no value then.
    otherwise: Option<f64>,
}

/// Which objects have the value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", untagged)]
#[schemars(crate = "schemars")]
pub enum Objects {
    /// Each that exists.
    All(All),
    /// One.
    One(FixedObject),
}

/// Each object that exists.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum All {
    /// Each object that exists.
    All,
}

/// A value for some days and hours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub struct WindowConfig {
    /// The days on which it begins; every day if left out.
    #[serde(default)]
    days: Vec<Days>,
    /// When it begins: `08:00`.
    from: String,
    /// When it ends: `18:00`, at most `24:00`. On the next day if that is not after `from`.
    to: String,
    /// The value.
    value: f64,
    /// How long before `from` the value begins to rise from `otherwise`, in a straight line: `30m`.
    ramp_up: Option<String>,
    /// How long after `to` it has fallen to `otherwise`.
    ramp_down: Option<String>,
    /// The first and the last date on which it begins.
    dates: Option<Dates>,
    /// Whether it begins on a holiday.
    #[serde(default)]
    on_holidays: OnHolidays,
}

/// The first and the last of some dates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Dates {
    /// The first: `2026-11-27`.
    from: Option<String>,
    /// The last.
    to: Option<String>,
}

/// Days of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Days {
    /// Monday to Friday.
    Weekdays,
    /// Saturday and Sunday.
    Weekend,
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

/// Whether a window begins on a holiday.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum OnHolidays {
    /// It does not.
    #[default]
    Skip,
    /// It begins on holidays alone.
    Only,
    /// It begins as on other days.
    Run,
}

/// Whether a text names a time zone. The error says why it does not.
pub fn check_time_zone(text: &str) -> Result<(), String> {
    zone::zone(text).map(drop)
}

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let mut faults: Vec<_> = context.object_fits(config.object.is_some()).into_iter().collect();
    faults.extend(Schedule::new(config).err().unwrap_or_default());
    let plan = Plan::unless(faults.into_iter().map(Some))?;
    Ok(match &config.object {
        None | Some(Objects::One(FixedObject { namespace: Some(_), .. })) => plan,
        // In which namespaces an object of the name is has to be asked.
        Some(_) => plan.with_object_labels(Vec::<String>::new()),
    })
}

/// The value that holds now, for each object, or as the only item of an external metric.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let schedule = Schedule::new(config).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Failure::new(faults.join("; "))
    })?;
    let mut measures = Measures::new();
    let Some(value) = schedule.value(input.now()).map_err(Failure::new)? else {
        return Ok(measures);
    };
    let name = match &config.object {
        None => {
            measures.push(Measure::item(value));
            return Ok(measures);
        }
        Some(Objects::One(FixedObject { name, namespace: Some(namespace) })) => {
            measures.push(Measure::new(name, value).namespace(namespace));
            return Ok(measures);
        }
        Some(Objects::One(FixedObject { name, namespace: None })) => Some(name.as_str()),
        Some(Objects::All(_)) => None,
    };
    for object in input.objects() {
        if name.is_none_or(|name| object.name() == name) {
            let measure = Measure::new(object.name(), value);
            let namespace = object.namespace().into_iter();
            measures.push(namespace.fold(measure, |measure, name| measure.namespace(name)));
        }
    }
    Ok(measures)
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);
