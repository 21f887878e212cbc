// Command ratio is a plugin that divides one query by another: busy by total, errors by requests. It
// does what the shipped plugin of the name does.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
)

// Config says which queries are divided, and how their series meet.
type Config struct {
	Numerator        string               `json:"numerator" default:"numerator" doc:"The name of the query above the line."`
	Denominator      string               `json:"denominator" default:"denominator" doc:"The name of the query below the line. A scalar divides every series."`
	Object           *plugin.ObjectSource `json:"object" doc:"The label with the object's name, or a fixed object. Left out for an external metric, whose series meet on equal labels."`
	Namespace        *string              `json:"namespace" doc:"The label with the object's namespace, namespace by default. Read only when one evaluation serves all namespaces."`
	Floor            *float64             `json:"floor" doc:"The least that is divided by: a smaller denominator counts as this."`
	Combine          plugin.Combine       `json:"combine" default:"fail" doc:"What to do when several series of one query meet one object."`
	WithoutNumerator string               `json:"withoutNumerator" enum:"omit,zero" default:"omit" doc:"What stands above the line where only the denominator has a series: nothing, or 0."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name:        "ratio",
	Version:     "0.1.0",
	Description: "One query divided by another, per object or as an external metric",
}, evaluate, plan)

func main() {}

func plan(c *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	return nil, plugin.Faults(
		context.ObjectFits(c.Object != nil),
		context.Instant(c.Numerator),
		context.Instant(c.Denominator),
		plugin.FaultAt(c.Floor == nil || *c.Floor > 0, "/floor", "must be a number above 0"),
		plugin.FaultAt(c.Numerator != c.Denominator, "/denominator", "is the same query as the numerator"),
	)
}

// part is a value of one query, and what it is for.
type part struct {
	target plugin.Target
	sample plugin.Sample
}

func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	measures := plugin.NewMeasures(in)
	above, err := in.Answer(c.Numerator)
	if err != nil {
		return nil, err
	}
	below, err := in.Answer(c.Denominator)
	if err != nil {
		return nil, err
	}
	if c.Object != nil {
		return measures, c.objects(measures, above, below)
	}
	return measures, c.items(measures, above, below)
}

func (c *Config) objects(measures *plugin.Measures, above, below *plugin.Answer) error {
	parts, err := plugin.ByObject(above, c.Object, c.Namespace, c.Combine)
	if err != nil {
		return err
	}
	if below.Kind() == plugin.Scalar {
		total, err := below.Scalar()
		for _, part := range parts {
			c.divide(plugin.Sample{Time: part.Time, Value: part.Value}, total, func(value float64) plugin.Measure {
				return part.Object.Measure(measures, value)
			})
		}
		return err
	}
	byObject := make(map[plugin.ObjectKey]plugin.Sample, len(parts))
	for _, part := range parts {
		byObject[part.Object] = plugin.Sample{Time: part.Time, Value: part.Value}
	}
	totals, err := plugin.ByObject(below, c.Object, c.Namespace, c.Combine)
	if err != nil {
		return err
	}
	for _, total := range totals {
		above, ok := byObject[total.Object]
		if above, ok = c.orZero(above, ok, total.Time); ok {
			sample := plugin.Sample{Time: total.Time, Value: total.Value}
			c.divide(above, sample, func(value float64) plugin.Measure {
				return total.Object.Measure(measures, value)
			})
		}
	}
	return nil
}

func (c *Config) items(measures *plugin.Measures, above, below *plugin.Answer) error {
	parts, err := partsOf(above)
	if err != nil {
		return err
	}
	totals, err := partsOf(below)
	if err != nil {
		return err
	}
	if below.Kind() == plugin.Scalar {
		for _, one := range parts {
			c.divide(one.sample, totals[0].sample, func(value float64) plugin.Measure {
				return one.target.Measure(measures, value)
			})
		}
		return nil
	}
	byLabels := make(map[string]plugin.Sample, len(parts))
	for _, one := range parts {
		byLabels[one.target.Key] = one.sample
	}
	for _, total := range totals {
		above, ok := byLabels[total.target.Key]
		if above, ok = c.orZero(above, ok, total.sample.Time); ok {
			c.divide(above, total.sample, func(value float64) plugin.Measure {
				return total.target.Measure(measures, value)
			})
		}
	}
	return nil
}

// partsOf are the samples of an answer, each with the labels that tell it from others.
func partsOf(a *plugin.Answer) ([]part, error) {
	if a.Kind() == plugin.Scalar {
		sample, err := a.Scalar()
		return []part{{plugin.NoLabels(a.Input()), sample}}, err
	}
	targets, err := plugin.NewTargets(a, nil, nil)
	if err != nil {
		return nil, err
	}
	series, err := a.Series()
	if err != nil {
		return nil, err
	}
	found := make([]part, 0, a.Len())
	for s := range series {
		if target, ok := targets.Of(s); ok {
			found = append(found, part{target, s.Sample()})
		}
	}
	return found, nil
}

func (c *Config) orZero(above plugin.Sample, ok bool, time int64) (plugin.Sample, bool) {
	if !ok && c.WithoutNumerator == "zero" {
		return plugin.Sample{Time: time}, true
	}
	return above, ok
}

// divide adds a quotient, unless there is nothing to divide by.
func (c *Config) divide(part, total plugin.Sample, add func(float64) plugin.Measure) {
	divisor := total.Value
	if c.Floor != nil && divisor < *c.Floor {
		divisor = *c.Floor
	}
	if divisor != 0 {
		add(part.Value / divisor).At(min(part.Time, total.Time))
	}
}
