package plugin

import "fmt"

// API is where a metric is served.
type API uint8

// The APIs.
const (
	// Custom metrics have a value for each object.
	Custom API = iota
	// External metrics have items with labels.
	External
)

// Context is the mapping that a configuration belongs to.
type Context struct {
	// API is where its metric is served.
	API API
	// ServedFor is the kind of objects of a custom metric, such as `pods`; empty if there is none.
	ServedFor string
	// Queries are the queries that the mapping has.
	Queries []OwnQuery
}

// Fault is something wrong in a configuration or the mapping around it, and where.
type Fault struct {
	// Path is a JSON pointer into the configuration (`/object/label`); empty for the whole of it, or
	// for the mapping.
	Path string
	// Message is what is wrong and what would be right.
	Message string
}

func (f Fault) String() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path + ": " + f.Message
}

// Error makes a fault an error, so that UnmarshalJSON can return one.
func (f Fault) Error() string { return f.String() }

// Faults collects what checks find: those that are nil found nothing.
func Faults(checks ...*Fault) []Fault {
	var found []Fault
	for _, fault := range checks {
		if fault != nil {
			found = append(found, *fault)
		}
	}
	return found
}

// FaultAt is a fault at a place of the configuration, unless the condition holds.
func FaultAt(ok bool, path, format string, values ...any) *Fault {
	if ok {
		return nil
	}
	return &Fault{path, fmt.Sprintf(format, values...)}
}

func faultf(path, format string, values ...any) *Fault {
	return FaultAt(false, path, format, values...)
}

// OnlyInstant is a fault unless the mapping has exactly one query, and it is no range query.
func (c *Context) OnlyInstant() *Fault {
	if len(c.Queries) != 1 {
		return faultf("", "this plugin works on one query, and the mapping has %d", len(c.Queries))
	}
	return c.Instant(c.Queries[0].Name)
}

// Instant is a fault unless the mapping has a query of this name, and it is no range query.
func (c *Context) Instant(name string) *Fault {
	var known []string
	for _, query := range c.Queries {
		if query.Name != name {
			known = append(known, quoted(query.Name))
			continue
		}
		return FaultAt(!query.Range, "",
			"this plugin takes no range query, which \"%s\" is; leave its `range` out", name)
	}
	return faultf("", "the mapping has no query \"%s\"; it has %s", name, listed(known, "none"))
}

// OnlyRange is a fault unless the mapping has exactly one query, and it is a range query.
func (c *Context) OnlyRange() *Fault {
	if len(c.Queries) != 1 {
		return faultf("", "this plugin works on one range query, and the mapping has %d queries", len(c.Queries))
	}
	return FaultAt(c.Queries[0].Range, "", "this plugin works on a range query, and \"%s\" is none; give it a "+
		"`range` with `duration` and `step`", c.Queries[0].Name)
}

// ObjectFits is a fault unless `object` is set exactly where the API serves objects. For plugins that
// can do either.
func (c *Context) ObjectFits(isSet bool) *Fault {
	switch {
	case c.API == Custom && !isSet:
		return faultf("", "the key \"object\" is missing: a custom metric has a value for each object")
	case c.API == External && isSet:
		return faultf("/object", "an external metric has items with labels and no objects; leave this out")
	default:
		return nil
	}
}

// ServedIn is a fault unless the metric is served in this API.
func (c *Context) ServedIn(api API) *Fault {
	what, instead := "custom metrics, which have objects", "external"
	if api == External {
		what, instead = "external metrics, which have none", "per-object"
	}
	return FaultAt(c.API == api, "", "this plugin makes values for %s; use %s", what, instead)
}
