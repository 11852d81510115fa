// Package correlate owns Sigma's correlations: it compiles them, and runs the
// matches of their base rules through windows of event time. It refuses to
// read events, to decide whether a base rule matches, and to keep more than
// its bounds allow: what it drops, it counts.
//
// The semantics, where the specification leaves them open, are decided in
// docs/correlations.md.
package correlate

import (
	"time"

	"borj.dev/borj/watch/sigma"
)

// Forever is an Options.Lateness that accepts events however late they come. It is
// for scans, which read one file after another whatever times they hold.
const Forever time.Duration = -1

// maxLateness bounds Options.Lateness: a year, like a timespan.
const maxLateness = 366 * 24 * time.Hour

// Options bound what a State keeps. A zero field takes its default.
type Options struct {
	// Lateness is how far behind the newest event of its group an event may
	// come and still count. 0 means each correlation's own timespan; Forever
	// removes the limit, and windows that need closing close at Flush.
	Lateness time.Duration
	Memory   int64 // bytes that a State holds, estimated; 256 MiB
	Groups   int   // groups of one correlation; 100,000
	Events   int   // events kept of one group, more where a threshold asks for more; 10,000
	Refs     int   // records that a Fired names; 100
}

func (o Options) withDefaults() Options {
	if o.Lateness < 0 {
		o.Lateness = Forever
	}
	o.Lateness = min(o.Lateness, maxLateness)
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Groups <= 0 {
		o.Groups = 100_000
	}
	if o.Events <= 0 {
		o.Events = 10_000
	}
	if o.Refs <= 0 {
		o.Refs = 100
	}
	return o
}

// Ref says which record an event was.
type Ref struct {
	Input  string // as the hit's source names it
	Record int64  // from 1
	Sensor string
}

// Event is one match of a base rule.
type Event struct {
	Rule    string // Key of the base rule
	Time    time.Time
	HasTime bool // without a time an event is counted and not correlated
	Ref     Ref
	// Values holds, at the place that each field has in Plan.Fields(Rule),
	// every value of that field in the record, decoded. State keeps copies.
	Values [][]string
}

// FieldValue is one group-by field and its value, as first seen.
type FieldValue struct{ Field, Value string }

// Fired is a correlation that found what it looks for.
type Fired struct {
	Correlation *sigma.Correlation
	Group       []FieldValue // in the order of group-by; nil without one
	Time        time.Time    // of the last event in the window
	First, Last time.Time
	Count       int      // events in the window
	Value       float64  // what the condition compared: a count, a sum …; for an expression, how many rules were seen
	AtLeast     bool     // the bounds made Count and Value lower limits
	Rules       []string // keys of the rules and correlations seen, in the order of Correlation.Rules
	Refs        []Ref    // by time, at most Options.Refs; base records, through chains
}

// Stats counts what a State did and holds.
type Stats struct {
	Events    int64 `json:"events"`    // taken in by Add
	Fired     int64 `json:"fired"`     // of all correlations, silent ones too
	Untimed   int64 `json:"untimed"`   // events without a usable time, not correlated
	Ungrouped int64 `json:"ungrouped"` // events without a group-by field, per correlation
	Valueless int64 `json:"valueless"` // events without the value or number asked for, per correlation
	Late      int64 `json:"late"`      // events that came too late, per group
	Overflow  int64 `json:"overflow"`  // events dropped because their group was full
	Evicted   int64 `json:"evicted"`   // groups dropped, still within their window, to keep the bounds
	Cut       int64 `json:"cut"`       // combinations of values or chained firings beyond the bounds

	Groups int   `json:"groups"` // held now
	Bytes  int64 `json:"bytes"`  // held now, estimated
}

// Key is the name by which events refer to a base rule: its id, or its name
// where it has no id, or "" (no correlation can refer to it).
func Key(r *sigma.Rule) string {
	if r.ID != "" {
		return r.ID
	}
	return r.Name
}

// CorrelationKey is the name of a correlation in Fired.Rules and to Restore:
// its id, else its name, else its title.
func CorrelationKey(c *sigma.Correlation) string {
	for _, s := range []string{c.ID, c.Name} {
		if s != "" {
			return s
		}
	}
	return c.Title
}

// Plan is a set of compiled correlations. It does not change, and is safe for
// concurrent use.
type Plan struct {
	options      Options
	correlations []*correlation // inner before outer
	sources      map[string]*source
	horizon      time.Duration
}

// source is what gives events: a base rule, or a correlation that others
// refer to.
type source struct {
	key    string
	fields []string // that an event of it must bring
	feeds  []feed
	shown  bool // one of the correlations it feeds says generate
}

// feed leads from a source to one correlation.
type feed struct {
	to    int    // index in Plan.correlations
	rule  uint16 // index in correlation.rules
	group []int  // indexes in source.fields, by group-by field
	value []int  // of the condition's fields
	carry []int  // of correlation.carried
}

// Len returns how many correlations compiled.
func (p *Plan) Len() int { return len(p.correlations) }

// Fields returns the fields that an event of the base rule must bring, as
// rules name them before a pipeline renames them. The caller must not change
// the slice. It is nil for a rule that no correlation refers to, and for one
// of which no field is needed: ask Uses.
func (p *Plan) Fields(rule string) []string {
	if s := p.sources[rule]; s != nil {
		return s.fields
	}
	return nil
}

// Uses tells whether a correlation refers to the base rule.
func (p *Plan) Uses(rule string) bool { return p.sources[rule] != nil }

// Silent tells whether a base rule gives no hits of its own, because
// correlations refer to it and none says generate.
func (p *Plan) Silent(rule string) bool {
	s := p.sources[rule]
	return s != nil && !s.shown
}

// Horizon is how far back of the newest event a stored base-rule match can
// still matter. A new State to which the firings of that time were given by
// Restore, and then, in their order, the matches by Add (whose firings were
// told before), fires from there on as the old one would have. Windows of
// conditions judged at their end are the exception: they may start elsewhere
// until a pause of a timespan.
func (p *Plan) Horizon() time.Duration { return p.horizon }
